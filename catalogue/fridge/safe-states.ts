/** What the appliance does to be safe, by danger. The appliance's own protection comes first; this repeats it from afar and makes it last. */
import { words } from '../blocks/makers.ts'
import type { SafeState } from '../safe-state.ts'

export const safeStates: readonly SafeState[] = [
  {
    of: ['XX-01'],
    hazard: 'fire_or_shock',
    actions: ['stop_compressor', 'stop_defrost_heater', 'cut_power_relay'],
    text: words('Compressor and heaters are off', '压缩机与加热器停止'),
  },
  {
    of: ['FR-R03'],
    hazard: 'water',
    actions: ['close_water_valve', 'stop_defrost_heater'],
    text: words('The water valve of the ice maker is closed; cooling goes on', '关闭制冰机水阀，继续制冷'),
  },
]
