import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { alertThreshold } from './alert-threshold.ts'
import { learnNormal, type NormalRow, scoreNormal } from './normal-model.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

const STEP_MS = 600_000
const budget = { per1000UnitWeeks: 5, stepMs: STEP_MS }

/** Power follows speed, temperature follows power and the time of day. */
function rows(count: number, change: (row: Float64Array, index: number) => void = () => {}, seed = 'rows'): NormalRow[] {
  const random = createRandom(seed)
  return Array.from({ length: count }, (_, index) => {
    const atMs = index * STEP_MS
    const speed = 40 + random.normal(0, 8)
    const power = 12 * speed + random.normal(0, 15)
    const temperature = 20 + 0.02 * power + 6 * Math.sin((2 * Math.PI * atMs) / 86_400_000) + random.normal(0, 0.4)
    const values = Float64Array.from([speed, power, temperature, 5 + random.normal(0, 0.1)])
    change(values, index)
    return { atMs, values }
  })
}

const scoresOf = (learned: readonly NormalRow[], judged: readonly NormalRow[]): number[] => {
  const model = learnNormal(learned, budget)
  return judged.map((row) => scoreNormal(model, row).score)
}

describe('the learned normal of several channels', () => {
  it('flags a broken relation although each value is usual alone, and names the channel', () => {
    const model = learnNormal(rows(432), budget)
    const row = { atMs: 0, values: Float64Array.from([32, 600, 32, 5]) }
    const { score, contributions } = scoreNormal(model, row)
    expect(score).toBeGreaterThan(1)
    expect(contributions.indexOf(Math.max(...contributions))).toBeLessThan(2)
    expect(contributions.reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 10)
  })

  it('flags nothing of two weeks of the same normal', () => {
    expect(
      Math.max(
        ...scoresOf(
          rows(432),
          rows(2_016, () => {}, 'others'),
        ),
      ),
    ).toBeLessThan(1)
  })

  it('is not taught by the odd among what it learns', () => {
    const odd = rows(432, (values, index) => {
      if (index >= 200 && index < 208) values[1] = 5_000
    })
    const [score = 0] = scoresOf(odd, [{ atMs: 0, values: Float64Array.from([40, 5_000, 30, 5]) }])
    expect(score).toBeGreaterThan(1)
  })

  it('takes a missing value as the expected one, and judges nothing of a row that is mostly missing', () => {
    const [one = Number.NaN, most = 0] = scoresOf(rows(432), [
      { atMs: 0, values: Float64Array.from([40, Number.NaN, 29.6, 5]) },
      { atMs: 0, values: Float64Array.from([Number.NaN, Number.NaN, Number.NaN, 5]) },
    ])
    expect(one).toBeLessThan(1)
    expect(most).toBeNaN()
  })

  it('takes the time of day out: the warmth of noon is odd at midnight', () => {
    const at = (hour: number): NormalRow => ({ atMs: hour * 3_600_000, values: Float64Array.from([40, 480, 36, 5]) })
    const [noon = 9, midnight = 0] = scoresOf(rows(1_008), [at(6), at(18)])
    expect(midnight).toBeGreaterThan(2 * noon)
  })
})

describe('the threshold of an alert budget', () => {
  const random = createRandom('threshold')
  const scores = Array.from({ length: 1_000 }, () => random.exponential(1))

  it('rises as the budget falls, as far as the tail goes on', () => {
    const [wide, narrow] = [500, 5].map((per1000UnitWeeks) => alertThreshold(scores, { per1000UnitWeeks, stepMs: STEP_MS }))
    expect(narrow).toBeGreaterThan(wide ?? 0)
    // Of an exponential tail: ln of one in so many steps.
    expect(narrow).toBeGreaterThan(0.8 * Math.log(1_008 / 0.005))
    expect(narrow).toBeLessThan(1.6 * Math.log(1_008 / 0.005))
  })

  it('is not moved by a few anomalies among what is learned', () => {
    const [clean = 0, odd = 0] = [scores, scores.map((score, index) => (index % 25 === 0 ? 500 + score : score))].map((some) =>
      alertThreshold(some, budget),
    )
    expect(odd).toBeLessThan(1.6 * clean)
  })

  it('flags nothing where there was nothing to learn from', () => {
    expect(alertThreshold([], budget)).toBe(Number.POSITIVE_INFINITY)
  })
})

describe('the eigenvectors of a symmetric matrix', () => {
  it('give the matrix back', () => {
    const matrix = [
      [4, 1, 0.5],
      [1, 3, -0.7],
      [0.5, -0.7, 2],
    ]
    const { values, vectors } = symmetricEigen(matrix)
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 3; j++) {
        expect(values.reduce((sum, value, k) => sum + value * (vectors[k]?.[i] ?? 0) * (vectors[k]?.[j] ?? 0), 0)).toBeCloseTo(
          matrix[i]?.[j] ?? 9,
          10,
        )
      }
    }
    expect(values).toEqual(values.toSorted((a, b) => b - a))
  })
})
