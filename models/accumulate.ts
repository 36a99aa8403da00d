/**
 * Belief about a unit over time: what the model says of each window is taken as evidence, and evidence of window after window adds up, so
 * that one odd window tells nothing and a weak sign that stays is seen. A hidden Markov filter with one state a class (Rabiner 1989):
 * faults begin at a rate and seldom go by themselves; a window counts for less than one, since neighbours share what they err in.
 * Plain numbers in, plain numbers out: the same windows in the same order give the same belief.
 */
import { type Static, Type } from 'typebox'

export const AccumulationSchema = Type.Object({
  /** Share of a window's evidence that counts. */
  weight: Type.Number({ exclusiveMinimum: 0, maximum: 1 }),
  /** Chance a day that a fault begins, all faults together, and that one goes. */
  onset_per_day: Type.Number({ exclusiveMinimum: 0, maximum: 0.5 }),
  recovery_per_day: Type.Number({ exclusiveMinimum: 0, maximum: 0.5 }),
  /** Shares of the classes among the rows that the model was trained on: what it says without evidence. */
  shares: Type.Array(Type.Number({ exclusiveMinimum: 0 }), { minItems: 2 }),
})

export type Accumulation = Static<typeof AccumulationSchema>

/** Evidence of one window is bounded by this factor for or against a class. */
const EVIDENCE_MAX = 200
/** A unit that was not seen for longer is believed to have changed no more than in so many days. */
const GAP_DAYS_MAX = 14

export interface Step {
  /** Belief before the window, in the order of the classes; undefined for the first one. */
  readonly before: readonly number[] | undefined
  /** What the model says of the window, calibrated. */
  readonly probabilities: readonly number[]
  /** Days since the last window. */
  readonly days: number
  /** Place of the class without fault. */
  readonly noFault: number
}

/** Belief after a window; sums to 1. */
export function accumulateBelief(settings: Accumulation, { before, probabilities, days, noFault }: Step): number[] {
  const { weight, shares, onset_per_day, recovery_per_day } = settings
  const classes = probabilities.length
  const gap = Math.min(GAP_DAYS_MAX, Math.max(0, days))
  const begins = 1 - (1 - onset_per_day) ** gap
  const goes = 1 - (1 - recovery_per_day) ** gap
  const sound = before?.[noFault] ?? 1 - onset_per_day
  const faulty = 1 - sound
  const evidence = probabilities.map(
    (probability, index) => Math.min(EVIDENCE_MAX, Math.max(1 / EVIDENCE_MAX, probability / (shares[index] ?? 1))) ** weight,
  )
  const belief = probabilities.map((_, index) => {
    const held = before?.[index] ?? (index === noFault ? sound : faulty / (classes - 1))
    const moved = index === noFault ? sound * (1 - begins) + faulty * goes : held * (1 - goes) + (sound * begins) / (classes - 1)
    return moved * (evidence[index] ?? 1)
  })
  const sum = belief.reduce((total, value) => total + value, 0)
  return belief.map((value) => value / sum)
}
