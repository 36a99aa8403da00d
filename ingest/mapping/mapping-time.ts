/**
 * Instants as a payload or recording has them: `epoch_ms`, `epoch_s`, `iso8601`, or a pattern of YYYY MM DD HH mm ss SSS in a named time
 * zone; ISO 8601 without an offset is in that zone, too, never in the zone of this machine. Text that fits the pattern but is no instant (31 June, 25 h) gives undefined. Of an hour that the end of summer time repeats
 * the first one is meant; a time that its beginning skips is read as if the clock had not been set.
 */
import { MendlineError } from '#kernel/errors.ts'

export type TimeParser = (text: string) => number | undefined

/** A local time that is no single instant: the clock shows it twice, or never. */
export type LocalFault = 'repeated' | 'skipped'

const FIELDS = ['YYYY', 'MM', 'DD', 'HH', 'mm', 'ss', 'SSS'] as const
type Field = (typeof FIELDS)[number]

/** Quarters of an hour whose offset from UTC is kept, a year of them; then all are forgotten. */
const KEPT_MAX = 35_040

/** @throws MendlineError MDL_MAPPING_INVALID for a pattern without a date or an unknown zone */
export const timeParser = (format: string, timeZone: string): TimeParser => parserOf(format, timeZone, instantOf)

/**
 * The same, but a local time that is no single instant is told instead of being read as the first.
 * @throws MendlineError MDL_MAPPING_INVALID
 */
export const strictTimeParser = (format: string, timeZone: string): ((text: string) => number | LocalFault | undefined) =>
  parserOf<number | LocalFault>(format, timeZone, strictInstantOf)

type Offset = (utcMs: number) => number
/** Instant of a time on the wall. */
type Resolve<Instant> = (wall: number, offset: Offset) => Instant

function parserOf<Instant>(format: string, timeZone: string, resolve: Resolve<Instant | number>): (text: string) => Instant | number | undefined {
  const finite = (value: number): number | undefined => (Number.isFinite(value) ? Math.round(value) : undefined)
  if (format === 'epoch_ms') return (text) => (text.trim() === '' ? undefined : finite(Number(text)))
  if (format === 'epoch_s') return (text) => (text.trim() === '' ? undefined : finite(Number(text) * 1000))
  const offset = offsetOf(timeZone)
  if (format === 'iso8601') return (text) => isoInstant(text, (wall) => resolve(wall, offset))
  return patternParser(format, (wall) => resolve(wall, offset))
}

/** Blanks before an offset only where there is one: two runs of blanks side by side would cost the square of a long text. */
const ISO = /^\s*(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:[.,](\d{1,9}))?)?(?:\s*(Z|[+-]\d{2}:?\d{2}))?)?\s*$/

const OFFSET_MINUTES_MAX = 14 * 60

function isoInstant<Instant>(text: string, resolve: (wall: number) => Instant): Instant | number | undefined {
  const [whole, date, minutes = '00:00', seconds = '00', fraction = '0', zone] = ISO.exec(text) ?? []
  if (whole === undefined || date === undefined) return undefined
  const wall = Date.parse(`${date}T${minutes}:${seconds}.${fraction.slice(0, 3).padEnd(3, '0')}Z`)
  // Date.parse takes 31 February for 2 March on some engines; the text must come back.
  if (Number.isNaN(wall) || new Date(wall).toISOString().slice(0, 10) !== date) return undefined
  if (zone === undefined) return resolve(wall)
  const [hours = 0, mins = 0] = zone === 'Z' ? [] : [Number(zone.slice(1, 3)), Number(zone.slice(-2))]
  // No place is further from UTC.
  if (mins > 59 || hours * 60 + mins > OFFSET_MINUTES_MAX) return undefined
  return wall - (zone.startsWith('-') ? -1 : 1) * (hours * 60 + mins) * 60_000
}

/** Before and behind a change of the clock the offsets differ; the one that leads back to the wall time is right. */
function instantOf(wall: number, offset: Offset): number {
  const early = wall - offset(wall - 86_400_000)
  if (early + offset(early) === wall) return early
  const late = wall - offset(wall + 86_400_000)
  return late + offset(late) === wall ? late : early
}

function strictInstantOf(wall: number, offset: Offset): number | LocalFault {
  const [early, late] = [wall - offset(wall - 86_400_000), wall - offset(wall + 86_400_000)]
  const fitting = [...new Set([early, late])].filter((instant) => instant + offset(instant) === wall)
  return fitting.length === 0 ? 'skipped' : fitting.length > 1 ? 'repeated' : (fitting[0] ?? early)
}

function patternParser<Instant>(format: string, resolve: (wall: number) => Instant): (text: string) => Instant | undefined {
  const order: Field[] = []
  const source = format.replaceAll(/YYYY|MM|DD|HH|mm|ss|SSS|[.*+?^${}()|[\]\\]/g, (token) => {
    if (!(FIELDS as readonly string[]).includes(token)) return `\\${token}`
    order.push(token as Field)
    return `(\\d{${token.length}})`
  })
  if (!['YYYY', 'MM', 'DD'].every((field) => order.includes(field as Field))) {
    throw new MendlineError('MDL_MAPPING_INVALID', `time.format: ${format} is none of epoch_ms, epoch_s, iso8601 and has no YYYY, MM, DD`)
  }
  const pattern = new RegExp(`^\\s*${source}\\s*$`)
  return (text) => {
    const match = pattern.exec(text)
    if (match === null) return undefined
    const part = (field: Field): number => (order.includes(field) ? Number(match[order.indexOf(field) + 1]) : 0)
    const wall = Date.UTC(part('YYYY'), part('MM') - 1, part('DD'), part('HH'), part('mm'), part('ss'), part('SSS'))
    const check = new Date(wall)
    if (check.getUTCDate() !== part('DD') || check.getUTCMonth() !== part('MM') - 1 || part('HH') > 23 || part('mm') > 59 || part('ss') > 59)
      return undefined
    return resolve(wall)
  }
}

/** Offset of a zone's wall time from UTC in ms; kept per quarter of an hour, since asking is slow. */
function offsetOf(timeZone: string): Offset {
  if (timeZone === 'UTC') return () => 0
  let format: Intl.DateTimeFormat
  try {
    const numeric = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', ...numeric })
  } catch {
    throw new MendlineError('MDL_MAPPING_INVALID', `time.time_zone: there is no ${timeZone}`)
  }
  const kept = new Map<number, number>()
  return (utcMs) => {
    const quarter = Math.floor(utcMs / 900_000)
    let offset = kept.get(quarter)
    if (offset === undefined) {
      if (kept.size >= KEPT_MAX) kept.clear()
      const parts = Object.fromEntries(format.formatToParts(quarter * 900_000).map(({ type, value }) => [type, Number(value)]))
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
      offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter * 900_000
      kept.set(quarter, offset)
    }
    return offset
  }
}
