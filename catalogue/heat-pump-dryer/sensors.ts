/** Channels of the heat-pump tumble dryer. Ranges and steps are what such sensors show (engineering judgement). */
import type { Channel } from '../appliance-type.ts'
import { claimed, guarded, measured, recorded, worded } from '../blocks/channels.ts'

export const channels: readonly Channel[] = [
  measured('ambient_temperature_c', [-10, 60, 0.1], { en: 'Room air at the dryer', 'zh-CN': '环境温度' }),
  guarded('drum_inlet_temperature_c', [-10, 150, 0.1], { en: 'Air into the drum, after the condenser', 'zh-CN': '进桶风温' }),
  measured('drum_outlet_temperature_c', [-10, 120, 0.1], { en: 'Air out of the drum, before the evaporator', 'zh-CN': '出桶风温' }),
  measured('compressor_current_a', [0, 10, 0.01], { en: 'Compressor current', 'zh-CN': '压缩机电流' }),
  measured('power_w', [0, 2000, 1], { en: 'Power of the whole dryer', 'zh-CN': '整机功率' }),
  measured('mains_voltage_v', [150, 280, 0.5], { en: 'Mains voltage', 'zh-CN': '电源电压' }),
  guarded('board_temperature_c', [-20, 200, 0.5], { en: 'Power terminal on the board', 'zh-CN': '电控接线端子温度' }),
  claimed('cycle_is_on', { en: 'A drying runs', 'zh-CN': '烘干进行中' }),
  claimed('tank_is_full', { en: 'The tank of the condensate is full, or its pump does not empty the sump', 'zh-CN': '集水盒已满' }),
  recorded('load_kg', [0, 15, 0.1], { en: 'Dry load as the dryer weighs it, told at the end', 'zh-CN': '衣物量' }),
  recorded('condensate_l', [0, 10, 0.01], { en: 'Water taken out, told at the end', 'zh-CN': '冷凝水量' }),
  recorded('cycle_duration_s', [0, 28_800, 1], { en: 'Duration of a drying, told at its end', 'zh-CN': '烘干时长' }),
  recorded('cycle_energy_wh', [0, 8000, 1], { en: 'Energy of a drying, told at its end', 'zh-CN': '单次耗电量' }),
  worded('error_code', { en: 'Code that the dryer shows, empty when none', 'zh-CN': '故障代码' }),
]
