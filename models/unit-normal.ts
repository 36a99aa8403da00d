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
import { solveLeastSquares } from './least-squares.ts'

export const UnitNormalSchema = Type.Object({
  /** Driving features of the reference that a unit's own dependence is learned on, besides a constant. */
  drivers: Type.Array(Type.String(), { maxItems: 12 }),
  /** The first so many of them count squared, too. */
  squares: Type.Optional(Type.Integer({ minimum: 0, maximum: 4 })),
  /** Windows that a unit is learned from; later ones only under conditions that are new to it. */
  windows: Type.Integer({ minimum: 1 }),
  /**
   * A unit of which any response departs by more than `z` in the mean over about so many windows is not learned from, so that a fault that
   * grows in one response does not become the unit's normal; absent: only windows far off in many responses are left out.
   */
  departure: Type.Optional(Type.Object({ windows: Type.Integer({ minimum: 1, maximum: 100 }), z: Type.Number({ exclusiveMinimum: 0 }) })),
  /** By response of the reference, in its z-scores: noise of a window around its unit, prior deviations of constant and slopes. */
  responses: Type.Array(
    Type.Object({
      noise: Type.Number({ exclusiveMinimum: 0 }),
      constant: Type.Number({ exclusiveMinimum: 0 }),
      slope: Type.Number({ exclusiveMinimum: 0 }),
      /** Prior deviation of each term behind the constant; `slope` where there are none. */
      slopes: Type.Optional(Type.Array(Type.Number({ exclusiveMinimum: 0 }))),
    }),
  ),
})

/** The part of a reference that says how units differ from each other. */
export type UnitNormalPrior = Static<typeof UnitNormalSchema>

