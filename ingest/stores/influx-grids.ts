/**
 * Grids that an engine is asked for. Hours are whole; local days have 23 to 25 hours, so they are asked for in runs of days of one length, each a
 * grid of its own: a year takes a handful of questions.
 */
import { epochMs } from '#kernel/clock.ts'
import { createLocalDays, type LocalDay } from '#kernel/local-day.ts'
import type { BucketQuery } from '../reading-store.ts'
import type { EngineGrid } from './influx-engine.ts'
import { bucketGrid } from './stored-type.ts'

const HOUR_MS = 3_600_000
const ceilHour = (ms: number): number => Math.ceil(ms / HOUR_MS) * HOUR_MS

/** Grids of a query in order of time, with at most `maxPoints` buckets together; none where nothing lies in it. */
export function gridsOf(query: BucketQuery, maxPoints: number): readonly EngineGrid[] {
  if (query.tier === 'daily') return dayGrids(query, maxPoints)
  const isHourly = query.tier === 'hourly'
  const [fromMs, toMs] = isHourly ? [ceilHour(query.from_ms), ceilHour(query.to_ms)] : [query.from_ms, query.to_ms]
  if (fromMs >= toMs) return []
  const { originMs, widthMs } = bucketGrid(epochMs(fromMs), epochMs(toMs), maxPoints)
  return [{ fromMs, toMs, originMs, widthMs: isHourly ? ceilHour(widthMs) : widthMs }]
}

/** Local days that begin in the span. */
function dayGrids({ from_ms, to_ms, timeZone = 'UTC' }: BucketQuery, maxPoints: number): readonly EngineGrid[] {
  const all = createLocalDays(timeZone).daysIn(from_ms, to_ms)
  const grids: EngineGrid[] = []
  for (const day of all.filter((one) => one.from_ms >= from_ms).slice(0, maxPoints)) {
    const last = grids.at(-1)
    if (last !== undefined && last.toMs === day.from_ms && last.widthMs === lengthOf(day)) grids[grids.length - 1] = { ...last, toMs: day.to_ms }
    else grids.push({ fromMs: day.from_ms, toMs: day.to_ms, originMs: day.from_ms, widthMs: lengthOf(day) })
  }
  return grids
}

const lengthOf = ({ from_ms, to_ms }: LocalDay): number => to_ms - from_ms
