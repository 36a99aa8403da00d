/**
 * The local day: the calendar day of a place as a stretch of instants, by the IANA time zone database that comes with Node. A day has 23,
 * 24 or 25 hours (23.5 and 24.5 on Lord Howe Island), begins at the first instant of its date where midnight does not exist, and days follow
 * each other without gap or overlap also where a clock is turned back over midnight. A date that a place skipped has no day.
 */
import { type EpochMs, epochMs } from './clock.ts'
import { assert } from './errors.ts'

export interface LocalDay {
  /** `YYYY-MM-DD` as the calendar on the wall says. */
  readonly date: string
  readonly from_ms: EpochMs
  /** Begin of the next day, not included. */
  readonly to_ms: EpochMs
}

/** Days of one time zone; remembers the last day asked for, so that asking in order of time costs a comparison. */
export interface LocalDays {
  readonly timeZone: string
  /** The day in which the instant lies. */
  dayOf(atMs: number): LocalDay
  /** Days that touch [fromMs, toMs), in order. */
  daysIn(fromMs: number, toMs: number): readonly LocalDay[]
}

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

/** Whether the name is one of the time zone database, e.g. `Europe/Berlin`; bare offsets (`+02:00`) have no summer and are refused. */
export function isTimeZone(name: string): boolean {
  if (!/^[A-Za-z]/.test(name)) return false
  try {
    new Intl.DateTimeFormat('en-US', { timeZone: name })
    return true
  } catch {
    return false
  }
}

/** Creates the days of a zone for which `isTimeZone` holds; costs about 0.1 ms, then some microseconds a new day. */
export function createLocalDays(timeZone: string): LocalDays {
  assert(isTimeZone(timeZone), `${timeZone} is a time zone`)
  const wall = wallClock(timeZone)
  let last: LocalDay | undefined

  const dayOf = (atMs: number): LocalDay => {
    if (last !== undefined && atMs >= last.from_ms && atMs < last.to_ms) return last
    let midnight = Math.floor(wall(atMs) / DAY_MS) * DAY_MS
    let fromMs = beginOf(wall, midnight)
    let toMs = beginOf(wall, midnight + DAY_MS)
    // The hour that is repeated before midnight belongs to the day that had begun; a skipped date is empty.
    while (toMs <= atMs) {
      midnight += DAY_MS
      fromMs = toMs
      toMs = beginOf(wall, midnight + DAY_MS)
    }
    last = { date: new Date(midnight).toISOString().slice(0, 10), from_ms: epochMs(fromMs), to_ms: epochMs(toMs) }
    return last
  }

  return {
    timeZone,
    dayOf,
    daysIn(fromMs, toMs) {
      const days: LocalDay[] = []
      for (let atMs = fromMs; atMs < toMs; ) {
        const day = dayOf(atMs)
        days.push(day)
        atMs = day.to_ms
      }
      return days
    },
  }
}

/** What the clock on the wall shows at an instant, as if it were UTC. */
type WallClock = (atMs: number) => number

function wallClock(timeZone: string): WallClock {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'iso8601',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  return (atMs) => {
    const fields: Record<string, number> = {}
    for (const { type, value } of format.formatToParts(atMs)) fields[type] = Number(value)
    const { year = 0, month = 0, day = 0, hour = 0, minute = 0, second = 0 } = fields
    return Date.UTC(year, month - 1, day, hour, minute, second) + (((atMs % 1_000) + 1_000) % 1_000)
  }
}

/** First instant at which the wall shows this midnight, or a time after it where that midnight is skipped. */
function beginOf(wall: WallClock, midnight: number): number {
  const offsetAt = (atMs: number): number => wall(atMs) - atMs
  const nearMs = midnight - offsetAt(midnight)
  const offsets = [offsetAt(nearMs - HOUR_MS * 12), offsetAt(nearMs + HOUR_MS * 12)]
  let earlyMs = midnight - Math.max(...offsets)
  if (wall(earlyMs) >= midnight) return earlyMs
  let lateMs = midnight - Math.min(...offsets)
  while (lateMs - earlyMs > 1) {
    const middleMs = Math.floor((earlyMs + lateMs) / 2)
    if (wall(middleMs) >= midnight) lateMs = middleMs
    else earlyMs = middleMs
  }
  return lateMs
}
