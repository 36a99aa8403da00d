/** What household and air conditioner can do before anybody travels: guided actions and tests. Values of answers are engineering judgement. */

import type { ActiveTest, RemoteStep } from '../appliance-type.ts'
import { words } from '../blocks/makers.ts'

const isDry = { channel: 'condensate_float_is_closed', op: '==', value: 0, unit: 'none' } as const
const isCool = { channel: 'board_temperature_c', op: '<', value: 75, unit: 'c' } as const
const runs = { channel: 'compressor_frequency_hz', op: '>', value: 20, unit: 'hz' } as const
const hasMargin = { channel: 'discharge_temperature_c', op: '<', value: 100, unit: 'c' } as const

export const remoteSteps: readonly RemoteStep[] = [
  {
    id: 'AC-H01',
    action: words(
      'Switch off, take the filter out, wash and dry it, put it back; then 30 minutes at full fan',
      '关机取出滤网清洗晾干装回，然后高风运行 30 分钟',
    ),
    minutes: 20,
    wantsPhoto: true,
    remeasure: { feature: 'air_difference_k', recovers: -1, afterMinutes: 30 },
    otherwise: words(
      'The filter is clean and the air still slow: the coil or the fan wheel needs cleaning by a visit',
      '滤网已清洁风量仍低：需上门清洗盘管或风轮',
    ),
  },
  {
    id: 'AC-H02',
    action: words(
      'From a safe place, photo of the outdoor unit front and back; take away what stands before it. Never lean out of a window.',
      '在安全位置拍摄室外机前后，移开遮挡物。切勿探身窗外。',
    ),
    minutes: 10,
    wantsPhoto: true,
    remeasure: { feature: 'condensing_over_outdoor_k', recovers: -1, afterMinutes: 60 },
    otherwise: words('Free and still hot: the coil needs washing by a visit', '无遮挡仍过热：需上门清洗'),
  },
  {
    id: 'AC-H90',
    action: words(
      'Look at the mode, the set temperature and the fan on the remote control; close doors and windows; clean the filter. Then switch off, pull the plug for three minutes, switch on, and watch for half an hour',
      '检查遥控器上的模式、设定温度与风速；关好门窗；清洁滤网。然后关机并拔下插头三分钟，再开机观察半小时',
    ),
    minutes: 30,
    wantsPhoto: false,
    remeasure: { isSaid: true, afterMinutes: 30 },
    otherwise: words('It is not as it should be: somebody comes and looks', '仍不正常：安排上门检查'),
  },
]

export const activeTests: readonly ActiveTest[] = [
  {
    id: 'AC-T01',
    name: words('Step test of the expansion valve: closed by 60 steps for 5 minutes', '膨胀阀步进测试：关 60 步 5 分钟'),
    command: { name: 'step_valve', arguments: { steps: -60, hold_s: 300 } },
    guards: [runs, isCool, hasMargin, { channel: 'eev_opening_steps', op: '>', value: 120, unit: 'steps' }],
    consent: 'none',
    minutes: 8,
    safeState: words('Valve back to its own control', '阀恢复自动'),
    reads: { channel: 'suction_temperature_c', as: 'change', unit: 'c' },
    answers: [
      {
        op: '<',
        value: 1,
        text: words('The superheat does not answer: the valve does not move', '过热度无响应：阀卡滞'),
        speaksFor: ['AC-05'],
        speaksAgainst: ['AC-01'],
      },
      {
        op: '>=',
        value: 1,
        text: words('The superheat answers: the valve moves, charge or restriction remain', '过热度响应：阀正常，疑缺氟'),
        speaksFor: ['AC-01'],
        speaksAgainst: ['AC-05'],
      },
    ],
  },
  {
    id: 'AC-T02',
    name: words('Twenty minutes in the other mode', '切换模式运行 20 分钟'),
    command: { name: 'run_mode', arguments: { mode: 'other', hold_s: 1200 } },
    guards: [
      isDry,
      isCool,
      { channel: 'outdoor_temperature_c', op: '<', value: 30, unit: 'c' },
      { channel: 'outdoor_temperature_c', op: '>', value: 5, unit: 'c' },
    ],
    consent: 'household',
    minutes: 25,
    safeState: words('Mode and set point as before, after 3 minutes of rest', '停 3 分钟后恢复模式与设定'),
    reads: { channel: 'discharge_temperature_c', as: 'change', unit: 'c' },
    answers: [
      {
        op: '>',
        value: 25,
        text: words('Compresses well in the other mode: the reversing valve leaks', '另一模式压缩正常：四通阀内漏'),
        speaksFor: ['AC-06'],
        speaksAgainst: [],
      },
      {
        op: '<=',
        value: 25,
        text: words('Weak in both modes: the compressor', '两种模式均弱：压缩机'),
        speaksFor: ['AC-06'],
        speaksAgainst: ['AC-07'],
      },
    ],
  },
  {
    id: 'AC-T03',
    name: words('Off-cycle equality: two hours off, fan running the last 10 minutes', '停机等温：停两小时，末 10 分钟送风'),
    command: { name: 'rest_and_compare', arguments: { rest_s: 7200, fan_s: 600 } },
    guards: [isCool],
    consent: 'household',
    minutes: 120,
    safeState: words('As it was set', '恢复设定'),
    reads: { channel: 'indoor_coil_temperature_c', as: 'spread', unit: 'c' },
    answers: [
      { op: '>', value: 2, text: words('Still moves at rest: compare once more', '静置仍变化：需复测'), speaksFor: [], speaksAgainst: [] },
      {
        op: '<=',
        value: 2,
        text: words('At rest; the offset to the room is the drift', '已静置；与室温差即漂移量'),
        speaksFor: ['AC-07'],
        speaksAgainst: [],
      },
    ],
  },
  {
    id: 'AC-T04',
    name: words('Pump of the tray for 60 seconds, compressor off', '停机排水泵运行 60 秒'),
    command: { name: 'run_condensate_pump', arguments: { hold_s: 60 } },
    guards: [isCool, { channel: 'cooling_is_on', op: '==', value: 0, unit: 'none' }],
    consent: 'none',
    minutes: 3,
    safeState: words('Pump off, cooling stays off while the tray is full', '停泵，水满期间不制冷'),
    reads: { channel: 'condensate_float_is_closed', as: 'last', unit: 'none' },
    answers: [
      { op: '>', value: 0.5, text: words('The tray stays full: pump or drain', '水位不降：水泵或排水管'), speaksFor: ['AC-08'], speaksAgainst: [] },
      {
        op: '<=',
        value: 0.5,
        text: words('The pump empties the tray: the drain is slow, not blocked', '可排空：排水缓慢未堵死'),
        speaksFor: [],
        speaksAgainst: ['AC-08'],
      },
    ],
  },
]
