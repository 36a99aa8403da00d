/**
 * Timers of the hubs: rows that say what is to be looked at again, and when, set in the transaction of the decision that wants them, so
 * that none is lost when the program ends. The loop runs due ones in order of their time, each in a transaction of its own; one whose
 * handler fails stays, is counted and logged, and is taken again a minute later. What was set while the clock was ahead does not wait for
 * as long as it was. Nothing here knows what a timer means.
 */
import { type Kysely, sql } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { contentId } from '#kernel/ids.ts'
import type { Log } from '#kernel/log.ts'
import { watchClock } from './clock-watch.ts'
import { createDueLoop } from './due-loop.ts'
import type { HubTables } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import type { TimerRow } from './timer-tables.ts'

export interface TimerKey {
  readonly tenant: string
  readonly kind: string
  /** Id of the record that it is about. */
  readonly subject: string
}

export interface NewTimer extends TimerKey {
  /** Platform time, epoch ms; one in the past is due at once. */
  readonly dueAtMs: number
  /** The time is somebody's word (a promise) or a day of the calendar, and not a wait from now: it stays when our clock proves wrong. */
  readonly isAppointed?: boolean
  readonly data?: Readonly<Record<string, unknown>>
}

/** A timer as its handler gets it. */
export interface Timer extends TimerKey {
  readonly dueAtMs: number
  /** Times that it failed before. */
  readonly attempts: number
  readonly data: Readonly<Record<string, unknown>>
}

/**
 * Does what a timer is for. Its row is gone already, in the same transaction, so that the handler may set the timer anew; when it throws,
 * all is as before and the timer comes again a minute later.
 */
export type TimerHandler = (hub: HubTransaction, timer: Timer) => Promise<void>

/** Sets the timer of a record, or moves the one that is set: there is one for each kind and record. */
export async function setTimer(hub: HubTransaction, timer: NewTimer): Promise<void> {
  const { tenant, kind, subject } = timer
  const set_at_ms = timer.isAppointed === true ? null : hub.nowMs
  const due = { due_at_ms: timer.dueAtMs, attempts: 0, data: JSON.stringify(timer.data ?? {}), set_at_ms }
  await hub.database
    .insertInto('hub_timers')
    .values({ timer_id: timerId(timer), tenant, kind, subject, ...due })
    .onConflict((conflict) => conflict.column('timer_id').doUpdateSet(due))
    .execute()
  hub.timersSet.push(timer.dueAtMs)
}

/** Takes a timer away; one that is not set changes nothing. */
export async function clearTimer(hub: HubTransaction, key: TimerKey): Promise<void> {
  await hub.database.deleteFrom('hub_timers').where('timer_id', '=', timerId(key)).execute()
}

/** What a timer that is set carries; undefined when none is. */
export async function findTimer(hub: Pick<HubTransaction, 'database'>, key: TimerKey): Promise<Readonly<Record<string, unknown>> | undefined> {
  const row = await hub.database.selectFrom('hub_timers').select('data').where('timer_id', '=', timerId(key)).executeTakeFirst()
  return row === undefined ? undefined : (JSON.parse(row.data) as Record<string, unknown>)
}

/** Those of the keys whose timer is not set. */
export async function findUnset<Key extends TimerKey>(hub: Pick<HubTransaction, 'database'>, keys: readonly Key[]): Promise<Key[]> {
  if (keys.length === 0) return []
  const rows = await hub.database.selectFrom('hub_timers').select('timer_id').where('timer_id', 'in', keys.map(timerId)).execute()
  const set = new Set(rows.map(({ timer_id }) => timer_id))
  return keys.filter((key) => !set.has(timerId(key)))
}

const timerId = ({ kind, tenant, subject }: TimerKey): string => contentId('tmr', kind, tenant, subject)

export interface TimerStatistics {
  readonly timersRun: number
  /** Runs that failed; each is tried again. */
  readonly timersFailed: number
}

export interface TimerLoop {
  start(): void
  /** Ends behind the timer in hand; idempotent. */
  stop(): Promise<void>
  /** Looks for due timers now: one was set, or time has moved on. */
  wake(): void
  /** Resolves when no timer is being run and none that was due at the last look is left. */
  settled(): Promise<void>
  statistics(): TimerStatistics
}

/** Time after which a timer that failed is taken again. */
const RETRY_MS = 60_000
/** Timers read at one look; the rest follow. */
const LOOK_ROWS = 64

