/** What may be set from afar on a gas water heater; never above 50 °C, which scalds within minutes (engineering judgement). */
import type { Setting } from '../appliance-type.ts'

export const settings: readonly Setting[] = [
  { name: 'is_on', unit: 'none', kind: 'boolean', description: { en: 'Switched on', 'zh-CN': '开机' } },
  { name: 'set_point_temperature_c', unit: 'c', kind: 'number', min: 35, max: 50, description: { en: 'Outlet temperature', 'zh-CN': '出水温度' } },
  {
    name: 'is_child_locked',
    unit: 'none',
    kind: 'boolean',
    description: { en: 'The temperature cannot be raised at the appliance', 'zh-CN': '童锁' },
  },
]
