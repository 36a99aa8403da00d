import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { createReference, fitReference } from './reference.ts'
import { aWindow, features } from './test-builders.ts'
import { Z_SCORE_MAX } from './unit-normal.ts'

const random = createRandom('reference')
/** Windows whose power is 3 x ambient + 0.1 x ambient², with noise of 2 W. */
const windows = Array.from({ length: 600 }, (_, index) => {
  const ambient_c = random.between(0, 40)
  return aWindow(index, { ambient_c, power_w: 3 * ambient_c + 0.1 * ambient_c ** 2 + random.normal(0, 2), lift_k: 10 }).features
})
const fitted = fitReference(windows, features, 1)
const compare = createReference(fitted, features)
const powerAt = fitted.responses.findIndex(({ feature }) => feature === 'power_w')

describe('reference', () => {
  it('predicts a response from the driving features and knows its spread', () => {
    const residuals = compare(aWindow(0, { ambient_c: 20, power_w: 110 }).features)
    expect(residuals?.expected[powerAt]).toBeCloseTo(100, 0)
    expect(fitted.responses[powerAt]?.spread).toBeGreaterThan(1.8)
    expect(fitted.responses[powerAt]?.spread).toBeLessThan(2.2)
    expect(residuals?.zScores[powerAt]).toBeCloseTo(5, 0)
  })

  it('does not run away outside of what the fit has seen', () => {
    const at = (ambient_c: number) => compare(aWindow(0, { ambient_c }).features)?.expected[powerAt]
    expect(at(400)).toBe(at(41))
  })

  it('bounds a z-score and leaves a missing feature unknown', () => {
    const residuals = compare(aWindow(0, { ambient_c: 20, power_w: 99_999 }).features)
    expect(residuals?.zScores[powerAt]).toBe(Z_SCORE_MAX)
    expect(residuals?.zScores[fitted.responses.findIndex(({ feature }) => feature === 'lift_k')]).toBeNaN()
  })

  it('has no response that the windows never had, and no spread of zero', () => {
    expect(fitted.responses.map(({ feature }) => feature)).toEqual(['lift_k', 'power_w'])
    expect(fitted.responses.every(({ spread }) => spread > 0)).toBe(true)
  })

  it('counts a missing driving feature as its mean', () => {
    const mean = compare(aWindow(0, {}).features)?.expected[powerAt]
    expect(mean).toBeCloseTo(compare(aWindow(0, { ambient_c: fitted.drivers[0]?.mean ?? 0 }).features)?.expected[powerAt] ?? 0, 6)
  })
})