/** Creates the loop; nothing runs before `start`. */
export function createTimerLoop(options: {
  readonly database: Kysely<HubTables>
  readonly inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>
  readonly handlers: Readonly<Record<string, TimerHandler>>
  readonly clock: Clock
  readonly log: Log
  readonly napMs?: number | undefined
}): TimerLoop {
  const { database, clock, log } = options
  const counts = { timersRun: 0, timersFailed: 0 }
  const setBackMs = watchClock(clock)
  /** By how much the clock was set back; what another process set is looked at once. */
  let owedMs: number | undefined = 0
  let isStopped = false
  const runOne = async (row: TimerRow): Promise<void> => {
    try {
      if (await options.inTransaction((hub) => runTimer(hub, row, options.handlers))) counts.timersRun++
    } catch (error) {
      counts.timersFailed++
      const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
      log.error('a timer of the hubs failed and is taken again', { kind: row.kind, subject: row.subject, attempts: row.attempts + 1, cause })
      const later = { due_at_ms: clock.now() + RETRY_MS, attempts: row.attempts + 1, set_at_ms: clock.now() }
      await database.updateTable('hub_timers').set(later).where('timer_id', '=', row.timer_id).where('due_at_ms', '=', row.due_at_ms).execute()
    }
  }
  const look = async (): Promise<number | undefined> => {
    const backMs = setBackMs()
    if (backMs > 0) owedMs = (owedMs ?? 0) + backMs
    if (owedMs !== undefined) {
      const corrected = await setRight(database, { nowMs: clock.now(), setBackMs: owedMs })
      if (corrected > 0) log.warn('the clock was ahead: timers of the hubs were set right', { timers: corrected, set_back_ms: owedMs })
      owedMs = undefined
    }
    while (!isStopped) {
      const rows = await nextTimers(database)
      const due = rows.filter(({ due_at_ms }) => due_at_ms <= clock.now())
      if (due.length === 0) return rows[0]?.due_at_ms
      for (const row of due) if (!isStopped) await runOne(row)
      // Read anew, since a handler may have set one that is due before the next of these.
    }
    return undefined
  }
  const loop = createDueLoop({ name: 'timers of the hubs', look, clock, log, napMs: options.napMs })
  return {
    ...loop,
    async stop() {
      isStopped = true
      await loop.stop()
    },
    statistics: () => ({ ...counts }),
  }
}

const nextTimers = (database: Kysely<HubTables>): Promise<TimerRow[]> =>
  database.selectFrom('hub_timers').selectAll().orderBy('due_at_ms').orderBy('timer_id').limit(LOOK_ROWS).execute()

/**
 * Brings forward what was set at a time that is still to come; from another process, whose clock nobody saw, it waits anew at most. What was set
 * longer ago than the clock was ahead is late by less than its own wait, and stays.
 */
async function setRight(database: Kysely<HubTables>, { nowMs, setBackMs }: { readonly nowMs: number; readonly setBackMs: number }): Promise<number> {
  const aheadMs = sql<number>`CASE WHEN set_at_ms - ${nowMs} > ${setBackMs} THEN set_at_ms - ${nowMs} ELSE ${setBackMs} END`
  const due_at_ms = sql<number>`CASE WHEN due_at_ms - (${aheadMs}) > ${nowMs} THEN due_at_ms - (${aheadMs}) ELSE ${nowMs} END`
  const updated = await database
    .updateTable('hub_timers')
    .set({ due_at_ms, set_at_ms: nowMs })
    .where('set_at_ms', '>', nowMs)
    .where('due_at_ms', '>', nowMs)
    .executeTakeFirst()
  return Number(updated.numUpdatedRows)
}

/** Runs a timer unless it was moved or taken away since it was read. */
async function runTimer(hub: HubTransaction, row: TimerRow, handlers: Readonly<Record<string, TimerHandler>>): Promise<boolean> {
  const taken = await hub.database
    .deleteFrom('hub_timers')
    .where('timer_id', '=', row.timer_id)
    .where('due_at_ms', '=', row.due_at_ms)
    .executeTakeFirst()
  if (taken.numDeletedRows === 0n) return false
  const handle = handlers[row.kind]
  if (handle === undefined) throw new Error(`nobody handles timers of the kind ${row.kind}`)
  const { tenant, kind, subject, due_at_ms: dueAtMs, attempts } = row
  await handle(hub, { tenant, kind, subject, dueAtMs, attempts, data: JSON.parse(row.data) as Record<string, unknown> })
  return true
}
