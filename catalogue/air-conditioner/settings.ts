/** What may be set from afar on a split air conditioner; ranges are those of the usual remote control (engineering judgement). */
import type { Setting } from '../appliance-type.ts'

export const settings: readonly Setting[] = [
  { name: 'is_on', unit: 'none', kind: 'boolean', description: { en: 'Switched on', 'zh-CN': '开机' } },
  {
    name: 'mode',
    unit: 'none',
    kind: 'choice',
    choices: ['auto', 'cool', 'heat', 'dry', 'fan'],
    description: { en: 'Way of running', 'zh-CN': '运行模式' },
  },
  {
    name: 'set_point_temperature_c',
    unit: 'c',
    kind: 'number',
    min: 16,
    max: 32,
    description: { en: 'Room temperature that is wanted', 'zh-CN': '设定温度' },
  },
  {
    name: 'fan_level',
    unit: 'none',
    kind: 'choice',
    choices: ['auto', 'low', 'medium', 'high'],
    description: { en: 'Speed of the indoor fan', 'zh-CN': '室内风速' },
  },
  { name: 'is_swinging', unit: 'none', kind: 'boolean', description: { en: 'Louvre swings', 'zh-CN': '摆风' } },
  { name: 'is_quiet', unit: 'none', kind: 'boolean', description: { en: 'Quiet running', 'zh-CN': '静音' } },
  {
    name: 'compressor_limit_hz',
    unit: 'hz',
    kind: 'number',
    min: 20,
    max: 120,
    description: { en: 'Highest frequency of the compressor, to spare it until the visit', 'zh-CN': '压缩机频率上限' },
  },
]
