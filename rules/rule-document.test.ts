import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { Rule } from '#catalogue/appliance-type.ts'
import { diffRules, readRule, writeRule } from './rule-document.ts'
import { aRule, aType } from './test-builders.ts'

const type = aType(aRule({ when: { channel: 'power_w', op: '>', value: 1, unit: 'w' } }))
const good = { type: 'kettle', safety_class: 'E3', title: 'hot', when: { channel: 'power_w', op: '>', value: 50, unit: 'w' }, hold_ms: 60_000 }
const read = (document: Readonly<Record<string, unknown>>, before?: Rule) => readRule(document, { id: 'R1', version: 2, type, before })

describe('rule document', () => {
  it.each(airConditioner.rules.map((rule) => [rule.id, rule] as const))('writes and reads %s of the catalogue as it is', (_, rule) => {
    const result = readRule(writeRule(rule, airConditioner.id), { id: rule.id, version: rule.version, type: airConditioner, before: rule })
    expect(result).toEqual({ rule: { ...rule, judgesSensor: rule.judgesSensor === true } })
  })

  it('reads holds, means, exposures and levels', () => {
    const when = {
      any: [
        { held: { channel: 'room_co_ppm', op: '>=', value: 50, unit: 'ppm' }, for_ms: 1_000 },
        { not: { channel: 'power_w', mean_over_ms: 60_000, op: '<', value: 5, unit: 'w' } },
      ],
    }
    const levels = [{ safety_class: 'E2', after_ms: 60_000, opens_work_order: true }]
    const result = read({ ...good, when, levels })
    expect(result).toMatchObject({ rule: { version: 2, levels: [{ safetyClass: 'E2', afterMs: 60_000, opensWorkOrder: true }] } })
  })

  it.each<[string, object, string, RegExp]>([
    ['a channel that there is not', { when: { all: [good.when, { ...good.when, channel: 'pow_w' }] } }, 'when.all[1]', /no channel pow_w/],
    ['a unit that is not that of the channel', { when: { ...good.when, unit: 'c' } }, 'when', /is in w, not in c/],
    ['an operator that there is not', { when: { ...good.when, op: '=>' } }, 'when.op', /one of/],
    ['a value in words', { when: { ...good.when, value: '50' } }, 'when.value', /number/],
    ['a list of nothing', { when: { any: [] } }, 'when.any', /1 to 32/],
    ['a hold for no time', { when: { held: good.when, for_ms: 0 } }, 'when.for_ms', /above zero/],
    ['a field that there is not', { hold: 5 }, 'hold', /no field/],
    ['a class that there is not', { safety_class: 'E9' }, 'safety_class', /one of E0/],
    ['no title', { title: '' }, 'title', /text/],
    ['a negative time', { hold_ms: -1 }, 'hold_ms', /zero or more/],
    ['a fault of another type', { fault: 'AC-01' }, 'fault', /not in the catalogue/],
    ['a danger without advice', { safety_class: 'E0' }, 'advice', /household/],
    ['a level that is milder', { levels: [{ safety_class: 'E4', after_ms: 1 }] }, 'levels[0].safety_class', /graver/],
    ['a level without a reason', { levels: [{ safety_class: 'E2' }] }, 'levels[0]', /after_ms/],
  ])('refuses %s and names the field', (_, change, field, reason) => {
    const result = read({ ...good, ...change })
    const faults = 'faults' in result ? result.faults : []
    expect(faults.map((fault) => fault.field)).toContain(field)
    expect(faults.find((fault) => fault.field === field)?.reason).toMatch(reason)
  })

  it('lets no danger become less, and nothing else become one', () => {
    const danger = aRule({ when: { channel: 'power_w', op: '>', value: 1, unit: 'w' } })
    expect(read(good, danger)).toMatchObject({ faults: [{ field: 'safety_class' }] })
    expect(read({ ...good, safety_class: 'E1', advice: 'switch it off' }, { ...danger, safetyClass: 'E3' })).toMatchObject({
      faults: [{ field: 'safety_class' }],
    })
  })

  it('tells two versions apart field by field', () => {
    expect(diffRules(good, { ...good, hold_ms: 0, when: { all: [good.when] } })).toContainEqual({ field: 'hold_ms', before: 60_000, after: 0 })
    expect(diffRules(good, good)).toEqual([])
  })
})
