import { describe, expect, it } from 'vitest'
import type { Rule } from '#catalogue/appliance-type.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { createRulesEngine } from './engine.ts'
import { createRuleBook, type RuleActivation } from './rule-book.ts'
import { aReading, aRule, aType } from './test-builders.ts'

const hotter = (version: number, value: number): Rule =>
  aRule({ version, safetyClass: 'E3', when: { channel: 'board_temperature_c', op: '>', value, unit: 'c' } })
const plain = hotter(1, 60)
const types = () => aType(plain)
const filter = () => true
const activation = (from_ms: number, live: Rule | null, canary: RuleActivation['canary'] = null): RuleActivation => ({
  tenant: 'home',
  type: 'kettle',
  rule_id: 'R1',
  from_ms,
  live,
  canary,
})
const versionAt = (book: ReturnType<typeof createRuleBook>, atMs: number, device = 'd1', tenant = 'home') =>
  book.ruleSet({ tenant, device, type: 'kettle', atMs }).rules.map(({ rule }) => rule.version)
const words = (events: readonly HubEvent[]): string[] =>
  events.flatMap((event) => ('alarm' in event ? [`${event.kind.replace('alarm_', '')} v${event.alarm.rule_version}`] : []))

describe('rule book', () => {
  it('gives the rule that held at a device time, to the tenant that changed it only', () => {
    const book = createRuleBook({ types, filter })
    book.replace([activation(1_000, hotter(2, 70)), activation(2_000, hotter(3, 80)), activation(3_000, null)])
    expect([0, 999, 1_000, 2_500, 3_000].map((atMs) => versionAt(book, atMs))).toEqual([[1], [1], [2], [3], [1]])
    expect(versionAt(book, 1_500, 'd1', 'other')).toEqual([1])
  })

  it('tries a version on the share of units that a hash chooses, always the same', () => {
    const book = createRuleBook({ types, filter })
    book.replace([activation(0, null, { rule: hotter(2, 70), share_pct: 20 })])
    const units = Array.from({ length: 1_000 }, (_, index) => `unit-${index}`)
    const tried = units.filter((unit) => versionAt(book, 1, unit)[0] === 2)
    expect(tried.length).toBeGreaterThan(140)
    expect(tried.length).toBeLessThan(260)
    expect(units.filter((unit) => versionAt(book, 9, unit)[0] === 2)).toEqual(tried)
  })

  it('keeps a rule beside those of the catalogue', () => {
    const book = createRuleBook({ types, filter })
    book.replace([{ ...activation(0, { ...hotter(1, 90), id: 'T1' }), rule_id: 'T1' }])
    expect(book.ruleSet({ tenant: 'home', device: 'd1', type: 'kettle', atMs: 1 }).rules.map(({ rule }) => rule.id)).toEqual(['R1', 'T1'])
  })

  it('switches a unit in its own time: the alarm of the version before ends, the new one names its version', () => {
    const book = createRuleBook({ types, filter })
    book.replace([activation(2_000, hotter(2, 50))])
    const engine = createRulesEngine({ types, filter, book })
    expect(words(engine.decide(aReading(1_000, { board_temperature_c: 65 })))).toEqual(['raised v1'])
    expect(words(engine.decide(aReading(2_000, { board_temperature_c: 65 })))).toEqual(['cleared v1', 'raised v2'])
  })

  it('is heard by units that hold a set, which keep what did not change', () => {
    const book = createRuleBook({ types, filter })
    const engine = createRulesEngine({ types, filter, book })
    expect(words(engine.decide(aReading(1_000, { board_temperature_c: 65 })))).toEqual(['raised v1'])
    book.replace([{ ...activation(1_500, { ...hotter(1, 62), id: 'T1' }), rule_id: 'T1' }])
    expect(words(engine.decide(aReading(2_000, { board_temperature_c: 65 })))).toEqual(['raised v1'])
    expect(words(engine.decide(aReading(3_000, { board_temperature_c: 20 })))).toEqual(['cleared v1', 'cleared v1'])
  })
})
