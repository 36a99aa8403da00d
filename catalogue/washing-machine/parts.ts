/** Parts of the washing machine. Numbers are placeholders of the domain catalogue (6.0); an importer maps them to a maker's numbers. */
import type { Part } from '../appliance-type.ts'

export const parts: readonly Part[] = [
  { part: 'P-WM-001', name: { en: 'Drain hose', 'zh-CN': '排水管' } },
  { part: 'P-WM-010', name: { en: 'Drain pump', 'zh-CN': '排水泵' } },
  { part: 'P-WM-020', name: { en: 'Bearing and seal kit', 'zh-CN': '轴承与油封套件' } },
  { part: 'P-WM-030', name: { en: 'Inlet valve', 'zh-CN': '进水阀' } },
  { part: 'P-WM-040', name: { en: 'Heater', 'zh-CN': '加热管' } },
  { part: 'P-WM-041', name: { en: 'Thermistor (NTC)', 'zh-CN': '温度传感器' } },
  { part: 'P-WM-050', name: { en: 'Dampers and springs', 'zh-CN': '减震器与吊簧' } },
  { part: 'P-WM-060', name: { en: 'Door lock', 'zh-CN': '门锁' } },
  { part: 'P-WM-070', name: { en: 'Hose set', 'zh-CN': '水管套件' } },
  { part: 'P-WM-071', name: { en: 'Door boot', 'zh-CN': '门密封圈' } },
]
