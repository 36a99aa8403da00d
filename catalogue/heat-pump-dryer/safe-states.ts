/** What the appliance does to be safe, by danger. The appliance's own protection comes first; this repeats it from afar and makes it last. */
import { words } from '../blocks/makers.ts'
import type { SafeState } from '../safe-state.ts'

export const safeStates: readonly SafeState[] = [
  {
    of: ['XX-01'],
    hazard: 'fire_or_shock',
    actions: ['stop_compressor', 'stop_heater', 'cut_power_relay'],
    text: words('The dryer is off and its power relay open', '停机并断开电源继电器'),
  },
  {
    of: ['DR-01'],
    hazard: 'fire_or_shock',
    actions: ['stop_compressor', 'stop_heater', 'run_fan', 'keep_door_locked'],
    text: words('No heat; the fan cools the drum behind the closed door', '停止加热，关门吹冷风降温'),
  },
]
