/** A unit's own normal: learning, doubt where nothing was seen, faults that are not learned, and state that survives as text. */
import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { compareWithUnit, createUnitNormal, fitUnitNormal, packUnitNormal, type UnitNormalPrior, unpackUnitNormal } from './unit-normal.ts'

const prior: UnitNormalPrior = { drivers: ['outdoor'], windows: 30, responses: [{ noise: 0.5, constant: 2, slope: 1 }] }
const window = (outdoor: number, zScore: number) => ({ terms: [1, outdoor], zScores: Float64Array.of(zScore) })

/** A unit that differs from its type by 3 - 0.8 x outdoor. */
function learnedUnit(seed: string) {
  const random = createRandom(seed)
  const state = createUnitNormal(prior)
  for (let index = 0; index < 30; index++) {
    const outdoor = random.between(-1, 1)
    compareWithUnit(prior, state, window(outdoor, 3 - 0.8 * outdoor + random.normal(0, 0.5)))
  }
  return state
}

describe('the normal of a unit', () => {
  it('starts as its type: a residual counts by the spread of units', () => {
    const { zScores, shift } = compareWithUnit(prior, createUnitNormal(prior), window(0, 2))
    expect(shift[0]).toBe(0)
    expect(zScores[0]).toBeCloseTo(2 / Math.sqrt(0.25 + 4))
  })
  it('ends as itself: what the unit always shows is no sign, what it never showed is one', () => {
    const state = learnedUnit('a')
    expect(Math.abs(compareWithUnit(prior, state, window(0.5, 2.6)).zScores[0] ?? 9)).toBeLessThan(1)
    expect(compareWithUnit(prior, state, window(0.5, 5.6)).zScores[0]).toBeGreaterThan(4)
    expect(compareWithUnit(prior, state, window(0.5, 2.6)).shift[0]).toBeCloseTo(2.6, 0)
  })
  it('doubts where the unit was never seen', () => {
    const state = learnedUnit('b')
    const seen = compareWithUnit(prior, state, window(0, 5)).zScores[0] ?? 0
    const unseen = compareWithUnit(prior, state, window(4, 5 - 0.8 * 4)).zScores[0] ?? 0
    expect(seen).toBeGreaterThan(3)
    expect(unseen).toBeLessThan(seen * 0.8)
  })
  it('does not learn a fault that begins while it learns', () => {
    const state = createUnitNormal(prior)
    for (let index = 0; index < 10; index++) compareWithUnit(prior, state, window(0, 0))
    for (let index = 0; index < 15; index++) compareWithUnit(prior, state, window(0, 6))
    expect(state.learned).toBe(10)
    expect(compareWithUnit(prior, state, window(0, 6)).zScores[0]).toBeGreaterThan(6)
  })
  describe('with a bound on departures', () => {
    const careful: UnitNormalPrior = { ...prior, windows: 60, departure: { windows: 5, z: 0.8 } }
    /** Windows 1 to 30 without fault, then one that grows by a fifth of the noise a window, in one response out of ten. */
    const grown = (settings: UnitNormalPrior) => {
      const random = createRandom('grown')
      const responses = Array.from({ length: 10 }, () => prior.responses[0] ?? { noise: 1, constant: 1, slope: 1 })
      const wide = { ...settings, responses }
      const state = createUnitNormal(wide)
      const show = (fault: number) => ({
        terms: [1, random.between(-1, 1)],
        zScores: Float64Array.from(responses, (_, index) => random.normal(index === 0 ? fault : 0, 0.3)),
      })
      for (let index = 0; index < 30; index++) compareWithUnit(wide, state, show(0))
      for (let index = 1; index <= 30; index++) compareWithUnit(wide, state, show(0.1 * index))
      return { learned: state.learned, zScore: compareWithUnit(wide, state, show(3)).zScores[0] ?? 0, state, wide }
    }
    it('does not learn a fault that grows slowly in one response, which without it becomes the normal', () => {
      const { departure: _, ...careless } = careful
      expect(grown(careless).learned).toBe(60)
      expect(grown(careful).learned).toBeLessThan(45)
      expect(grown(careful).zScore).toBeGreaterThan(grown(careless).zScore + 1)
    })
    it('learns on once the unit is as it was', () => {
      const { state, wide } = grown(careful)
      const before = state.learned
      const calm = { terms: [1, 0], zScores: new Float64Array(10) }
      for (let index = 0; index < 20; index++) compareWithUnit(wide, state, calm)
      expect(state.learned).toBeGreaterThan(before)
    })
    it('keeps what departs through a snapshot', () => {
      const { state, wide } = grown(careful)
      const other = unpackUnitNormal(JSON.parse(JSON.stringify(packUnitNormal(state))))
      const next = () => ({ terms: [1, 0.2], zScores: new Float64Array(10).fill(0.1) })
      expect(compareWithUnit(wide, other, next())).toEqual(compareWithUnit(wide, state, next()))
      expect(other.learned).toBe(state.learned)
    })
  })
  it('leaves a response that the window lacks as it was', () => {
    const state = learnedUnit('c')
    const before = packUnitNormal(state).cells
    expect(compareWithUnit(prior, state, window(0, Number.NaN)).zScores[0]).toBeNaN()
    expect(packUnitNormal(state).cells).toBe(before)
  })
  it('goes through a snapshot without a change', () => {
    const state = learnedUnit('d')
    const other = unpackUnitNormal(JSON.parse(JSON.stringify(packUnitNormal(state))))
    expect(compareWithUnit(prior, other, window(0.3, 1))).toEqual(compareWithUnit(prior, state, window(0.3, 1)))
  })
})

describe('fitUnitNormal', () => {
  it('tells the noise of windows from the spread of units', () => {
    const random = createRandom('fit')
    const units = Array.from({ length: 200 }, () => {
      const own = random.normal(0, 2)
      const slope = random.normal(0, 0.8)
      return Array.from({ length: 40 }, () => {
        const outdoor = random.normal(0, 1)
        return { drivers: [outdoor], zScores: Float64Array.of(own + slope * outdoor + random.normal(0, 0.5)) }
      })
    })
    const fitted = fitUnitNormal(units, { drivers: ['outdoor'], windows: 30, widen: 1 })
    expect(fitted.responses[0]?.noise).toBeCloseTo(0.5, 1)
    expect(fitted.responses[0]?.constant).toBeGreaterThan(1.7)
    expect(fitted.responses[0]?.constant).toBeLessThan(2.3)
    expect(fitted.responses[0]?.slopes?.[0]).toBeCloseTo(0.8, 0)
  })
})
