import { describe, expect, it } from 'vitest'
import type { FaultSign } from '#catalogue/appliance-type.ts'
import { distanceOf, meanResiduals, strangest, type TimedResiduals, weighSigns } from './evidence.ts'
import { pump } from './test-builders.ts'

const FEATURES = ['lift_k', 'power_w', 'idle_offset_k']

const someResiduals = (zScores: readonly number[], hour = 0): TimedResiduals => ({
  fromMs: hour,
  toMs: hour + 1,
  observed: Float64Array.from(zScores, (z) => 100 + z),
  expected: Float64Array.from(zScores, () => 100),
  zScores: Float64Array.from(zScores),
})
const weigh = (direction: FaultSign['direction'], zScore: number) => {
  const [fault] = pump.faults
  if (fault === undefined) throw new Error('the pump has a fault')
  const sign = { feature: 'lift_k', direction, text: { en: 'lift moves', 'zh-CN': '' } }
  const { for: seen, against } = weighSigns({ ...fault, signs: [sign] }, someResiduals([zScore, 0, 0]), FEATURES, pump)
  return seen.length > 0 ? 'for' : against.length > 0 ? 'against' : 'neither'
}

describe('weighSigns', () => {
  it.each<[string, FaultSign['direction'], number, string]>([
    ['a rise that is seen', 1, 2, 'for'],
    ['a rise that is not there', 1, 0.5, 'against'],
    ['a fall where a rise is the sign', 1, -3, 'against'],
    ['a fall that is seen', -1, -1.5, 'for'],
    ['a feature that stays as it should', 0, 0.3, 'for'],
    ['a feature that moves a little and should not', 0, 1.5, 'neither'],
    ['a feature that moves and should not', 0, -3, 'against'],
    ['a drift to the one side', 'either', 2, 'for'],
    ['a drift to the other side', 'either', -2, 'for'],
    ['a drift that is not there', 'either', 0.5, 'against'],
    ['a feature that is not known', 1, Number.NaN, 'neither'],
  ])('%s', (_, direction, zScore, expected) => {
    expect(weigh(direction, zScore)).toBe(expected)
  })
})

describe('meanResiduals', () => {
  it('is the mean over the windows that know a feature, and not known where none does', () => {
    const mean = meanResiduals([someResiduals([1, Number.NaN, Number.NaN], 0), someResiduals([3, 4, Number.NaN], 5)])
    expect([...mean.zScores]).toEqual([2, 4, Number.NaN])
    expect([...mean.observed]).toEqual([102, 104, Number.NaN])
    expect(mean.expected[1]).toBe(100)
    expect(mean).toMatchObject({ fromMs: 0, toMs: 6 })
  })
})

describe('strangest and distanceOf', () => {
  it('names the features far from the reference, farthest first', () => {
    expect(strangest(someResiduals([-3, 0, 9]), FEATURES, pump).map(({ feature }) => feature)).toEqual(['idle_offset_k', 'lift_k'])
    expect(strangest(someResiduals([-3, 0, 9]), FEATURES, pump)[1]?.text).toMatch(/below/)
    expect(strangest(someResiduals([1, Number.NaN, 0]), FEATURES, pump)).toEqual([])
  })

  it('measures the distance over the features that are known', () => {
    expect(distanceOf(someResiduals([3, Number.NaN, 4]))).toBeCloseTo(Math.sqrt(12.5), 9)
    expect(distanceOf(someResiduals([Number.NaN, Number.NaN, Number.NaN]))).toBe(0)
  })
})
