/** Slow means of residuals: what stays adds up, few windows count little, gaps forget, and a snapshot goes on exactly. */
import { describe, expect, it } from 'vitest'
import { createTrend, followTrend, packTrend, type TrendState, unpackTrend } from './trend.ts'

const DAY = 86_400_000
const follow = (state: TrendState, values: readonly number[], everyDays = 0.25, fromDay = 100) =>
  values.map((value, index) => followTrend(state, Float64Array.of(value, Number.NaN), (fromDay + index * everyDays) * DAY))

describe('the slow means of a unit', () => {
  it('come to what a unit shows for weeks, the week before the month', () => {
    const seen = follow(createTrend(2), [...Array(80).fill(0), ...Array(20).fill(2)]).at(-1)
    expect(seen?.week[0]).toBeGreaterThan(0.8)
    expect(seen?.week[0]).toBeLessThan(2)
    expect(seen?.month[0]).toBeLessThan((seen?.week[0] ?? 0) - 0.4)
  })
  it('are drawn to 0 while few windows were seen, and are 0 for what was never seen', () => {
    const [first] = follow(createTrend(2), [3])
    expect(first?.week[0]).toBeLessThan(1.5)
    expect(first?.week[1]).toBe(0)
  })
  it('forget over a gap, the week more than the month', () => {
    const state = createTrend(2)
    follow(state, Array(40).fill(2))
    const [after] = follow(state, [Number.NaN], 0.25, 130)
    expect(after?.week[0]).toBeLessThan(after?.month[0] ?? 0)
  })
  it('go on exactly where a snapshot was taken', () => {
    const state = createTrend(2)
    follow(state, [0.1, 0.7, -0.3])
    const other = unpackTrend(JSON.parse(JSON.stringify(packTrend(state))))
    expect(follow(other, [0.4], 0.25, 103)).toEqual(follow(state, [0.4], 0.25, 103))
  })
})
