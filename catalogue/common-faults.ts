/**
 * What every appliance can have (domain catalogue 6.0): electrical overheating, a faulty sensor, silence; with parts and steps.
 * A type takes these lists into its own and adds the rules, which name its channels (blocks/electrical-overheating.ts).
 */
import type { Fault, Part, RemoteStep, RepairStep } from './appliance-type.ts'

export const commonParts: readonly Part[] = [
  { part: 'P-COM-001', name: { en: 'Power terminal kit', 'zh-CN': '电源端子套件' } },
  { part: 'P-COM-002', name: { en: 'Sensor and plug', 'zh-CN': '传感器及插头' } },
  { part: 'P-COM-003', name: { en: 'Communication module', 'zh-CN': '通信模块' } },
]

export const commonSteps: readonly RepairStep[] = [
  {
    id: 'XX-S01',
    text: { en: 'Cut the mains, prove dead, open the terminal cover', 'zh-CN': '断电、验电，打开端子盖' },
    tools: ['voltage tester', 'lock-out tag'],
    minutes: 10,
    proof: { en: 'Photo of the tester and the open terminals', 'zh-CN': '验电与端子照片' },
  },
  {
    id: 'XX-S02',
    text: { en: 'Replace burnt terminals, tighten to torque, check wire section and plug', 'zh-CN': '更换烧蚀端子，按力矩拧紧，检查线径与插头' },
    tools: ['torque screwdriver', 'crimping tool'],
    minutes: 30,
    proof: { en: 'Photo; board temperature after 20 minutes at full load', 'zh-CN': '照片；满负荷 20 分钟后的温度' },
  },
  {
    id: 'XX-S03',
    text: { en: 'Compare the sensor with a reference, check plug and wire, replace it', 'zh-CN': '与标准比较，检查插头与线路，更换传感器' },
    tools: ['reference thermometer', 'multimeter'],
    minutes: 25,
    proof: { en: 'Sensor and reference reading side by side', 'zh-CN': '传感器与标准读数' },
  },
  {
    id: 'XX-S04',
    text: { en: 'Ask for power and router, restart the communication module', 'zh-CN': '询问供电与路由器，重启通信模块' },
    tools: [],
    minutes: 10,
    proof: { en: 'The unit reports again', 'zh-CN': '设备恢复上报' },
  },
]

export const commonRemoteSteps: readonly RemoteStep[] = [
  {
    id: 'XX-H01',
    action: {
      en: 'Is there power at the socket, and do other things in the home reach the network? Then unplug the appliance for a minute and plug it in again',
      'zh-CN': '插座是否有电，家中其他设备能否上网？然后拔插设备一分钟',
    },
    minutes: 5,
    wantsPhoto: false,
    remeasure: { isHeardAgain: true, afterMinutes: 30 },
    otherwise: { en: 'Power and network are there: the communication module needs a visit', 'zh-CN': '供电与网络正常：需检查通信模块' },
  },
]

export const commonFaults: readonly Fault[] = [
  {
    code: 'XX-01',
    name: { en: 'Electrical overheating', 'zh-CN': '电气过热' },
    safetyClass: 'E0',
    customerSees: { en: 'Smell of burning, warm plug, breaker trips; often nothing yet', 'zh-CN': '焦味、插头发热、跳闸；也可能尚无感觉' },
    signs: [],
    sources: ['EJ'],
    parts: [{ part: 'P-COM-001', quantity: 1, probability: 0.85 }],
    skills: ['ELE'],
    questions: [
      {
        rivals: ['XX-02'],
        text: { en: 'Is the plug or the terminal cover hot to a thermometer as well?', 'zh-CN': '用测温仪测插头或端子盖是否也发热？' },
      },
      { rivals: [], text: { en: 'Does the box stand in full sun or beside another source of heat?', 'zh-CN': '机箱是否暴晒或靠近热源？' } },
    ],
    steps: ['XX-S01', 'XX-S02'],
    life: { shape: 1.2, scaleYears: 60 },
    foundBy: ['rule'],
  },
  {
    code: 'XX-02',
    name: { en: 'Sensor faulty', 'zh-CN': '传感器故障' },
    safetyClass: 'E3',
    isOfSensor: true,
    customerSees: { en: 'Wrong display, odd cycling, or nothing', 'zh-CN': '显示异常、启停异常或无感觉' },
    signs: [],
    sources: ['EJ'],
    parts: [{ part: 'P-COM-002', quantity: 1, probability: 0.8 }],
    skills: ['BAS'],
    questions: [
      { rivals: [], text: { en: 'Does the reading move when the sensor is held in the hand?', 'zh-CN': '用手握住传感器时读数是否变化？' } },
    ],
    steps: ['XX-S03'],
    life: { shape: 1, scaleYears: 25 },
    foundBy: ['rule'],
  },
  {
    code: 'XX-03',
    name: { en: 'Silent unit', 'zh-CN': '设备失联' },
    safetyClass: 'E4',
    customerSees: { en: 'The app shows the unit as offline', 'zh-CN': '应用显示设备离线' },
    signs: [],
    sources: ['EJ'],
    parts: [{ part: 'P-COM-003', quantity: 1, probability: 0.15 }],
    skills: ['REM'],
    questions: [
      { rivals: [], text: { en: 'Is there power, and do other things in the home reach the network?', 'zh-CN': '是否有电，家中其他设备能否上网？' } },
      { rivals: [], text: { en: 'Are neighbours silent too (outage)?', 'zh-CN': '邻居设备是否也失联（停电）？' } },
    ],
    steps: ['XX-S04'],
    remoteSteps: ['XX-H01'],
    life: undefined,
    foundBy: [],
  },
]
