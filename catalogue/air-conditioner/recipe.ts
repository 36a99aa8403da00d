/**
 * Features of the air conditioner: what drives the plant (inputs of the no-fault reference), what answers (residuals), and what goes
 * in as it is. After the seven features of NIST SP 1087 [L1, L2], widened by valve position, frequency and off-cycle equality because
 * inverter controls hide faults in them [L13]. Signs and indoor/outdoor coil are those of cooling.
 */

import { unitOfName } from '#kernel/units.ts'
import type { FeatureDefinition, Recipe, Text } from '../appliance-type.ts'

const HOUR_MS = 3_600_000

type Derive = FeatureDefinition['derive']

const feature =
  (role: FeatureDefinition['role']) =>
  (name: string, derive: Derive, description: Text): FeatureDefinition => ({ name, unit: unitOfName(name), derive, role, description })
const driving = feature('driving')
const response = feature('response')
const raw = feature('raw')

const features: readonly FeatureDefinition[] = [
  driving('outdoor_temperature_c', { mean: 'outdoor_temperature_c' }, { en: 'Outdoor air', 'zh-CN': '室外温度' }),
  driving('return_air_temperature_c', { mean: 'return_air_temperature_c' }, { en: 'Air into the indoor coil', 'zh-CN': '回风温度' }),
  driving('room_humidity_pct', { mean: 'room_humidity_pct' }, { en: 'Humidity of the room', 'zh-CN': '室内湿度' }),
  driving('compressor_frequency_hz', { mean: 'compressor_frequency_hz' }, { en: 'Compressor frequency', 'zh-CN': '压缩机频率' }),
  driving('indoor_fan_duty_pct', { mean: 'indoor_fan_duty_pct' }, { en: 'Duty of the indoor fan', 'zh-CN': '室内风机占空比' }),
  driving('outdoor_fan_duty_pct', { mean: 'outdoor_fan_duty_pct' }, { en: 'Duty of the outdoor fan', 'zh-CN': '室外风机占空比' }),
  driving('mains_voltage_v', { mean: 'mains_voltage_v' }, { en: 'Mains voltage', 'zh-CN': '电源电压' }),

  response('superheat_k', { difference: ['suction_temperature_c', 'indoor_coil_temperature_c'] }, { en: 'Superheat', 'zh-CN': '过热度' }),
  response('subcooling_k', { difference: ['outdoor_coil_temperature_c', 'liquid_temperature_c'] }, { en: 'Subcooling', 'zh-CN': '过冷度' }),
  response('discharge_temperature_c', { mean: 'discharge_temperature_c' }, { en: 'Discharge temperature', 'zh-CN': '排气温度' }),
  response(
    'compression_lift_k',
    { difference: ['discharge_temperature_c', 'suction_temperature_c'] },
    { en: 'Discharge minus suction', 'zh-CN': '排吸气温差' },
  ),
  response(
    'condensing_over_outdoor_k',
    { difference: ['outdoor_coil_temperature_c', 'outdoor_temperature_c'] },
    { en: 'Condensing over outdoor temperature', 'zh-CN': '冷凝温差' },
  ),
  response(
    'evaporating_below_return_k',
    { difference: ['return_air_temperature_c', 'indoor_coil_temperature_c'] },
    { en: 'Evaporating below return air temperature', 'zh-CN': '蒸发温差' },
  ),
  response(
    'air_difference_k',
    { difference: ['return_air_temperature_c', 'supply_air_temperature_c'] },
    { en: 'Return minus supply air', 'zh-CN': '进出风温差' },
  ),
  response(
    'discharge_over_condensing_k',
    { difference: ['discharge_temperature_c', 'outdoor_coil_temperature_c'] },
    { en: 'Discharge over condensing temperature', 'zh-CN': '排气过热度' },
  ),
  response(
    'liquid_over_outdoor_k',
    { difference: ['liquid_temperature_c', 'outdoor_temperature_c'] },
    { en: 'Liquid pipe over outdoor air', 'zh-CN': '液管与室外温差' },
  ),
  response(
    'supply_over_coil_k',
    { difference: ['supply_air_temperature_c', 'indoor_coil_temperature_c'] },
    { en: 'Supply air over indoor coil', 'zh-CN': '出风与盘管温差' },
  ),
  response('compressor_current_a', { mean: 'compressor_current_a' }, { en: 'Compressor current', 'zh-CN': '压缩机电流' }),
  response('power_w', { mean: 'power_w' }, { en: 'Power', 'zh-CN': '功率' }),
  response('eev_opening_steps', { mean: 'eev_opening_steps' }, { en: 'Opening of the expansion valve', 'zh-CN': '膨胀阀开度' }),
  response('widest_opening_steps', { maximum: 'eev_opening_steps' }, { en: 'Widest opening of the expansion valve', 'zh-CN': '膨胀阀最大开度' }),
  response(
    'indoor_fan_speed_ratio',
    { ratio: ['indoor_fan_rpm', 'indoor_fan_duty_pct'] },
    { en: 'Speed per duty of the indoor fan', 'zh-CN': '室内风机转速比' },
  ),
  response(
    'outdoor_fan_speed_ratio',
    { ratio: ['outdoor_fan_rpm', 'outdoor_fan_duty_pct'] },
    { en: 'Speed per duty of the outdoor fan', 'zh-CN': '室外风机转速比' },
  ),
  response(
    'board_over_outdoor_k',
    { difference: ['board_temperature_c', 'outdoor_temperature_c'] },
    { en: 'Power terminal over outdoor temperature', 'zh-CN': '端子温升' },
  ),

  raw('start_duration_ms', { recordMean: 'start_duration_ms' }, { en: 'Duration of the starts', 'zh-CN': '启动时间' }),
  raw('start_peak_current_a', { recordMean: 'start_peak_current_a' }, { en: 'Peak current of the starts', 'zh-CN': '启动峰值电流' }),
  raw('running_ratio', { shareAbove: ['compressor_frequency_hz', 0.5] }, { en: 'Share of time running', 'zh-CN': '运行时间占比' }),
  raw('float_closed_ratio', { shareAbove: ['condensate_float_is_closed', 0.5] }, { en: 'Share of time with full tray', 'zh-CN': '水满时间占比' }),
  raw(
    'room_over_set_point_k',
    { difference: ['room_temperature_c', 'set_point_temperature_c'] },
    { en: 'Room above the temperature asked for', 'zh-CN': '室温超设定' },
  ),
  raw(
    'return_over_room_k',
    { difference: ['return_air_temperature_c', 'room_temperature_c'] },
    { en: 'Return air over room, running', 'zh-CN': '回风与室温差' },
  ),
  raw(
    'idle_indoor_coil_over_room_k',
    { idleDifference: ['indoor_coil_temperature_c', 'room_temperature_c'] },
    { en: 'Indoor coil over room, long off', 'zh-CN': '停机盘管与室温差' },
  ),
  raw(
    'idle_suction_over_outdoor_k',
    { idleDifference: ['suction_temperature_c', 'outdoor_temperature_c'] },
    { en: 'Suction pipe over outdoor air, long off', 'zh-CN': '停机吸气管与室外差' },
  ),
  raw(
    'idle_return_over_room_k',
    { idleDifference: ['return_air_temperature_c', 'room_temperature_c'] },
    { en: 'Return air over room, long off', 'zh-CN': '停机回风与室温差' },
  ),
  raw(
    'idle_outdoor_coil_over_outdoor_k',
    { idleDifference: ['outdoor_coil_temperature_c', 'outdoor_temperature_c'] },
    { en: 'Outdoor coil over outdoor air, long off', 'zh-CN': '停机外盘管与室外差' },
  ),
  raw(
    'idle_liquid_over_outdoor_k',
    { idleDifference: ['liquid_temperature_c', 'outdoor_temperature_c'] },
    { en: 'Liquid pipe over outdoor air, long off', 'zh-CN': '停机液管与室外差' },
  ),
]

export const recipe: Recipe = {
  version: 4,
  windowMs: 6 * HOUR_MS,
  allowedLatenessMs: HOUR_MS,
  running: { channel: 'compressor_frequency_hz', above: 0.5 },
  idleSettleMs: 2 * HOUR_MS,
  runningReadings_MIN: 4,
  settleMs: 15 * 60_000,
  steady: [
    { channel: 'compressor_frequency_hz', standardDeviation_MAX: 30 },
    { channel: 'outdoor_temperature_c', standardDeviation_MAX: 5 },
    { channel: 'return_air_temperature_c', standardDeviation_MAX: 4.5 },
  ],
  features,
  unitDrivers: ['outdoor_temperature_c', 'compressor_frequency_hz'],
}
