/**
 * Says from residuals whether a repair held: how much of the departure that led to the order is left in the windows behind it, and how sure
 * that is. Each window is weighed by likelihood (gone against unchanged); no single window can decide, since what one adds is bounded.
 * Pure; the caller keeps windows and carries out what follows.
 */
import type { Fault } from '#catalogue/appliance-type.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'

export interface RepairEvidence {
  /** Residuals behind the diagnosis. */
  readonly before: readonly MeasuredResidual[]
  /** Of each window behind the repair, oldest first. */
  readonly after: ReadonlyArray<readonly MeasuredResidual[]>
  /** Fault that the order was for; its signs say which features should recover. */
  readonly fault: Fault | undefined
}

export interface AssessBounds {
  readonly windows_MIN: number
  readonly failed_prior: number
  readonly reopen_error: number
  readonly verify_error: number
}

/** One feature of the signature, before and behind the repair. */
export interface RecoveredFeature {
  readonly feature: string
  readonly before_z: number
  readonly after_z: number
  /** Mean over the windows behind the repair. */
  readonly observed: number | null
  readonly expected: number | null
}

export interface RepairAssessment {
  readonly verdict: 'normal' | 'not_normal' | 'undecided'
  /** Windows behind the repair that could be weighed. */
  readonly windows: number
  /** Share of the departure that is left: 1 = as before, 0 = gone; null where there was none to measure by. */
  readonly left_ratio: number | null
  /** Chance that the fault is still there. */
  readonly failed_probability: number
  readonly features: readonly RecoveredFeature[]
}

/** Departures smaller than this are not part of what must recover. */
const SIGNATURE_Z = 1
/** Length of the signature (in spreads) from which a recovery can be told from noise. */
export const SIGNATURE_LENGTH_MIN = 1.5
/** Residuals of one unit's windows scatter by more than the spread alone: weather, habits, what the reference does not know. */
const SCATTER = 1.6
/** Least scatter of the share that is left, for signatures that are very long. */
const SHARE_SCATTER_MIN = 0.3
/** What one window may add to the logarithm of the odds: windows of one unit are not independent of each other. */
const WINDOW_WEIGHT_MAX = 1.6
/** More where the departure was so long that weather and habits cannot bring it, by its length in spreads; two windows may decide then, one never does. */
const LONG_WINDOW_WEIGHT_MAX = 3.2
const WEIGHT_PER_SPREAD = 0.4
const LONG_WINDOWS_MIN = 2
/** What is left of a long departure is no noise above so many scatters, however small its share is. */
const LEFT_SCATTERS = 3
/** A departure to the other side is no recovery either: from this share of the one before, and as many spreads, it is not called normal ... */
const BEYOND_RATIO = 0.5
const BEYOND_Z = 3
/** ... and plainly not normal from these spreads on, when so many windows more than the least say so (chosen: a unit's own habit moves it by 1.6). */
const PLAINLY_BEYOND_Z = 4
const BEYOND_WINDOWS = 2
/** A window that knows less than this share of the signature says nothing. */
const KNOWN_RATIO_MIN = 0.5
/** Departure of one feature, and of the signs of a fault together, that is plainly the fault although nobody measured it before, in spreads. */
const SHOWN_Z = 3
const SHOWN_LENGTH_MIN = 6
/** Spreads within which a unit without signature counts as normal, root mean square. */
const NORMAL_DISTANCE = 1.3

/** Weighs the windows behind a repair. */
export function assessRepair({ before, after, fault }: RepairEvidence, bounds: AssessBounds): RepairAssessment {
  const signature = signatureOf(before, fault)
  const length = Math.hypot(...signature.values())
  if (length < SIGNATURE_LENGTH_MIN) return assessUnmeasured(after, fault, bounds)
  const scatter = Math.max(SHARE_SCATTER_MIN, SCATTER / length)
  const weight_MAX = Math.max(WINDOW_WEIGHT_MAX, Math.min(LONG_WINDOW_WEIGHT_MAX, WEIGHT_PER_SPREAD * length))
  const middle = Math.min(0.5, (LEFT_SCATTERS * SCATTER) / length)
  const shares = after.flatMap((window) => shareLeft(signature, window))
  const prior = Math.log(bounds.failed_prior / (1 - bounds.failed_prior))
  const logOdds = shares.reduce((sum, share) => {
    const weight = (share - middle) / scatter ** 2
    return sum + Math.max(-WINDOW_WEIGHT_MAX, Math.min(weight_MAX, weight))
  }, prior)
  const failed = 1 / (1 + Math.exp(-logOdds))
  const failedWindows_MIN = weight_MAX > WINDOW_WEIGHT_MAX ? Math.min(LONG_WINDOWS_MIN, bounds.windows_MIN) : bounds.windows_MIN
  const isFailed = failed >= 1 - bounds.reopen_error && shares.length >= failedWindows_MIN
  const isGood = failed <= bounds.verify_error && shares.length >= bounds.windows_MIN
  const beyond = beyondOf(shares, length)
  const isBeyond = beyond >= PLAINLY_BEYOND_Z && shares.length >= bounds.windows_MIN + BEYOND_WINDOWS
  const isHeldBack = beyond >= BEYOND_Z || areOpposed(signature, after)
  const chance = isBeyond ? 1 - bounds.reopen_error : isHeldBack ? Math.max(failed, bounds.failed_prior) : failed
  return {
    verdict: isFailed || isBeyond ? 'not_normal' : isGood && !isHeldBack ? 'normal' : 'undecided',
    windows: shares.length,
    left_ratio: shares.length === 0 ? null : rounded(meanOf(shares)),
    failed_probability: rounded(chance),
    features: [...signature.keys()].map((feature) => recovered(feature, before, after)),
  }
}

