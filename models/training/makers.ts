/**
 * Machines of other makers in the space of residuals: what a unit shows of each feature is scaled, shifted and made to depend on what drives
 * it in other ways, before its own normal is learned. One fleet then stands for those of many makers, and a model that is trained on them
 * learns how far a sound unit of a machine that nobody modelled strays from its normal.
 */
import { createRandom } from '#kernel/random.ts'
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
}

/** Draws a maker by name: residuals of its windows in order of time, each unit with a little of its own. */
export function createMaker(
  name: string,
  { responses, drivers, spread }: { responses: number; drivers: number; spread: MakerSpread },
): (unit: string) => VaryResiduals {
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
  return (unit) => {
    const own = createRandom(`maker/${name}/${unit}`)
    const gains = laws.map(({ gain }) => gain * Math.exp(own.normal(0, spread.gain / 4)))
    return (zScores, levels, values) => {
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
