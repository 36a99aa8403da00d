import { describe, expect, it } from 'vitest'
import { airConditioner as type } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { Fault } from '#catalogue/appliance-type.ts'
import { alsoSeen, nextTest } from './next-steps.ts'

const faultOf = (code: string): Fault => {
  const fault = type.faults.find((one) => one.code === code)
  if (fault === undefined) throw new Error(code)
  return fault
}
const rival = (fault: string, probability: number) => ({ fault, fault_name: fault, probability })

describe('nextTest', () => {
  it('takes the test whose answers part the fault from its likeliest rival', () => {
    const found = nextTest(type, faultOf('AC-01'), [rival('AC-05', 0.3), rival('no_fault', 0.05)])
    const test = type.activeTests?.find(({ id }) => id === found?.test)
    expect(found?.splits).toContain('AC-05')
    expect(test?.answers.some(({ speaksFor, speaksAgainst }) => [...speaksFor, ...speaksAgainst].includes('AC-05'))).toBe(true)
  })
  it('gives none where the catalogue has none', () => {
    expect(nextTest({ ...type, activeTests: [] }, faultOf('AC-01'), [rival('AC-05', 0.3)])).toBeNull()
  })
})

describe('alsoSeen', () => {
  const features = ['air_difference_k', 'evaporating_below_return_k', 'condensing_over_outdoor_k', 'outdoor_fan_speed_ratio', 'subcooling_k']
  const mean = (...zScores: number[]) => ({
    fromMs: 0,
    toMs: 1,
    observed: Float64Array.from(zScores),
    expected: new Float64Array(zScores.length),
    zScores: Float64Array.from(zScores),
  })
  const signed = (code: string, ...signs: Array<[feature: string, direction: 1 | -1]>): Fault => ({
    ...faultOf(code),
    signs: signs.map(([feature, direction]) => ({ feature, direction, text: { en: `${feature} moves`, 'zh-CN': '' } })),
  })
  const one = signed('AC-03', ['air_difference_k', 1], ['evaporating_below_return_k', 1])
  const other = signed('AC-02', ['condensing_over_outdoor_k', 1], ['subcooling_k', -1], ['air_difference_k', 1])
  const two = { ...type, faults: [one, other] }
  const seen = { type: two, features, classes: ['AC-03', 'AC-02'], probabilities: [0.8, 0.15] }

  it('names a second fault by signs that the first does not explain', () => {
    const found = alsoSeen({ ...seen, mean: mean(6, 5, 7, 0, -5) }, one)
    expect(found).toEqual([{ fault: 'AC-02', fault_name: other.name.en, signs: ['condensing_over_outdoor_k moves', 'subcooling_k moves'] }])
  })
  it.each([
    ['with signs of the first alone', mean(6, 5, 0, 0, 0), [0.8, 0.15]],
    ['with one sign of its own', mean(6, 5, 7, 0, 0), [0.8, 0.15]],
    ['that the model gives no chance', mean(6, 5, 7, 0, -5), [0.99, 0.001]],
  ])('names none %s', (_, residuals, probabilities) => {
    expect(alsoSeen({ ...seen, probabilities, mean: residuals }, one)).toEqual([])
  })
})
