/**
 * Rules of the washing machine: water where none belongs, current to earth and overheating act by themselves, on what the machine says
 * between and within cycles; the rest is evidence. Thresholds that cite no source are engineering judgement.
 */
import type { Rule } from '../appliance-type.ts'
import { electricalOverheating } from '../blocks/electrical-overheating.ts'
import { onRecords, words } from '../blocks/makers.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const shared = { version: 1, clearHoldMs: HOUR_MS, gapMs_MAX: 75 * MINUTE_MS } as const
const none = words('', '')
const closeTap = words(
  'Close the tap of the washing machine now. Do not open the door; switch the machine off at the wall if the floor is dry where you stand.',
  '请立即关闭洗衣机水龙头。勿开机门；若脚下干燥请断开电源。',
)

export const rules: readonly Rule[] = [
  ...electricalOverheating({
    prefix: 'WM',
    hot: 'board_temperature_c',
    ambient: 'ambient_temperature_c',
    current: 'heater_current_a',
    current_MIN: 1,
    load: 'water_temperature_c',
  }),
  {
    ...shared,
    id: 'WM-R05',
    safetyClass: 'E0',
    fault: 'WM-05',
    title: words('Current to earth', '对地漏电'),
    advice: words(
      'The machine was switched off: current leaks to its metal. Do not touch it with wet hands; switch it off at the breaker.',
      '设备漏电已停机。请勿湿手接触，并断开空气开关。',
    ),
    when: { channel: 'earth_fault_is_on', op: '==', value: 1, unit: 'none' },
    holdMs: 0,
    opensWorkOrder: true,
    source: 'domain 6.3, WM-05: leakage trip (earth), E0',
  },
  {
    ...shared,
    id: 'WM-R08',
    safetyClass: 'E1',
    fault: 'WM-08',
    title: words('Water under the tub', '桶下漏水'),
    advice: closeTap,
    when: { channel: 'leak_float_is_closed', op: '==', value: 1, unit: 'none' },
    holdMs: 0,
    opensWorkOrder: true,
    source: 'domain 6.3, WM-08: leak float',
  },
  {
    ...shared,
    id: 'WM-R09',
    safetyClass: 'E1',
    fault: 'WM-08',
    title: words('Level falls with valves closed and pump off', '关阀停泵时水位下降'),
    advice: closeTap,
    when: { channel: 'level_drift_kpa', op: '<', value: -0.08, unit: 'kpa' },
    holdMs: 0,
    ...onRecords,
    opensWorkOrder: true,
    source: 'domain 6.3, WM-08: level falls between phases; 0.08 kPa in 5 minutes is half a litre (EJ)',
  },
  {
    ...shared,
    id: 'WM-R04',
    safetyClass: 'E1',
    fault: 'WM-04',
    title: words('Level rises with the inlet valve closed', '进水阀关闭时水位上升'),
    advice: closeTap,
    when: { channel: 'level_drift_kpa', op: '>', value: 0.05, unit: 'kpa' },
    holdMs: 0,
    ...onRecords,
    opensWorkOrder: true,
    source: 'domain 6.3, WM-04: level creeps when the valve is off; 0.05 kPa in 5 minutes (EJ)',
  },
  {
    ...shared,
    id: 'WM-R06',
    safetyClass: 'E2',
    fault: 'WM-01',
    title: words('Water stays after the drain', '排水后仍有余水'),
    advice: none,
    when: {
      all: [
        { channel: 'drain_residual_kpa', op: '>', value: 0.4, unit: 'kpa' },
        { channel: 'drain_attempts_count', op: '>', value: 2, unit: 'count' },
      ],
    },
    holdMs: 0,
    ...onRecords,
    opensWorkOrder: false,
    source: 'domain 6.3, WM-01: residual level (EJ)',
  },
  {
    ...shared,
    id: 'WM-R07',
    safetyClass: 'E2',
    fault: 'WM-07',
    title: words('The door needs more than three attempts to lock', '门锁超过三次才锁上'),
    advice: none,
    when: { channel: 'lock_attempts_count', op: '>', value: 3, unit: 'count' },
    holdMs: 0,
    ...onRecords,
    opensWorkOrder: false,
    source: 'domain 6.3, WM-07: lock time up, retries (EJ)',
  },
  {
    ...shared,
    version: 2,
    // Two readings far apart may both lie in the moments in which a thermostat holds the water at its temperature.
    gapMs_MAX: 3 * MINUTE_MS,
    id: 'WM-R21',
    safetyClass: 'E3',
    fault: 'XX-02',
    title: words('Water temperature does not move while the heater draws current', '加热时水温不变'),
    advice: none,
    when: {
      all: [
        { channel: 'heater_current_a', op: '>', value: 5, unit: 'a' },
        { channel: 'water_temperature_c', rateOverMs: 10 * MINUTE_MS, op: '==', value: 0, unit: 'k_per_min' },
      ],
    },
    holdMs: 10 * MINUTE_MS,
    opensWorkOrder: true,
    judgesSensor: true,
    source: '1 kW warms 15 litres by 1 K a minute: energy balance',
  },
]
