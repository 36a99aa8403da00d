import { describe, expect, it } from 'vitest'
import type { ActiveTest, Condition } from '#catalogue/appliance-type.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { answerOf, brokenGuard, SAID_MS_MAX } from './test-guards.ts'

const NOW_MS = 1_000_000_000
const said = (channel: string, value: number | boolean, ageMs = 0) => ({ channel, value, observed_at_ms: NOW_MS - ageMs })
const isShut: Condition = { channel: 'door_is_open', op: '==', value: 0, unit: 'none' }
const isCold: Condition = { channel: 'room_c', minus: 'freezer_c', op: '>', value: 20, unit: 'k' }

describe('guards of an active test', () => {
  it('hold on the last readings', () => {
    expect(
      brokenGuard({ guards: [isShut, isCold] }, [said('door_is_open', false), said('room_c', 22), said('freezer_c', -18)], NOW_MS),
    ).toBeUndefined()
  })

  it.each([
    ['a value that breaks one', [said('door_is_open', true)], isShut],
    ['a channel that is not known', [], isShut],
    ['a value that is old', [said('door_is_open', false, SAID_MS_MAX + 1)], isShut],
    ['a time that one look cannot tell', [said('door_is_open', false)], { ...isShut, meanOverMs: 60_000 }],
  ])('do not hold with %s', (_, values, guard) => {
    expect(brokenGuard({ guards: [guard as Condition] }, values, NOW_MS)).toContain('door_is_open == 0 does not hold')
  })

  it('of the whole catalogue can be judged by one look', () => {
    for (const { activeTests } of applianceTypes) {
      for (const test of activeTests ?? []) for (const guard of test.guards) expect(Object.keys(guard)).not.toContain('held')
    }
  })
})

describe('the answer of an active test', () => {
  const test = (as: ActiveTest['reads']['as']): Pick<ActiveTest, 'reads' | 'answers'> => ({
    reads: { channel: 'x', as, unit: 'a' },
    answers: [
      { op: '<', value: 5, text: { en: 'low', 'zh-CN': '低' }, speaksFor: ['A'], speaksAgainst: [] },
      { op: '>=', value: 5, text: { en: 'high', 'zh-CN': '高' }, speaksFor: [], speaksAgainst: ['A'] },
    ],
  })

  it.each([
    ['change', [1, 9, 4], 3, 'low'],
    ['spread', [1, 9, 4], 8, 'high'],
    ['last', [1, 9, 4], 4, 'low'],
    ['mean', [1, 9, 5], 5, 'high'],
  ] as const)('reads the %s', (as, values, value, text) => {
    expect(answerOf(test(as), values)).toMatchObject({ value, answer: { text: { en: text } } })
  })

  it('is none without readings, and without two for a change', () => {
    expect(answerOf(test('mean'), [])).toBeUndefined()
    expect(answerOf(test('change'), [3])).toBeUndefined()
  })
})
