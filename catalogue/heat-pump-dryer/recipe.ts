/** Features of the dryer over windows of three days with one drying at least; load, room and mains drive it. */
import type { Recipe } from '../appliance-type.ts'
import { driving, raw, response, words } from '../blocks/makers.ts'

const HOUR_MS = 3_600_000

export const recipe: Recipe = {
  version: 1,
  windowMs: 72 * HOUR_MS,
  allowedLatenessMs: HOUR_MS,
  running: { channel: 'cycle_is_on', above: 0.5 },
  idleSettleMs: HOUR_MS,
  runningReadings_MIN: 10,
  records_MIN: { channel: 'cycle_energy_wh', count: 1 },
  settleMs: 10 * 60_000,
  steady: [],
  features: [
    driving('ambient_temperature_c', { mean: 'ambient_temperature_c' }, words('Room air while drying', '烘干时环境温度')),
    driving('load_kg', { recordMean: 'load_kg' }, words('Dry load', '衣物量')),
    driving('mains_voltage_v', { mean: 'mains_voltage_v' }, words('Mains voltage', '电源电压')),
    response('drying_speed_ratio', { recordRatio: ['condensate_l', 'cycle_duration_s'] }, words('Water a second', '除水速度')),
    response('cycle_energy_wh', { recordMean: 'cycle_energy_wh' }, words('Energy of a drying', '单次耗电')),
    response(
      'air_rise_k',
      { difference: ['drum_inlet_temperature_c', 'drum_outlet_temperature_c'] },
      words('Air into over air out of the drum', '进出风温差'),
    ),
    response('compressor_current_a', { mean: 'compressor_current_a' }, words('Compressor current', '压缩机电流')),
    raw('tank_full_ratio', { shareAbove: ['tank_is_full', 0.5] }, words('Share of time with a full tank', '水满占比')),
    raw('cycle_count', { recordCount: 'cycle_energy_wh' }, words('Dryings', '烘干次数')),
  ],
}
