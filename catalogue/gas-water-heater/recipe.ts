/**
 * Features of the gas water heater: records of draws over windows of a day with at least two draws. Heat,
 * flow, inlet and outlet drive it, so the residual of the gas valve is the energy balance. Gas pressure is an
 * optional channel and therefore no driver.
 */
import type { FeatureDefinition, Recipe } from '../appliance-type.ts'
import { driving, raw, response, words } from '../blocks/makers.ts'

const HOUR_MS = 3_600_000
const mean = (name: string) => ({ recordMean: name })

const features: readonly FeatureDefinition[] = [
  driving(
    'draw_heat_w',
    { recordHeat: ['draw_flow_lpm', 'draw_outlet_temperature_c', 'draw_inlet_temperature_c'] },
    words('Heat into the water', '供热功率'),
  ),
  driving('draw_flow_lpm', mean('draw_flow_lpm'), words('Flow of the draws', '用水流量')),
  driving('draw_inlet_temperature_c', mean('draw_inlet_temperature_c'), words('Inlet temperature', '进水温度')),
  driving('draw_outlet_temperature_c', mean('draw_outlet_temperature_c'), words('Outlet temperature', '出水温度')),
  driving('ambient_temperature_c', { overallMean: 'ambient_temperature_c' }, words('Intake air', '进风温度')),
  driving('mains_voltage_v', { overallMean: 'mains_voltage_v' }, words('Mains voltage', '电源电压')),

  response('draw_gas_valve_current_ma', mean('draw_gas_valve_current_ma'), words('Current of the gas valve for this heat', '比例阀电流')),
  response('draw_exhaust_temperature_c', mean('draw_exhaust_temperature_c'), words('Exhaust temperature for this heat', '排烟温度')),
  response('draw_fan_rpm', mean('draw_fan_rpm'), words('Speed of the fan for this heat', '风机转速')),
  response('draw_fan_current_a', mean('draw_fan_current_a'), words('Current of the fan', '风机电流')),
  response('draw_fan_ripple_rpm', mean('draw_fan_ripple_rpm'), words('Ripple of the speed of the fan', '风机转速波动')),
  response('draw_air_pressure_pa', mean('draw_air_pressure_pa'), words('Air pressure', '风压')),
  response('draw_flame_current_ua', mean('draw_flame_current_ua'), words('Flame current for this heat', '火焰电流')),
  response('draw_flue_co_ppm', mean('draw_flue_co_ppm'), words('Carbon monoxide in the exhaust', '烟气一氧化碳')),
  response(
    'exchanger_over_outlet_k',
    { recordDifference: ['draw_exchanger_temperature_c', 'draw_outlet_temperature_c'] },
    words('Second sensor over the outlet', '换热器与出水温差'),
  ),
  response(
    'set_point_over_outlet_k',
    { difference: ['set_point_temperature_c', 'outlet_temperature_c'] },
    words('Outlet short of its set point', '出水低于设定'),
  ),
  response('water_pressure_kpa', { overallMean: 'water_pressure_kpa' }, words('Water pressure', '水压')),

  raw('draw_gas_pressure_kpa', mean('draw_gas_pressure_kpa'), words('Gas pressure while burning', '燃烧时燃气压力')),
  raw('ignition_duration_ms', mean('ignition_duration_ms'), words('Time to flame', '点火时间')),
  raw('ignition_attempts_count', mean('ignition_attempts_count'), words('Attempts of an ignition', '点火尝试次数')),
  raw('fan_start_duration_ms', mean('fan_start_duration_ms'), words('Time of the fan to its speed', '风机启动时间')),
  raw('flame_loss_count', { recordSum: 'flame_loss_count' }, words('Flames lost', '熄火次数')),
  raw('overheat_count', { recordSum: 'overheat_count' }, words('Draws cut off for overheating', '过热保护次数')),
  raw('unfired_flow_s', { recordSum: 'unfired_flow_s' }, words('Water without fire', '有水未点火时长')),
  raw('draw_count', { recordCount: 'draw_duration_s' }, words('Draws', '用水次数')),
  raw(
    'idle_outlet_over_exchanger_k',
    { idleDifference: ['outlet_temperature_c', 'exchanger_temperature_c'] },
    words('Outlet over second sensor, long at rest', '静置两传感器温差'),
  ),
  raw('idle_gas_lel_pct', { idleMean: 'room_gas_lel_pct' }, words('Gas in the room at rest', '静置燃气浓度')),
  raw(
    'board_over_ambient_k',
    { overallDifference: ['board_temperature_c', 'ambient_temperature_c'] },
    words('Power terminal over intake air', '端子温升'),
  ),
]

export const recipe: Recipe = {
  version: 2,
  windowMs: 24 * HOUR_MS,
  allowedLatenessMs: HOUR_MS,
  running: { channel: 'gas_valve_is_open', above: 0.5 },
  idleSettleMs: 3 * HOUR_MS,
  runningReadings_MIN: 0,
  records_MIN: { channel: 'draw_flow_lpm', count: 2 },
  settleMs: 60_000,
  steady: [],
  features,
  unitDrivers: ['draw_heat_w', 'draw_inlet_temperature_c'],
}
