/** What household and washing machine can do before anybody travels: guided actions and tests. Values of answers are engineering judgement. */

import type { ActiveTest, RemoteStep } from '../appliance-type.ts'
import { words } from '../blocks/makers.ts'

const isDry = { channel: 'leak_float_is_closed', op: '==', value: 0, unit: 'none' } as const
const isSound = { channel: 'earth_fault_is_on', op: '==', value: 0, unit: 'none' } as const
const isCool = { channel: 'board_temperature_c', op: '<', value: 70, unit: 'c' } as const
const isIdle = { channel: 'cycle_is_on', op: '==', value: 0, unit: 'none' } as const
const isLocked = { channel: 'door_is_locked', op: '==', value: 1, unit: 'none' } as const
const safe = [isIdle, isDry, isSound, isCool]

export const remoteSteps: readonly RemoteStep[] = [
  {
    id: 'WM-H01',
    action: words(
      'Switch off, let the water cool below 40 °C, put a flat tray and a towel down, open and clean the filter at the bottom, look whether the hose is kinked; photo of the filter please',
      '关机，水温低于 40 °C 后放托盘与毛巾，打开并清洗底部滤网，检查排水管是否弯折；请拍滤网照片',
    ),
    minutes: 20,
    wantsPhoto: true,
    remeasure: { feature: 'drain_duration_s', recovers: -1, afterMinutes: 30 },
    otherwise: words('A clean filter brings nothing back: the pump or the hose inside needs a visit', '清洗无效：需上门检查水泵或内部管路'),
  },
  {
    id: 'WM-H02',
    action: words(
      'Are the shipping bolts out? Put a phone with a level on top: turn the feet until it stands level and does not rock, then tighten the nuts',
      '运输螺栓是否拆除？用手机水平仪调平四脚不晃动后锁紧螺母',
    ),
    minutes: 20,
    wantsPhoto: true,
    remeasure: { feature: 'ramp_vibration_m_s2', recovers: -1, afterMinutes: 60 },
    otherwise: words('Level and still banging: dampers or springs need a visit', '已调平仍撞桶：需更换减震器或吊簧'),
  },
  {
    id: 'WM-H90',
    action: words(
      'Look at programme, load and detergent; open the water tap fully; see that the hose is not bent and the machine stands level. Clean the filter of the drain, then run the shortest programme empty',
      '检查程序、衣量与洗涤剂；水龙头全开；水管无弯折，机器放平。清洁排水过滤器，然后空机运行最短程序',
    ),
    minutes: 30,
    wantsPhoto: false,
    remeasure: { isSaid: true, afterMinutes: 30 },
    otherwise: words('It is not as it should be: somebody comes and looks', '仍不正常：安排上门检查'),
  },
]

export const activeTests: readonly ActiveTest[] = [
  {
    id: 'WM-T01',
    name: words('Forced drain, three times, durations compared', '强制排水三次对比'),
    command: { name: 'drain', arguments: { times: 3, fill_l: 5 } },
    guards: [...safe, isLocked],
    consent: 'household',
    minutes: 8,
    safeState: words('Pump off, valve closed, tub empty', '停泵关阀排空'),
    reads: { channel: 'drain_duration_s', as: 'change', unit: 's' },
    answers: [
      {
        op: '>',
        value: 10,
        text: words('Slower each time: the pump weakens when it gets hot', '一次比一次慢：水泵热衰'),
        speaksFor: ['WM-02'],
        speaksAgainst: ['WM-01'],
      },
      { op: '<=', value: 10, text: words('Equally slow each time: a clog', '每次同样慢：堵塞'), speaksFor: ['WM-01'], speaksAgainst: ['WM-02'] },
    ],
  },
  {
    id: 'WM-T02',
    name: words('Spin with the empty drum', '空桶脱水'),
    command: { name: 'spin', arguments: { speed_rpm: 1000 } },
    guards: [...safe, isLocked, { channel: 'water_level_kpa', op: '<', value: 0.1, unit: 'kpa' }],
    consent: 'household',
    minutes: 8,
    safeState: words('Drum at rest, door unlocked', '停转解锁'),
    reads: { channel: 'ramp_vibration_m_s2', as: 'last', unit: 'm_s2' },
    answers: [
      {
        op: '>',
        value: 4,
        text: words('Bangs without load: dampers, springs or feet', '空桶仍撞：减震、吊簧或底脚'),
        speaksFor: ['WM-06'],
        speaksAgainst: [],
      },
      {
        op: '<=',
        value: 4,
        text: words('Quiet without load: it was the load, or the bearing at full speed', '空桶平稳：为负载偏心或高速轴承'),
        speaksFor: ['WM-03'],
        speaksAgainst: ['WM-06'],
      },
    ],
  },
  {
    id: 'WM-T03',
    name: words('Fill 5 litres, close the valve, watch the level for 10 minutes', '进水 5 升后关阀观察十分钟'),
    command: { name: 'fill_and_hold', arguments: { fill_l: 5, hold_s: 600 } },
    guards: [...safe, isLocked],
    consent: 'household',
    minutes: 14,
    safeState: words('Valve closed, then drained', '关阀后排空'),
    reads: { channel: 'water_level_kpa', as: 'change', unit: 'kpa' },
    answers: [
      {
        op: '>',
        value: 0.03,
        text: words('Rises with the valve closed: the valve lets water by', '关阀仍上升：阀内漏'),
        speaksFor: ['WM-04'],
        speaksAgainst: ['WM-08'],
      },
      {
        op: '<',
        value: -0.03,
        text: words('Falls with the pump off: water goes somewhere', '停泵仍下降：漏水'),
        speaksFor: ['WM-08'],
        speaksAgainst: ['WM-04'],
      },
      {
        op: '<=',
        value: 0.03,
        text: words('Stays: nothing leaks at this level', '保持：此水位不漏'),
        speaksFor: [],
        speaksAgainst: ['WM-04', 'WM-08'],
      },
    ],
  },
]
