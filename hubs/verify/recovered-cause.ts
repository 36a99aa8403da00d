/**
 * Which fault was really mended, by what recovered: the change of the residuals behind the repair is held against the signs of each fault of
 * the type, together with what the diagnosis said before. And what that says of a code: right, wrong, or no repair at all. Pure.
 */
import type { ApplianceType, FaultSign } from '#catalogue/appliance-type.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import type { Outcome } from '#kernel/work-order.ts'
import { meanZ, type RepairAssessment, SIGNATURE_LENGTH_MIN, signatureOf } from './assess-repair.ts'
import { byPart } from './label-confidence.ts'
import type { RepairSign } from './verify-tables.ts'

/** What is kept of a judgement. */
export interface Verdict {
  readonly reason: string
  readonly assessment: RepairAssessment | null
  /** Chance of each fault that it is what recovered. */
  readonly causes: Readonly<Record<string, number>>
}

export interface CauseQuestion {
  readonly type: Pick<ApplianceType, 'faults'>
  readonly before: readonly MeasuredResidual[]
  readonly after: ReadonlyArray<readonly MeasuredResidual[]>
  /** Of the diagnosis, by fault code; empty where there was none. */
  readonly probabilities: Readonly<Record<string, number>>
}

/** How strongly the likeness of signs counts against the diagnosis (chosen: a full likeness against none is e^4). */
const LIKENESS_WEIGHT = 4
/** A fault that the diagnosis did not name has at least this. */
const PROBABILITY_FLOOR = 0.02

/** Chance of each fault of the type that it is the one that recovered; sums to 1. */
export function causeProbabilities({ type, before, after, probabilities }: CauseQuestion): ReadonlyMap<string, number> {
  const now = meanZ(after)
  const change = new Map(before.flatMap(({ feature, z_score }) => (z_score === null ? [] : [[feature, z_score - (now.get(feature) ?? 0)] as const])))
  const weights = type.faults.map(({ code, signs }): [string, number] => [
    code,
    Math.max(PROBABILITY_FLOOR, probabilities[code] ?? 0) * Math.exp(LIKENESS_WEIGHT * likeness(signs, change)),
  ])
  const sum = weights.reduce((total, [, weight]) => total + weight, 0)
  return new Map(weights.map(([code, weight]) => [code, weight / sum]))
}

/** Cosine between what changed and what the signs of a fault say should have; -1 to 1. */
function likeness(signs: readonly FaultSign[], change: ReadonlyMap<string, number>): number {
  const directions = new Map(signs.map(({ feature, direction }) => [feature, direction]))
  const length = Math.hypot(...change.values())
  const speaking = signs.filter(({ direction }) => direction !== 0).length
  if (length === 0 || speaking === 0) return 0
  const along = [...change].reduce((sum, [feature, value]) => {
    const direction = directions.get(feature)
    return sum + (direction === undefined ? 0 : direction === 'either' ? Math.abs(value) : direction * value)
  }, 0)
  return along / (length * Math.sqrt(speaking))
}

export interface SignInputs {
  readonly type: Pick<ApplianceType, 'faults'>
  readonly outcome: Outcome
  readonly assessment: RepairAssessment
  readonly causes: ReadonlyMap<string, number>
  readonly before: readonly MeasuredResidual[]
  /** Highest probability of the diagnosis. */
  readonly confidence: number
}

export interface FoundSign {
  readonly sign: RepairSign
  readonly reason: string
  /** Fault that the sensors speak for. */
  readonly sensed: string | null
  /** The order reopens. */
  readonly reopens: boolean
}

/** A code is called wrong when another fault has at least this chance, and the coded one at most that. */
const OTHER_MIN = 0.8
const CODED_MAX = 0.08
/** Parts that go so much better with the code than with the other fault say that the code is right. */
const PARTS_AGREE = 5
/** Departure (length of the signature) that does not vanish by itself. */
const STANDING_LENGTH = 3.5
/** A diagnosis this sure stands against an engineer who found nothing. */
const SURE_MIN = 0.9
/** Share of the departure that is left when nothing was done. */
const UNCHANGED_RATIO = 0.6

