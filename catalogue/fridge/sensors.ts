/**
 * Channels of the no-frost fridge-freezer with one evaporator, fan and damper. Ranges are those of domain catalogue 6.2, widened
 * where a unit that has lost its cooling must still be readable (its food stands at room temperature then). Record channels come with
 * an event: at the end of a defrost, at a start of the compressor, when a door is closed.
 */
import type { Channel } from '../appliance-type.ts'
import { claimed, guarded, guardedClaim, measured, recorded, worded } from '../blocks/channels.ts'

export const channels: readonly Channel[] = [
  measured('fresh_temperature_c', [-10, 50, 0.1], { en: 'Air of the fresh food compartment', 'zh-CN': '冷藏室温度' }),
  measured('freezer_temperature_c', [-35, 50, 0.1], { en: 'Air of the freezer', 'zh-CN': '冷冻室温度' }),
  measured('evaporator_temperature_c', [-45, 50, 0.1], { en: 'Inlet of the evaporator, where the refrigerant enters', 'zh-CN': '蒸发器入口温度' }),
  measured('evaporator_outlet_temperature_c', [-45, 50, 0.1], {
    en: 'Outlet of the evaporator, the sensor that ends a defrost',
    'zh-CN': '蒸发器出口（化霜）温度',
  }),
  measured('condenser_temperature_c', [-10, 90, 0.1], { en: 'Middle of the condenser, near saturation', 'zh-CN': '冷凝器温度' }),
  measured('ambient_temperature_c', [-10, 60, 0.1], { en: 'Room air at the fridge', 'zh-CN': '环境温度' }),
  measured('ambient_humidity_pct', [0, 100, 0.5], { en: 'Relative humidity of the room air', 'zh-CN': '环境湿度' }),
  measured('fresh_set_point_temperature_c', [0, 12, 0.5], { en: 'Temperature asked for in the fresh food compartment', 'zh-CN': '冷藏设定温度' }),
  measured('freezer_set_point_temperature_c', [-28, -10, 0.5], { en: 'Temperature asked for in the freezer', 'zh-CN': '冷冻设定温度' }),
  measured('compressor_frequency_hz', [0, 150, 1], {
    en: 'Compressor frequency, 0 = off; the mains frequency for one of fixed speed',
    'zh-CN': '压缩机频率',
  }),
  measured('compressor_current_a', [0, 15, 0.01], { en: 'Compressor current', 'zh-CN': '压缩机电流' }),
  measured('power_w', [0, 600, 1], { en: 'Power of the whole unit, defrost heater included', 'zh-CN': '整机功率' }),
  measured('mains_voltage_v', [150, 280, 0.5], { en: 'Mains voltage', 'zh-CN': '电源电压' }),
  measured('evaporator_fan_duty_pct', [0, 100, 1], { en: 'Commanded duty of the evaporator fan', 'zh-CN': '蒸发风机占空比' }),
  measured('evaporator_fan_rpm', [0, 3000, 5], { en: 'Speed of the evaporator fan', 'zh-CN': '蒸发风机转速' }),
  measured('evaporator_fan_current_ma', [0, 800, 1], { en: 'Current of the evaporator fan', 'zh-CN': '蒸发风机电流' }),
  measured('condenser_fan_duty_pct', [0, 100, 1], { en: 'Commanded duty of the condenser fan', 'zh-CN': '冷凝风机占空比' }),
  measured('condenser_fan_rpm', [0, 3000, 5], { en: 'Speed of the condenser fan', 'zh-CN': '冷凝风机转速' }),
  measured('damper_opening_pct', [0, 100, 1], { en: 'Commanded opening of the damper to the fresh food compartment', 'zh-CN': '风门开度指令' }),
  guarded('board_temperature_c', [-20, 200, 0.5], { en: 'Power terminal on the board', 'zh-CN': '电控接线端子温度' }),
  guardedClaim('leak_pan_is_wet', {
    en: 'Water stands in the pan under the unit, above the edge of the evaporating tray',
    'zh-CN': '底部接水盘溢水',
  }),
  claimed('fresh_door_is_open', { en: 'The door of the fresh food compartment stands open', 'zh-CN': '冷藏门开' }),
  claimed('freezer_door_is_open', { en: 'The door of the freezer stands open', 'zh-CN': '冷冻门开' }),
  claimed('defrost_is_on', { en: 'The unit defrosts', 'zh-CN': '正在化霜' }),
  recorded('fresh_door_open_s', [0, 3600, 1], {
    en: 'Time the fresh door stood open since it was last told: at its closing, and each minute while it is open',
    'zh-CN': '冷藏门开启时长',
  }),
  recorded('freezer_door_open_s', [0, 3600, 1], {
    en: 'Time the freezer door stood open since it was last told: at its closing, and each minute while it is open',
    'zh-CN': '冷冻门开启时长',
  }),
  recorded('defrost_duration_s', [0, 7200, 1], { en: 'Duration of a defrost, told at its end', 'zh-CN': '化霜时长' }),
  recorded('defrost_heater_current_a', [0, 3, 0.01], { en: 'Mean current of the heater during a defrost', 'zh-CN': '化霜加热电流' }),
  recorded('defrost_end_temperature_c', [-45, 60, 0.1], {
    en: 'Outlet of the evaporator when a defrost ended; below its target when time ended it',
    'zh-CN': '化霜结束温度',
  }),
  recorded('defrost_melt_temperature_c', [-20, 20, 0.1], {
    en: 'Temperature at which the outlet of the evaporator dwelt while the frost melted: 0 °C with a true sensor',
    'zh-CN': '融霜平台温度（真值 0 °C）',
  }),
  recorded('start_duration_ms', [0, 10_000, 10], { en: 'Time from start command to running speed', 'zh-CN': '压缩机启动时间' }),
  recorded('start_attempts_count', [0, 20, 1], { en: 'Attempts that the start took; 1 = at once', 'zh-CN': '启动尝试次数' }),
  worded('error_code', { en: 'Code that the controller shows, empty when none', 'zh-CN': '故障代码' }),
]
