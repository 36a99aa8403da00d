/**
 * Rules of the air conditioner. Safety (E0, E1) acts by itself; sensor rules open an order, since no model says it better; the rest is
 * evidence. Thresholds that cite no source are engineering judgement. `gapMs_MAX` of 15 minutes lets units that report each 10 minutes
 * hold a condition.
 */
import type { Condition, Rule, Text } from '../appliance-type.ts'
import { electricalOverheating } from '../blocks/electrical-overheating.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const GAP_MS = 15 * MINUTE_MS

const none: Text = { en: '', 'zh-CN': '' }

const isRunning: Condition = { channel: 'compressor_frequency_hz', op: '>', value: 20, unit: 'hz' }
const isOff: Condition = { channel: 'compressor_frequency_hz', op: '<=', value: 0, unit: 'hz' }

const apart = (channel: string, minus: string, byK: number): Condition => ({
  any: [
    { channel, minus, op: '>', value: byK, unit: 'k', clearValue: byK - 0.5 },
    { channel, minus, op: '<', value: -byK, unit: 'k', clearValue: -byK + 0.5 },
  ],
})

/** Sensor rules share all but what they look at. */
const sensorRule = (rule: Pick<Rule, 'id' | 'fault' | 'title' | 'when' | 'holdMs' | 'source'>): Rule => ({
  ...rule,
  version: 1,
  safetyClass: 'E3',
  advice: none,
  clearHoldMs: HOUR_MS,
  gapMs_MAX: GAP_MS,
  opensWorkOrder: true,
  judgesSensor: true,
})

const unequalWhenOff = (id: string, channel: string, minus: string, byK: number, title: Text): Rule =>
  sensorRule({
    id,
    fault: 'AC-07',
    title,
    when: { all: [isOff, apart(channel, minus, byK)] },
    holdMs: 3 * HOUR_MS,
    source: 'domain 6.1, AC-07: when off for more than 2 h all sensors equal room or outdoor air (EJ)',
  })

const stuckWhileRunning = (id: string, channel: string, title: Text): Rule =>
  sensorRule({
    id,
    fault: 'XX-02',
    title,
    when: { all: [isRunning, { channel, rateOverMs: 30 * MINUTE_MS, op: '==', value: 0, unit: 'k_per_min' }] },
    holdMs: 2 * HOUR_MS,
    source: 'domain 6.0, XX-02: variance near 0 (EJ)',
  })

export const rules: readonly Rule[] = [
  ...electricalOverheating({
    prefix: 'AC',
    hot: 'board_temperature_c',
    ambient: 'outdoor_temperature_c',
    current: 'compressor_current_a',
    current_MIN: 0.5,
    load: 'discharge_temperature_c',
  }),
  {
    id: 'AC-R08',
    version: 1,
    safetyClass: 'E1',
    fault: 'AC-08',
    title: { en: 'Condensate tray full while cooling', 'zh-CN': '制冷时接水盘水满' },
    advice: {
      en: 'Water may drip from the indoor unit. Cooling was stopped; put a bucket under it and move what must stay dry.',
      'zh-CN': '室内机可能滴水。制冷已停止，请放置水桶并移开怕水物品。',
    },
    when: {
      all: [
        { channel: 'condensate_float_is_closed', op: '==', value: 1, unit: 'none' },
        { channel: 'cooling_is_on', op: '==', value: 1, unit: 'none' },
      ],
    },
    holdMs: MINUTE_MS,
    clearHoldMs: 10 * MINUTE_MS,
    gapMs_MAX: GAP_MS,
    opensWorkOrder: true,
    source: 'domain 6.1, AC-08: float closed with cooling on; hold EJ (sloshing)',
  },
  {
    id: 'AC-R04',
    version: 1,
    safetyClass: 'E3',
    fault: 'AC-04',
    title: { en: 'Compressor start takes longer than 900 ms', 'zh-CN': '压缩机启动超过 900 ms' },
    advice: none,
    when: {
      all: [
        { channel: 'start_duration_ms', op: '>', value: 900, unit: 'ms' },
        { channel: 'mains_voltage_v', op: '>', value: 200, unit: 'v' },
      ],
    },
    holdMs: 0,
    clearHoldMs: 0,
    gapMs_MAX: GAP_MS,
    opensWorkOrder: false,
    source: 'domain 6.1, AC-04: start peak lasts 30 to 300 % longer (EJ)',
  },
  unequalWhenOff('AC-R71', 'indoor_coil_temperature_c', 'room_temperature_c', 3, {
    en: 'Indoor coil sensor differs from the room by more than 3 K after hours off',
    'zh-CN': '停机数小时后盘管与室温相差超过 3 K',
  }),
  unequalWhenOff('AC-R72', 'return_air_temperature_c', 'room_temperature_c', 3, {
    en: 'Return air sensor differs from the room by more than 3 K after hours off',
    'zh-CN': '停机数小时后回风与室温相差超过 3 K',
  }),
  unequalWhenOff('AC-R73', 'outdoor_coil_temperature_c', 'outdoor_temperature_c', 5, {
    en: 'Outdoor coil sensor differs from outdoor air by more than 5 K after hours off',
    'zh-CN': '停机数小时后外盘管与室外相差超过 5 K',
  }),
  stuckWhileRunning('AC-R21', 'discharge_temperature_c', { en: 'Discharge sensor does not move while running', 'zh-CN': '运行时排气温度不变' }),
  stuckWhileRunning('AC-R22', 'suction_temperature_c', { en: 'Suction sensor does not move while running', 'zh-CN': '运行时吸气温度不变' }),
  stuckWhileRunning('AC-R23', 'outdoor_coil_temperature_c', {
    en: 'Outdoor coil sensor does not move while running',
    'zh-CN': '运行时外盘管温度不变',
  }),
  stuckWhileRunning('AC-R24', 'supply_air_temperature_c', { en: 'Supply air sensor does not move while running', 'zh-CN': '运行时送风温度不变' }),
  sensorRule({
    id: 'AC-R25',
    fault: 'XX-02',
    title: { en: 'Outdoor coil colder than outdoor air while cooling', 'zh-CN': '制冷时外盘管低于室外温度' },
    when: {
      all: [
        isRunning,
        { channel: 'cooling_is_on', op: '==', value: 1, unit: 'none' },
        { channel: 'power_w', op: '>', value: 250, unit: 'w' },
        { channel: 'outdoor_coil_temperature_c', minus: 'outdoor_temperature_c', op: '<', value: -4, unit: 'k' },
      ],
    },
    holdMs: HOUR_MS,
    source: 'A condenser gives heat to air that is colder than itself (second law)',
  }),
]
