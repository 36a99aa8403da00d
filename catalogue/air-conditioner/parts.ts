/** Parts of the air conditioner. Numbers are placeholders of the domain catalogue (6.0); an importer maps them to a maker's numbers. */
import type { Part } from '../appliance-type.ts'

export const parts: readonly Part[] = [
  { part: 'P-AC-001', name: { en: 'Flare and service valve kit', 'zh-CN': '喇叭口与截止阀套件' } },
  { part: 'P-AC-002', name: { en: 'Refrigerant charge', 'zh-CN': '制冷剂充注' } },
  { part: 'P-AC-003', name: { en: 'Indoor coil', 'zh-CN': '室内盘管' } },
  { part: 'P-AC-010', name: { en: 'Outdoor fan blade and guard', 'zh-CN': '室外风叶与网罩' } },
  { part: 'P-AC-020', name: { en: 'Air filter', 'zh-CN': '空气滤网' } },
  { part: 'P-AC-030', name: { en: 'Start and run capacitor', 'zh-CN': '启动运行电容' } },
  { part: 'P-AC-031', name: { en: 'Outdoor fan motor', 'zh-CN': '室外风机电机' } },
  { part: 'P-AC-040', name: { en: 'Expansion valve body and coil', 'zh-CN': '电子膨胀阀及线圈' } },
  { part: 'P-AC-041', name: { en: 'Filter drier', 'zh-CN': '干燥过滤器' } },
  { part: 'P-AC-050', name: { en: 'Reversing valve', 'zh-CN': '四通阀' } },
  { part: 'P-AC-051', name: { en: 'Compressor', 'zh-CN': '压缩机' } },
  { part: 'P-AC-060', name: { en: 'Thermistor set', 'zh-CN': '温度传感器套件' } },
  { part: 'P-AC-070', name: { en: 'Condensate pump', 'zh-CN': '冷凝水泵' } },
  { part: 'P-AC-071', name: { en: 'Condensate hose', 'zh-CN': '冷凝水管' } },
]
