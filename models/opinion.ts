/**
 * What a device's windows amount to, as a small state machine: an answer needs two windows that agree, is told when it differs from
 * the last one told, has become clearly stronger or passes a limit at which somebody acts on it, and is not told per window. A fault that was named is left only when another
 * answer is agreed on. Plain data, so that a snapshot survives JSON.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'

export interface Answer {
  readonly answer: Diagnosis['answer']
  /** Fault code for the answer `fault`, else null. */
  readonly fault: string | null
  readonly probability: number
}

export interface Opinion {
  /** Answer of the last window, and how many windows in a row gave it. */
  last: Answer | null
  agreed: number
  /** What was told last. A unit of which nothing was told counts as without fault. */
  told: Answer | null
}

export const createOpinion = (): Opinion => ({ last: null, agreed: 0, told: null })

/** Windows in a row that must give the same answer where a card does not say. */
export const AGREE_MIN = 2

/**
 * Steps of probability that are worth telling again; below 0.97 a step counts when it is also a tenth above what was told. The steps near 1 rank
 * what is told: a budget of few alerts goes to the units that are surest.
 */
const STRONGER_STEPS = [0.75, 0.9, 0.97, 0.99, 0.997]
const STRONGER_BY = 0.1

/** Probabilities from which on whoever hears of a fault acts on it, in any order. What was told only rises while a fault stands, so each is passed once. */
export type DecidedAt = (type: ApplianceType, fault: string) => readonly number[]

export interface Telling {
  /** Windows in a row that must agree. */
  readonly agreeMin?: number | undefined
  /** Of the fault of the answer. */
  readonly limits?: readonly number[]
}

/** Takes the answer of a window, undefined when it decides nothing; says whether the answer is to be told. */
export function observe(opinion: Opinion, answer: Answer | undefined, { agreeMin = AGREE_MIN, limits = [] }: Telling = {}): answer is Answer {
  if (answer === undefined) {
    opinion.last = null
    opinion.agreed = 0
    return false
  }
  opinion.agreed = opinion.last !== null && isSame(opinion.last, answer) ? opinion.agreed + 1 : 1
  opinion.last = answer
  if (opinion.agreed < agreeMin) return false
  const told = opinion.told ?? { answer: 'no_fault', fault: null, probability: 1 }
  if (isSame(told, answer) && !isStronger(told, answer) && !passes(told, answer, limits)) return false
  opinion.told = answer
  return true
}

const isSame = (a: Answer, b: Answer): boolean => a.answer === b.answer && a.fault === b.fault

const stepOf = (probability: number): number => STRONGER_STEPS.filter((step) => probability >= step).length

const isStronger = (told: Answer, now: Answer): boolean =>
  now.answer === 'fault' && stepOf(now.probability) > stepOf(told.probability) && now.probability >= Math.min(told.probability + STRONGER_BY, 0.97)

/** Whether an answer is at or above a limit that the one told before was below. */
export const passes = (told: Answer, now: Answer, limits: readonly number[]): boolean =>
  now.answer === 'fault' && limits.some((limit) => told.probability < limit && now.probability >= limit)

/** How an answer is chosen from calibrated probabilities. */
export interface AnswerBounds {
  readonly noFault: string
  /** Probability from which a fault is named. */
  readonly threshold: number
  /** Distance from which a unit that no class explains has an unknown fault. */
  readonly unknownDistance: number
}

/** "No fault" is an answer from here, and an unknown fault is not claimed above it. */
const UNSURE_MAX = 0.5

/**
 * Answer of one window, undefined when it decides nothing. `held` is the fault told before: it stays while it is the first class and more likely than not, so that an
 * answer at the threshold does not come and go.
 */
export function chooseAnswer(
  classes: readonly string[],
  probabilities: readonly number[],
  { distance, held, bounds }: { distance: number; held: string | null; bounds: AnswerBounds },
): Answer | undefined {
  const ranked = classes.map((name, index) => ({ name, probability: probabilities[index] ?? 0 })).sort((a, b) => b.probability - a.probability)
  const best = ranked[0] ?? { name: bounds.noFault, probability: 1 }
  const needed = best.name === held ? Math.min(bounds.threshold, 0.5) : bounds.threshold
  if (best.name !== bounds.noFault && best.probability >= needed) return { answer: 'fault', fault: best.name, probability: best.probability }
  const noFault = ranked.find(({ name }) => name === bounds.noFault)?.probability ?? 0
  if (distance >= bounds.unknownDistance && noFault < UNSURE_MAX) return { answer: 'unknown_fault', fault: null, probability: 1 - noFault }
  return noFault >= UNSURE_MAX ? { answer: 'no_fault', fault: null, probability: noFault } : undefined
}
