/**
 * Makers of channels, so that a type's `sensors.ts` reads as a list: name, range and words. The unit comes from the name. A record
 * channel is told once, at the end of what it measures (a phase, a defrost, a draw of water), with an event and not with the periodic readings.
 */
import { unitOfName } from '#kernel/units.ts'
import type { Channel, Text } from '../appliance-type.ts'

/** Physical range and smallest step, in the unit of the name. */
export type Range = readonly [min: number, max: number, step: number]

const make = (name: string, [min, max, step]: Range, description: Text): Channel => ({
  name,
  kind: 'number',
  unit: unitOfName(name),
  min,
  max,
  step,
  isAggregated: false,
  isSafety: false,
  description,
})

/** A quantity that comes with every periodic reading, with the least and the largest value of its period. */
export const measured = (name: string, range: Range, description: Text): Channel => ({ ...make(name, range, description), isAggregated: true })

/** A measured quantity that safety rules look at: sent at once when it changes much. */
export const guarded = (name: string, range: Range, description: Text): Channel => ({ ...measured(name, range, description), isSafety: true })

/** A quantity that is told once, at the end of what it measures. */
export const recorded = (name: string, range: Range, description: Text): Channel => ({
  ...make(name, range, description),
  quality: { isOnEvent: true },
})

/** A record that safety rules look at. */
export const guardedRecord = (name: string, range: Range, description: Text): Channel => ({ ...recorded(name, range, description), isSafety: true })

/** True or false. */
export const claimed = (name: string, description: Text): Channel => ({ ...make(name, [0, 1, 1], description), kind: 'boolean', unit: 'none' })

/** True or false, for safety rules: sent at once on change. */
export const guardedClaim = (name: string, description: Text): Channel => ({ ...claimed(name, description), isSafety: true })

/** A code or a word. */
export const worded = (name: string, description: Text): Channel => ({ ...make(name, [0, 0, 0], description), kind: 'text', unit: 'none' })
