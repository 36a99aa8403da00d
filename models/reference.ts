/**
 * The no-fault reference: a polynomial per feature that says what a unit without fault shows under the same driving conditions
 * (after NIST SP 1087), and the spread of units without fault around it. Fitted from windows without fault by `fitReference`
 * (training only); kept as JSON in the artefact. Residuals over spread (z-scores) are what models and evidence look at.
 */
import { mean as meanOf, quantileSorted, sampleStandardDeviation } from 'simple-statistics'
import { type Static, Type } from 'typebox'
import type { FeatureDefinition } from '#catalogue/appliance-type.ts'
import { assert } from '#kernel/errors.ts'
import { solveLeastSquares } from './least-squares.ts'
import {
  boundZScore,
  compareWithUnit,
  fitUnitNormal,
  type UnitNormalOptions,
  UnitNormalSchema,
  type UnitNormalState,
  unitTerms,
} from './unit-normal.ts'

export const ReferenceSchema = Type.Object({
  schema: Type.Literal(1),
  recipe_version: Type.Integer(),
  /** Inputs; values outside [min, max] count as the bound, a missing one as the mean. */
  drivers: Type.Array(Type.Object({ feature: Type.String(), mean: Type.Number(), deviation: Type.Number(), min: Type.Number(), max: Type.Number() })),
  /** Exponents of the drivers in each term, [term, driver]; the drivers are standardised. */
  terms: Type.Array(Type.Array(Type.Integer({ minimum: 0, maximum: 4 }))),
  /** Features that are predicted, in the order of the model's inputs. */
  responses: Type.Array(
    Type.Object({
      feature: Type.String(),
      coefficients: Type.Array(Type.Number()),
      spread: Type.Number({ exclusiveMinimum: 0 }),
      /** Present where the logarithm is predicted, so that a larger unit differs by a constant; the least value that is taken apart from 0. */
      log_floor: Type.Optional(Type.Number({ exclusiveMinimum: 0 })),
    }),
  ),
  /** How units differ; without it a unit is held against its type alone. */
  unit: Type.Optional(UnitNormalSchema),
})

export type Reference = Static<typeof ReferenceSchema>

/** Residuals of one window: what was expected and how far off it is, by response; NaN where the window lacks the feature. */
export interface Residuals {
  readonly observed: Float64Array
  readonly expected: Float64Array
  readonly zScores: Float64Array
  /** Share of what a residual may be off that comes from not knowing the unit under such conditions, 0 to 1, mean over responses. */
  readonly doubt?: number
}

/** Windows that lack more driving features than this cannot be compared. */
export const MISSING_DRIVERS_MAX = 2

/** Compares a window's features (recipe order) with the type, and with the unit's own normal when it is given, which learns from it. */
export type Compare = (values: Float64Array, unit?: UnitNormalState, atMs?: number) => Residuals | undefined

/**
 * Changes the residuals of a window as another maker's machine would show them, for training alone.
 * @param zScores residuals against the reference of the type; changed in place
 * @param levels what the window shows of each response against its usual level, in the same deviations
 * @param drivers standardised, in the order of the reference
 * @param atMs end of the window
 */
export type VaryResiduals = (zScores: Float64Array, levels: Float64Array, drivers: readonly number[], atMs: number) => void

