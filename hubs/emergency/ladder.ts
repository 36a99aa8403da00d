/**
 * Whom an emergency calls next, as a pure decision over the roster: who is on duty at an instant, which rung of the ladder is due, and
 * what countdown runs behind it. The last rung is repeated without end. A tenant without a roster has the standard ladder, whose rungs
 * call whoever the house named for that case; nobody named there is said, never silently skipped.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { DutyPerson, DutyRoster, Rung } from '#kernel/duty-roster.ts'
import { MendlineError } from '#kernel/errors.ts'
import { isTimeZone } from '#kernel/local-day.ts'

/** Rungs of a tenant that named none (chosen): a danger to life waits a minute, one to property five. */
export const STANDARD_LADDERS: Readonly<Record<'E0' | 'E1', readonly Rung[]>> = {
  E0: [
    { notify: ['on_duty'], wait_s: 60 },
    { notify: ['on_duty'], wait_s: 60 },
    { notify: ['everybody'], wait_s: 120 },
  ],
  E1: [
    { notify: ['on_duty'], wait_s: 300 },
    { notify: ['on_duty'], wait_s: 600 },
    { notify: ['everybody'], wait_s: 900 },
  ],
}

/** Who acknowledged must resolve within this time, or the ladder begins anew (chosen). */
export const RESOLVE_WITHIN_MS = { E0: 30 * 60_000, E1: 4 * 3_600_000 } as const

/** The ladder has two forms; a class that is neither (an emergency raised by hand) is met like a danger to property. */
export const ladderClass = (safetyClass: SafetyClass | string): 'E0' | 'E1' => (safetyClass === 'E0' ? 'E0' : 'E1')

export interface Call {
  readonly person: DutyPerson
  readonly channel: DutyPerson['channels'][number]
}

export interface RungPlan {
  /** From 0; the last rung again when the ladder has ended. */
  readonly rung: number
  readonly waitMs: number
  readonly calls: readonly Call[]
}

/** The rung behind `step` earlier ones, at an instant. Where nobody whom it names can be called, `fallback` are, and without them all of the roster. */
export function planRung(
  roster: DutyRoster | undefined,
  given: { readonly safetyClass: string; readonly step: number; readonly nowMs: number; readonly fallback: readonly DutyPerson[] },
): RungPlan {
  const kind = ladderClass(given.safetyClass)
  const rungs = roster?.ladders?.[kind] ?? STANDARD_LADDERS[kind]
  const rung = Math.min(given.step, rungs.length - 1)
  const { notify, ways, wait_s } = rungs[rung] ?? { notify: ['everybody'], wait_s: 60 }
  const named = roster === undefined ? [] : peopleOf(roster, notify, given.nowMs)
  const wanted = callsOf(named, ways)
  const reached = [named, given.fallback, roster?.people ?? []].find((people) => people.some(({ channels }) => channels.length > 0))
  const calls = wanted.length > 0 ? wanted : callsOf(reached ?? [])
  return { rung, waitMs: wait_s * 1_000, calls }
}

const callsOf = (people: readonly DutyPerson[], ways?: Rung['ways']): readonly Call[] =>
  people.flatMap((person) => person.channels.filter(({ kind }) => ways === undefined || ways.includes(kind)).map((channel) => ({ person, channel })))

function peopleOf(roster: DutyRoster, notify: readonly string[], nowMs: number): readonly DutyPerson[] {
  const onDuty = onDutyAt(roster, nowMs)
  const isNamed = ({ person }: DutyPerson): boolean =>
    notify.includes('everybody') || notify.includes(person) || (notify.includes('on_duty') && onDuty.has(person))
  return roster.people.filter(isNamed)
}

/** Persons whose shift covers the instant, by the roster's local time. */
export function onDutyAt(roster: DutyRoster, nowMs: number): ReadonlySet<string> {
  const { day, minute } = localTime(nowMs, roster.time_zone)
  const covers = ({ days, from, to }: DutyRoster['shifts'][number]): boolean => {
    const [begin, end] = [minutesOf(from), minutesOf(to)]
    const isDay = (wanted: number): boolean => days === undefined || days.includes(wanted)
    if (begin < end) return isDay(day) && minute >= begin && minute < end
    // Over midnight: the evening of its day, or the morning behind it.
    return (isDay(day) && minute >= begin) || (isDay(day === 1 ? 7 : day - 1) && minute < end)
  }
  return new Set(roster.shifts.filter(covers).map(({ person }) => person))
}

/** Minute of the day of `HH:MM`. */
export function minutesOf(time: string): number {
  const [hours = 0, minutes = 0] = time.split(':').map(Number)
  return hours * 60 + minutes
}

const DAYS = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

/** Day of the week (1 Monday) and minute of the day in a time zone. */
export function localTime(nowMs: number, timeZone: string): { readonly day: number; readonly minute: number } {
  const format = new Intl.DateTimeFormat('en-GB', { timeZone, weekday: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' })
  const parts = new Map(format.formatToParts(nowMs).map(({ type, value }) => [type, value]))
  return { day: DAYS.indexOf(parts.get('weekday') ?? '') + 1, minute: Number(parts.get('hour')) * 60 + Number(parts.get('minute')) }
}

/** Refuses a roster that names persons, zones or rungs that are not there. @throws MendlineError MDL_API_INVALID */
export function checkRoster(roster: DutyRoster): void {
  const people = roster.people.map(({ person }) => person)
  const named = Object.values(roster.ladders ?? {}).flatMap((rungs) => rungs.flatMap(({ notify }) => notify))
  const known = new Set([...people, 'on_duty', 'everybody'])
  const found: Readonly<Record<'time_zone' | 'people' | 'shifts' | 'ladders', readonly string[]>> = {
    time_zone: isTimeZone(roster.time_zone) ? [] : [`time_zone ${roster.time_zone} is none`],
    people: people.filter((person, index) => people.indexOf(person) !== index).map((person) => `${person} stands twice`),
    shifts: roster.shifts.filter(({ person }) => !people.includes(person)).map(({ person }) => `a shift names ${person}, who is not in people`),
    ladders: [
      ...named.filter((name) => !known.has(name)).map((name) => `a ladder names ${name}, who is not in people`),
      ...Object.values(roster.ladders ?? {}).flatMap((rungs) => rungs.flatMap((rung) => unreached(roster, rung))),
    ],
  }
  const errors = Object.entries(found).flatMap(([field, reasons]) => reasons.map((reason) => ({ field: `body.${field}`, reason })))
  if (errors.length > 0) throw new MendlineError('MDL_API_INVALID', errors.map(({ reason }) => reason).join('; '), { details: { errors } })
}

/** A rung whose ways none of its people have; whoever may be alone on duty must have one of them. */
function unreached({ people, shifts }: DutyRoster, { notify, ways }: Rung): readonly string[] {
  if (ways === undefined) return []
  const hasWay = ({ channels }: DutyPerson): boolean => channels.some(({ kind }) => ways.includes(kind))
  const named = people.filter(({ person }) => notify.includes('everybody') || notify.includes(person))
  if (named.some(hasWay)) return []
  const way = ways.length === 0 ? 'no way at all' : ways.join(' or ')
  const onDuty = notify.includes('on_duty') ? people.filter(({ person }) => shifts.some((shift) => shift.person === person)) : []
  const wrong = onDuty.length > 0 ? onDuty.filter((person) => !hasWay(person)) : named
  return wrong.map(({ person }) => `a ladder calls ${person} by ${way}, which they do not have`)
}