/** What was learned of one unit. */
export interface UnitNormalState {
  /** Windows learned from. */
  learned: number
  /**
   * The lower triangle of the sum of products of terms by rows, then for each response its sum of terms x residual, and number and sum of
   * squared residuals, then, where the prior has a departure, for each response how far it departs of late. float32, so that a snapshot is
   * small and exact.
   */
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

/** Cells that all responses share, and those of each. */
const sharedCells = (terms: number): number => (terms * (terms + 1)) / 2
const cellsOf = (terms: number): number => terms + 2

/** Number of terms: a constant, the drivers, some of them squared. */
export const termCount = ({ drivers, squares = 0 }: Pick<UnitNormalPrior, 'drivers' | 'squares'>): number => 1 + drivers.length + squares

/** Terms of a window from its standardised drivers. */
export const unitTerms = ({ squares = 0 }: Pick<UnitNormalPrior, 'squares'>, drivers: readonly number[]): number[] => [
  1,
  ...drivers,
  ...drivers.slice(0, squares).map((value) => value * value - 1),
]

export const createUnitNormal = (prior: UnitNormalPrior): UnitNormalState => {
  const departures = prior.departure === undefined ? 0 : prior.responses.length
  return { learned: 0, cells: new Float32Array(departuresAt(prior) + departures) }
}

/** Where the departures of the responses stand among the cells. */
const departuresAt = (prior: UnitNormalPrior): number => {
  const size = termCount(prior)
  return sharedCells(size) + prior.responses.length * cellsOf(size)
}

export interface UnitResiduals {
  /** What the unit's own normal adds to the expectation of the type, in z-scores of the type. */
  readonly shift: Float64Array
  /** Residual over the deviation that a window of this unit without fault has; NaN where the window lacks the response. */
  readonly zScores: Float64Array
  /** Share of that deviation's square that comes from not knowing the unit under such conditions, mean over responses. */
  readonly doubt: number
}

/**
 * Compares the residuals of one window with the unit's normal, then learns from them while the unit is new or the conditions are.
 * @param zScores residuals against the reference of the type by response, unbounded; NaN = not known
 */
export function compareWithUnit(prior: UnitNormalPrior, state: UnitNormalState, window: { terms: UnitTerms; zScores: Float64Array }): UnitResiduals {
  const { terms, zScores } = window
  const size = terms.length
  assert(size === termCount(prior), 'the terms are a constant, the drivers and their squares')
  const shift = new Float64Array(zScores.length)
  const own = new Float64Array(zScores.length)
  const squares = new Float64Array(zScores.length)
  const ownCells = (index: number): Float32Array => state.cells.subarray(sharedCells(size) + index * cellsOf(size))
  let unsure = 0
  let doubt = 0
  prior.responses.forEach((response, index) => {
    const cells = ownCells(index)
    const { mean, variance } = predict(state, { cells, response, terms })
    const noise = response.noise ** 2
    shift[index] = mean
    const residual = (zScores[index] ?? Number.NaN) - mean
    squares[index] = residual ** 2 / (noise + variance)
    const square = noise * noiseFactor(cells, size) + variance
    own[index] = boundZScore(residual / Math.sqrt(square))
    doubt += variance / square / prior.responses.length
    if (variance > NEW_SHARE * noise) unsure++
  })
  const isNew = state.learned < prior.windows || unsure > prior.responses.length / 2
  const departs = followDepartures(prior, state, own)
  if (isNew && !departs && !looksFaulty(state, own)) {
    state.learned++
    learnTerms(state.cells, terms)
    prior.responses.forEach((_, index) => {
      const zScore = zScores[index] ?? Number.NaN
      if (Number.isNaN(zScore)) return
      const cells = ownCells(index)
      for (let row = 0; row < size; row++) cells[row] = (cells[row] ?? 0) + (terms[row] ?? 0) * boundZScore(zScore)
      cells[size] = (cells[size] ?? 0) + 1
      cells[size + 1] = (cells[size + 1] ?? 0) + Math.min(NOISE_SQUARE_MAX, squares[index] ?? 0)
    })
  }
  return { shift, zScores: own, doubt }
}

/** Variance of the unit's windows against that of its type. */
function noiseFactor(cells: Float32Array, size: number): number {
  return (NOISE_PRIOR_WINDOWS + (cells[size + 1] ?? 0)) / (NOISE_PRIOR_WINDOWS + (cells[size] ?? 0))
}

/** More than a quarter of what is known lies far from what the unit showed so far. */
function looksFaulty({ learned }: UnitNormalState, zScores: Float64Array): boolean {
  if (learned < TRUSTED_MIN) return false
  const known = zScores.filter((zScore) => !Number.isNaN(zScore))
  return known.filter((zScore) => Math.abs(zScore) > LEARN_Z_MAX).length > known.length / 4
}

/** A single window counts no more than this for how far a response departs of late. */
const DEPARTURE_Z_MAX = 4

/** Takes the window into the means of late, and says whether one of them is beyond the bound of a unit that is known a little. */
function followDepartures(prior: UnitNormalPrior, { learned, cells }: UnitNormalState, zScores: Float64Array): boolean {
  if (prior.departure === undefined) return false
  const { windows, z } = prior.departure
  const from = departuresAt(prior)
  let largest = 0
  zScores.forEach((zScore, index) => {
    if (Number.isNaN(zScore)) return
    const before = cells[from + index] ?? 0
    const now = before + (Math.max(-DEPARTURE_Z_MAX, Math.min(DEPARTURE_Z_MAX, zScore)) - before) / windows
    cells[from + index] = now
    largest = Math.max(largest, Math.abs(now))
  })
  return learned >= TRUSTED_MIN && largest > z
}

function learnTerms(cells: Float32Array, terms: UnitTerms): void {
  let place = 0
  for (let row = 0; row < terms.length; row++) {
    for (let column = 0; column <= row; column++) {
      cells[place] = (cells[place] ?? 0) + (terms[row] ?? 0) * (terms[column] ?? 0)
      place++
    }
  }
}

type Prior = UnitNormalPrior['responses'][number]

interface Learned {
  /** Of the response. */
  readonly cells: Float32Array
  readonly response: Prior
  readonly terms: UnitTerms
}

/** A window that follows on another tells less than a new one: so much of a window counts (chosen). */
const WINDOW_WORTH = 0.6

/**
 * Mean and variance of the unit's normal under these terms, by Cholesky of the posterior precision. A response that not all windows have
 * counts as if those that have it were like the others.
 */
function predict(state: UnitNormalState, { cells, response, terms }: Learned): { mean: number; variance: number } {
  const size = terms.length
  const { constant, slope, slopes, noise } = response
  const precision = WINDOW_WORTH / noise ** 2
  const share = state.learned === 0 ? 0 : (precision * (cells[size] ?? 0)) / state.learned
  const lower = scratchOf(size)
  for (let row = 0, place = 0; row < size; row++) {
    for (let column = 0; column <= row; column++, place++) {
      let sum = share * (state.cells[place] ?? 0) + (row === column ? 1 / (row === 0 ? constant : (slopes?.[row - 1] ?? slope)) ** 2 : 0)
      for (let k = 0; k < column; k++) sum -= (lower[row * size + k] ?? 0) * (lower[column * size + k] ?? 0)
      lower[row * size + column] = row === column ? Math.sqrt(sum) : sum / (lower[column * size + column] ?? 1)
    }
  }
  // With L L' = precision: mean = terms' (L L')^-1 right, variance = terms' (L L')^-1 terms, both from forward substitutions.
  const a = forward(lower, terms)
  const b = forward(lower, cells.subarray(0, size))
  return { mean: precision * dot(a, b), variance: dot(a, a) }
}

let scratch = new Float64Array(0)

/** Room for one Cholesky factor, reused: windows are compared one after the other. */
function scratchOf(size: number): Float64Array {
  if (scratch.length !== size * size) scratch = new Float64Array(size * size)
  return scratch
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

/** Spread of slopes over units as a share of that of constants, at least: short training fleets cannot tell the two apart (chosen). */
const SLOPE_SHARE = 0.15
/** Least deviations, so that a training fleet of too equal units does not make the prior sure of itself. */
const NOISE_MIN = 0.05
const CONSTANT_MIN = 0.3
/** Windows of a unit, at least, to tell its dependence by, and the ridge that holds it. */
const FIT_WINDOWS_MIN = 12
const FIT_RIDGE = 0.02

/** A window of a unit without fault: its drivers and its residuals against the reference of the type. */
export interface UnitWindow {
  readonly drivers: readonly number[]
  readonly zScores: Float64Array
}

/**
 * Fits the prior to units without fault: each unit's own dependence by least squares, the spread of these over units, and what is left.
 * @param units for each unit its windows; residuals by response, NaN = not known
 */
export function fitUnitNormal(
  units: ReadonlyArray<readonly UnitWindow[]>,
  { drivers, squares = 0, windows, widen, departure }: UnitNormalOptions,
): UnitNormalPrior {
  const count = units.flat()[0]?.zScores.length ?? 0
  assert(count > 0, 'the prior is fitted to windows')
  const withTerms = units.map((rows) => rows.map(({ drivers: values, zScores }) => ({ terms: unitTerms({ squares }, values), zScores })))
  const responses = Array.from({ length: count }, (_, index) => {
    const fits = withTerms.flatMap((rows) => {
      const known = rows.flatMap(({ terms, zScores }) => {
        const y = zScores[index] ?? Number.NaN
        return Number.isNaN(y) ? [] : [{ x: terms, y: boundZScore(y) }]
      })
      if (known.length < FIT_WINDOWS_MIN) return []
      const coefficients = solveLeastSquares(known, FIT_RIDGE)
      return [{ coefficients, left: known.map(({ x, y }) => y - dotOf(coefficients, x)) }]
    })
    const spreadOf = (term: number): number =>
      fits.length < 2 ? 1 : sampleStandardDeviation(fits.map(({ coefficients }) => coefficients[term] ?? 0))
    const left = fits.flatMap((fit) => fit.left)
    const noise = Math.max(NOISE_MIN, left.length < 2 ? 1 : sampleStandardDeviation(left))
    const constant = Math.max(CONSTANT_MIN, spreadOf(0)) * widen
    const slopes = Array.from({ length: drivers.length + squares }, (_, term) => rounded(Math.max(SLOPE_SHARE * constant, spreadOf(term + 1))))
    return { noise: rounded(noise), constant: rounded(constant), slope: rounded(constant * SLOPE_SHARE), slopes }
  })
  return { drivers: [...drivers], squares, windows, ...(departure !== undefined && { departure: { ...departure } }), responses }
}

export interface UnitNormalOptions extends Pick<UnitNormalPrior, 'squares' | 'windows' | 'departure'> {
  readonly drivers: readonly string[]
  /** How many times farther apart units in the field are than those of the training fleet. */
  readonly widen: number
}

const dotOf = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)

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
