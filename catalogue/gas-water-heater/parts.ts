/** Parts of the gas water heater. Numbers are placeholders of the domain catalogue (6.0); an importer maps them to a maker's numbers. */
import type { Part } from '../appliance-type.ts'

export const parts: readonly Part[] = [
  { part: 'P-GW-001', name: { en: 'Ignition electrode', 'zh-CN': '点火电极' } },
  { part: 'P-GW-002', name: { en: 'Igniter', 'zh-CN': '点火器' } },
  { part: 'P-GW-010', name: { en: 'Flame rod', 'zh-CN': '火焰感应针' } },
  { part: 'P-GW-020', name: { en: 'Flue kit', 'zh-CN': '烟道套件' } },
  { part: 'P-GW-030', name: { en: 'Descaling kit', 'zh-CN': '除垢套件' } },
  { part: 'P-GW-031', name: { en: 'Heat exchanger', 'zh-CN': '热交换器' } },
  { part: 'P-GW-040', name: { en: 'Proportional gas valve', 'zh-CN': '燃气比例阀' } },
  { part: 'P-GW-050', name: { en: 'Combustion fan', 'zh-CN': '风机' } },
  { part: 'P-GW-060', name: { en: 'Flow sensor and screen', 'zh-CN': '水流传感器与滤网' } },
  { part: 'P-GW-070', name: { en: 'Main gas valve', 'zh-CN': '燃气总阀' } },
  { part: 'P-GW-071', name: { en: 'Gas seals', 'zh-CN': '燃气密封件' } },
  { part: 'P-GW-080', name: { en: 'Pair of thermistors', 'zh-CN': '温度传感器一对' } },
]
