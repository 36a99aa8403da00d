/** Verdicts and intervals of the evaluation's tables. */
import { describe, expect, it } from 'vitest'
import { isFloorMissed, isGoalMissed, overSeeds, toMarkdown } from './table.ts'

describe('overSeeds', () => {
  it('gives the mean with the t interval of three seeds', () => {
    const { value, interval } = overSeeds([0.8, 0.9, 1])
    expect(value).toBeCloseTo(0.9)
    expect(interval?.[0]).toBeCloseTo(0.9 - (4.303 * 0.1) / Math.sqrt(3))
    expect(interval?.[1]).toBeCloseTo(0.9 + (4.303 * 0.1) / Math.sqrt(3))
  })
  it('gives no interval for one seed and nothing for none', () => {
    expect(overSeeds([3])).toEqual({ value: 3 })
    expect(overSeeds([Number.NaN])).toEqual({ value: undefined })
  })
})

describe('verdicts', () => {
  it('miss a floor when the worse end of the interval is no better than a baseline', () => {
    const row = { measure: 'top-1', value: 0.8, goal: { min: 0.85 }, baselines: [{ name: 'naive', value: 0.6 }] }
    expect(isGoalMissed(row)).toBe(true)
    expect(isFloorMissed({ ...row, interval: [0.7, 0.9] })).toBe(false)
    expect(isFloorMissed({ ...row, interval: [0.55, 0.95] })).toBe(true)
    const error = { measure: 'error', value: 2, goal: { max: 3 }, baselines: [{ name: 'naive', value: 5 }] }
    expect(isFloorMissed({ ...error, interval: [1, 4] })).toBe(false)
    expect(isFloorMissed({ ...error, interval: [1, 6] })).toBe(true)
  })
  it('hold a goal of 0 to 0, and a stated floor before all', () => {
    expect(isFloorMissed({ measure: 'missed', value: 1, goal: { max: 0 } })).toBe(true)
    expect(isFloorMissed({ measure: 'missed', value: 0, goal: { max: 0 } })).toBe(false)
    expect(isFloorMissed({ measure: 'NAB', value: 60, goal: { min: 75.9 }, floor: { min: 56.1 } })).toBe(false)
    expect(isFloorMissed({ measure: 'NAB', value: 50, goal: { min: 75.9 }, floor: { min: 56.1 } })).toBe(true)
  })
})

describe('toMarkdown', () => {
  it('writes the verdict, the interval and the command', () => {
    const page = toMarkdown({
      id: 'x',
      title: 'X',
      data: 'simulated',
      command: 'npm run eval -- --only x',
      rows: [{ measure: 'top-1', value: 0.8, interval: [0.7, 0.9], goal: { min: 0.85 }, baselines: [{ name: 'naive', value: 0.6 }] }],
    })
    expect(page).toContain('| top-1 | 0.800 | 0.700 to 0.900 | naive 0.600 | >= 0.850 | missed |')
    expect(page).toContain('Simulated data. `npm run eval -- --only x` prints it.')
  })
})
