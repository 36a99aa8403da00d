/**
 * Runs a slice of a fleet without a platform: each reading goes to a callback at once, so that training and evaluation need no files.
 * A fleet cut into slices has the same units, readings and truth as in one piece, so slices can run on several threads.
 */

import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Confuser, ConfuserSpan } from './confusers.ts'
import { createFleet } from './fleet.ts'
import type { FaultTruth } from './fleet-faults.ts'
import type { FleetReading } from './fleet-reading.ts'
import type { UnitFacts } from './fleet-units.ts'

export interface OfflineSlice {
  readonly type: string
  readonly seed: string
  readonly startMs: number
  readonly days: number
  readonly periodMs: number
  /** First home of the slice and number of homes; a home has one unit of the type. */
  readonly firstHome: number
  readonly homes: number
  readonly confusers?: readonly Confuser[]
  /** Onsets by the life models, this much faster than in life; 0 = `faultShare`. */
  readonly acceleration: number
  readonly faultShare: number
}

/** The truth of a slice, which goes beside the readings and is never sent. */
export interface SliceTruth {
  readonly units: readonly UnitFacts[]
  readonly faults: readonly FaultTruth[]
  readonly confusers: readonly ConfuserSpan[]
}

export interface SliceResult {
  readonly truth: SliceTruth
  readonly readings: number
  /** Steps of plants, also those that gave no reading. */
  readonly steps: number
}

const DAY_MS = 86_400_000
/** Days from a full fault to its repair in long runs. */
const REPAIR_DAYS: readonly [number, number] = [3, 30]

export function typeOf(id: string): ApplianceType {
  const type = applianceTypes.find((candidate) => candidate.id === id)
  if (type !== undefined) return type
  throw new MendlineError('MDL_CONFIG_INVALID', `type: one of ${applianceTypes.map((candidate) => candidate.id).join(', ')}`)
}

/** Runs a slice; `onReading` gets each reading, whose values are reused by the next one. */
export function runSlice(slice: OfflineSlice, onReading: (reading: FleetReading) => void): SliceResult {
  const { startMs, days, periodMs, acceleration } = slice
  const fleet = createFleet({
    type: typeOf(slice.type),
    units: slice.homes,
    firstHome: slice.firstHome,
    seed: slice.seed,
    startMs,
    faultShare: slice.faultShare,
    samplePeriodMs: periodMs,
    tenant: 'home',
    onsetSpanMs: days * DAY_MS,
    ...(acceleration > 0 && { wear: { days, acceleration, repairDays: REPAIR_DAYS } }),
    ...(slice.confusers !== undefined && { confusers: slice.confusers }),
  })
  const endMs = startMs + days * DAY_MS
  let readings = 0
  for (const reading of fleet.readings(endMs - 1)) {
    onReading(reading)
    readings += 1
  }
  return {
    truth: { units: fleet.units, faults: fleet.truth(), confusers: fleet.confusions(endMs) },
    readings,
    steps: Math.round((slice.homes * days * DAY_MS) / periodMs),
  }
}
