/**
 * Brings the calls of emergencies to people: every call that is due is tried by its way, many at one time, and again until it was taken or
 * the emergency needs it no more. A call is never given up; its last error can be read.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import { createDueLoop, type DueLoop } from './due-loop.ts'
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
/** Calls tried at one time, so that ways that hang leave room for others. */
const IN_FLIGHT_MAX = 64
const ATTEMPT_MS = 10_000

/** Creates the loop; nothing is called before `start`. */
export function createNotices({ database, callers, onTaken, clock, log }: NoticesParts): DueLoop {
  const inFlight = new Map<string, Promise<void>>()
  const abort = new AbortController()

  const attempt = async (notice: NoticeRow): Promise<void> => {
    const { notice_id, channel, target, subject, body } = notice
    try {
      const call = callers[channel]
      if (call === undefined) throw new MendlineError('MDL_HUBS_WEBHOOK_FAILED', `there is no way for ${channel}`)
      await call({ target, subject, body, signal: AbortSignal.any([abort.signal, AbortSignal.timeout(ATTEMPT_MS)]) })
      await settle(notice, { state: 'delivered', settled_at_ms: clock.now(), error: null })
      await onTaken(notice)
    } catch (cause) {
      if (abort.signal.aborted) return
      const waitMs = RETRY_MS[notice.attempt_count] ?? 60_000
      const error = (cause instanceof Error ? cause.message : String(cause)).slice(0, 300)
      log.warn('a call of an emergency was not taken', { notice_id, channel, person: notice.person, error, retry_in_ms: waitMs })
      await settle(notice, { next_at_ms: clock.now() + waitMs, error })
    }
  }
  /** What was withdrawn meanwhile stays so, unless the call was taken after all. */
  const settle = async (notice: NoticeRow, change: Partial<NoticeRow>): Promise<void> => {
    await database
      .updateTable('emg_notices')
      .set({ ...change, attempt_count: notice.attempt_count + 1 })
      .where('notice_id', '=', notice.notice_id)
      .where('state', 'in', change.state === undefined ? ['pending'] : ['pending', 'withdrawn'])
      .execute()
  }
  const look = async (): Promise<number | undefined> => {
    const pending = database
      .selectFrom('emg_notices')
      .selectAll()
      .where('state', '=', 'pending')
      .orderBy('next_at_ms')
      .limit(2 * IN_FLIGHT_MAX)
    for (const notice of await pending.execute()) {
      if (inFlight.has(notice.notice_id)) continue
      if (notice.next_at_ms > clock.now()) return notice.next_at_ms
      if (inFlight.size >= IN_FLIGHT_MAX) return undefined
      const trying = attempt(notice)
        .catch((cause: unknown) => log.error('an attempt to call somebody could not be noted', { notice_id: notice.notice_id, cause: String(cause) }))
        .finally(() => {
          inFlight.delete(notice.notice_id)
          loop.wake()
        })
      inFlight.set(notice.notice_id, trying)
    }
    return undefined
  }
  const loop = createDueLoop({ name: 'notices', look, clock, log })
  return {
    ...loop,
    async stop() {
      abort.abort()
      await loop.stop()
      await Promise.all(inFlight.values())
    },
    async settled() {
      await loop.settled()
      while (inFlight.size > 0) {
        await Promise.all(inFlight.values())
        await loop.settled()
      }
    },
  }
}
