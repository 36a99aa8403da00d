import { describe, expect, it } from 'vitest'
import type { Fire } from './backtest.ts'
import { judgeFires } from './backtest-report.ts'

const DAY_MS = 86_400_000
const fire = (device: string, day: number, fault: string | null = 'AC-04'): Fire => ({
  ...{ device, rule: 'R1', rule_version: 2, safety_class: 'E3', fault },
  ...{ began_at_ms: day * DAY_MS, raised_at_ms: day * DAY_MS + 60_000, cleared_at_ms: null },
})
const label = (device: string, day: number, cause: string) => ({ device, cause, window_from_ms: day * DAY_MS, window_to_ms: day * DAY_MS })
const judge = (fires: readonly Fire[], labels: ReadonlyArray<ReturnType<typeof label>>) =>
  judgeFires(fires, labels, { opens: () => true, visit_cost: 100 })

describe('judgement of a backtest', () => {
  it.each([
    ['right where a visit found the fault', [label('a', 3, 'AC-04')], { right: 1, wrong: 0, not_judged: 0, precision: 1 }],
    ['wrong where it found another', [label('a', 3, 'AC-01')], { right: 0, wrong: 1, not_judged: 0, precision: 0 }],
    ['wrong where it found none', [label('a', 3, 'no_fault_found')], { right: 0, wrong: 1, not_judged: 0, precision: 0 }],
    ['not judged without a visit', [label('b', 3, 'AC-04')], { right: 0, wrong: 0, not_judged: 1, precision: null }],
    ['not judged by a visit of another season', [label('a', 90, 'AC-04')], { right: 0, wrong: 0, not_judged: 1, precision: null }],
  ])('calls a fire %s', (_, labels, expected) => {
    expect(judge([fire('a', 1)], labels).judged).toEqual(expected)
  })

  it('makes one visit of the fires of one unit and cause, and says what was wasted', () => {
    const { visits, cost, by_rule } = judge([fire('a', 1), fire('a', 3), fire('a', 30), fire('b', 1)], [label('b', 2, 'AC-01')])
    expect(visits).toBe(3)
    expect(cost).toMatchObject({ visits_total: 300, wasted_total: 100, parameters: { visit_cost: 100, currency: 'EUR' } })
    expect(by_rule).toEqual([{ rule: 'R1', version: 2, fires: 4, units: 2 }])
  })

  it('says nothing of nothing', () => {
    expect(judge([], [])).toMatchObject({ fires_count: 0, visits: 0, judged: { precision: null } })
  })
})
