import { describe, expect, it } from 'vitest'
import type { Condition, Rule } from '#catalogue/appliance-type.ts'
import { checkRules } from './check-rules.ts'
import { aRule, aType } from './test-builders.ts'

const hot: Condition = { channel: 'board_temperature_c', op: '>', value: 80, unit: 'c' }

describe('checkRules', () => {
  it.each<[string, Condition]>([
    ['a value in the unit of its channel', hot],
    ['a difference of two c channels in k', { channel: 'board_temperature_c', minus: 'outdoor_temperature_c', op: '>', value: 45, unit: 'k' }],
    ['a rate of a c channel in k_per_min', { channel: 'board_temperature_c', rateOverMs: 60_000, op: '>', value: 1, unit: 'k_per_min' }],
    ['a claim', { channel: 'float_is_closed', op: '==', value: 1, unit: 'none' }],
    ['hysteresis on the quiet side', { ...hot, clearValue: 70 }],
    ['a part that must have held', { any: [hot, { held: hot, forMs: 60_000 }] }],
    ['a mean over time in the unit of its channel', { channel: 'power_w', meanOverMs: 3_600_000, op: '>', value: 80, unit: 'w' }],
    ['an exposure to gas in ppm_min', { channel: 'room_co_ppm', exposureOverMs: 7_200_000, op: '>', value: 3_600, unit: 'ppm_min' }],
    ['nested conditions', { all: [hot, { not: { any: [hot, hot] } }] }],
  ])('accepts %s', (_, when) => {
    expect(checkRules(aType(aRule({ when })))).toEqual([])
  })

  it.each<[string, Condition, RegExp]>([
    ['an unknown channel', { ...hot, channel: 'bord_temperature_c' }, /no channel bord_temperature_c/],
    ['a text channel', { channel: 'mode', op: '==', value: 1, unit: 'none' }, /text/],
    ['a wrong unit', { ...hot, unit: 'k' }, /is in c, not in k/],
    ['a difference in c', { channel: 'board_temperature_c', minus: 'outdoor_temperature_c', op: '>', value: 45, unit: 'c' }, /is in k, not in c/],
    ['a difference of unlike units', { channel: 'board_temperature_c', minus: 'power_w', op: '>', value: 45, unit: 'k' }, /mixes c and w/],
    ['a rate in k', { channel: 'board_temperature_c', rateOverMs: 60_000, op: '>', value: 1, unit: 'k' }, /is in k_per_min/],
    ['a rate of power', { channel: 'power_w', rateOverMs: 60_000, op: '>', value: 1, unit: 'w' }, /rate of power_w over 1 min has no unit/],
    ['a rate over no time', { channel: 'board_temperature_c', rateOverMs: 0, op: '>', value: 1, unit: 'k_per_min' }, /above zero/],
    ['a mean of an endless span', { channel: 'power_w', meanOverMs: 1e12, op: '>', value: 80, unit: 'w' }, /at most 604800000/],
    [
      'a rate of a mean',
      { channel: 'board_temperature_c', meanOverMs: 1e6, rateOverMs: 1e6, op: '>', value: 80, unit: 'k_per_min' },
      /exclude each other/,
    ],
    ['an exposure in ppm', { channel: 'room_co_ppm', exposureOverMs: 7_200_000, op: '>', value: 100, unit: 'ppm' }, /is in ppm_min, not in ppm/],
    ['an exposure to power', { channel: 'power_w', exposureOverMs: 7_200_000, op: '>', value: 80, unit: 'w' }, /no unit in the list/],
    ['a part that must have held for no time', { held: hot, forMs: 0 }, /forMs above zero/],
    ['a part that must have held for a month', { held: hot, forMs: 30 * 86_400_000 }, /at most 604800000/],
    ['a fault inside a part that must have held', { held: { ...hot, unit: 'w' }, forMs: 1 }, /not in w/],
    ['hysteresis on the wrong side', { ...hot, clearValue: 90 }, /alarm's side/],
    ['hysteresis on a lower bound on the wrong side', { ...hot, op: '<', clearValue: 70 }, /alarm's side/],
    ['hysteresis of ==', { ...hot, op: '==', clearValue: 70 }, /needs an order/],
    ['a value out of range', { ...hot, value: 900 }, /outside the range/],
    ['a value that is no number', { ...hot, value: Number.NaN }, /finite/],
    ['all of nothing', { all: [] }, /"all" of nothing/],
    ['a fault deep inside', { any: [hot, { not: { ...hot, unit: 'w' } }] }, /not in w/],
  ])('refuses %s', (_, when, expected) => {
    expect(checkRules(aType(aRule({ when }))).join('\n')).toMatch(expected)
  })

  it.each<[string, Partial<Rule>, RegExp]>([
    ['a negative hold', { holdMs: -1 }, /holdMs/],
    ['an endless clear hold', { clearHoldMs: Number.POSITIVE_INFINITY }, /clearHoldMs/],
    ['a hold of a month', { holdMs: 30 * 86_400_000 }, /holdMs must be at most 604800000/],
    ['an alarm that clears after a year', { clearHoldMs: 365 * 86_400_000 }, /clearHoldMs must be at most/],
    ['no gap', { gapMs_MAX: 0 }, /gapMs_MAX/],
    ['a gap without an end', { gapMs_MAX: Number.POSITIVE_INFINITY }, /gapMs_MAX must be at most/],
    [
      'a level that is reached after a year',
      { levels: [{ safetyClass: 'E2', afterMs: 365 * 86_400_000, holdMs: 0, clearHoldMs: 0, opensWorkOrder: false }] },
      /level 1: times must be at most/,
    ],
    ['version 0', { version: 0 }, /version/],
    ['a fault that is not in the catalogue', { fault: 'AC-99' }, /AC-99/],
  ])('refuses a rule with %s', (_, rule, expected) => {
    expect(checkRules(aType(aRule({ when: hot, ...rule }))).join('\n')).toMatch(expected)
  })

  it('refuses an id that is used twice and reports all faults together', () => {
    const faults = checkRules(aType(aRule({ when: hot }), aRule({ when: { ...hot, unit: 'w' } })))
    expect(faults).toHaveLength(2)
  })
})
