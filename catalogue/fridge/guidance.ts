/** What household and fridge can do before anybody travels: guided actions and tests. Values of answers are engineering judgement. */

import type { ActiveTest, RemoteStep } from '../appliance-type.ts'
import { words } from '../blocks/makers.ts'

const doorsShut = [
  { channel: 'fresh_door_is_open', op: '==', value: 0, unit: 'none' },
  { channel: 'freezer_door_is_open', op: '==', value: 0, unit: 'none' },
] as const
const isDry = { channel: 'leak_pan_is_wet', op: '==', value: 0, unit: 'none' } as const
const isCool = { channel: 'board_temperature_c', op: '<', value: 70, unit: 'c' } as const

export const remoteSteps: readonly RemoteStep[] = [
  {
    id: 'FR-H01',
    action: words(
      'Clean the gasket with warm water, take away what keeps the door from closing, and pull a strip of paper at ten places: where does it slip?',
      '温水清洁门封，移开挡门物品，用纸条测试十处：哪里打滑？',
    ),
    minutes: 15,
    wantsPhoto: true,
    remeasure: { feature: 'running_ratio', recovers: -1, afterMinutes: 24 * 60 },
    otherwise: words('The gasket or the hinge needs a visit; the photo of the slipping strip says where', '需上门更换门封或铰链，照片标明位置'),
  },
  {
    id: 'FR-H02',
    action: words(
      'Pull the fridge out, vacuum the grid behind or below, leave 5 cm to the wall and the vents free',
      '拉出冰箱，吸除冷凝器灰尘，背后留 5 cm 并保持通风',
    ),
    minutes: 20,
    wantsPhoto: true,
    remeasure: { feature: 'condenser_over_ambient_k', recovers: -1, afterMinutes: 12 * 60 },
    otherwise: words('Clean and free, yet hot: the condenser fan needs a visit', '已清洁仍过热：需检查冷凝风机'),
  },
  {
    id: 'FR-H90',
    action: words(
      'Look at the set temperatures; make room before the vents and behind the appliance; see that the doors close all round. Leave the doors shut for four hours, then look again',
      '检查设定温度；不要挡住出风口，背面留出空隙；确认门四周关严。保持关门四小时后再看',
    ),
    minutes: 15,
    wantsPhoto: false,
    remeasure: { isSaid: true, afterMinutes: 15 },
    otherwise: words('It is not as it should be: somebody comes and looks', '仍不正常：安排上门检查'),
  },
]

export const activeTests: readonly ActiveTest[] = [
  {
    id: 'FR-T01',
    name: words('Forced defrost', '强制化霜'),
    command: { name: 'start_defrost', arguments: {} },
    guards: [...doorsShut, isDry, isCool, { channel: 'freezer_temperature_c', op: '<', value: -8, unit: 'c' }],
    consent: 'none',
    minutes: 45,
    safeState: words('Heater off, normal cooling', '关闭加热，恢复制冷'),
    reads: { channel: 'defrost_heater_current_a', as: 'last', unit: 'a' },
    answers: [
      {
        op: '<',
        value: 0.15,
        text: words('No heater current: the circuit of the heater is open', '无加热电流：加热回路断开'),
        speaksFor: ['FR-02'],
        speaksAgainst: ['FR-05', 'FR-08'],
      },
      {
        op: '>=',
        value: 0.15,
        text: words('The heater works: run the fan test afterwards', '加热正常：随后进行风机测试'),
        speaksFor: [],
        speaksAgainst: ['FR-02'],
      },
    ],
  },
  {
    id: 'FR-T02',
    name: words('Evaporator fan at full duty, after a defrost', '化霜后蒸发风机满速'),
    command: { name: 'run_evaporator_fan', arguments: { duty_pct: 100 } },
    guards: [...doorsShut, isCool],
    consent: 'none',
    minutes: 5,
    safeState: words('Fan back to its own control', '风机恢复自动'),
    reads: { channel: 'evaporator_fan_rpm', as: 'mean', unit: 'rpm' },
    answers: [
      {
        op: '<',
        value: 900,
        text: words('Slow or still without ice: the fan itself', '无冰仍慢或停转：风机故障'),
        speaksFor: ['FR-05'],
        speaksAgainst: ['FR-02'],
      },
      {
        op: '>=',
        value: 900,
        text: words('Turns well after a defrost: it was the ice', '化霜后正常：原因是结冰'),
        speaksFor: ['FR-02'],
        speaksAgainst: ['FR-05'],
      },
    ],
  },
  {
    id: 'FR-T03',
    name: words('Set-point response: fresh food 3 K warmer for an hour', '设定响应：冷藏调高 3 K 一小时'),
    command: { name: 'set_damper', arguments: { opening_pct: 0 } },
    guards: [...doorsShut, isCool, { channel: 'fresh_temperature_c', op: '<', value: 6, unit: 'c' }],
    consent: 'household',
    minutes: 60,
    safeState: words('Damper back to its own control, set point as before', '风门恢复自动，设定复原'),
    reads: { channel: 'fresh_temperature_c', as: 'change', unit: 'c' },
    answers: [
      {
        op: '<',
        value: 0.5,
        text: words('No answer to the closed damper: it does not close', '风门关闭无响应：风门卡开'),
        speaksFor: ['FR-06'],
        speaksAgainst: ['FR-08'],
      },
      {
        op: '>=',
        value: 0.5,
        text: words('Warms as it should: the damper moves', '正常回温：风门动作正常'),
        speaksFor: ['FR-08'],
        speaksAgainst: ['FR-06'],
      },
    ],
  },
]
