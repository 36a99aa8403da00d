/** Makers in the space of residuals: the same for the same name, other for another, and absent features. */
import { describe, expect, it } from 'vitest'
import { createMaker, type MakerSpread } from './makers.ts'

const spread: MakerSpread = { gain: 0.3, offset: 1, slope: 0.4, square: 0.1, noise: 0.1, missing: 0, signature: { gain: 0, absent: 0, side: 0 } }
const options = { responses: 3, drivers: 2, spread }
const vary = (name: string, unit: string, more: Partial<MakerSpread> = {}): number[] => {
  const zScores = Float64Array.of(1, Number.NaN, -2)
  createMaker(name, { ...options, spread: { ...spread, ...more } })(unit)(zScores, Float64Array.of(2, 0, -1), [0.5, -1], 0)
  return [...zScores]
}

describe('a maker', () => {
  it('changes residuals, each time the same for one unit, and otherwise for another maker', () => {
    expect(vary('a', '1')).not.toEqual([1, Number.NaN, -2])
    expect(vary('a', '1')).toEqual(vary('a', '1'))
    expect(vary('b', '1')).not.toEqual(vary('a', '1'))
  })
  it('leaves unknown what is unknown, and takes away what the machine does not have', () => {
    expect(vary('a', '1')[1]).toBeNaN()
    expect(vary('a', '1', { missing: 1 }).every(Number.isNaN)).toBe(true)
  })
  it('changes nothing when makers are not apart', () => {
    expect(vary('a', '1', { gain: 0, offset: 0, slope: 0, square: 0, noise: 0 })).toEqual([1, Number.NaN, -2])
  })
})
