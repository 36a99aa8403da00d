import { describe, expect, it } from 'vitest'
import { LEARNED_NORMAL_RULE } from '#kernel/anomaly.ts'
import { liveFire } from './backtest.ts'

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
