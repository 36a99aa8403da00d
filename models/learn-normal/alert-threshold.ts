/**
 * The threshold that keeps an alert budget: scores of readings that the model was not fitted on say how often normal operation goes how far.
 * The budget asks for far rarer events than were seen, so the tail is continued as an exponential one. Its steepness is taken
 * between quantiles, from further out where the tail is longer there, but not from so far out that it can only be an anomaly among
 * what is learned. Few scores make it wider by what they may err.
 */

export interface AlertBudget {
  /** Alerts that 1,000 units may cause in a week. */
  readonly per1000UnitWeeks: number
  /** Length of what gets one score. */
  readonly stepMs: number
}

const WEEK_MS = 7 * 86_400_000
/** Quantiles between which the tail is fitted; up to the share behind the second, what is learned may be anomalous. */
const [NEAR, MIDDLE, FAR] = [0.6, 0.9, 0.98]
/** So many times further out than the exponential tail says, the far quantile is of anomalies. */
const ANOMALOUS = 4

/** @param heldOut scores of normal steps that the model was not fitted on; Infinity when there are none */
export function alertThreshold(heldOut: readonly number[], { per1000UnitWeeks, stepMs }: AlertBudget): number {
  const sorted = heldOut.filter(Number.isFinite).sort((a, b) => a - b)
  if (sorted.length === 0) return Number.POSITIVE_INFINITY
  const quantile = (share: number): number => sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0
  const allowed = (per1000UnitWeeks / 1_000) * (stepMs / WEEK_MS)
  const base = quantile(MIDDLE)
  const steepness = (base - quantile(NEAR)) / Math.log((1 - NEAR) / (1 - MIDDLE))
  const further = (quantile(FAR) - base) / Math.log((1 - MIDDLE) / (1 - FAR))
  const tail = further > steepness && further < ANOMALOUS * steepness ? further : steepness
  const error = 1 + 2 / Math.sqrt((1 - NEAR) * sorted.length)
  return base + tail * error * Math.max(0, Math.log((1 - MIDDLE) / allowed))
}
