/**
 * What a classifier sees of a unit, made from its mean residuals by the names on the model's card: how far each feature is from the
 * unit's normal, the shape of the departure whatever its size, and how well it agrees with the signs of each fault in the catalogue.
 * Shape and signs are what units of different make have in common. Training and serving run this same code.
 */
import type { ApplianceType, Fault, FaultSign } from '#catalogue/appliance-type.ts'
import { distanceOf, type SeenResiduals } from './evidence.ts'
import type { Residuals } from './reference.ts'

/** Makes the inputs of a model from residuals whose order is `features`. */
export type InputMaker = (residuals: Residuals & Pick<SeenResiduals, 'trend'>) => Float32Array

/** A sign counts nearly in full from this many deviations on; means over a week scatter less. */
const SIGN_SCALE = 3
const WEEK_SIGN_SCALE = 1.5
/** A departure smaller than this has no shape: noise is not blown up. */
const SHAPE_FLOOR = 1.5
const WEEK_SHAPE_FLOOR = 0.75

/**
 * Names of all inputs for the features of a reference: `feature`, `shape:feature`, `sign:FAULT` and `distance` of the last windows, the same of
 * the last week behind `week`, `rise:feature` (the last windows over the last month), and `doubt`.
 */
export const inputNames = (type: ApplianceType, features: readonly string[]): string[] => {
  const signed = type.faults.filter((fault) => signsOf(fault, features).length > 0).map(({ code }) => code)
  return [
    ...features,
    ...features.map((feature) => `shape:${feature}`),
    ...signed.map((code) => `sign:${code}`),
    'distance',
    ...features.map((feature) => `week:${feature}`),
    ...features.map((feature) => `week-shape:${feature}`),
    ...signed.map((code) => `week-sign:${code}`),
    'week-distance',
    ...features.map((feature) => `rise:${feature}`),
    'doubt',
  ]
}

/**
 * Compiles the names of a card. `raw:feature` is the value itself, for models of others. A feature that is not known counts as showing
 * nothing.
 * @returns the maker, or the names that are not understood
 */
export function createInputs(names: readonly string[], type: ApplianceType, features: readonly string[]): InputMaker | readonly string[] {
  const unknown: string[] = []
  const makers = names.map((name): Maker => {
    const made = PLAIN[name] ?? compileInput(name, type, features)
    if (made === undefined) unknown.push(name)
    return made ?? (() => 0)
  })
  if (unknown.length > 0) return unknown
  return (residuals) => {
    const { zScores, trend } = residuals
    const week = trend?.week ?? NOTHING
    const seen = {
      residuals,
      zScores,
      distance: distanceOf(residuals),
      week,
      weekDistance: distanceOf({ zScores: week }),
      month: trend?.month ?? NOTHING,
    }
    return Float32Array.from(makers, (make) => make(seen))
  }
}

interface Seen {
  readonly residuals: Residuals
  readonly zScores: Float64Array
  readonly distance: number
  readonly week: Float64Array
  readonly weekDistance: number
  readonly month: Float64Array
}

type Maker = (seen: Seen) => number

const NOTHING = new Float64Array(0)

const PLAIN: Readonly<Record<string, Maker>> = {
  distance: ({ distance }) => distance,
  'week-distance': ({ weekDistance }) => weekDistance,
  doubt: ({ residuals }) => residuals.doubt ?? 0,
}

function compileInput(name: string, type: ApplianceType, features: readonly string[]): Maker | undefined {
  const [kind, rest] = name.includes(':') ? (name.split(':', 2) as [string, string]) : ['z', name]
  const position = features.indexOf(rest)
  if (kind === 'sign' || kind === 'week-sign') {
    const fault = type.faults.find(({ code }) => code === rest)
    if (fault === undefined) return undefined
    const score = signScore(fault, features, kind === 'sign' ? SIGN_SCALE : WEEK_SIGN_SCALE)
    return kind === 'sign' ? ({ zScores }) => score(zScores) : ({ week }) => score(week)
  }
  if (position < 0) return undefined
  const byKind: Readonly<Record<string, Maker>> = {
    raw: ({ residuals: { observed, expected } }) => orElse(observed[position], expected[position] ?? 0),
    z: ({ zScores }) => known(zScores[position]),
    shape: ({ zScores, distance }) => known(zScores[position]) / Math.max(distance, SHAPE_FLOOR),
    week: ({ week }) => known(week[position]),
    'week-shape': ({ week, weekDistance }) => known(week[position]) / Math.max(weekDistance, WEEK_SHAPE_FLOOR),
    rise: ({ zScores, month }) => known((zScores[position] ?? 0) - (month[position] ?? 0)),
  }
  return byKind[kind]
}

const orElse = (value: number | undefined, other: number): number => (value === undefined || Number.isNaN(value) ? other : value)

const known = (zScore: number | undefined): number => (zScore === undefined || Number.isNaN(zScore) ? 0 : zScore)

const signsOf = (fault: Fault, features: readonly string[]) => fault.signs.filter(({ feature }) => features.includes(feature))

/** Mean agreement of the residuals with the signs of a fault, -1 to 1; a feature that should not move can only speak against. */
function signScore(fault: Fault, features: readonly string[], scale: number): (zScores: Float64Array) => number {
  const signs = signsOf(fault, features).map(({ feature, direction }) => ({ position: features.indexOf(feature), direction }))
  return (zScores) => {
    let sum = 0
    let count = 0
    for (const { position, direction } of signs) {
      const zScore = zScores[position] ?? Number.NaN
      if (Number.isNaN(zScore)) continue
      sum += agreement(direction, Math.tanh(zScore / scale))
      count++
    }
    return count === 0 ? 0 : sum / count
  }
}

function agreement(direction: FaultSign['direction'], departure: number): number {
  if (direction === 0) return -Math.abs(departure)
  return direction === 'either' ? Math.abs(departure) : departure * direction
}
