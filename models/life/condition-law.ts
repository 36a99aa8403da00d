/**
 * How long it takes from a right diagnosis until the customer notices: a Weibull life in days from the telling on, whose hazard rises with
 * the level of the residuals. Its parameters are design values with a wide spread; nothing has been fitted to the field.
 */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { WeibullLaw } from './weibull-fit.ts'

/** Three weeks, give or take a factor of two; a level higher by 1 makes the hazard nearly twice as high (design values, chosen). */
export const CONDITION_LAW: WeibullLaw = {
  parameters: [Math.log(1.3), Math.log(21), 0.6],
  covariance: [
    [0.09, 0, 0],
    [0, 0.5, 0],
    [0, 0, 0.25],
  ],
}

/** Level that counts as 0: evidence three spreads off on average. */
const REFERENCE_LEVEL = Math.log1p(3)
const Z_MAX = 20

/** Covariate of a diagnosis: log(1 + mean |z| of the evidence for it) above the reference; 0 where it names none. */
export function levelOf({ evidence_for }: Pick<Diagnosis, 'evidence_for'>): number {
  const scores = evidence_for.flatMap(({ z_score }) => (z_score === null ? [] : [Math.min(Z_MAX, Math.abs(z_score))]))
  if (scores.length === 0) return 0
  return Math.log1p(scores.reduce((sum, score) => sum + score, 0) / scores.length) - REFERENCE_LEVEL
}
