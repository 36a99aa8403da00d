/**
 * What is normal for one unit: how its residuals against the reference of its type depend on a few driving features, learned from its own
 * first windows by Bayesian linear regression (conjugate, known noise; Bishop, "Pattern Recognition and Machine Learning", 3.3). The prior
 * is the spread of such dependences over units without fault, so a new unit starts as one of its type and ends as itself; where it has
 * not been seen under such conditions yet, the residual counts for less. How much its windows scatter is learned, too. Windows that look
 * like a fault are not learned from.
 */
import { sampleStandardDeviation } from 'simple-statistics'
import { type Static, Type } from 'typebox'
import { assert } from '#kernel/errors.ts'

export const UnitNormalSchema = Type.Object({
  /** Driving features of the reference that a unit's own dependence is learned on, besides a constant. */
  drivers: Type.Array(Type.String(), { maxItems: 4 }),
  /** Windows that a unit is learned from; later ones only under conditions that are new to it. */
  windows: Type.Integer({ minimum: 1 }),
  /** By response of the reference, in its z-scores: noise of a window around its unit, prior deviations of constant and slopes. */
  responses: Type.Array(
    Type.Object({
      noise: Type.Number({ exclusiveMinimum: 0 }),
      constant: Type.Number({ exclusiveMinimum: 0 }),
      slope: Type.Number({ exclusiveMinimum: 0 }),
    }),
  ),
})

/** The part of a reference that says how units differ from each other. */
export type UnitNormalPrior = Static<typeof UnitNormalSchema>

/** What was learned of one unit. */
export interface UnitNormalState {
  /** Windows learned from. */
  learned: number
  /** For each response the lower triangle of the precision by rows, then precision x mean, then number and sum of squared residuals. float32, so that a snapshot is small and exact. */
  readonly cells: Float32Array
}

/** Terms of one window: 1, then the drivers standardised as the reference does. */
export type UnitTerms = readonly number[]

/** A z-score beyond this says no more; bounding it keeps one broken sensor from drowning the rest. */
export const Z_SCORE_MAX = 25

export const boundZScore = (value: number): number => Math.max(-Z_SCORE_MAX, Math.min(Z_SCORE_MAX, value))

/** A residual that departs by more than this from what the unit showed so far is not learned from, once it has learned a little. */
const LEARN_Z_MAX = 4
/** From so many windows on, a window is held against what was learned before it is learned from. */
const TRUSTED_MIN = 6
/** A window is new to a unit when not knowing its normal costs more than this share of the noise's variance. */
const NEW_SHARE = 0.5

/** The noise of the type counts as so many windows against the unit's own (chosen). */
const NOISE_PRIOR_WINDOWS = 8
/** A single window tells no more of the noise than this square. */
const NOISE_SQUARE_MAX = 9

/** Cells of one response besides its noise, and with it. */
const normalCells = (terms: number): number => (terms * (terms + 1)) / 2 + terms
const cellsOf = (terms: number): number => normalCells(terms) + 2

export const createUnitNormal = (prior: UnitNormalPrior): UnitNormalState => ({
  learned: 0,
  cells: new Float32Array(prior.responses.length * cellsOf(prior.drivers.length + 1)),
})

export interface UnitResiduals {
  /** What the unit's own normal adds to the expectation of the type, in z-scores of the type. */
  readonly shift: Float64Array
  /** Residual over the deviation that a window of this unit without fault has; NaN where the window lacks the response. */
  readonly zScores: Float64Array
}

/**
 * Compares the residuals of one window with the unit's normal, then learns from them while the unit is new or the conditions are.
 * @param zScores residuals against the reference of the type by response, unbounded; NaN = not known
 */
export function compareWithUnit(prior: UnitNormalPrior, state: UnitNormalState, window: { terms: UnitTerms; zScores: Float64Array }): UnitResiduals {
  const { terms, zScores } = window
  const size = terms.length
  assert(size === prior.drivers.length + 1, 'the terms are a constant and the drivers')
  const shift = new Float64Array(zScores.length)
  const own = new Float64Array(zScores.length)
  const squares = new Float64Array(zScores.length)
  let unsure = 0
  prior.responses.forEach((response, index) => {
    const cells = state.cells.subarray(index * cellsOf(size))
    const { mean, variance } = predict(cells, response, terms)
    const noise = response.noise ** 2
    shift[index] = mean
    const residual = (zScores[index] ?? Number.NaN) - mean
    squares[index] = residual ** 2 / (noise + variance)
    own[index] = boundZScore(residual / Math.sqrt(noise * noiseFactor(cells, size) + variance))
    if (variance > NEW_SHARE * noise) unsure++
  })
  const isNew = state.learned < prior.windows || unsure > prior.responses.length / 2
  if (isNew && !looksFaulty(state, own)) {
    state.learned++
    prior.responses.forEach(({ noise }, index) => {
      const zScore = zScores[index] ?? Number.NaN
      if (Number.isNaN(zScore)) return
      const cells = state.cells.subarray(index * cellsOf(size))
      learn(cells, { terms, zScore: boundZScore(zScore), precision: 1 / noise ** 2 })
      const place = normalCells(size)
      cells[place] = (cells[place] ?? 0) + 1
      cells[place + 1] = (cells[place + 1] ?? 0) + Math.min(NOISE_SQUARE_MAX, squares[index] ?? 0)
    })
  }
  return { shift, zScores: own }
}

