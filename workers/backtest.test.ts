import { describe, expect, it } from 'vitest'
import { LEARNED_NORMAL_RULE } from '#kernel/anomaly.ts'
import { aReading, aRule, aType } from '../rules/test-builders.ts'
import { createBacktestFold, liveFire } from './backtest.ts'

const row = (key: string) => ({
  ...{ tenant: 'home', device: 'pump-1', kind: 'alarm' as const, key, from_ms: 1_000, to_ms: null, known_at_ms: 2_000 },
  data: { rule_version: 1, safety_class: 'E4', fault: null, raised_at_ms: 2_000 },
})
const span = { from_ms: 0, to_ms: 10_000 }

describe('alarms that a backtest is held against', () => {
  it('are those of rules, not of a learned normal, which no rule is tried for', () => {
    expect(liveFire(row('R1'), span)).toMatchObject({ rule: 'R1', raised_at_ms: 2_000 })
    expect(liveFire(row(LEARNED_NORMAL_RULE), span)).toBeUndefined()
    expect(liveFire(row('R1'), { from_ms: 3_000, to_ms: 4_000 })).toBeUndefined()
  })
})

describe('the levels of a rule in a backtest', () => {
  const MINUTE_MS = 60_000
  const when = { channel: 'board_temperature_c', op: '>', value: 60, unit: 'c' } as const
  const level = { safetyClass: 'E2', afterMs: 5 * MINUTE_MS, holdMs: 0, clearHoldMs: 0, opensWorkOrder: true } as const
  const rule = aRule({ safetyClass: 'E3', opensWorkOrder: false, when, holdMs: 0, clearHoldMs: 0, levels: [level] })
  const type = aType(rule)

  /** Classes of the fires of a board that is hot for so many minutes. */
  function classesOf(hotMinutes: number): string[] {
    const span = { from_ms: 0, to_ms: 60 * MINUTE_MS }
    const activation = { tenant: 'home', type: type.id, rule_id: rule.id, from_ms: 0, live: rule, canary: null }
    const fold = createBacktestFold({ types: () => type, activations: [activation], span, rule })
    const { tenant, device } = aReading(0, {})
    fold.begin({ tenant, device, type: type.id }, undefined)
    for (let minute = 0; minute < hotMinutes + 3; minute++)
      fold.take(aReading(minute * MINUTE_MS, { board_temperature_c: minute < hotMinutes ? 70 : 40 }))
    return fold.end().map(({ safety_class }) => safety_class)
  }

  it('count as the gravest class that the alarm took on, also when it is over', () => {
    expect(classesOf(10)).toEqual(['E2'])
    expect(classesOf(3)).toEqual(['E3'])
  })
})
