/** What may be set from afar on a washing machine; a cycle is started at the machine (engineering judgement). */
import type { Setting } from '../appliance-type.ts'

export const settings: readonly Setting[] = [
  { name: 'is_child_locked', unit: 'none', kind: 'boolean', description: { en: 'Keys are locked', 'zh-CN': '童锁' } },
  {
    name: 'spin_limit_rpm',
    unit: 'rpm',
    kind: 'number',
    min: 400,
    max: 1600,
    description: { en: 'Highest speed of the spin, to spare a worn bearing until the visit', 'zh-CN': '脱水转速上限' },
  },
]
