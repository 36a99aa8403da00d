/**
 * Evidence of a diagnosis: the mean residuals of a device's last windows, and what they say for and against a fault in the words of the
 * catalogue. The mean over windows is also what the model sees, so that single odd windows count little.
 */
import type { ApplianceType, Fault, FaultSign } from '#catalogue/appliance-type.ts'
import type { Evidence } from '#kernel/diagnosis.ts'
import { assert } from '#kernel/errors.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import type { Residuals } from './reference.ts'
import type { Trend } from './trend.ts'

/** Residuals of one window with the time of its end, and of several windows their mean. */
export interface TimedResiduals extends Residuals {
  readonly fromMs: number
  readonly toMs: number
}

/** The mean over the last windows with what came before them. */
export interface SeenResiduals extends TimedResiduals {
  readonly trend?: Trend
}

/** A z-score from which a sign counts as seen (chosen: one spread of units without fault, over several windows). */
const SEEN_Z = 1

/** A feature that should not have moved speaks against a fault from here. */
const MOVED_Z = 2.5

/** Longest lists of evidence on a diagnosis; the strongest stay. */
const EVIDENCE_MAX = 6

/** Faint signs that are shown when none stands out. */
const LEANING_MAX = 2

/** Mean of the windows, by feature over the windows that have it; NaN where none has. From and to span them all. */
export function meanResiduals(windows: readonly TimedResiduals[]): TimedResiduals {
  const [first] = windows
  assert(first !== undefined, 'a mean is of windows')
  const mean = (pick: (residuals: Residuals) => Float64Array): Float64Array =>
    Float64Array.from(pick(first), (_, index) => {
      // Expected values count only where there is an observed one, so that the two stay comparable.
      const known = windows.filter(({ observed }) => !Number.isNaN(observed[index] ?? Number.NaN))
      return known.reduce((sum, window) => sum + (pick(window)[index] ?? Number.NaN), 0) / known.length
    })
  return {
    fromMs: Math.min(...windows.map(({ fromMs }) => fromMs)),
    toMs: Math.max(...windows.map(({ toMs }) => toMs)),
    observed: mean(({ observed }) => observed),
    expected: mean(({ expected }) => expected),
    zScores: mean(({ zScores }) => zScores),
    ...(windows.at(-1)?.doubt !== undefined && { doubt: windows.at(-1)?.doubt ?? 0 }),
  }
}

/** Signs of `fault` that the residuals show, and those that they contradict or lack, strongest first. */
export function weighSigns(
  fault: Fault,
  residuals: Residuals,
  features: readonly string[],
  type: ApplianceType,
): { readonly for: Evidence[]; readonly against: Evidence[] } {
  const weighed = fault.signs.flatMap((sign) => {
    const index = features.indexOf(sign.feature)
    const zScore = residuals.zScores[index] ?? Number.NaN
    const stand = Number.isNaN(zScore) ? undefined : standOf(sign, zScore)
    return stand === undefined ? [] : [{ stand, evidence: toEvidence(sign.feature, sign.text.en, { residuals, index, type }) }]
  })
  const of = (stand: 'for' | 'against') => weighed.filter((entry) => entry.stand === stand).map(({ evidence }) => evidence)
  return { for: strongest(of('for')), against: strongest(of('against')) }
}

/**
 * What leans to `fault` when no sign of it stands out in the last windows: belief that was gathered over time may name a fault whose signs
 * are faint in each. The signs that lean most its way, else the features farthest from the reference; at most two.
 */
export function leaningSigns(fault: Fault, residuals: Residuals, features: readonly string[], type: ApplianceType): Evidence[] {
  const leans = fault.signs.flatMap((sign) => {
    const index = features.indexOf(sign.feature)
    const zScore = residuals.zScores[index] ?? Number.NaN
    const lean = sign.direction === 'either' ? Math.abs(zScore) : zScore * sign.direction
    return lean > 0 ? [{ lean, evidence: toEvidence(sign.feature, sign.text.en, { residuals, index, type }) }] : []
  })
  const most = leans.sort((a, b) => b.lean - a.lean).slice(0, LEANING_MAX)
  return most.length > 0 ? most.map(({ evidence }) => evidence) : strangest(residuals, features, type).slice(0, LEANING_MAX)
}

/** The features that are farthest from the reference, whatever they mean: evidence of a fault that nobody named. */
export function strangest(residuals: Residuals, features: readonly string[], type: ApplianceType): Evidence[] {
  const all = features.flatMap((feature, index) => {
    const zScore = residuals.zScores[index] ?? Number.NaN
    if (!(Math.abs(zScore) >= MOVED_Z)) return []
    const words = type.recipe?.features.find(({ name }) => name === feature)?.description.en ?? feature
    return [toEvidence(feature, `${words} is ${zScore > 0 ? 'above' : 'below'} what a unit without fault shows`, { residuals, index, type })]
  })
  return strongest(all)
}

/** Every feature that is known, in the order of the features. */
export const residualsOf = (residuals: Residuals, features: readonly string[]): MeasuredResidual[] =>
  features.flatMap((feature, index) => {
    const [observed, expected] = [rounded(residuals.observed[index]), rounded(residuals.expected[index])]
    const z_score = rounded(residuals.zScores[index])
    return z_score === null ? [] : [{ feature, observed, expected, z_score }]
  })

/** Root mean square of the known z-scores: how far the unit is from a unit without fault, in spreads. */
export function distanceOf({ zScores }: Pick<Residuals, 'zScores'>): number {
  const known = [...zScores].filter((zScore) => !Number.isNaN(zScore))
  return known.length === 0 ? 0 : Math.sqrt(known.reduce((sum, zScore) => sum + zScore * zScore, 0) / known.length)
}

function standOf({ direction }: FaultSign, zScore: number): 'for' | 'against' | undefined {
  if (direction === 0) return Math.abs(zScore) < SEEN_Z ? 'for' : Math.abs(zScore) >= MOVED_Z ? 'against' : undefined
  if (direction === 'either') return Math.abs(zScore) >= SEEN_Z ? 'for' : 'against'
  return zScore * direction >= SEEN_Z ? 'for' : 'against'
}

function toEvidence(
  feature: string,
  text: string,
  { residuals, index, type }: { residuals: Residuals; index: number; type: ApplianceType },
): Evidence {
  const unit = type.recipe?.features.find(({ name }) => name === feature)?.unit ?? 'none'
  return {
    feature,
    text,
    observed: rounded(residuals.observed[index]),
    expected: rounded(residuals.expected[index]),
    unit,
    z_score: rounded(residuals.zScores[index]),
  }
}

const strongest = (evidence: Evidence[]): Evidence[] =>
  evidence.sort((a, b) => Math.abs(b.z_score ?? 0) - Math.abs(a.z_score ?? 0)).slice(0, EVIDENCE_MAX)

/** Four significant digits, null for what is not known. */
const rounded = (value: number | undefined): number | null => (value === undefined || Number.isNaN(value) ? null : Number(value.toPrecision(4)))
