/**
 * Features of the fridge in windows of 6 hours: rooms, set points and doors drive it, the rest answers. Records of defrosts and starts
 * are not in each window; several windows are averaged before a diagnosis, so that they are seen.
 */
import type { FeatureDefinition, Recipe } from '../appliance-type.ts'
import { driving, raw, response, words } from '../blocks/makers.ts'

const HOUR_MS = 3_600_000

const features: readonly FeatureDefinition[] = [
  driving('ambient_temperature_c', { overallMean: 'ambient_temperature_c' }, words('Room air', '环境温度')),
  driving('ambient_humidity_pct', { overallMean: 'ambient_humidity_pct' }, words('Humidity of the room', '环境湿度')),
  driving('fresh_set_point_temperature_c', { overallMean: 'fresh_set_point_temperature_c' }, words('Fresh set point', '冷藏设定')),
  driving('freezer_set_point_temperature_c', { overallMean: 'freezer_set_point_temperature_c' }, words('Freezer set point', '冷冻设定')),
  driving('fresh_door_open_s', { recordSum: 'fresh_door_open_s' }, words('Time of the fresh door open', '冷藏门开启总时长')),
  driving('freezer_door_open_s', { recordSum: 'freezer_door_open_s' }, words('Time of the freezer door open', '冷冻门开启总时长')),
  driving('compressor_frequency_hz', { mean: 'compressor_frequency_hz' }, words('Compressor frequency', '压缩机频率')),
  driving('mains_voltage_v', { overallMean: 'mains_voltage_v' }, words('Mains voltage', '电源电压')),

  response('running_ratio', { shareAbove: ['compressor_frequency_hz', 0.5] }, words('Share of time running', '运行时间占比')),
  response('power_w', { mean: 'power_w' }, words('Power while running', '运行功率')),
  response('compressor_current_a', { mean: 'compressor_current_a' }, words('Compressor current', '压缩机电流')),
  response(
    'fresh_over_set_point_k',
    { overallDifference: ['fresh_temperature_c', 'fresh_set_point_temperature_c'] },
    words('Fresh food over its set point', '冷藏超设定'),
  ),
  response(
    'freezer_over_set_point_k',
    { overallDifference: ['freezer_temperature_c', 'freezer_set_point_temperature_c'] },
    words('Freezer over its set point', '冷冻超设定'),
  ),
  response('fresh_deviation_k', { standardDeviation: 'fresh_temperature_c' }, words('Swing of the fresh temperature', '冷藏温度波动')),
  response(
    'evaporator_below_freezer_k',
    { difference: ['freezer_temperature_c', 'evaporator_temperature_c'] },
    words('Evaporator below the freezer', '蒸发器低于冷冻室'),
  ),
  response(
    'evaporator_spread_k',
    { difference: ['evaporator_outlet_temperature_c', 'evaporator_temperature_c'] },
    words('Outlet over inlet of the evaporator', '蒸发器进出口温差'),
  ),
  response(
    'condenser_over_ambient_k',
    { difference: ['condenser_temperature_c', 'ambient_temperature_c'] },
    words('Condenser over room air', '冷凝器高于环境'),
  ),
  response(
    'evaporator_fan_speed_ratio',
    { ratio: ['evaporator_fan_rpm', 'evaporator_fan_duty_pct'] },
    words('Evaporator fan: speed per duty', '蒸发风机转速比'),
  ),
  response('evaporator_fan_current_ma', { mean: 'evaporator_fan_current_ma' }, words('Current of the evaporator fan', '蒸发风机电流')),
  response(
    'condenser_fan_speed_ratio',
    { ratio: ['condenser_fan_rpm', 'condenser_fan_duty_pct'] },
    words('Condenser fan: speed per duty', '冷凝风机转速比'),
  ),
  response('damper_opening_pct', { overallMean: 'damper_opening_pct' }, words('Commanded opening of the damper', '风门开度指令')),
  response(
    'board_over_ambient_k',
    { difference: ['board_temperature_c', 'ambient_temperature_c'] },
    words('Power terminal over room air', '端子温升'),
  ),

  raw('defrost_count', { recordCount: 'defrost_duration_s' }, words('Defrosts', '化霜次数')),
  raw('defrost_duration_s', { recordMean: 'defrost_duration_s' }, words('Duration of the defrosts', '化霜时长')),
  raw('defrost_heater_current_a', { recordMean: 'defrost_heater_current_a' }, words('Current of the defrost heater', '化霜加热电流')),
  raw('defrost_end_temperature_c', { recordMean: 'defrost_end_temperature_c' }, words('Temperature at which defrosts ended', '化霜结束温度')),
  raw('defrost_melt_temperature_c', { recordMean: 'defrost_melt_temperature_c' }, words('Temperature while frost melts', '融霜平台温度')),
  raw('start_count', { recordCount: 'start_duration_ms' }, words('Starts of the compressor', '启动次数')),
  raw('start_duration_ms', { recordMean: 'start_duration_ms' }, words('Duration of the starts', '启动时间')),
  raw('start_attempts_count', { recordMean: 'start_attempts_count' }, words('Attempts of a start', '启动尝试次数')),
]

export const recipe: Recipe = {
  version: 1,
  windowMs: 6 * HOUR_MS,
  allowedLatenessMs: HOUR_MS,
  running: { channel: 'compressor_frequency_hz', above: 0.5 },
  idleSettleMs: HOUR_MS,
  runningReadings_MIN: 6,
  settleMs: 5 * 60_000,
  steady: [{ channel: 'ambient_temperature_c', standardDeviation_MAX: 4 }],
  features,
  unitDrivers: ['ambient_temperature_c', 'compressor_frequency_hz'],
}
