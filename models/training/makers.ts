/**
 * Machines of other makers in the space of residuals: what a unit shows of each feature is scaled, shifted and made to depend on what drives
 * it in other ways, before its own normal is learned. One fleet then stands for those of many makers, and a model that is trained on them
 * learns how far a sound unit of a machine that nobody modelled strays from its normal.
 */
import { createRandom, type Random } from '#kernel/random.ts'
import type { VaryResiduals } from '../reference.ts'

/** How far makers are apart; deviations, in z-scores of the reference where nothing else is said. */
export interface MakerSpread {
  /** Of the logarithm of how strongly a feature answers. */
  readonly gain: number
  readonly offset: number
  /** By a deviation of a driver, and by the square of one. */
  readonly slope: number
  readonly square: number
  /** Noise of a window besides its own. */
  readonly noise: number
  /** Share of features that the maker's machine does not have. */
  readonly missing: number
  /** Of the logarithm of how strongly a fault shows in a feature, the share of features in which it does not, and what it shows besides. */
  readonly signature: { readonly gain: number; readonly absent: number; readonly side: number }
}

/** How much each fault moves the residuals at full severity, by response. */
export type Signatures = ReadonlyMap<string, Float64Array>

/** Faults of a unit with their severities at an instant. */
export type SeveritiesAt = (atMs: number) => ReadonlyArray<readonly [fault: string, severity: number]>

/** Draws a maker by name: residuals of its windows in order of time, each unit with a little of its own. */
export function createMaker(
  name: string,
  { responses, drivers, spread, signatures }: { responses: number; drivers: number; spread: MakerSpread; signatures?: Signatures },
): (unit: string, severitiesAt?: SeveritiesAt) => VaryResiduals {
  const random = createRandom(`maker/${name}`)
  const lawOf = () => ({
    gain: Math.exp(random.normal(0, spread.gain)),
    offset: random.normal(0, spread.offset),
    slopes: Array.from({ length: drivers }, () => random.normal(0, spread.slope)),
    squares: Array.from({ length: drivers }, () => random.normal(0, spread.square)),
    noise: Math.abs(random.normal(0, spread.noise)),
    isAbsent: random.chance(spread.missing),
  })
  const laws = Array.from({ length: responses }, lawOf)
  const shown = signaturesOf(random.fork('signatures'), signatures, spread)
  return (unit, severitiesAt) => {
    const own = createRandom(`maker/${name}/${unit}`)
    const gains = laws.map(({ gain }) => gain * Math.exp(own.normal(0, spread.gain / 4)))
    return (zScores, levels, values, atMs) => {
      for (const [fault, severity] of severitiesAt?.(atMs) ?? []) {
        const other = shown.get(fault)
        if (other !== undefined)
          for (let index = 0; index < zScores.length; index++) zScores[index] = (zScores[index] ?? Number.NaN) + severity * (other[index] ?? 0)
      }
      laws.forEach((law, index) => {
        const zScore = zScores[index] ?? Number.NaN
        if (Number.isNaN(zScore)) return
        const gain = gains[index] ?? 1
        let varied = zScore + (gain - 1) * (levels[index] ?? 0) + law.offset + own.normal(0, law.noise)
        law.slopes.forEach((slope, driver) => {
          const value = values[driver] ?? 0
          varied += slope * value + (law.squares[driver] ?? 0) * (value * value - 1)
        })
        zScores[index] = law.isAbsent ? Number.NaN : varied
      })
    }
  }
}

/** What a maker's machine shows of each fault more or less than those that were simulated, at full severity. */
function signaturesOf(random: Random, signatures: Signatures = new Map(), { signature }: MakerSpread): Signatures {
  const differences = [...signatures].map(([fault, usual]): [string, Float64Array] => {
    const size = Math.sqrt(usual.reduce((sum, value) => sum + value * value, 0) / usual.length)
    const lessOrMore = (value: number): number => value * ((random.chance(signature.absent) ? 0 : Math.exp(random.normal(0, signature.gain))) - 1)
    return [fault, usual.map((value) => lessOrMore(value) + size * random.normal(0, signature.side))]
  })
  return new Map(differences)
}

/** Windows without fault of a unit from which its usual residuals are told. */
const USUAL_WINDOWS_MIN = 6

/** A window of a unit: residuals against the reference of its type, and the faults that it had. */
export interface SignedWindow {
  readonly zScores: Float64Array
  readonly severities: ReadonlyArray<readonly [fault: string, severity: number]>
}

/** Fits how much each fault moves the residuals: least squares through 0 of what a unit shows over its usual, on the severity. */
export function fitSignatures(units: ReadonlyArray<readonly SignedWindow[]>): Signatures {
  const sums = new Map<string, { squares: Float64Array; products: Float64Array }>()
  for (const windows of units) {
    const sound = windows.filter(({ severities }) => severities.length === 0)
    if (sound.length < USUAL_WINDOWS_MIN) continue
    const usual = meanOf(sound)
    for (const { zScores, severities } of windows) {
      const [only] = severities
      if (only === undefined || severities.length > 1) continue
      const [fault, severity] = only
      const sum = sums.get(fault) ?? { squares: new Float64Array(zScores.length), products: new Float64Array(zScores.length) }
      sums.set(fault, sum)
      zScores.forEach((zScore, index) => {
        const departure = zScore - (usual[index] ?? Number.NaN)
        if (Number.isNaN(departure)) return
        sum.squares[index] = (sum.squares[index] ?? 0) + severity * severity
        sum.products[index] = (sum.products[index] ?? 0) + severity * departure
      })
    }
  }
  return new Map(
    [...sums].map(([fault, { squares, products }]) => [fault, products.map((product, index) => product / Math.max(1e-9, squares[index] ?? 0))]),
  )
}

function meanOf(windows: readonly SignedWindow[]): Float64Array {
  const [first] = windows
  return (first?.zScores ?? new Float64Array(0)).map((_, index) => {
    const known = windows.map(({ zScores }) => zScores[index] ?? Number.NaN).filter((value) => !Number.isNaN(value))
    return known.reduce((sum, value) => sum + value, 0) / known.length
  })
}
