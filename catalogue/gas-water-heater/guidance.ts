/**
 * What household and heater can do before anybody travels. Nothing of gas is ever put on the household, and no test runs while gas or
 * carbon monoxide was seen. Values of answers are engineering judgement.
 */

import type { ActiveTest, RemoteStep } from '../appliance-type.ts'
import { words } from '../blocks/makers.ts'

const isSafe = [
  { channel: 'room_co_ppm', op: '<', value: 10, unit: 'ppm' },
  { channel: 'room_gas_lel_pct', op: '<', value: 2, unit: 'lel_pct' },
  { channel: 'board_temperature_c', op: '<', value: 70, unit: 'c' },
] as const
const isDrawing = { channel: 'water_flow_lpm', op: '>', value: 4, unit: 'lpm' } as const

export const remoteSteps: readonly RemoteStep[] = [
  {
    id: 'GW-H01',
    action: words(
      'Shut the cold water cock under the heater, unscrew the screen at its water inlet, rinse it and put it back; take the shower head off and let water run: does it fire?',
      '关闭热水器下方冷水阀，拆下进水滤网冲洗装回；取下花洒放水：能否点火？',
    ),
    minutes: 15,
    wantsPhoto: true,
    remeasure: { feature: 'unfired_flow_s', recovers: -1, afterMinutes: 24 * 60 },
    otherwise: words(
      'A clean screen and strong water, yet no fire at low flow: the flow sensor needs a visit',
      '滤网清洁且水压足仍不点火：需更换水流传感器',
    ),
  },
  {
    id: 'GW-H90',
    action: words(
      'Open the hot tap fully and clean its sieve; look at the set temperature, the plug and the batteries; see that the gas valve is open and the prepaid meter is not empty. Smell of gas, dizziness: leave everything, go out and call',
      '热水龙头全开并清洁滤网；检查设定温度、插头与电池；确认燃气阀已开、预付表有余额。如有燃气味或头晕：停止操作，立即离开并致电',
    ),
    minutes: 15,
    wantsPhoto: false,
    remeasure: { isSaid: true, afterMinutes: 15 },
    otherwise: words('It is not as it should be: somebody comes and looks', '仍不正常：安排上门检查'),
  },
]

export const activeTests: readonly ActiveTest[] = [
  {
    id: 'GW-T01',
    name: words('Energy balance at 38 and 42 °C while water runs', '用水时 38 与 42 °C 能量平衡'),
    command: { name: 'step_set_point', arguments: { low_c: 38, high_c: 42, hold_s: 90 } },
    guards: [...isSafe, isDrawing, { channel: 'outlet_temperature_c', op: '<', value: 45, unit: 'c' }],
    consent: 'household',
    minutes: 4,
    safeState: words('Set point as before', '设定复原'),
    reads: { channel: 'outlet_temperature_c', as: 'change', unit: 'c' },
    answers: [
      {
        op: '<',
        value: 2.5,
        text: words('The outlet does not follow the fire: heat is lost on its way', '出水不随火力上升：换热变差'),
        speaksFor: ['GW-04', 'GW-05'],
        speaksAgainst: ['GW-09'],
      },
      {
        op: '>',
        value: 5.5,
        text: words('The sensor moves more than the heat put in: it drifts', '传感器变化大于加热量：漂移'),
        speaksFor: ['GW-09'],
        speaksAgainst: ['GW-04'],
      },
      { op: '>=', value: 2.5, text: words('Heat and temperature agree', '热量与温度一致'), speaksFor: [], speaksAgainst: ['GW-04', 'GW-09'] },
    ],
  },
  {
    id: 'GW-T02',
    name: words('Both outlet sensors with water running and the burner off', '关火通水时两传感器比对'),
    command: { name: 'hold_fire_off', arguments: { hold_s: 60 } },
    guards: [...isSafe, isDrawing],
    consent: 'household',
    minutes: 2,
    safeState: words('Fires again', '恢复点火'),
    reads: { channel: 'outlet_temperature_c', as: 'last', unit: 'c' },
    answers: [
      {
        op: '>',
        value: 38,
        text: words('Stays hot on cold water: the sensor, or the valve does not close', '通冷水仍显示高温：传感器故障'),
        speaksFor: ['GW-09'],
        speaksAgainst: [],
      },
      { op: '<=', value: 38, text: words('Follows the cold water', '随冷水下降'), speaksFor: [], speaksAgainst: [] },
    ],
  },
  {
    id: 'GW-T03',
    name: words('Flow shown while a jug of 3 litres is filled at the nearest tap', '最近龙头接 3 升水的流量'),
    command: { name: 'report_flow', arguments: { period_s: 1, hold_s: 90 } },
    guards: [...isSafe],
    consent: 'household',
    minutes: 3,
    safeState: words('Reports at its usual period', '恢复上报周期'),
    reads: { channel: 'water_flow_lpm', as: 'mean', unit: 'lpm' },
    answers: [
      {
        op: '<',
        value: 1,
        text: words('Water runs and nothing is counted: screen or sensor', '有水无计数：滤网或传感器'),
        speaksFor: ['GW-07'],
        speaksAgainst: ['GW-01', 'GW-02'],
      },
      {
        op: '>=',
        value: 1,
        text: words('Flow is counted: no fire has another cause', '流量正常：不点火另有原因'),
        speaksFor: ['GW-01'],
        speaksAgainst: ['GW-07'],
      },
    ],
  },
  {
    id: 'GW-T04',
    name: words('Fan alone at full speed, burner off', '关火风机满速'),
    command: { name: 'run_fan', arguments: { speed_rpm: 4500, hold_s: 60 } },
    guards: [...isSafe, { channel: 'gas_valve_is_open', op: '==', value: 0, unit: 'none' }],
    consent: 'none',
    minutes: 2,
    safeState: words('Fan off', '风机停止'),
    reads: { channel: 'fan_current_a', as: 'mean', unit: 'a' },
    answers: [
      {
        op: '>',
        value: 0.45,
        text: words('Too much current without fire: the bearing', '关火电流偏高：轴承磨损'),
        speaksFor: ['GW-06'],
        speaksAgainst: [],
      },
      { op: '<=', value: 0.45, text: words('The fan turns freely', '风机转动自如'), speaksFor: [], speaksAgainst: ['GW-06'] },
    ],
  },
]
