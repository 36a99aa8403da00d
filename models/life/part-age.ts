/**
 * How old a part is, as far as it is known: since its repair when that was told, else by renewal from the installation (a filter of a unit
 * of nine years was cleaned meanwhile, and nobody wrote it down), else as parts of unknown units are. Ages are weighed by the chance that
 * the part lasted while it was watched.
 */
import { cumulativeHazard } from './weibull-fit.ts'

export interface PartHistory {
  /** Years since the unit was installed; undefined where nobody told. */
  readonly unitAgeYears: number | undefined
  /** Years for which a failure would have been seen. */
  readonly watchedYears: number
  /** Years since the part was renewed under watch; undefined when it was not. */
  readonly renewedYears: number | undefined
}

/** An age that the part may have, with its weight; weights add up to 1. */
export interface PartAge {
  readonly ageYears: number
  readonly weight: number
}

const GRID = 64
/** No appliance is taken to be older than this when nobody told its age (design value). */
const UNIT_AGE_YEARS_MAX = 15

/** Ages of a part under a law of which `x` are the covariates. */
export function partAges(parameters: readonly number[], x: readonly number[], history: PartHistory): readonly PartAge[] {
  const { unitAgeYears, watchedYears, renewedYears } = history
  if (renewedYears !== undefined) return [{ ageYears: renewedYears, weight: 1 }]
  const lasts = (years: number): number => Math.exp(-cumulativeHazard(parameters, years, x))
  if (unitAgeYears === undefined) {
    const step = UNIT_AGE_YEARS_MAX / GRID
    return weighed(
      Array.from({ length: GRID }, (_, index) => (index + 0.5) * step + watchedYears),
      lasts,
    )
  }
  const beforeYears = Math.max(0, unitAgeYears - watchedYears)
  const step = beforeYears / GRID
  const density = renewals(lasts, step)
  const ages = [
    ...Array.from(density, (mass, index) => ({ ageYears: unitAgeYears - (index + 0.5) * step, mass })),
    { ageYears: unitAgeYears, mass: 1 },
  ]
  const weights = ages.map(({ ageYears, mass }) => mass * lasts(ageYears))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0)) return [{ ageYears: watchedYears, weight: 1 }]
  return ages.map(({ ageYears }, index) => ({ ageYears, weight: (weights[index] ?? 0) / total })).filter(({ weight }) => weight > 1e-6)
}

function weighed(ages: readonly number[], lasts: (years: number) => number): PartAge[] {
  const weights = ages.map(lasts)
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  if (!(total > 0)) return [{ ageYears: ages[0] ?? 0, weight: 1 }]
  return ages.map((ageYears, index) => ({ ageYears, weight: (weights[index] ?? 0) / total })).filter(({ weight }) => weight > 1e-6)
}

/** Expected renewals in each step since the installation: the discrete renewal equation. */
function renewals(lasts: (years: number) => number, step: number): Float64Array {
  const mass = new Float64Array(GRID)
  const first = Float64Array.from({ length: GRID }, (_, index) => lasts(index * step) - lasts((index + 1) * step))
  for (let now = 0; now < GRID; now++) {
    let sum = first[now] ?? 0
    for (let before = 0; before < now; before++) sum += (mass[before] ?? 0) * (first[now - before - 1] ?? 0)
    mass[now] = sum
  }
  return mass
}
