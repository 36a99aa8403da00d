/**
 * What the controller does against a fault: heat that leaks into the air is answered by the cooling valve, which then stands further open than the
 * other channels say. That it is this valve follows from the fault and not from data; by which channels its usual opening is told
 * (up to three, least squares on clean days while cooling works and heating is shut), and from where on it is too far, is chosen on
 * the learned machine alone with its labels: each clean day is held out once, the largest residual of them is the threshold. How far a
 * day is off is the median of its steps, and seven relations vote.
 */

import type { NormalRow } from '../../models/learn-normal/normal-model.ts'
import { solveLeastSquares } from '../../models/least-squares.ts'
import { CHANNELS, COOLING, type Day, HEATING } from './read-lbnl.ts'

export interface Relation {
  readonly drivers: readonly number[]
  /** How clearly the learned machine's fault days stand apart. */
  readonly separation: number
  readonly threshold: number
  /** Residual of a day, NaN when the mode did not occur. */
  readonly of: (day: Day) => number
}

const DRIVERS_MAX = 3
const RIDGE = 0.01
/** Steps of the mode that a day must have. */
const STEPS_MIN = 6
/** Openings above and below which a valve works and is shut. */
const [WORKS, SHUT] = [0.02, 0.02]
/** Relations that vote. */
const VOTES = 7

const inMode = (day: Day): readonly NormalRow[] => day.steps.filter(({ values }) => (values[COOLING] ?? 0) > WORKS && (values[HEATING] ?? 0) < SHUT)

const median = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

function* subsets(items: readonly number[], size: number): Generator<readonly number[]> {
  if (size === 0) yield []
  else for (const [index, item] of items.entries()) for (const rest of subsets(items.slice(index + 1), size - 1)) yield [item, ...rest]
}

/** A day's median residual of the cooling valve, by the relation fitted on other days. */
function fitRelation(rows: readonly NormalRow[], drivers: readonly number[]): (day: Day) => number {
  const used = [COOLING, ...drivers]
  const means = used.map((channel) => rows.reduce((sum, { values }) => sum + (values[channel] ?? 0), 0) / rows.length)
  const spreads = used.map(
    (channel, index) =>
      Math.sqrt(rows.reduce((sum, { values }) => sum + ((values[channel] ?? 0) - (means[index] ?? 0)) ** 2, 0) / rows.length) + 1e-3,
  )
  const z = (values: Float64Array, index: number): number => ((values[used[index] ?? 0] ?? 0) - (means[index] ?? 0)) / (spreads[index] ?? 1)
  const terms = (values: Float64Array): number[] => [1, ...drivers.map((_, index) => z(values, index + 1))]
  const weights = solveLeastSquares(
    rows.map(({ values }) => ({ x: terms(values), y: z(values, 0) })),
    RIDGE,
  )
  return (day) => {
    const steps = inMode(day)
    if (steps.length < STEPS_MIN) return Number.NaN
    return (
      median(steps.map(({ values }) => z(values, 0) - terms(values).reduce((sum, term, index) => sum + term * (weights[index] ?? 0), 0))) *
      (spreads[0] ?? 1)
    )
  }
}

/** The relations that tell the days of the fault best, best first. */
export function learnRelations(days: readonly Day[], isFault: (day: Day) => boolean): readonly Relation[] {
  const known = days.filter((day) => inMode(day).length >= STEPS_MIN)
  const clean = known.filter(({ label }) => label === 'clean')
  const faulty = known.filter(isFault)
  const found: Relation[] = []
  const others = CHANNELS.map((_, channel) => channel).filter((channel) => channel !== COOLING && channel !== HEATING)
  for (let size = 1; size <= DRIVERS_MAX; size++) {
    for (const drivers of subsets(others, size)) found.push(judge({ drivers, clean, faulty }))
  }
  return found.sort((a, b) => b.separation - a.separation).slice(0, VOTES)
}

interface Candidate {
  readonly drivers: readonly number[]
  readonly clean: readonly Day[]
  readonly faulty: readonly Day[]
}

function judge({ drivers, clean, faulty }: Candidate): Relation {
  const rowsWithout = (day?: Day): readonly NormalRow[] => clean.filter((other) => other !== day).flatMap(inMode)
  const heldOut = clean.map((day) => fitRelation(rowsWithout(day), drivers)(day))
  const of = fitRelation(rowsWithout(), drivers)
  const spread = Math.max(1e-4, Math.sqrt(heldOut.reduce((sum, value) => sum + value * value, 0) / heldOut.length))
  const threshold = Math.max(...heldOut)
  return { drivers, of, threshold, separation: (median(faulty.map(of)) - threshold) / spread }
}

/** Median over the relations of how far the day is, 1 = at the threshold; NaN when the mode did not occur, so that nothing can be said. */
export function dayScore(relations: readonly Relation[], day: Day): number {
  const scores = relations.map(({ of, threshold }) => of(day) / Math.max(threshold, 1e-6))
  return scores.some(Number.isNaN) ? Number.NaN : median(scores)
}

export const nameOf = ({ drivers }: Relation): string => drivers.map((driver) => CHANNELS[driver]).join(', ')
