/** What the appliance does to be safe, by danger. The appliance's own protection comes first; this repeats it from afar and makes it last. */
import { words } from '../blocks/makers.ts'
import type { SafeState } from '../safe-state.ts'

export const safeStates: readonly SafeState[] = [
  {
    of: ['XX-01', 'WM-05'],
    hazard: 'fire_or_shock',
    actions: ['stop_heater', 'stop_motor', 'cut_power_relay'],
    text: words('The machine is off and its power relay open', '停机并断开电源继电器'),
  },
  {
    of: ['WM-08', 'WM-04'],
    hazard: 'water',
    actions: ['close_inlet_valve', 'stop_heater', 'run_drain_pump'],
    text: words('The inlet valve is closed and the water pumped out', '关闭进水阀并排水'),
  },
]