/** Makes the function that compares windows with the reference; it gives undefined when too many drivers are missing. */
export function createReference(reference: Reference, features: readonly FeatureDefinition[], vary?: VaryResiduals): Compare {
  const positionOf = (name: string): number => {
    const position = features.findIndex((feature) => feature.name === name)
    assert(position >= 0, `the recipe has the feature ${name} of the reference`)
    return position
  }
  const drivers = reference.drivers.map((driver) => ({ ...driver, position: positionOf(driver.feature) }))
  const responses = reference.responses.map((response) => ({ ...response, position: positionOf(response.feature) }))
  const unitDrivers = reference.unit?.drivers.map((name) => reference.drivers.findIndex(({ feature }) => feature === name)) ?? []
  assert(!unitDrivers.includes(-1), 'a unit is learned on drivers of the reference')
  return (values, unit, atMs = 0) => {
    const raw = drivers.map(({ position }) => values[position] ?? Number.NaN)
    if (raw.filter(Number.isNaN).length > MISSING_DRIVERS_MAX) return undefined
    const standard = standardise(reference, raw)
    const wide = reference.unit === undefined ? standard : standardise(reference, raw, UNIT_RANGE)
    const terms = termsOf(reference, standard)
    const observed = Float64Array.from(responses, ({ position }) => values[position] ?? Number.NaN)
    const expected = Float64Array.from(responses, ({ coefficients }) =>
      coefficients.reduce((sum, coefficient, index) => sum + coefficient * (terms[index] ?? 0), 0),
    )
    const zScores = Float64Array.from(
      responses,
      (response, index) => (toScale(observed[index] ?? Number.NaN, response) - (expected[index] ?? Number.NaN)) / response.spread,
    )
    if (vary !== undefined) {
      const levels = Float64Array.from(
        responses,
        (response, index) => (toScale(observed[index] ?? Number.NaN, response) - (response.coefficients[0] ?? 0)) / response.spread,
      )
      vary(zScores, levels, standardise(reference, raw, UNIT_RANGE), atMs)
    }
    if (reference.unit === undefined || unit === undefined) {
      return { observed, expected: expected.map((value, index) => fromScale(value, responses[index])), zScores: zScores.map(boundZScore) }
    }
    const own = compareWithUnit(reference.unit, unit, {
      terms: unitTerms(
        reference.unit,
        unitDrivers.map((index) => wide[index] ?? 0),
      ),
      zScores,
    })
    return {
      observed,
      expected: expected.map((value, index) => fromScale(value + (own.shift[index] ?? 0) * (responses[index]?.spread ?? 0), responses[index])),
      zScores: own.zScores,
      doubt: own.doubt,
    }
  }
}

type Scaled = { readonly log_floor?: number | undefined } | undefined

const toScale = (value: number, response: Scaled): number =>
  response?.log_floor === undefined ? value : Math.log(Math.max(value, response.log_floor))
const fromScale = (value: number, response: Scaled): number => (response?.log_floor === undefined ? value : Math.exp(value))

/** Units of which a larger unit has more by a factor. */
const FACTOR_UNITS: ReadonlySet<string> = new Set(['w', 'wh', 'a', 'ma', 'ua', 'rpm', 'ms', 's', 'steps', 'pa', 'ppm', 'm_s2', 'l', 'lpm'])
/** Values below this share of the usual one are as good as 0. */
const FLOOR_SHARE = 0.03
/** What falls below this share of the usual value in a unit without fault stays as it is. */
const FACTOR_LOW = 0.15

/** Least value to tell apart from 0 of a feature that is predicted by its logarithm; undefined for the others. */
function logFloorOf({ unit, derive }: FeatureDefinition, known: readonly number[]): number | undefined {
  const isFactor = FACTOR_UNITS.has(unit) || 'ratio' in derive || 'recordRatio' in derive
  if (!isFactor || known.length === 0) return undefined
  const sorted = known.toSorted((a, b) => a - b)
  // What comes near 0 at times in a unit without fault is no factor of its size.
  return quantileSorted(sorted, 0.05) > FACTOR_LOW * quantileSorted(sorted, 0.5)
    ? Number((FLOOR_SHARE * quantileSorted(sorted, 0.5)).toPrecision(6))
    : undefined
}

/** Deviations up to which a driver counts for a unit's own normal, which is linear and may reach beyond what the fit has seen. */
const UNIT_RANGE = 4

/** Drivers standardised and bounded by what the fit has seen, or by a number of deviations; 0 for what is missing. */
const standardise = (reference: Pick<Reference, 'drivers'>, raw: readonly number[], range?: number): number[] =>
  reference.drivers.map(({ mean, deviation, min, max }, index) => {
    const value = raw[index] ?? Number.NaN
    if (Number.isNaN(value) || deviation === 0) return 0
    if (range !== undefined) return Math.max(-range, Math.min(range, (value - mean) / deviation))
    return (Math.max(min, Math.min(max, value)) - mean) / deviation
  })

const termsOf = ({ terms }: Pick<Reference, 'terms'>, standard: readonly number[]): number[] =>
  terms.map((exponents) => exponents.reduce((product, exponent, index) => product * (standard[index] ?? 0) ** exponent, 1))

/** Strength of the ridge that keeps terms of nearly constant drivers small, per row. */
const RIDGE = 1e-3

/** Spread that no feature goes below, as z-scores of a quantity that never moves would be endless. */
const SPREAD_MIN: Readonly<Record<string, number>> = { ratio: 0.02, k: 0.1, c: 0.1, count: 0.25, s: 1, ppm: 2, lel_pct: 0.25, kpa: 0.02 }
const spreadFloor = (unit: string, level: number): number => SPREAD_MIN[unit] ?? 0.005 * Math.abs(level) + 1e-6

