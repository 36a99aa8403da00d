/** Parts of the fridge. Numbers are placeholders of the domain catalogue (6.0); an importer maps them to a maker's numbers. */
import type { Part } from '../appliance-type.ts'

export const parts: readonly Part[] = [
  { part: 'P-FR-001', name: { en: 'Drier and refrigerant charge', 'zh-CN': '干燥过滤器与制冷剂' } },
  { part: 'P-FR-002', name: { en: 'Evaporator', 'zh-CN': '蒸发器' } },
  { part: 'P-FR-010', name: { en: 'Defrost heater', 'zh-CN': '化霜加热器' } },
  { part: 'P-FR-011', name: { en: 'Defrost thermostat and fuse', 'zh-CN': '化霜温控器与熔断器' } },
  { part: 'P-FR-020', name: { en: 'Door gasket', 'zh-CN': '门封条' } },
  { part: 'P-FR-030', name: { en: 'Condenser fan', 'zh-CN': '冷凝风机' } },
  { part: 'P-FR-040', name: { en: 'Evaporator fan', 'zh-CN': '蒸发风机' } },
  { part: 'P-FR-050', name: { en: 'Damper', 'zh-CN': '风门' } },
  { part: 'P-FR-060', name: { en: 'Start relay or PTC', 'zh-CN': '启动继电器/PTC' } },
  { part: 'P-FR-061', name: { en: 'Inverter board', 'zh-CN': '变频板' } },
  { part: 'P-FR-070', name: { en: 'Thermistor', 'zh-CN': '温度传感器' } },
]
