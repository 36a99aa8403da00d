/**
 * What looks like a fault and is none (domain catalogue 6.0), by name. A fleet is made with a set of these names, so that an evaluation
 * can count false diagnoses under each of them alone; what occurred, where and when, is written into the truth beside the readings.
 */

export const CONFUSERS = [
  'heat_wave',
  'cold_snap',
  'mains',
  'outage',
  'open_window',
  'set_point_habits',
  'dirt',
  'overload',
  'blocked_vents',
  'hard_water',
  'low_gas_pressure',
  'low_water_pressure',
  'holiday',
  'new_user',
  'firmware_rescale',
  'clock_jump',
  'duplicate_late',
] as const

export type Confuser = (typeof CONFUSERS)[number]

/** Those that change what is sent and not what happens; they are asked for by name (`firmware_rescale` of the fleet, the others of the network). */
export const CONFUSERS_OF_SENDING: readonly Confuser[] = ['firmware_rescale', 'clock_jump', 'duplicate_late']

/** Those of ordinary life, which a fleet has unless it is told otherwise. */
export const CONFUSERS_OF_LIFE: readonly Confuser[] = CONFUSERS.filter((name) => !CONFUSERS_OF_SENDING.includes(name))

/** Which confusers occur, and how often against ordinary life (1). */
export interface Confusion {
  readonly has: (confuser: Confuser) => boolean
  readonly rate: number
}

export function createConfusion(confusers: readonly Confuser[] = CONFUSERS_OF_LIFE, rate = 1): Confusion {
  const chosen = new Set(confusers)
  return { has: (confuser) => chosen.has(confuser), rate }
}

/** One occurrence in the truth: where it was (the narrowest of device, household, area and city) and from when to when. */
export interface ConfuserSpan {
  readonly confuser: Confuser
  readonly scope: 'device' | 'household' | 'area' | 'city'
  readonly name: string
  readonly from_ms: number
  readonly to_ms: number
  /** How strong, in the words of `unit`. */
  readonly size: number
  readonly unit: string
}
