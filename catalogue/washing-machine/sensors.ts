/**
 * Channels of the front-loading washing machine with heater and inverter motor. Ranges are those of domain catalogue 6.3. Most of what
 * tells a fault is a record channel: one value a phase (fill, heating, drain, door lock, spin), sent with an event at its end; a phase that
 * occurs several times in a cycle sends its record each time. The rest comes each minute while the machine is switched on.
 */
import type { Channel } from '../appliance-type.ts'
import { claimed, guarded, guardedClaim, guardedRecord, measured, recorded, worded } from '../blocks/channels.ts'

export const channels: readonly Channel[] = [
  guarded('water_level_kpa', [0, 4, 0.01], { en: 'Pressure of the level sensor; 0 = empty, 10 cm of water give 1 kPa', 'zh-CN': '水位压力' }),
  measured('inlet_flow_lpm', [0, 15, 0.1], { en: 'Flow through the inlet valve', 'zh-CN': '进水流量' }),
  measured('water_temperature_c', [0, 110, 0.5], { en: 'Water in the tub', 'zh-CN': '水温' }),
  measured('ambient_temperature_c', [-10, 60, 0.5], { en: 'Air at the control panel', 'zh-CN': '控制面板处气温' }),
  measured('heater_current_a', [0, 12, 0.05], { en: 'Current of the heater', 'zh-CN': '加热电流' }),
  measured('motor_current_a', [0, 10, 0.05], { en: 'Current of the drum motor', 'zh-CN': '电机电流' }),
  measured('drum_rpm', [0, 1600, 1], { en: 'Speed of the drum', 'zh-CN': '滚筒转速' }),
  measured('tub_acceleration_m_s2', [0, 50, 0.05], { en: 'RMS acceleration of the tub', 'zh-CN': '外筒振动加速度' }),
  measured('drain_pump_current_a', [0, 1.5, 0.01], { en: 'Current of the drain pump', 'zh-CN': '排水泵电流' }),
  measured('mains_voltage_v', [150, 280, 0.5], { en: 'Mains voltage', 'zh-CN': '电源电压' }),
  guarded('board_temperature_c', [-20, 200, 0.5], { en: 'Power terminal of heater and mains on the board', 'zh-CN': '电控接线端子温度' }),
  guardedClaim('inlet_valve_is_open', { en: 'An inlet valve is commanded open', 'zh-CN': '进水阀开启指令' }),
  guardedClaim('leak_float_is_closed', { en: 'Float in the floor pan: true = water under the tub', 'zh-CN': '底盘浮子开关：真 = 漏水' }),
  guardedClaim('earth_fault_is_on', { en: 'The monitor of the insulation finds current to earth', 'zh-CN': '对地漏电' }),
  guardedClaim('drain_pump_is_on', { en: 'The drain pump is commanded on', 'zh-CN': '排水泵开启指令' }),
  claimed('door_is_locked', { en: 'The door is locked', 'zh-CN': '门已锁' }),
  claimed('cycle_is_on', { en: 'A wash runs', 'zh-CN': '洗涤进行中' }),
  recorded('program_temperature_c', [0, 95, 1], { en: 'Temperature of the program, told at the end of a cycle', 'zh-CN': '程序温度' }),
  recorded('load_kg', [0, 15, 0.1], { en: 'Load as the machine weighs it, told at the end of a cycle', 'zh-CN': '洗涤量' }),
  recorded('fill_duration_s', [0, 3600, 1], { en: 'Duration of a fill', 'zh-CN': '进水时长' }),
  recorded('fill_volume_l', [0, 60, 0.1], { en: 'Water that a fill took', 'zh-CN': '进水量' }),
  recorded('refill_count', [0, 50, 1], { en: 'Fills of a cycle beyond those of its program, told at its end', 'zh-CN': '补水次数' }),
  guardedRecord('level_drift_kpa', [-4, 4, 0.001], {
    en: 'Change of the level over 5 minutes with valves closed, pump off and drum at rest: below 0 the water goes, above 0 it comes. Told in a cycle, and each hour at rest while water stands or comes',
    'zh-CN': '静置五分钟水位变化',
  }),
  recorded('heat_rate_k_per_min', [0, 10, 0.01], { en: 'Rise of the water temperature while the heater is on', 'zh-CN': '升温速率' }),
  recorded('heat_power_w', [0, 3500, 1], { en: 'Mean power of the heater during a heating phase', 'zh-CN': '加热功率' }),
  recorded('drain_duration_s', [0, 1200, 1], { en: 'Time until the tub is empty, or until the drain was given up', 'zh-CN': '排水时长' }),
  recorded('drain_residual_kpa', [0, 4, 0.01], { en: 'Level when a drain ended', 'zh-CN': '排水后残余水位' }),
  recorded('drain_current_a', [0, 1.5, 0.01], { en: 'Mean current of the pump over a drain', 'zh-CN': '排水平均电流' }),
  recorded('drain_current_ripple_a', [0, 1, 0.001], { en: 'Standard deviation of the current of the pump over a drain', 'zh-CN': '排水电流波动' }),
  recorded('drain_attempts_count', [0, 20, 1], { en: 'Attempts that a drain took; 1 = at once', 'zh-CN': '排水尝试次数' }),
  recorded('lock_duration_ms', [0, 20_000, 10], { en: 'Time until the door was locked, all attempts together', 'zh-CN': '门锁时间' }),
  recorded('lock_attempts_count', [0, 20, 1], { en: 'Attempts that the lock took; 1 = at once', 'zh-CN': '锁门尝试次数' }),
  recorded('unbalance_kg', [0, 5, 0.01], { en: 'Unbalance as estimated from the ripple of speed before the spin', 'zh-CN': '偏心质量' }),
  recorded('unbalance_retries_count', [0, 20, 1], { en: 'Times that a spin was broken off to spread the load', 'zh-CN': '偏心重试次数' }),
  recorded('ramp_vibration_m_s2', [0, 50, 0.05], {
    en: 'Largest RMS acceleration below 250 rpm of a spin, where the tub passes its resonance',
    'zh-CN': '低速过共振振动',
  }),
  recorded('spin_vibration_m_s2', [0, 50, 0.05], { en: 'RMS acceleration at the final speed of a spin', 'zh-CN': '高速脱水振动' }),
  recorded('bearing_vibration_m_s2', [0, 20, 0.01], {
    en: 'RMS acceleration in the band of the bearing (harmonics 5 to 20 of the drum) at the final speed of a spin',
    'zh-CN': '轴承频带振动',
  }),
  recorded('spin_speed_rpm', [0, 1600, 1], { en: 'Final speed of a spin', 'zh-CN': '脱水转速' }),
  recorded('spin_current_a', [0, 10, 0.01], { en: 'Motor current at constant final speed of a spin', 'zh-CN': '脱水电流' }),
  recorded('coast_down_s', [0, 300, 0.5], { en: 'Time from the final speed to rest with the motor off', 'zh-CN': '惯性停转时间' }),
  recorded('cycle_energy_wh', [0, 5000, 1], { en: 'Energy of a cycle, told at its end', 'zh-CN': '单次耗电量' }),
  worded('phase', { en: 'idle, fill, heat, wash, drain, rinse or spin', 'zh-CN': '洗涤阶段' }),
  worded('error_code', { en: 'Code that the controller shows, empty when none', 'zh-CN': '故障代码' }),
]
