/**
 * Brings the calls of emergencies to people: every call that is due is tried by its way, many at one time, and again until it was taken, a
 * newer one of the same emergency takes its place, or the emergency needs it no more. A call is never given up; its last error can be read.
 * Ways and addresses have shares, so that one that hangs holds up no other, and what is new is tried before what failed.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import { watchClock } from '../clock-watch.ts'
import { createDueLoop, type DueLoop } from '../due-loop.ts'
import type { EmergencyTables, NoticeRow } from './emergency-tables.ts'

export interface Call {
  readonly target: string
  readonly subject: string
  readonly body: string
  readonly signal: AbortSignal
}

/** A way to people. @throws MendlineError when the call was not taken */
export type Caller = (call: Call) => Promise<void>

export interface NoticesParts {
  readonly database: Kysely<EmergencyTables>
  /** By the kind of the channel (`email`, `chat`). */
  readonly callers: Readonly<Record<string, Caller>>
  /** A call was taken: notes it in the history of the emergency. */
  readonly onTaken: (notice: NoticeRow) => Promise<void>
  readonly clock: Clock
  readonly log: Log
}

/** Waits after the first, second ... failed attempt; the last goes on. */
const RETRY_MS = [1_000, 2_000, 4_000, 8_000, 15_000, 30_000, 60_000] as const
/**
 * Calls tried at one time: in all, by one way (a mail server that hangs leaves room for chats), to one address, and further attempts by one
 * way (what fails for long leaves room for what is new).
 */
const ROOM = { all: 64, way: 32, target: 8, furtherOfWay: 16 } as const
const ATTEMPT_MS = 10_000
/** Wait for a book in which an attempt could not be noted. */
const REST_MS = 5_000
/** Ways that a roster knows; one for which there is no caller fails, which can be read. */
const WAYS = ['email', 'chat'] as const

interface InFlight {
  readonly notice: NoticeRow
  readonly done: Promise<void>
}

/** Creates the loop; nothing is called before `start`. */
export function createNotices(parts: NoticesParts): DueLoop {
  const { database, clock, log } = parts
  const inFlight = new Map<string, InFlight>()
  const resting = new Set<string>()
  const abort = new AbortController()
  const attempt = createAttempt(parts, abort.signal)
  const setBackMs = watchClock(clock)
  let isFirstLook = true

  /** Begins the attempt; false = it is under way, rests, or there is no room. */
  const begin = (notice: NoticeRow): boolean => {
    const { notice_id } = notice
    if (inFlight.has(notice_id) || resting.has(notice_id) || !hasRoom(inFlight, notice)) return false
    const done = attempt(notice)
      .catch((cause: unknown) => {
        log.error('an attempt to call somebody could not be noted', { notice_id, cause: String(cause) })
        // The row still says that it is due; without a rest the person would be called without end.
        resting.add(notice_id)
        clock.after(REST_MS, () => {
          resting.delete(notice_id)
          loop.wake()
        })
      })
      .finally(() => {
        inFlight.delete(notice_id)
        loop.wake()
      })
    inFlight.set(notice_id, { notice, done })
    return true
  }
  const look = async (): Promise<number | undefined> => {
    const isSetBack = setBackMs() > 0
    if (isFirstLook || isSetBack) await makeDue(database, clock.now())
    isFirstLook = false
    for (const isFurther of [false, true]) {
      for (const way of WAYS) {
        // Again until nothing more can begin, since an address that became full hides others.
        for (let begun = 1; begun > 0; ) {
          const query = { way, isFurther, nowMs: clock.now(), full: fullTargets(inFlight), limit: 2 * ROOM.all + resting.size }
          begun = (await findDue(database, query)).filter(begin).length
        }
      }
    }
    return nextDue(database, clock.now())
  }
  const loop = createDueLoop({ name: 'notices', look, clock, log })
  const landed = (): Promise<unknown> => Promise.all([...inFlight.values()].map(({ done }) => done))
  return {
    ...loop,
    async stop() {
      abort.abort()
      await loop.stop()
      await landed()
    },
    async settled() {
      await loop.settled()
      while (inFlight.size > 0) {
        await landed()
        await loop.settled()
      }
    },
  }
}

