/**
 * Instants from the text of a recording: `epoch_ms`, `epoch_s`, `iso8601`, or a pattern of YYYY MM DD HH mm ss SSS in a named time
 * zone. Text that fits the pattern but is no instant (31 June, 25 h) gives undefined. Of an hour that the end of summer time repeats
 * the first one is meant; a time that its beginning skips is read as if the clock had not been set.
 */
import { MendlineError } from '#kernel/errors.ts'

export type TimeParser = (text: string) => number | undefined

const FIELDS = ['YYYY', 'MM', 'DD', 'HH', 'mm', 'ss', 'SSS'] as const
type Field = (typeof FIELDS)[number]

/** @throws MendlineError MDL_REPLAY_INVALID for a pattern without a date or an unknown zone */
export function timeParser(format: string, timeZone: string): TimeParser {
  const finite = (value: number): number | undefined => (Number.isFinite(value) ? Math.round(value) : undefined)
  if (format === 'epoch_ms') return (text) => (text.trim() === '' ? undefined : finite(Number(text)))
  if (format === 'epoch_s') return (text) => (text.trim() === '' ? undefined : finite(Number(text) * 1000))
  if (format === 'iso8601') return (text) => finite(Date.parse(text))
  return patternParser(format, offsetOf(timeZone))
}

function patternParser(format: string, offset: (utcMs: number) => number): TimeParser {
  const order: Field[] = []
  const source = format.replaceAll(/YYYY|MM|DD|HH|mm|ss|SSS|[.*+?^${}()|[\]\\]/g, (token) => {
    if (!(FIELDS as readonly string[]).includes(token)) return `\\${token}`
    order.push(token as Field)
    return `(\\d{${token.length}})`
  })
  if (!['YYYY', 'MM', 'DD'].every((field) => order.includes(field as Field))) {
    throw new MendlineError('MDL_REPLAY_INVALID', `time.format: ${format} is none of epoch_ms, epoch_s, iso8601 and has no YYYY, MM, DD`)
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
    // Before and behind a change of the clock the offsets differ; the one that leads back to the wall time is right.
    const early = wall - offset(wall - 86_400_000)
    if (early + offset(early) === wall) return early
    const late = wall - offset(wall + 86_400_000)
    return late + offset(late) === wall ? late : early
  }
}

/** Offset of a zone's wall time from UTC in ms; kept per quarter of an hour, since asking is slow. */
function offsetOf(timeZone: string): (utcMs: number) => number {
  if (timeZone === 'UTC') return () => 0
  let format: Intl.DateTimeFormat
  try {
    const numeric = { year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit', second: '2-digit' } as const
    format = new Intl.DateTimeFormat('en-GB', { timeZone, hourCycle: 'h23', ...numeric })
  } catch {
    throw new MendlineError('MDL_REPLAY_INVALID', `time.time_zone: there is no ${timeZone}`)
  }
  const kept = new Map<number, number>()
  return (utcMs) => {
    const quarter = Math.floor(utcMs / 900_000)
    let offset = kept.get(quarter)
    if (offset === undefined) {
      const parts = Object.fromEntries(format.formatToParts(quarter * 900_000).map(({ type, value }) => [type, Number(value)]))
      const { year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0 } = parts
      offset = Date.UTC(year, month - 1, day, hour, minute, second) - quarter * 900_000
      kept.set(quarter, offset)
    }
    return offset
  }
}
