/** What the appliance does to be safe, by danger. The appliance's own protection comes first; this repeats it from afar and makes it last. */
import { words } from '../blocks/makers.ts'
import type { SafeState } from '../safe-state.ts'

export const safeStates: readonly SafeState[] = [
  {
    of: ['GW-08'],
    hazard: 'gas',
    actions: ['close_gas_valve', 'stop_heater', 'no_ignition'],
    text: words('The gas valve is closed; nothing is ignited or switched', '关闭燃气阀，禁止点火和开关动作'),
  },
  {
    of: ['GW-03'],
    hazard: 'carbon_monoxide',
    actions: ['close_gas_valve', 'stop_heater', 'run_exhaust_fan'],
    text: words('The gas valve is closed and the fan draws the exhaust out', '关闭燃气阀，风机持续排烟'),
  },
  {
    of: ['GW-09', 'GW-04'],
    hazard: 'scald',
    actions: ['stop_heater', 'close_gas_valve'],
    text: words('The burner is off; water still runs', '停止加热，水仍可流出'),
  },
  {
    of: ['XX-01'],
    hazard: 'fire_or_shock',
    actions: ['close_gas_valve', 'stop_heater', 'cut_power_relay'],
    text: words('The heater is off and its power relay open', '停机并断开电源继电器'),
  },
]