/** Variance of the unit's windows against that of its type. */
function noiseFactor(cells: Float32Array, size: number): number {
  const place = normalCells(size)
  return (NOISE_PRIOR_WINDOWS + (cells[place + 1] ?? 0)) / (NOISE_PRIOR_WINDOWS + (cells[place] ?? 0))
}

/** More than a quarter of what is known lies far from what the unit showed so far. */
function looksFaulty({ learned }: UnitNormalState, zScores: Float64Array): boolean {
  if (learned < TRUSTED_MIN) return false
  const known = zScores.filter((zScore) => !Number.isNaN(zScore))
  return known.filter((zScore) => Math.abs(zScore) > LEARN_Z_MAX).length > known.length / 4
}

function learn(cells: Float32Array, { terms, zScore, precision }: { terms: UnitTerms; zScore: number; precision: number }): void {
  const size = terms.length
  let place = 0
  for (let row = 0; row < size; row++) {
    for (let column = 0; column <= row; column++) {
      cells[place] = (cells[place] ?? 0) + (terms[row] ?? 0) * (terms[column] ?? 0) * precision
      place++
    }
  }
  for (let row = 0; row < size; row++) cells[place + row] = (cells[place + row] ?? 0) + (terms[row] ?? 0) * zScore * precision
}

type Prior = UnitNormalPrior['responses'][number]

/** Mean and variance of the unit's normal under these terms, by Cholesky of the posterior precision. */
function predict(cells: Float32Array, { constant, slope }: Prior, terms: UnitTerms): { mean: number; variance: number } {
  const size = terms.length
  const lower = new Float64Array(size * size)
  for (let row = 0, place = 0; row < size; row++) {
    for (let column = 0; column <= row; column++, place++) {
      let sum = (cells[place] ?? 0) + (row === column ? 1 / (row === 0 ? constant : slope) ** 2 : 0)
      for (let k = 0; k < column; k++) sum -= (lower[row * size + k] ?? 0) * (lower[column * size + k] ?? 0)
      lower[row * size + column] = row === column ? Math.sqrt(sum) : sum / (lower[column * size + column] ?? 1)
    }
  }
  const right = cells.subarray((size * (size + 1)) / 2, normalCells(size))
  // With L L' = precision: mean = terms' (L L')^-1 right, variance = terms' (L L')^-1 terms, both from forward substitutions.
  const a = forward(lower, terms)
  const b = forward(lower, right)
  return { mean: dot(a, b), variance: dot(a, a) }
}

function forward(lower: Float64Array, right: ArrayLike<number>): Float64Array {
  const size = right.length
  const result = new Float64Array(size)
  for (let row = 0; row < size; row++) {
    let sum = right[row] ?? 0
    for (let k = 0; k < row; k++) sum -= (lower[row * size + k] ?? 0) * (result[k] ?? 0)
    result[row] = sum / (lower[row * size + row] ?? 1)
  }
  return result
}

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)

/** Spread of slopes over units as a share of that of constants: short training fleets cannot tell the two apart (chosen). */
const SLOPE_SHARE = 0.4
/** Least deviations, so that a training fleet of too equal units does not make the prior sure of itself. */
const NOISE_MIN = 0.05
const CONSTANT_MIN = 0.3

/**
 * Fits the prior to units without fault.
 * @param units for each unit its windows' residuals against the reference of the type, by response; NaN = not known
 * @param widen how many times farther apart units in the field are than those of the training fleet
 */
export function fitUnitNormal(
  units: ReadonlyArray<readonly Float64Array[]>,
  { drivers, windows, widen }: { drivers: readonly string[]; windows: number; widen: number },
): UnitNormalPrior {
  const size = units.flat()[0]?.length ?? 0
  assert(size > 0, 'the prior is fitted to windows')
  const responses = Array.from({ length: size }, (_, index) => {
    const own = units
      .map((rows) => rows.map((row) => row[index] ?? Number.NaN).filter((value) => !Number.isNaN(value)))
      .filter((values) => values.length >= 3)
    const means = own.map((values) => values.reduce((sum, value) => sum + value, 0) / values.length)
    const within = own.flatMap((values, unit) => values.map((value) => value - (means[unit] ?? 0)))
    const noise = Math.max(NOISE_MIN, within.length < 2 ? 1 : sampleStandardDeviation(within))
    const constant = Math.max(CONSTANT_MIN, means.length < 2 ? 1 : sampleStandardDeviation(means)) * widen
    return { noise: rounded(noise), constant: rounded(constant), slope: rounded(constant * SLOPE_SHARE) }
  })
  return { drivers: [...drivers], windows, responses }
}

const rounded = (value: number): number => Number(value.toPrecision(6))

/** Text of the state for a snapshot; the very bytes come back. */
export const packUnitNormal = ({ learned, cells }: UnitNormalState): { readonly learned: number; readonly cells: string } => ({
  learned,
  cells: Buffer.from(cells.buffer, cells.byteOffset, cells.byteLength).toString('base64'),
})

export function unpackUnitNormal(packed: { readonly learned: number; readonly cells: string }): UnitNormalState {
  const bytes = Uint8Array.from(Buffer.from(packed.cells, 'base64'))
  return { learned: packed.learned, cells: new Float32Array(bytes.buffer) }
}
