/** Rules of the dryer: overheating (lint burns), a full sump, and a heat pump that would cool the air that it heats. */
import type { Rule } from '../appliance-type.ts'
import { electricalOverheating } from '../blocks/electrical-overheating.ts'
import { words } from '../blocks/makers.ts'

const MINUTE_MS = 60_000
const shared = { version: 1, clearHoldMs: 60 * MINUTE_MS, gapMs_MAX: 15 * MINUTE_MS, opensWorkOrder: true, source: 'EJ' } as const
const runs = { channel: 'compressor_current_a', op: '>', value: 1, unit: 'a' } as const

export const rules: readonly Rule[] = [
  ...electricalOverheating({
    prefix: 'DR',
    hot: 'board_temperature_c',
    ambient: 'ambient_temperature_c',
    current: 'compressor_current_a',
    current_MIN: 0.5,
    load: 'drum_inlet_temperature_c',
  }),
  {
    ...shared,
    id: 'DR-R03',
    safetyClass: 'E0',
    fault: 'DR-01',
    title: words('Air into the drum above 90 °C', '进桶风温超过 90 °C'),
    advice: words(
      'The dryer was switched off: it overheats. Do not open it; unplug it, and call the fire brigade if you see smoke.',
      '烘干机过热已停机。勿开门，请拔插头；如有烟请报火警。',
    ),
    // A heat pump reaches 65 °C; the second witness is that the compressor draws current.
    when: { all: [{ channel: 'drum_inlet_temperature_c', op: '>', value: 90, unit: 'c', clearValue: 70 }, runs] },
    holdMs: 0,
  },
  {
    ...shared,
    id: 'DR-R04',
    safetyClass: 'E3',
    fault: 'DR-02',
    title: words('Tank full for an hour while drying', '烘干中水满一小时'),
    advice: words('', ''),
    when: {
      all: [
        { channel: 'tank_is_full', op: '==', value: 1, unit: 'none' },
        { channel: 'cycle_is_on', op: '==', value: 1, unit: 'none' },
      ],
    },
    holdMs: 60 * MINUTE_MS,
    opensWorkOrder: false,
  },
  {
    ...shared,
    id: 'DR-R21',
    safetyClass: 'E3',
    fault: 'XX-02',
    title: words('Air into the drum colder than out of it while the heat pump works', '热泵工作时进桶风温低于出桶风温'),
    advice: words('', ''),
    when: { all: [runs, { channel: 'drum_inlet_temperature_c', minus: 'drum_outlet_temperature_c', op: '<', value: -3, unit: 'k' }] },
    holdMs: 20 * MINUTE_MS,
    judgesSensor: true,
    source: 'wet clothes cool the air that passes them (energy balance)',
  },
]