/** A feature that stood out so far, and as much as the others, is gone when less than this share of it is left. */
const GONE_Z = 2.5
const GONE_OF_LARGEST = 0.5
const GONE_RATIO = 0.25

/** Whether any of the larger features of the departure is back: something was done, then, be it not enough. */
function hasGone({ features }: RepairAssessment): boolean {
  const largest = Math.max(0, ...features.map(({ before_z }) => Math.abs(before_z)))
  const large = features.filter(({ before_z }) => Math.abs(before_z) >= Math.max(GONE_Z, GONE_OF_LARGEST * largest))
  return large.some(({ before_z, after_z }) => after_z / before_z < GONE_RATIO)
}

/** Signs that a repair was none, was bad, or was coded as something else; undefined = nothing speaks against it. */
export function signOf({ type, outcome, assessment, causes, before, confidence }: SignInputs): FoundSign | undefined {
  const [likeliest] = [...causes].sort((a, b) => b[1] - a[1])[0] ?? [null]
  const length = Math.hypot(...signatureOf(before, undefined).values())
  const isNothing = outcome.cause === 'no_fault_found'
  if (assessment.verdict === 'not_normal') {
    const { left_ratio, windows } = assessment
    const left =
      left_ratio === null
        ? `the signs of the fault stand in ${windows} windows behind the visit`
        : left_ratio < 0
          ? `the departure stands on the other side, by ${Math.round(-100 * left_ratio)} % of what it was, after ${windows} windows`
          : `${Math.round(100 * left_ratio)} % of the departure is left after ${windows} windows`
    if (isNothing) {
      const reopens = confidence >= SURE_MIN
      return { sign: 'missed_fault', reason: `nothing was found, and ${left}`, sensed: likeliest, reopens }
    }
    const isUnchanged = (assessment.left_ratio ?? 0) >= UNCHANGED_RATIO && !hasGone(assessment)
    const sign = isUnchanged && outcome.parts_used.length > 0 ? 'phantom_repair' : 'bad_repair'
    return { sign, reason: sign === 'phantom_repair' ? `parts were claimed, and ${left}` : left, sensed: likeliest, reopens: true }
  }
  if (assessment.verdict !== 'normal' || length < SIGNATURE_LENGTH_MIN || assessment.left_ratio === null) return undefined
  if (isNothing && length >= STANDING_LENGTH) {
    return { sign: 'miscoded_repair', reason: 'nothing was found, and the departure vanished with the visit', sensed: likeliest, reopens: false }
  }
  return codeSign({ type, outcome, causes, because: 'what recovered are the signs' })
}

/**
 * A code that another fault contradicts: by `causes`, the chance of each that it was the one, and by the parts, which tell the two apart where they
 * were written down rightly. Parts that go with the code take its side.
 */
export function codeSign({
  type,
  outcome,
  causes,
  because,
}: Pick<SignInputs, 'type' | 'outcome' | 'causes'> & { readonly because: string }): FoundSign | undefined {
  if (!causes.has(outcome.cause)) return undefined
  const weights = [...causes].map(([code, chance]) => [code, chance * byPart({ type, outcome }, code)] as const)
  const sum = weights.reduce((total, [, weight]) => total + weight, 0)
  const weighed = new Map(weights.map(([code, weight]) => [code, weight / sum]))
  const [likeliest = '', chance = 0] = [...weighed].sort((a, b) => b[1] - a[1])[0] ?? []
  if (likeliest === outcome.cause || chance < OTHER_MIN || (weighed.get(outcome.cause) ?? 0) > CODED_MAX) return undefined
  if (byPart({ type, outcome }, outcome.cause) >= PARTS_AGREE * byPart({ type, outcome }, likeliest)) return undefined
  return { sign: 'miscoded_repair', reason: `the code says ${outcome.cause}, ${because} of ${likeliest}`, sensed: likeliest, reopens: false }
}
