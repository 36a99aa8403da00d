import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { Condition, Rule } from '#catalogue/appliance-type.ts'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { isSafetyRule } from './compile-rules.ts'
import { readRule, writeRule } from './rule-document.ts'
import { aRule } from './test-builders.ts'
import { weakerFaults } from './weaker-danger.ts'

const hot = { channel: 'board_temperature_c', op: '>', value: 100, unit: 'c', clearValue: 80 } as const
const cold = { channel: 'outdoor_temperature_c', op: '<=', value: -20, unit: 'c' } as const
const busy = { channel: 'power_w', op: '>', value: 5, unit: 'w' } as const
const open = { channel: 'float_is_closed', op: '==', value: 0, unit: 'none' } as const
const level = { safetyClass: 'E0', afterMs: 60_000, holdMs: 0, clearHoldMs: 0, opensWorkOrder: true } as const
const danger = (change: Partial<Rule> = {}): Rule =>
  aRule({ safetyClass: 'E1', fault: 'K-1', when: hot, holdMs: 10_000, clearHoldMs: 60_000, levels: [level], ...change })
const fieldsOf = (change: Partial<Rule>, before: Partial<Rule> = {}): string[] =>
  weakerFaults(danger(before), danger({ ...before, ...change })).map(({ field }) => field)

describe('weakerFaults', () => {
  it.each<[string, Partial<Rule>, string]>([
    ['a milder class', { safetyClass: 'E2' }, 'safety_class'],
    ['another fault', { fault: null }, 'fault'],
    ['a longer hold', { holdMs: 10_001 }, 'hold_ms'],
    ['a shorter wait before it is over', { clearHoldMs: 0 }, 'clear_hold_ms'],
    ['a shorter gap', { gapMs_MAX: 1_000 }, 'gap_ms_max'],
    ['no order', { opensWorkOrder: false }, 'opens_work_order'],
    ['no level', { levels: [] }, 'levels[0]'],
    ['a later level', { levels: [{ ...level, afterMs: 60_001 }] }, 'levels[0].after_ms'],
    ['a level with a condition', { levels: [{ ...level, when: busy }] }, 'levels[0].when'],
    ['a looser bound', { when: { ...hot, value: 101 } }, 'when.value'],
    ['a bound that is none any more', { when: { ...cold, op: '<' } }, 'when'],
    ['a sooner end', { when: { ...hot, clearValue: 90 } }, 'when.clear_value'],
    ['another channel', { when: busy }, 'when'],
    ['a mean', { when: { ...hot, meanOverMs: 60_000 } }, 'when'],
    ['one condition more', { when: { all: [hot, busy] } }, 'when.all[1]'],
    ['a time for a part', { when: { held: hot, forMs: 1_000 } }, 'when'],
  ])('tells %s by field', (_, change, field) => {
    expect(fieldsOf(change)).toEqual([field])
  })

  it.each<[string, Condition, Condition, string]>([
    ['a looser lower bound', cold, { ...cold, value: -21 }, 'when.value'],
    ['the bound itself left out', cold, { ...cold, op: '<' }, 'when.op'],
    ['another state', open, { ...open, value: 1 }, 'when'],
    ['a looser part of all', { all: [hot, open] }, { all: [{ ...hot, value: 120, clearValue: 80 }, open] }, 'when.all[0].value'],
    ['one part more of all', { all: [hot, open] }, { all: [hot, busy, open] }, 'when.all[1]'],
    ['one part less of any', { any: [hot, cold] }, { any: [hot] }, 'when.any'],
    ['any that became all', { any: [hot, cold] }, { all: [hot, cold] }, 'when.all[1]'],
    ['a looser part of any', { any: [hot, cold] }, { any: [hot, { ...cold, value: -30 }] }, 'when.any[1].value'],
    ['a negated part that changed', { not: hot }, { not: { ...hot, value: 90 } }, 'when'],
    ['a longer time of a part', { held: hot, forMs: 1_000 }, { held: hot, forMs: 2_000 }, 'when.for_ms'],
  ])('tells %s', (_, before, after, field) => {
    expect(fieldsOf({ when: after }, { when: before })).toContain(field)
  })

  it.each<[string, Partial<Rule>, Partial<Rule>]>([
    ['graver, sooner and longer', {}, { safetyClass: 'E0', holdMs: 0, clearHoldMs: 70_000, gapMs_MAX: 700_000, levels: [{ ...level, afterMs: 1 }] }],
    ['a tighter bound', {}, { when: { ...hot, value: 90 } }],
    ['the bound itself, too', {}, { when: { ...hot, op: '>=' } }],
    ['one witness less', { when: { all: [hot, open] } }, { when: open }],
    ['one danger more', { when: { any: [hot, cold] } }, { when: { any: [busy, cold, hot] } }],
    ['any of what was all', { when: { all: [hot, open] } }, { when: { any: [hot, open] } }],
    ['a part that need not last', { when: { held: hot, forMs: 1_000 } }, { when: hot }],
    ['the same negation', { when: { not: { any: [hot, cold] } } }, { when: { not: { any: [cold, { ...hot }] } } }],
    ['words', {}, { advice: { en: 'leave', 'zh-CN': '' }, source: 'tenant', version: 7 }],
  ])('says nothing of %s', (_, before, change) => {
    expect(fieldsOf(change, before)).toEqual([])
  })

  it('says nothing of a rule that was no danger', () => {
    expect(fieldsOf({ holdMs: 99_000 }, { safetyClass: 'E2', levels: [] })).toEqual([])
  })

  it('says nothing of any danger of the catalogue that is written and read again as it is', () => {
    for (const type of [airConditioner, fridge, gasWaterHeater])
      for (const rule of type.rules.filter(isSafetyRule)) {
        const again = readRule(writeRule(rule, type.id), { id: rule.id, version: 2, type, before: rule })
        expect('rule' in again ? weakerFaults(rule, again.rule) : again).toEqual([])
      }
  })
})
