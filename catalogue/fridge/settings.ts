/** What may be set from afar on a fridge; ranges are those of usual fridges (engineering judgement). */
import type { Setting } from '../appliance-type.ts'

export const settings: readonly Setting[] = [
  {
    name: 'fresh_set_point_temperature_c',
    unit: 'c',
    kind: 'number',
    min: 1,
    max: 9,
    description: { en: 'Temperature of the fresh food', 'zh-CN': '冷藏温度' },
  },
  {
    name: 'freezer_set_point_temperature_c',
    unit: 'c',
    kind: 'number',
    min: -26,
    max: -14,
    description: { en: 'Temperature of the freezer', 'zh-CN': '冷冻温度' },
  },
  { name: 'is_fast_freezing', unit: 'none', kind: 'boolean', description: { en: 'Freezes fast', 'zh-CN': '速冻' } },
  { name: 'is_on_holiday', unit: 'none', kind: 'boolean', description: { en: 'Nobody opens it for days', 'zh-CN': '假日模式' } },
]