/** How far the windows stand on the other side of normal, in spreads, by their median; 0 where they do not. */
function beyondOf(shares: readonly number[], length: number): number {
  const median = shares.toSorted((a, b) => a - b)[Math.floor(shares.length / 2)] ?? 0
  return median <= -BEYOND_RATIO ? -median * length : 0
}

/** Whether one feature stands on the other side while another is as before: along the departure they take each other away, and neither is normal. */
function areOpposed(signature: ReadonlyMap<string, number>, after: RepairEvidence['after']): boolean {
  const means = meanZ(after)
  const left = [...signature].flatMap(([feature, z]) => {
    const now = Math.sign(z) * (means.get(feature) ?? 0)
    return Math.abs(now) >= Math.max(BEYOND_Z, BEYOND_RATIO * Math.abs(z)) ? [now] : []
  })
  return left.some((now) => now < 0) && left.some((now) => now > 0)
}

/** Features that the fault moved, with their z-scores before the repair; of a known fault those that its signs name, if they show any. */
export function signatureOf(before: readonly MeasuredResidual[], fault: Fault | undefined): ReadonlyMap<string, number> {
  const moved = before.flatMap(
    ({ feature, z_score }): Array<[string, number]> => (z_score !== null && Math.abs(z_score) >= SIGNATURE_Z ? [[feature, z_score]] : []),
  )
  const signs = new Map(fault?.signs.map(({ feature, direction }) => [feature, direction]))
  const named = moved.filter(([feature, z]) => {
    const direction = signs.get(feature)
    return direction === 'either' || (typeof direction === 'number' && direction * z > 0)
  })
  return new Map(lengthOf(named) >= SIGNATURE_LENGTH_MIN ? named : moved)
}

/** Length of a departure in spreads. */
export const lengthOf = (moved: Iterable<readonly [string, number]>): number => Math.hypot(...[...moved].map(([, z]) => z))

/** Mean residual of each feature over windows. */
export function meanZ(windows: ReadonlyArray<readonly MeasuredResidual[]>): ReadonlyMap<string, number> {
  const values = new Map<string, number[]>()
  for (const { feature, z_score } of windows.flat()) if (z_score !== null) values.set(feature, [...(values.get(feature) ?? []), z_score])
  return new Map([...values].map(([feature, all]) => [feature, meanOf(all)]))
}

function shareLeft(signature: ReadonlyMap<string, number>, window: readonly MeasuredResidual[]): number[] {
  const now = new Map(window.map(({ feature, z_score }) => [feature, z_score]))
  let [along, known, whole] = [0, 0, 0]
  for (const [feature, z] of signature) {
    const value = now.get(feature)
    whole += z * z
    if (value === undefined || value === null) continue
    along += z * value
    known += z * z
  }
  return known < KNOWN_RATIO_MIN * whole ? [] : [along / known]
}

/**
 * A unit whose departure was never measured: normal when its windows are, as far as they know what the fault would show; failed only when they
 * plainly show the signs of that fault.
 */
function assessUnmeasured(after: RepairEvidence['after'], fault: Fault | undefined, bounds: AssessBounds): RepairAssessment {
  const means = meanZ(after)
  const distance = means.size === 0 ? Number.POSITIVE_INFINITY : lengthOf(means) / Math.sqrt(means.size)
  const speaking = (fault?.signs ?? []).filter(({ direction }) => direction !== 0)
  const knowing = after.filter(
    (window) => speaking.length === 0 || window.some(({ feature, z_score }) => z_score !== null && isSign(speaking, feature)),
  )
  const isEnough = knowing.length >= bounds.windows_MIN
  const shown = fault === undefined ? [] : [...means].filter(([feature, z]) => along(fault, feature, z) >= SHOWN_Z)
  const of = { windows: knowing.length, left_ratio: null, features: shown.map(([feature]) => recovered(feature, [], after)) }
  if (isEnough && lengthOf(shown) >= SHOWN_LENGTH_MIN) return { ...of, verdict: 'not_normal', failed_probability: 1 - bounds.reopen_error }
  const isNormal = isEnough && distance <= NORMAL_DISTANCE
  return { ...of, verdict: isNormal ? 'normal' : 'undecided', failed_probability: isNormal ? bounds.verify_error : bounds.failed_prior, features: [] }
}

const isSign = (signs: Fault['signs'], feature: string): boolean => signs.some((sign) => sign.feature === feature)

/** How far a feature departs the way a fault moves it; 0 where the fault says nothing of it. */
function along({ signs }: Fault, feature: string, z: number): number {
  const direction = signs.find((sign) => sign.feature === feature)?.direction ?? 0
  return direction === 'either' ? Math.abs(z) : direction * z
}

function recovered(feature: string, before: readonly MeasuredResidual[], after: RepairEvidence['after']): RecoveredFeature {
  const of = (pick: (residual: MeasuredResidual) => number | null): number | null => {
    const values = after.flat().flatMap((residual) => {
      const value = residual.feature === feature ? pick(residual) : null
      return value === null ? [] : [value]
    })
    return values.length === 0 ? null : rounded(meanOf(values))
  }
  return {
    feature,
    before_z: before.find((residual) => residual.feature === feature)?.z_score ?? 0,
    after_z: of(({ z_score }) => z_score) ?? 0,
    observed: of(({ observed }) => observed),
    expected: of(({ expected }) => expected),
  }
}

const meanOf = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length
const rounded = (value: number): number => Number(value.toPrecision(4))
