import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { fitRiskWeights, type OrderFacts, type RiskCase, riskOf, standardRiskWeights } from './risk-score.ts'

const calm: OrderFacts = {
  ...{ late_minutes: 0, chase_count: 0, reschedule_count: 0, silent_h: 0, waiting_h: 0, has_wrong_part: false },
  ...{ is_repeat: false, lowest_rating: null, is_tagged: false, failed_remote_count: 0 },
}

describe('riskOf', () => {
  it('is low without a reason, and names none', () => {
    expect(riskOf(calm)).toMatchObject({ reasons: [], weights_version: 1 })
    expect(riskOf(calm).score).toBeLessThan(0.05)
  })

  it.each([
    ['late', { late_minutes: 60 }],
    ['chase', { chase_count: 1 }],
    ['reschedule', { reschedule_count: 1 }],
    ['silence', { silent_h: 24 }],
    ['waiting', { waiting_h: 72 }],
    ['wrong_part', { has_wrong_part: true }],
    ['repeat', { is_repeat: true }],
    ['low_rating', { lowest_rating: 1 }],
    ['tag', { is_tagged: true }],
    ['failed_remote', { failed_remote_count: 1 }],
  ] as const)('rises with %s and names it', (term, change) => {
    const risk = riskOf({ ...calm, ...change })
    expect(risk.score).toBeGreaterThan(riskOf(calm).score)
    expect(risk.reasons.map((reason) => reason.term)).toEqual([term])
  })

  it('names the strongest reason first, and takes a good rating or an early arrival for none', () => {
    expect(riskOf({ ...calm, chase_count: 2, is_tagged: true }).reasons.map(({ term }) => term)).toEqual(['chase', 'tag'])
    expect(riskOf({ ...calm, lowest_rating: 5, late_minutes: -30 })).toEqual(riskOf(calm))
  })
})

describe('fitRiskWeights', () => {
  it('learns what brings complaints at a site, and stays where it was with no cases', () => {
    expect(fitRiskWeights([])).toEqual({ ...standardRiskWeights, version: 2 })
    const random = createRandom('risk-score/fit')
    const cases = Array.from({ length: 2_000 }, (): RiskCase => {
      const facts = { ...calm, is_repeat: random.chance(0.3), is_tagged: random.chance(0.3) }
      return { facts, complained: random.chance(facts.is_repeat ? 0.5 : 0.05) }
    })
    const fitted = fitRiskWeights(cases)
    expect(fitted.terms.repeat).toBeGreaterThan(1.8)
    expect(fitted.terms.tag).toBeLessThan(standardRiskWeights.terms.tag)
  })
})
