/**
 * What a classifier sees of a unit, made from its mean residuals by the names on the model's card: how far each feature is from the
 * unit's normal, the shape of the departure whatever its size, and how well it agrees with the signs of each fault in the catalogue.
 * Shape and signs are what units of different make have in common. Training and serving run this same code.
 */
import type { ApplianceType, Fault, FaultSign } from '#catalogue/appliance-type.ts'
import { distanceOf } from './evidence.ts'
import type { Residuals } from './reference.ts'

/** Makes the inputs of a model from residuals whose order is `features`. */
export type InputMaker = (residuals: Residuals) => Float32Array

/** A sign counts nearly in full from this many deviations on. */
const SIGN_SCALE = 3
/** A departure smaller than this has no shape: noise is not blown up. */
const SHAPE_FLOOR = 1.5

/** Names of all inputs for the features of a reference: `feature`, `shape:feature`, `sign:FAULT`, and `distance`. */
export const inputNames = (type: ApplianceType, features: readonly string[]): string[] => [
  ...features,
  ...features.map((feature) => `shape:${feature}`),
  ...type.faults.filter((fault) => signsOf(fault, features).length > 0).map(({ code }) => `sign:${code}`),
  'distance',
]

/**
 * Compiles the names of a card. `raw:feature` is the value itself, for models of others. A feature that is not known counts as showing
 * nothing.
 * @returns the maker, or the names that are not understood
 */
export function createInputs(names: readonly string[], type: ApplianceType, features: readonly string[]): InputMaker | readonly string[] {
  const unknown: string[] = []
  const makers = names.map((name): Maker => {
    if (name === 'distance') return (_, distance) => distance
    const [kind, rest] = name.includes(':') ? (name.split(':', 2) as [string, string]) : ['z', name]
    const position = features.indexOf(rest)
    const fault = kind === 'sign' ? type.faults.find(({ code }) => code === rest) : undefined
    if (fault !== undefined) return signScore(fault, features)
    if (position < 0 || (kind !== 'z' && kind !== 'shape' && kind !== 'raw')) {
      unknown.push(name)
      return () => 0
    }
    if (kind === 'raw') return (_z, _distance, { observed, expected }) => orElse(observed[position], expected[position] ?? 0)
    if (kind === 'z') return (zScores) => known(zScores[position])
    return (zScores, distance) => known(zScores[position]) / Math.max(distance, SHAPE_FLOOR)
  })
  if (unknown.length > 0) return unknown
  return (residuals) => {
    const distance = distanceOf(residuals)
    return Float32Array.from(makers, (make) => make(residuals.zScores, distance, residuals))
  }
}

type Maker = (zScores: Float64Array, distance: number, residuals: Residuals) => number

const orElse = (value: number | undefined, other: number): number => (value === undefined || Number.isNaN(value) ? other : value)

const known = (zScore: number | undefined): number => (zScore === undefined || Number.isNaN(zScore) ? 0 : zScore)

const signsOf = (fault: Fault, features: readonly string[]) => fault.signs.filter(({ feature }) => features.includes(feature))

/** Mean agreement of the residuals with the signs of a fault, -1 to 1; a feature that should not move can only speak against. */
function signScore(fault: Fault, features: readonly string[]): (zScores: Float64Array) => number {
  const signs = signsOf(fault, features).map(({ feature, direction }) => ({ position: features.indexOf(feature), direction }))
  return (zScores) => {
    let sum = 0
    let count = 0
    for (const { position, direction } of signs) {
      const zScore = zScores[position] ?? Number.NaN
      if (Number.isNaN(zScore)) continue
      sum += agreement(direction, Math.tanh(zScore / SIGN_SCALE))
      count++
    }
    return count === 0 ? 0 : sum / count
  }
}

function agreement(direction: FaultSign['direction'], departure: number): number {
  if (direction === 0) return -Math.abs(departure)
  return direction === 'either' ? Math.abs(departure) : departure * direction
}
