/**
 * Weibull lives with covariates: the hazard at age t is shape / scale * (t / scale)^(shape - 1) * exp(effects . x). Fitted to lives of which
 * some still last (censored) and which were watched from some age on (truncated), and held by a normal prior on the logarithms, so that
 * three failures move a design value a little and three hundred replace it. The spread of the result is that of the posterior's normal
 * approximation at its peak (Laplace).
 */
import { assert } from '#kernel/errors.ts'

/** One part under watch. Ages in any unit, the same throughout. */
export interface WatchedLife {
  readonly entry: number
  readonly exit: number
  readonly hasFailed: boolean
  /** Covariates in the order of the effects. */
  readonly x: readonly number[]
}

/** Log shape, log scale, then the effects: centre and covariance of a normal distribution. */
export interface WeibullLaw {
  readonly parameters: readonly number[]
  readonly covariance: ReadonlyArray<readonly number[]>
}

/** Ages below this count as this much: a failure at age 0 has no logarithm. */
const AGE_MIN = 1e-6
const STEPS_MAX = 60
const DIFFERENCE = 1e-4
/** Where no smaller step climbs any more, the peak is reached. */
const DAMPING_MAX = 1e9

/** Cumulative hazard at an age. */
export function cumulativeHazard([logShape = 0, logScale = 0, ...effects]: readonly number[], age: number, x: readonly number[]): number {
  if (age <= 0) return 0
  const risk = effects.reduce((sum, effect, index) => sum + effect * (x[index] ?? 0), 0)
  return Math.exp(Math.exp(logShape) * (Math.log(age) - logScale) + risk)
}

/** Fits by damped Newton steps; costs some hundred passes over the lives. */
export function fitWeibull(lives: readonly WatchedLife[], prior: WeibullLaw): WeibullLaw {
  const precision = inverse(prior.covariance)
  const target = (parameters: readonly number[]): number => logLikelihood(lives, parameters) - 0.5 * distance(parameters, prior.parameters, precision)
  let parameters = prior.parameters
  let value = target(parameters)
  let damping = 1e-3
  for (let step = 0; step < STEPS_MAX && damping < DAMPING_MAX; step++) {
    const { gradient, curvature } = slopes(target, parameters)
    const damped = curvature.map((row, i) => row.map((cell, j) => (i === j ? Math.abs(cell) * (1 + damping) + damping : -cell)))
    const move = times(inverse(damped), gradient)
    const next = parameters.map((parameter, index) => parameter + clamp(move[index] ?? 0))
    const found = target(next)
    if (!(found > value)) {
      damping *= 10
      continue
    }
    const gain = found - value
    parameters = next
    value = found
    damping /= 10
    if (gain < 1e-8) break
  }
  const { curvature } = slopes(target, parameters)
  return { parameters, covariance: inverse(curvature.map((row) => row.map((cell) => -cell))) }
}

/** No step is longer than this: far from its peak the curvature misleads. */
const clamp = (move: number): number => Math.max(-1, Math.min(1, Number.isFinite(move) ? move : 0))

function logLikelihood(lives: readonly WatchedLife[], parameters: readonly number[]): number {
  const [logShape = 0] = parameters
  return lives.reduce((sum, { entry, exit, hasFailed, x }) => {
    const age = Math.max(AGE_MIN, exit)
    const hazard = cumulativeHazard(parameters, age, x)
    const failed = hasFailed ? logShape + Math.log(Math.max(hazard, 1e-300)) - Math.log(age) : 0
    return sum + failed - hazard + cumulativeHazard(parameters, entry, x)
  }, 0)
}

const distance = (a: readonly number[], b: readonly number[], precision: ReadonlyArray<readonly number[]>): number => {
  const apart = a.map((value, index) => value - (b[index] ?? 0))
  return times(precision, apart).reduce((sum, value, index) => sum + value * (apart[index] ?? 0), 0)
}

export const times = (matrix: ReadonlyArray<readonly number[]>, vector: readonly number[]): number[] =>
  matrix.map((row) => row.reduce((sum, cell, index) => sum + cell * (vector[index] ?? 0), 0))

/** Gradient and curvature by central differences. */
function slopes(target: (parameters: readonly number[]) => number, at: readonly number[]) {
  const moved = (...moves: ReadonlyArray<readonly [index: number, by: number]>): number => {
    const parameters = [...at]
    for (const [index, by] of moves) parameters[index] = (parameters[index] ?? 0) + by
    return target(parameters)
  }
  const h = DIFFERENCE
  const gradient = at.map((_, i) => (moved([i, h]) - moved([i, -h])) / (2 * h))
  const curvature = at.map((_, i) =>
    at.map((__, j) => (moved([i, h], [j, h]) - moved([i, h], [j, -h]) - moved([i, -h], [j, h]) + moved([i, -h], [j, -h])) / (4 * h * h)),
  )
  return { gradient, curvature }
}

/** Inverse of a small matrix by Gauss and Jordan with pivots. */
function inverse(matrix: ReadonlyArray<readonly number[]>): number[][] {
  const size = matrix.length
  const rows = matrix.map((row, i) => [...row, ...Array.from({ length: size }, (_, j) => (i === j ? 1 : 0))])
  for (let column = 0; column < size; column++) {
    let best = column
    for (let row = column + 1; row < size; row++) if (Math.abs(rows[row]?.[column] ?? 0) > Math.abs(rows[best]?.[column] ?? 0)) best = row
    const [pivot, other] = [rows[best], rows[column]]
    assert(pivot !== undefined && other !== undefined && (pivot[column] ?? 0) !== 0, 'the matrix of a fit can be inverted')
    rows[best] = other
    rows[column] = pivot
    const head = pivot[column] ?? 1
    for (let j = 0; j < 2 * size; j++) pivot[j] = (pivot[j] ?? 0) / head
    for (let i = 0; i < size; i++) {
      const row = rows[i]
      if (i === column || row === undefined) continue
      const factor = row[column] ?? 0
      if (factor !== 0) for (let j = 0; j < 2 * size; j++) row[j] = (row[j] ?? 0) - factor * (pivot[j] ?? 0)
    }
  }
  return rows.map((row) => row.slice(size))
}