/** One attempt and what came of it. Rejects when that could not be noted; a call that was taken is not made again for that. */
function createAttempt({ database, callers, onTaken, clock, log }: NoticesParts, stopped: AbortSignal): (notice: NoticeRow) => Promise<void> {
  const taken = new Set<string>()
  /** What was withdrawn meanwhile stays so, unless the call was taken after all. */
  const settle = async (notice: NoticeRow, change: Partial<NoticeRow>): Promise<void> => {
    await database
      .updateTable('emg_notices')
      .set({ ...change, attempt_count: notice.attempt_count + 1 })
      .where('notice_id', '=', notice.notice_id)
      .where('state', 'in', change.state === undefined ? ['pending'] : ['pending', 'withdrawn'])
      .execute()
  }
  return async (notice) => {
    const { notice_id, channel, target, subject, body } = notice
    try {
      const call = callers[channel]
      if (call === undefined) throw new MendlineError('MDL_HUBS_WEBHOOK_FAILED', `there is no way for ${channel}`)
      if (!taken.has(notice_id)) await call({ target, subject, body, signal: AbortSignal.any([stopped, AbortSignal.timeout(ATTEMPT_MS)]) })
    } catch (cause) {
      if (stopped.aborted) return
      const waitMs = RETRY_MS[notice.attempt_count] ?? 60_000
      const error = (cause instanceof Error ? cause.message : String(cause)).slice(0, 300)
      log.warn('a call of an emergency was not taken', { notice_id, channel, person: notice.person, error, retry_in_ms: waitMs })
      await settle(notice, { next_at_ms: clock.now() + waitMs, error })
      return
    }
    taken.add(notice_id)
    await settle(notice, { state: 'delivered', settled_at_ms: clock.now(), error: null })
    taken.delete(notice_id)
    await onTaken(notice)
  }
}

function hasRoom(inFlight: ReadonlyMap<string, InFlight>, { channel, target, attempt_count }: NoticeRow): boolean {
  const ofWay = [...inFlight.values()].map(({ notice }) => notice).filter((other) => other.channel === channel)
  const isFree = inFlight.size < ROOM.all && ofWay.length < ROOM.way && ofWay.filter((other) => other.target === target).length < ROOM.target
  return isFree && (attempt_count === 0 || ofWay.filter((other) => other.attempt_count > 0).length < ROOM.furtherOfWay)
}

function fullTargets(inFlight: ReadonlyMap<string, InFlight>): readonly string[] {
  const counts = new Map<string, number>()
  for (const { notice } of inFlight.values()) counts.set(notice.target, (counts.get(notice.target) ?? 0) + 1)
  return [...counts].filter(([, count]) => count >= ROOM.target).map(([target]) => target)
}

/** Calls that are due by a way, longest due first. */
function findDue(
  database: Kysely<EmergencyTables>,
  query: { readonly way: string; readonly isFurther: boolean; readonly nowMs: number; readonly full: readonly string[]; readonly limit: number },
): Promise<NoticeRow[]> {
  const { way, isFurther, nowMs, full, limit } = query
  const due = database
    .selectFrom('emg_notices')
    .selectAll()
    .where('state', '=', 'pending')
    .where('next_at_ms', '<=', nowMs)
    .where('channel', '=', way)
    .where('attempt_count', isFurther ? '>' : '=', 0)
  return (full.length === 0 ? due : due.where('target', 'not in', full)).orderBy('next_at_ms').limit(limit).execute()
}

/** After a start, or when the clock was set back: no wait of before holds. */
async function makeDue(database: Kysely<EmergencyTables>, nowMs: number): Promise<void> {
  await database.updateTable('emg_notices').set({ next_at_ms: nowMs }).where('state', '=', 'pending').where('next_at_ms', '>', nowMs).execute()
}

async function nextDue(database: Kysely<EmergencyTables>, nowMs: number): Promise<number | undefined> {
  const next = await database
    .selectFrom('emg_notices')
    .select('next_at_ms')
    .where('state', '=', 'pending')
    .where('next_at_ms', '>', nowMs)
    .orderBy('next_at_ms')
    .limit(1)
    .executeTakeFirst()
  return next === undefined ? undefined : Number(next.next_at_ms)
}
