/**
 * Channels of the instantaneous gas water heater with fan, proportional gas valve and ionisation rod. Ranges are those of domain
 * catalogue 6.4. Record channels come with an event at the end of a draw of water (`draw_*` are means over its steady part, from 30 s
 * after ignition on; a shorter draw has none), or after an ignition. The rest comes each minute, and at once while water runs.
 */
import type { Channel } from '../appliance-type.ts'
import { guarded, guardedClaim, measured, recorded, worded } from '../blocks/channels.ts'

export const channels: readonly Channel[] = [
  measured('water_flow_lpm', [0, 30, 0.1], { en: 'Flow of water', 'zh-CN': '水流量' }),
  measured('inlet_temperature_c', [0, 90, 0.1], { en: 'Water that enters', 'zh-CN': '进水温度' }),
  guarded('outlet_temperature_c', [0, 110, 0.1], { en: 'Water that leaves', 'zh-CN': '出水温度' }),
  guarded('exchanger_temperature_c', [0, 130, 0.1], { en: 'Exit of the heat exchanger, the second sensor of the outlet', 'zh-CN': '换热器出口温度' }),
  guarded('set_point_temperature_c', [30, 75, 1], { en: 'Outlet temperature asked for', 'zh-CN': '设定温度' }),
  measured('exhaust_temperature_c', [-20, 300, 0.5], { en: 'Exhaust gas at the flue collar', 'zh-CN': '排烟温度' }),
  measured('ambient_temperature_c', [-20, 60, 0.5], { en: 'Air inside the casing at rest, intake air when burning', 'zh-CN': '进风温度' }),
  measured('fan_rpm', [0, 6000, 10], { en: 'Speed of the combustion fan', 'zh-CN': '风机转速' }),
  measured('fan_current_a', [0, 3, 0.005], { en: 'Current of the combustion fan', 'zh-CN': '风机电流' }),
  measured('air_pressure_pa', [0, 500, 1], { en: 'Pressure that the fan works against', 'zh-CN': '风压' }),
  guarded('flame_current_ua', [0, 20, 0.05], { en: 'Ionisation current of the flame', 'zh-CN': '火焰电离电流' }),
  measured('gas_valve_current_ma', [0, 300, 0.5], { en: 'Current of the proportional gas valve', 'zh-CN': '比例阀电流' }),
  guardedClaim('gas_valve_is_open', { en: 'The main gas valve is commanded open', 'zh-CN': '燃气阀开启指令' }),
  measured('flue_co_ppm', [0, 5000, 1], { en: 'Carbon monoxide in the exhaust gas', 'zh-CN': '烟气一氧化碳' }),
  guarded('room_co_ppm', [0, 1000, 1], { en: 'Carbon monoxide in the room', 'zh-CN': '室内一氧化碳' }),
  guarded('room_gas_lel_pct', [0, 100, 0.5], { en: 'Combustible gas in the room, of the lower explosive limit', 'zh-CN': '室内燃气浓度' }),
  measured('gas_pressure_kpa', [0, 5, 0.01], { en: 'Gas pressure at the inlet; not every unit has it', 'zh-CN': '燃气压力（选配）' }),
  measured('water_pressure_kpa', [0, 1000, 1], { en: 'Water pressure at the inlet', 'zh-CN': '水压' }),
  measured('mains_voltage_v', [150, 280, 0.5], { en: 'Mains voltage', 'zh-CN': '电源电压' }),
  guarded('board_temperature_c', [-20, 200, 0.5], { en: 'Power terminal on the board', 'zh-CN': '电控接线端子温度' }),
  recorded('ignition_duration_ms', [0, 30_000, 10], { en: 'Time from spark to proven flame, last attempt', 'zh-CN': '点火时间' }),
  recorded('ignition_attempts_count', [0, 20, 1], { en: 'Attempts that an ignition took; 1 = at once', 'zh-CN': '点火尝试次数' }),
  recorded('fan_start_duration_ms', [0, 20_000, 10], { en: 'Time until the fan reached its speed before ignition', 'zh-CN': '风机启动时间' }),
  recorded('draw_duration_s', [0, 7200, 1], { en: 'Duration of a draw with flame', 'zh-CN': '用水时长' }),
  recorded('draw_flow_lpm', [0, 30, 0.05], { en: 'Mean flow of the steady part of a draw', 'zh-CN': '用水平均流量' }),
  recorded('draw_inlet_temperature_c', [0, 90, 0.1], { en: 'Mean inlet temperature of the steady part', 'zh-CN': '用水平均进水温度' }),
  recorded('draw_outlet_temperature_c', [0, 110, 0.1], { en: 'Mean outlet temperature of the steady part', 'zh-CN': '用水平均出水温度' }),
  recorded('draw_exchanger_temperature_c', [0, 130, 0.1], { en: 'Mean temperature of the second sensor', 'zh-CN': '用水平均换热器温度' }),
  recorded('draw_exhaust_temperature_c', [-20, 300, 0.5], { en: 'Mean exhaust temperature of the steady part', 'zh-CN': '用水平均排烟温度' }),
  recorded('draw_gas_valve_current_ma', [0, 300, 0.5], { en: 'Mean current of the gas valve of the steady part', 'zh-CN': '用水平均比例阀电流' }),
  recorded('draw_gas_pressure_kpa', [0, 5, 0.01], { en: 'Mean gas pressure of the steady part; not every unit has it', 'zh-CN': '用水平均燃气压力' }),
  recorded('draw_fan_rpm', [0, 6000, 10], { en: 'Mean speed of the fan of the steady part', 'zh-CN': '用水平均风机转速' }),
  recorded('draw_fan_ripple_rpm', [0, 1000, 1], { en: 'Standard deviation of the speed of the fan', 'zh-CN': '风机转速波动' }),
  recorded('draw_fan_current_a', [0, 3, 0.005], { en: 'Mean current of the fan of the steady part', 'zh-CN': '用水平均风机电流' }),
  recorded('draw_air_pressure_pa', [0, 500, 1], { en: 'Mean air pressure of the steady part', 'zh-CN': '用水平均风压' }),
  recorded('draw_flame_current_ua', [0, 20, 0.05], { en: 'Mean ionisation current of the steady part', 'zh-CN': '用水平均火焰电流' }),
  recorded('draw_flue_co_ppm', [0, 5000, 1], { en: 'Mean carbon monoxide in the exhaust of the steady part', 'zh-CN': '用水平均烟气一氧化碳' }),
  recorded('flame_loss_count', [0, 50, 1], { en: 'Times that the flame went out during a draw', 'zh-CN': '熄火次数' }),
  recorded('overheat_count', [0, 50, 1], { en: 'Times that a draw was cut off for overheating', 'zh-CN': '过热保护次数' }),
  recorded('unfired_flow_s', [0, 3600, 1], {
    en: 'Time that water ran at the tap without being counted as a draw or fired, told when it stops',
    'zh-CN': '有水未点火时长',
  }),
  worded('error_code', { en: 'Code that the controller shows, empty when none', 'zh-CN': '故障代码' }),
]
