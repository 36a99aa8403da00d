/**
 * Features of the washing machine: records of phases over windows of a day, which must hold one whole cycle at least. Program, load
 * and unbalance drive it. The pressure of the town's water is not known: a slow fill alone does not tell a clogged screen from a weak tap.
 */
import type { FeatureDefinition, Recipe } from '../appliance-type.ts'
import { driving, raw, response, words } from '../blocks/makers.ts'

const HOUR_MS = 3_600_000
const mean = (name: string) => ({ recordMean: name })

const features: readonly FeatureDefinition[] = [
  driving('program_temperature_c', mean('program_temperature_c'), words('Temperature of the programs', '程序温度')),
  driving('load_kg', mean('load_kg'), words('Load', '洗涤量')),
  driving('unbalance_kg', mean('unbalance_kg'), words('Unbalance before the spin', '偏心质量')),
  driving('spin_speed_rpm', mean('spin_speed_rpm'), words('Speed of the spins', '脱水转速')),
  driving('fill_volume_l', mean('fill_volume_l'), words('Water a fill', '单次进水量')),
  driving('mains_voltage_v', { mean: 'mains_voltage_v' }, words('Mains voltage', '电源电压')),

  response('fill_speed_ratio', { recordRatio: ['fill_volume_l', 'fill_duration_s'] }, words('Litres a second of a fill', '进水速度')),
  response('heat_rate_k_per_min', mean('heat_rate_k_per_min'), words('Rise of the water temperature', '升温速率')),
  response('heat_power_w', mean('heat_power_w'), words('Power of the heater', '加热功率')),
  response('drain_duration_s', mean('drain_duration_s'), words('Duration of the drains', '排水时长')),
  response('drain_residual_kpa', mean('drain_residual_kpa'), words('Level after the drains', '排水残余水位')),
  response('drain_current_a', mean('drain_current_a'), words('Current of the drain pump', '排水泵电流')),
  response('drain_current_ripple_a', mean('drain_current_ripple_a'), words('Ripple of the current of the drain pump', '排水电流波动')),
  response('ramp_vibration_m_s2', mean('ramp_vibration_m_s2'), words('Vibration at low speed', '低速振动')),
  response('spin_vibration_m_s2', mean('spin_vibration_m_s2'), words('Vibration at full speed', '高速振动')),
  response('bearing_vibration_m_s2', mean('bearing_vibration_m_s2'), words('Vibration in the band of the bearing', '轴承频带振动')),
  response('spin_current_a', mean('spin_current_a'), words('Motor current at constant speed', '恒速电机电流')),
  response('coast_down_s', mean('coast_down_s'), words('Time to coast down', '惯性停转时间')),
  response('unbalance_retries_count', mean('unbalance_retries_count'), words('Spins broken off for unbalance', '偏心重试')),
  response('cycle_energy_wh', mean('cycle_energy_wh'), words('Energy of a cycle', '单次耗电')),

  raw('drain_attempts_count', mean('drain_attempts_count'), words('Attempts of a drain', '排水尝试次数')),
  raw('lock_duration_ms', mean('lock_duration_ms'), words('Time to lock the door', '锁门时间')),
  raw('lock_attempts_count', mean('lock_attempts_count'), words('Attempts of the lock', '锁门尝试次数')),
  raw('refill_count', mean('refill_count'), words('Refills of a cycle', '补水次数')),
  raw('level_drift_kpa', mean('level_drift_kpa'), words('Drift of the level with valves closed', '静置水位变化')),
  raw('cycle_count', { recordCount: 'cycle_energy_wh' }, words('Cycles', '洗涤次数')),
  raw('board_over_ambient_k', { difference: ['board_temperature_c', 'ambient_temperature_c'] }, words('Power terminal over room air', '端子温升')),
]

export const recipe: Recipe = {
  version: 2,
  windowMs: 24 * HOUR_MS,
  allowedLatenessMs: HOUR_MS,
  running: { channel: 'cycle_is_on', above: 0.5 },
  idleSettleMs: HOUR_MS,
  runningReadings_MIN: 1,
  records_MIN: { channel: 'cycle_energy_wh', count: 1 },
  settleMs: 0,
  steady: [],
  features,
  unitDrivers: ['load_kg', 'program_temperature_c'],
}
