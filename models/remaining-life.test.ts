import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { createRandom } from '#kernel/random.ts'
import { cumulativeHazard, fitWeibull } from './life/weibull-fit.ts'
import { catalogueLaw, type LifeInputs, learnLaw, outlookOf } from './remaining-life.ts'

const inputs = (more: Partial<LifeInputs> = {}): LifeInputs => ({
  ...{ unitAgeYears: 4, watchedYears: 1, renewedYears: new Map(), usage: {}, diagnosis: undefined },
  ...more,
})
const of = (fault: string, more: Partial<LifeInputs> = {}) => {
  const found = outlookOf(airConditioner, inputs(more), new Map()).find((outlook) => outlook.fault === fault)
  if (found === undefined) throw new Error(`no outlook of ${fault}`)
  return found
}
const diagnosis = (fault: string, probability: number, sinceDays = 0): LifeInputs['diagnosis'] => ({
  record: { answer: 'fault', fault, probability, rivals: [], evidence_for: [] },
  sinceDays,
})

describe('fitWeibull', () => {
  it('finds shape, scale and effect of drawn lives, truncated and censored', () => {
    const random = createRandom('weibull-fit')
    const lives = Array.from({ length: 4_000 }, () => {
      const x = [random.normal(0, 1)]
      const failsAt = 8 * (random.exponential(1) / Math.exp(0.5 * (x[0] ?? 0))) ** (1 / 2)
      const entry = random.uniform() * 5
      return { entry, exit: Math.min(failsAt, entry + 3), hasFailed: failsAt < entry + 3, x, isSeen: failsAt > entry }
    }).filter(({ isSeen }) => isSeen)
    const covariance = [1, 1, 1].map((spread, i) => [0, 0, 0].map((zero, j) => (i === j ? spread : zero)))
    const { parameters, covariance: found } = fitWeibull(lives, { parameters: [0, Math.log(3), 0], covariance })
    expect(Math.exp(parameters[0] ?? 0)).toBeCloseTo(2, 0)
    expect(Math.exp(parameters[1] ?? 0)).toBeGreaterThan(7.3)
    expect(Math.exp(parameters[1] ?? 0)).toBeLessThan(8.7)
    expect(parameters[2]).toBeCloseTo(0.5, 0)
    expect(found[0]?.[0]).toBeLessThan(0.01)
  })

  it('stays near the design values when only a few failures were seen', () => {
    const life = { shape: 2, scaleYears: 8 }
    const one = learnLaw(life, [{ entry: 0, exit: 1, hasFailed: true, x: [] }])
    expect(Math.exp(one.law.parameters[1] ?? 0)).toBeGreaterThan(5)
    const many = learnLaw(
      life,
      Array.from({ length: 300 }, (_, index) => ({ entry: 0, exit: 0.5 + index / 300, hasFailed: true, x: [] })),
    )
    expect(Math.exp(many.law.parameters[1] ?? 0)).toBeLessThan(1.6)
  })
})

describe('outlookOf', () => {
  it('gives each fault with a life an outlook whose interval holds its value', () => {
    for (const outlook of outlookOf(airConditioner, inputs(), new Map())) {
      for (const { low, value, high } of [outlook.hazardPerYear, outlook.failure30dProbability, outlook.failure90dProbability]) {
        expect(low).toBeLessThan(value)
        expect(high).toBeGreaterThan(value)
      }
      expect(outlook.failure90dProbability.value).toBeGreaterThan(outlook.failure30dProbability.value)
    }
    expect(outlookOf(airConditioner, inputs(), new Map()).map(({ fault }) => fault)).not.toContain('AC-09')
  })

  it('knows the age of a part that was renewed, and lets wear begin anew', () => {
    expect(of('AC-06', { unitAgeYears: 9, renewedYears: new Map([['AC-06', 0.1]]) }).hazardPerYear.value).toBeLessThan(
      of('AC-06', { unitAgeYears: 9 }).hazardPerYear.value / 3,
    )
  })

  it('raises the hazard by the use, and is less sure of it where the use is not known', () => {
    const known = of('AC-02', { usage: { running_h_per_day: 12, dust_level: 2 } })
    expect(known.hazardPerYear.value).toBeGreaterThan(of('AC-02', { usage: { running_h_per_day: 2, dust_level: 0 } }).hazardPerYear.value)
    const unknown = of('AC-02')
    expect(unknown).toMatchObject({ known: [], unknown: ['dust_level', 'running_h_per_day'] })
    const width = ({ low, high }: { low: number; high: number }): number => Math.log(high / low)
    expect(width(unknown.hazardPerYear)).toBeGreaterThan(width(of('AC-02', { usage: { running_h_per_day: 6, dust_level: 1 } }).hazardPerYear))
  })

  it('goes by the standing diagnosis, in step with its probability, and trusts it less the longer nothing failed', () => {
    const chance = (given: LifeInputs['diagnosis']): number => of('AC-01', { diagnosis: given }).failure30dProbability.value
    expect(chance(undefined)).toBeLessThan(0.05)
    expect(chance(diagnosis('AC-01', 0.9))).toBeGreaterThan(0.5)
    expect(chance(diagnosis('AC-01', 0.5))).toBeLessThan(chance(diagnosis('AC-01', 0.9)))
    expect(chance(diagnosis('AC-02', 0.9))).toBeCloseTo(chance(undefined), 6)
    expect(chance(diagnosis('AC-01', 0.9, 300))).toBeLessThan(0.1)
  })

  it('takes an unknown age for that of any unit', () => {
    expect(of('AC-06', { unitAgeYears: undefined }).hazardPerYear.value).toBeGreaterThan(0)
  })
})

describe('cumulativeHazard', () => {
  it('is that of the catalogue', () => {
    expect(cumulativeHazard(catalogueLaw({ shape: 2, scaleYears: 8 }).parameters, 4, [])).toBeCloseTo(0.25, 9)
    expect(cumulativeHazard(catalogueLaw({ shape: 2, scaleYears: 8 }).parameters, 0, [])).toBe(0)
  })
})
