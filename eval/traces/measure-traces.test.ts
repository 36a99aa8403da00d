import { describe, expect, it } from 'vitest'
import { exactInterval, measureTraces, tracesRows } from './measure-traces.ts'

describe('the exact interval of a share', () => {
  it.each([
    [0, 24, 0, 0.1425],
    [3, 10, 0.0667, 0.6525],
    [10, 10, 0.6915, 1],
  ])('of %d in %d is %d to %d', (hits, trials, low, high) => {
    const [from, to] = exactInterval(hits, trials)
    expect(from).toBeCloseTo(low, 3)
    expect(to).toBeCloseTo(high, 3)
  })
})

describe('the evaluation of real traces', () => {
  it('is skipped with a word where the data is not there', () => {
    expect(measureTraces('/nowhere')).toBeUndefined()
    expect(tracesRows(undefined)).toEqual({ skipped: expect.any(String) })
  })
})
