/** What the appliance does to be safe, by danger. The appliance's own protection comes first; this repeats it from afar and makes it last. */
import { words } from '../blocks/makers.ts'
import type { SafeState } from '../safe-state.ts'

export const safeStates: readonly SafeState[] = [
  {
    of: ['XX-01'],
    hazard: 'fire_or_shock',
    actions: ['stop_compressor', 'stop_fans', 'cut_power_relay'],
    text: words('The unit is off and its power relay open', '停机并断开电源继电器'),
  },
  {
    of: ['AC-08'],
    hazard: 'water',
    actions: ['stop_cooling', 'run_drain_pump'],
    text: words('Cooling is stopped; the drain pump runs', '停止制冷，排水泵运行'),
  },
]
