import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { StretchMeans, type StretchScore } from './stretch-means.ts'

const QUANTITIES = ['c', 'c', 'w', 'hz', 'rpm']
const STEP_MS = 600_000
const SETTINGS = { blockRows: 144, budget: { per1000UnitWeeks: 5, stepMs: STEP_MS }, isOddestCounted: false }
const DAY_ROWS = 144

/** Rows of noise; `shift` is added to them, `awayDays` pass before the row at which it begins. */
const rowsOf = (days: number, shift: (day: number) => readonly number[] = () => [], away?: { readonly fromDay: number; readonly days: number }) => {
  const random = createRandom('stretches')
  return Array.from({ length: days * DAY_ROWS }, (_, row) => {
    const day = row / DAY_ROWS
    const later = away !== undefined && day >= away.fromDay ? away.days * DAY_ROWS : 0
    const values = Float64Array.from(QUANTITIES, (_, channel) => random.normal(0, 1) + (shift(day)[channel] ?? 0))
    return { atMs: (row + later) * STEP_MS, values }
  })
}

const run = (rows: ReturnType<typeof rowsOf>, means = new StretchMeans(QUANTITIES), settings = SETTINGS): StretchScore[] =>
  rows.map((row) => means.take(row, settings))

const most = (scores: readonly StretchScore[]): number => Math.max(...scores.map(({ score }) => score))

describe('the means of a stretch', () => {
  it('are no alarm while a unit is as it was', () => {
    const scores = run(rowsOf(60))
    expect(most(scores)).toBeGreaterThan(0)
    expect(most(scores)).toBeLessThan(0.5)
  })

  it('are one within a day when several quantities shift by two and a half spreads, and name the channels', () => {
    const scores = run(rowsOf(22, (day) => (day >= 20 ? [0, 0, 2.5, -2.5, 2.5] : [])))
    expect(scores.slice(0, 20 * DAY_ROWS).some(({ isAlarming }) => isAlarming)).toBe(false)
    const at = scores.findIndex(({ isAlarming }) => isAlarming)
    expect(at).toBeLessThanOrEqual(21 * DAY_ROWS)
    const shares = [...(scores[at]?.shares ?? [])]
    expect(shares.slice(2).reduce((sum, share) => sum + share, 0)).toBeGreaterThan(0.9)
  })

  it('are none where one quantity alone lies elsewhere, unless that counts', () => {
    const oneOnly = rowsOf(25, (day) => (day >= 20 ? [4, 4, 0, 0, 0] : []))
    expect(most(run(oneOnly))).toBeLessThan(1)
    expect(run(oneOnly, undefined, { ...SETTINGS, isOddestCounted: true }).some(({ isAlarming }) => isAlarming)).toBe(true)
  })

  it('are one where a relation between two channels is broken for a third of each day, and none where it always was', () => {
    const working = (day: number): boolean => day % 1 < 0.35
    const broken = run(rowsOf(26, (day) => (day >= 20 && working(day) ? [0, 0, 8, -8, 0] : [])))
    expect(broken.some(({ isAlarming }) => isAlarming)).toBe(true)
    expect(most(run(rowsOf(26, (day) => (working(day) ? [0, 0, 8, -8, 0] : []))))).toBeLessThan(1)
  })

  it('are none for two hours that are far off', () => {
    const short = rowsOf(25, (day) => (day >= 20 && day < 20 + 2 / 24 ? [50, 50, 50, 50, 50] : []))
    expect(most(run(short))).toBeLessThan(1)
  })

  it('say nothing before four stretches are known', () => {
    expect(run(rowsOf(4, (day) => (day >= 3 ? [5, 5, 5, 5, 5] : []))).some(({ isAlarming }) => isAlarming)).toBe(false)
  })

  it('stay where they are while what was flagged lasts, and end with it', () => {
    const scores = run(rowsOf(42, (day) => (day >= 20 && day < 40 ? [3, 3, 3, 3, 3] : [])))
    expect(scores.slice(22 * DAY_ROWS, 40 * DAY_ROWS).every(({ isAlarming }) => isAlarming)).toBe(true)
    expect(scores.at(-1)?.isAlarming).toBe(false)
  })

  it('look anew at a unit that was away for longer than a week, and not at one that was away for a day', () => {
    const shift = (day: number): readonly number[] => (day >= 20 ? [3, 3, 3, 3, 3] : [])
    expect(run(rowsOf(28, shift, { fromDay: 20, days: 30 })).some(({ isAlarming }) => isAlarming)).toBe(false)
    expect(run(rowsOf(28, shift, { fromDay: 20, days: 1 })).some(({ isAlarming }) => isAlarming)).toBe(true)
  })

  it('leave out a channel that is hardly known', () => {
    const rows = rowsOf(25, (day) => (day >= 20 ? [9, 9, 0, 0, 9] : [])).map(({ atMs, values }, row) => ({
      atMs,
      values: values.map((value, channel) => (channel === 4 && row % 3 > 0 ? Number.NaN : value)),
    }))
    expect(most(run(rows))).toBeLessThan(1)
  })

  it('come out the same wherever they are saved between', () => {
    const rows = rowsOf(24, (day) => (day >= 20 && day < 22 ? [0, 0, 2.5, -2.5, 2.5] : []))
    const whole = run(rows)
    for (const cut of [1, 100, 144, 1_000, 20 * DAY_ROWS + 50, 22 * DAY_ROWS + 10]) {
      const first = new StretchMeans(QUANTITIES)
      const head = run(rows.slice(0, cut), first)
      const second = StretchMeans.of(QUANTITIES, structuredClone(first.state()))
      expect([...head, ...run(rows.slice(cut), second)]).toEqual(whole)
    }
  })
})
