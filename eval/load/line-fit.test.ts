import { describe, expect, it } from 'vitest'
import { fitLine } from './line-fit.ts'

describe('a line through points', () => {
  it('has the slope of points that lie on a line, without doubt', () => {
    const fit = fitLine([0, 1, 2, 3].map((x) => ({ x, y: 5 + 2 * x })))
    expect(fit.slope).toBeCloseTo(2, 12)
    expect(fit.bound).toBeCloseTo(0, 12)
    expect(fit.meanY).toBe(8)
  })
  it('leaves the slope of scattered points in doubt as the text-books say', () => {
    // Slope 0.6, residual sum of squares 2.4, three degrees of freedom: 3.182 * sqrt(2.4 / 3 / 10).
    const fit = fitLine([2, 4, 5, 4, 5].map((y, index) => ({ x: index + 1, y })))
    expect(fit.slope).toBeCloseTo(0.6, 12)
    expect(fit.bound).toBeCloseTo(0.9, 2)
  })
  it('knows nothing of the slope from two points', () => {
    expect(
      fitLine([
        { x: 0, y: 1 },
        { x: 1, y: 9 },
      ]).bound,
    ).toBe(Number.POSITIVE_INFINITY)
  })
})