/** The same for a logarithm: a hundredth of the value. */
const LOG_SPREAD_MIN = 0.01

/**
 * Fits the reference to windows without fault.
 * @param windows features in recipe order, one row a window
 */
export function fitReference(windows: readonly Float64Array[], features: readonly FeatureDefinition[], recipeVersion: number): Reference {
  assert(windows.length > 0, 'the reference is fitted to windows')
  const columnOf = (position: number): number[] => windows.map((values) => values[position] ?? Number.NaN)
  const drivers = features.flatMap((feature, position) => {
    if (feature.role !== 'driving') return []
    const known = columnOf(position)
      .filter((value) => !Number.isNaN(value))
      .sort((a, b) => a - b)
    if (known.length < 2) return []
    const deviation = sampleStandardDeviation(known)
    return [{ feature: feature.name, mean: meanOf(known), deviation, min: quantileSorted(known, 0.005), max: quantileSorted(known, 0.995), position }]
  })
  const shape = { drivers, terms: polynomialTerms(drivers.length) }
  const terms = windows.map((values) =>
    termsOf(
      shape,
      standardise(
        shape,
        drivers.map(({ position }) => values[position] ?? Number.NaN),
      ),
    ),
  )
  const responses = features.flatMap((feature, position) => {
    if (feature.role === 'driving') return []
    const rows = windows.flatMap((values, index) =>
      Number.isNaN(values[position] ?? Number.NaN) ? [] : [{ x: terms[index] ?? [], y: values[position] ?? 0 }],
    )
    if (rows.length < shape.terms.length) return []
    const logFloor = logFloorOf(
      feature,
      rows.map(({ y }) => y),
    )
    const scale = logFloor === undefined ? {} : { log_floor: logFloor }
    for (const row of rows) row.y = toScale(row.y, scale)
    const coefficients = solveLeastSquares(rows, RIDGE)
    const residuals = rows.map(({ x, y }) => y - coefficients.reduce((sum, coefficient, index) => sum + coefficient * (x[index] ?? 0), 0))
    const spread = Math.max(
      sampleStandardDeviation(residuals),
      logFloor === undefined ? spreadFloor(feature.unit, coefficients[0] ?? 0) : LOG_SPREAD_MIN,
    )
    return [
      {
        feature: feature.name,
        coefficients: coefficients.map((value) => Number(value.toPrecision(9))),
        spread: Number(spread.toPrecision(9)),
        ...scale,
      },
    ]
  })
  return { schema: 1, recipe_version: recipeVersion, drivers: drivers.map(({ position: _, ...driver }) => driver), terms: shape.terms, responses }
}

/**
 * Adds to a reference how units differ from each other.
 * @param units windows without fault of each unit, features in recipe order
 */
export function addUnitNormal(
  reference: Reference,
  units: ReadonlyArray<{ readonly windows: readonly Float64Array[]; readonly vary?: VaryResiduals | undefined }>,
  { features, drivers: wanted, ...options }: UnitNormalOptions & { readonly features: readonly FeatureDefinition[] },
): Reference {
  // A driver that never moved in training is none.
  const drivers = wanted.filter((name) => reference.drivers.some(({ feature, deviation }) => feature === name && deviation > 0))
  const places = drivers.map((name) => reference.drivers.findIndex(({ feature }) => feature === name))
  const residuals = units.map(({ windows, vary }) => {
    let standard: readonly number[] = []
    const compare = createReference(reference, features, (zScores, levels, drivers, atMs) => {
      standard = drivers
      vary?.(zScores, levels, drivers, atMs)
    })
    return windows.flatMap((values) => {
      const compared = compare(values)
      return compared === undefined ? [] : [{ drivers: places.map((place) => standard[place] ?? 0), zScores: compared.zScores }]
    })
  })
  return { ...reference, unit: fitUnitNormal(residuals, { ...options, drivers }) }
}

/** Exponents of all terms up to degree 2 in `count` drivers, the constant first. */
function polynomialTerms(count: number): number[][] {
  const none = (): number[] => Array.from({ length: count }, () => 0)
  const terms = [none()]
  for (let first = 0; first < count; first++) {
    const linear = none()
    linear[first] = 1
    terms.push(linear)
  }
  for (let first = 0; first < count; first++) {
    for (let second = first; second < count; second++) {
      const product = none()
      product[first] = (product[first] ?? 0) + 1
      product[second] = (product[second] ?? 0) + 1
      terms.push(product)
    }
  }
  return terms
}
