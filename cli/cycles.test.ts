import { describe, expect, it } from 'vitest'
import { type Bucket, cyclesOf } from './cycles.ts'

const MINUTE_MS = 60_000
const bounds = { above: 20, pauseMs: 10 * MINUTE_MS, runMs: 3 * MINUTE_MS }
/** Minutes from the beginning that draw 100, the others 0. */
const buckets = (...stretches: ReadonlyArray<readonly [from: number, to: number]>): Bucket[] =>
  Array.from({ length: 200 }, (_, minute) => ({
    t: minute * MINUTE_MS,
    mean: stretches.some(([from, to]) => minute >= from && minute < to) ? 100 : 0,
  }))
const minutesOf = (from: readonly Bucket[]): number[][] =>
  cyclesOf(from, MINUTE_MS, bounds).map(({ begin_ms, end_ms }) => [begin_ms / MINUTE_MS, end_ms / MINUTE_MS])

describe('cycles of a device', () => {
  it('joins pauses up to the bound and parts at longer ones', () => {
    expect(minutesOf(buckets([10, 20], [30, 40], [51, 60]))).toEqual([
      [10, 40],
      [51, 60],
    ])
  })

  it('leaves out blips, and one that runs at the edge of the span counts', () => {
    expect(minutesOf(buckets([0, 5], [50, 52], [195, 200]))).toEqual([
      [0, 5],
      [195, 200],
    ])
  })

  it('takes a stretch without readings for a pause', () => {
    expect(minutesOf(buckets([10, 60]).filter(({ t }) => t < 20 * MINUTE_MS || t >= 40 * MINUTE_MS))).toEqual([
      [10, 20],
      [40, 60],
    ])
  })
})
