import { describe, expect, it } from 'vitest'
import { windowedGaussian } from './baselines.ts'
import { type NabSeries, probationOf, scoreNab } from './score.ts'

const ROWS = 1_000
const series = (windows: NabSeries['windows'], rows = ROWS): NabSeries => ({
  name: 'one',
  category: 'test',
  timesMs: new Float64Array(rows),
  values: new Float64Array(rows),
  windows,
})
const flags = (...rows: number[]): Float64Array => Float64Array.from({ length: ROWS }, (_, row) => (rows.includes(row) ? 1 : 0))
const sigmoid = (position: number): number => 2 / (1 + Math.exp(5 * position)) - 1

describe('the scoring of the Numenta benchmark', () => {
  const one = series([[500, 599]])

  it('gives nothing to a detector that never speaks', () => {
    expect(scoreNab([one], [flags()], 1).score).toBe(0)
  })

  it('counts the first detection of a window alone, more the earlier it comes', () => {
    const early = scoreNab([one], [flags(500, 520, 590)], 1).score
    expect(early).toBeCloseTo(50 * (1 + sigmoid(-1) / sigmoid(-1)), 10)
    expect(scoreNab([one], [flags(590)], 1).score).toBeCloseTo(50 * (1 + sigmoid(-0.1) / sigmoid(-1)), 10)
  })

  it('takes 0.11 for a false alarm far from a window, less closely behind one', () => {
    expect(scoreNab([one], [flags(300)], 1).score).toBeCloseTo(-50 * 0.11, 10)
    expect(scoreNab([one], [flags(610)], 1).score).toBeCloseTo(50 * 0.11 * sigmoid(11 / 99), 10)
    expect(scoreNab([one], [flags(950)], 1).score).toBeCloseTo(-50 * 0.11, 10)
  })

  it('does not look at the first 15 %, of 5,000 rows at most', () => {
    expect(scoreNab([one], [flags(10, 149)], 1).score).toBe(0)
    expect(scoreNab([one], [flags(150)], 1).falseAlarms).toBe(1)
    expect(probationOf(20_000)).toBe(750)
  })

  it('chooses one threshold for all series, the best of those that occur', () => {
    const scores = [flags(500).map((flag) => 0.4 * flag), flags(300).map((flag) => 0.3 * flag)]
    const { threshold, found, falseAlarms } = scoreNab([one, series([[500, 599]])], scores)
    expect({ threshold, found, falseAlarms }).toEqual({ threshold: 0.4, found: 1, falseAlarms: 0 })
  })
})

describe('the windowed Gaussian', () => {
  it('is surer the further out a value lies', () => {
    const scores = windowedGaussian(Float64Array.from([0, 1, 0, 1, 0, 1, 0.5, 3, 30]))
    expect(scores[6]).toBeCloseTo(0.5, 10)
    expect(scores[7]).toBeGreaterThan(0.99)
    expect(scores[8]).toBeGreaterThan(scores[7] ?? 1)
  })
})
