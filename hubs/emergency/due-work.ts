/**
 * What falls due in the emergency book by the clock: rungs of ladders, commands to be sent again, silence of devices and households, ends
 * of commands, planned drills, and the link to the order of the same danger. Each kind is found by the instant that stands in its row, so
 * that a restart goes on where the last process stopped.
 */
import { type Kysely, sql } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { COMMAND_LIFE_MS, escalateCommand, noteCommand, raiseAgain } from './book.ts'
import { type BookTransaction, changeRow, joinedTo, leadOf, tell } from './book-transaction.ts'
import { climb, resolveRow, takeRung, watchOn } from './climb.ts'
import { commandIdOf } from './command-ids.ts'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'
import type { SafeCommands } from './safe-commands.ts'
import { setRight } from './set-right.ts'
import { waitOn } from './told-again.ts'
import { startWithdrawing, type WithdrawCommand } from './withdraw-commands.ts'

/** What the ordinary hubs know of a danger's case and order. */
export interface EmergencyLink {
  readonly work_order_id: string
  readonly case_id: string | null
  /** The order is done: so is the emergency, where the condition ceased or somebody took it on. */
  readonly isSettled: boolean
  /** The order is over without a visit, which ends nothing. */
  readonly isDropped?: boolean
}

/** What is known of an emergency whose order is looked up. */
export type OpenEmergency = Pick<EmergencyBookRow, 'emergency_id' | 'work_order_id' | 'created_at_ms'>

export type InTransaction = <T>(action: (book: BookTransaction) => Promise<T>) => Promise<T>

export type IsAway = (unit: { readonly tenant: string; readonly device: string; readonly sinceMs: number }) => boolean

export interface DueParts {
  readonly database: Kysely<EmergencyTables>
  readonly inTransaction: InTransaction
  readonly commands: SafeCommands
  readonly drills: { startDue(): Promise<number | undefined> }
  readonly linksOf?: ((open: readonly OpenEmergency[]) => Promise<ReadonlyMap<string, EmergencyLink>>) | undefined
  readonly isAway: IsAway
  /** Absent = no command of an ended emergency is taken back. */
  readonly withdrawCommand?: WithdrawCommand | undefined
  /** By how much the clock was set back since the last look. */
  readonly setBackMs: () => number
  readonly clock: Clock
  readonly log: Log
}

/** Rows of one look; the rest follow at once. */
const BATCH = 64
/** Emergencies that are not over are compared with their orders this often. */
const LINK_EVERY_MS = 5_000

const linking = new WeakMap<object, { atMs: number; isRunning: boolean }>()

/** Does what is due and gives the instant of what is due next. */
export async function doDue(parts: DueParts): Promise<number | undefined> {
  const { database, inTransaction, commands, clock } = parts
  const nowMs = clock.now()
  const corrected = await setRight(database, { nowMs, setBackMs: parts.setBackMs() })
  if (corrected > 0) parts.log.warn('the clock was ahead: countdowns of emergencies were set right', { emergencies: corrected })
  const due = (column: 'next_step_at_ms' | 'command_next_at_ms' | 'command_overdue_at_ms' | 'unread_at_ms'): Promise<EmergencyBookRow[]> =>
    database.selectFrom('emg_emergencies').selectAll().where(column, '<=', nowMs).orderBy(column).limit(BATCH).execute()
  // The appliance first: its command waits for nobody's ladder.
  const unanswered = await due('command_next_at_ms')
  const ended = unanswered.filter(({ created_at_ms }) => nowMs - created_at_ms >= COMMAND_LIFE_MS)
  await commands.publish(unanswered.filter((row) => !ended.includes(row)))
  for (const row of ended) {
    const reason = 'the device never answered'
    await inTransaction((book) => noteCommand(book, { tenant: row.tenant, command_id: commandIdOf(row), state: 'expired', reason }))
  }
  for (const row of await due('command_overdue_at_ms')) await inTransaction((book) => ofFresh(book, row, 'command_overdue_at_ms', onOverdue))
  for (const row of await due('unread_at_ms')) await inTransaction((book) => ofFresh(book, row, 'unread_at_ms', onUnread))
  for (const row of await due('next_step_at_ms')) await inTransaction((book) => ofFresh(book, row, 'next_step_at_ms', nextStepBy(parts.isAway)))
  const nextDrillMs = await parts.drills.startDue()
  const nextLinkMs = await startLinking(parts, nowMs)
  const nextWithdrawMs = await startWithdrawing(parts)
  return soonest([await nextDue(database), nextDrillMs, nextLinkMs, nextWithdrawMs])
}

/** Acts on the row as the transaction finds it, when it is still due. */
async function ofFresh(
  book: BookTransaction,
  { emergency_id }: EmergencyBookRow,
  column: 'next_step_at_ms' | 'command_overdue_at_ms' | 'unread_at_ms',
  act: (book: BookTransaction, row: EmergencyBookRow) => Promise<unknown>,
): Promise<void> {
  const row = await book.database.selectFrom('emg_emergencies').selectAll().where('emergency_id', '=', emergency_id).executeTakeFirst()
  const dueMs = row?.[column] ?? null
  if (row !== undefined && dueMs !== null && dueMs <= book.nowMs) await act(book, row)
}

/**
 * People are called on. A danger that was called over and that its sensor still tells of is raised again; a sensor that is away tells nothing,
 * so of an unplugged or exchanged unit it is looked for later.
 */
const nextStepBy =
  (isAway: IsAway) =>
  (book: BookTransaction, row: EmergencyBookRow): Promise<unknown> => {
    if (row.state === 'joined') return waitOn(book, row)
    if (row.state !== 'resolved') return climb(book, row)
    return isAway({ ...row, sinceMs: row.resolved_at_ms ?? book.nowMs }) ? watchOn(book, row) : raiseAgain(book, row)
  }

/** The device was silent for too long: said once; the command is sent on. */
async function onOverdue(book: BookTransaction, row: EmergencyBookRow): Promise<void> {
  await escalateCommand(book, await changeRow(book, row, { command_overdue_at_ms: null }), 'overdue', null)
}

/** Nobody in the household said that the advice was read: who is on duty should call there. */
async function onUnread(book: BookTransaction, row: EmergencyBookRow): Promise<void> {
  const changed = await changeRow(book, row, { unread_at_ms: null })
  if (row.state === 'raised') await takeRung(book, changed, 'advice_unread')
  else
    await tell(book, changed, 'emergency.escalated', {
      reason: 'advice_unread',
      owner: row.owner,
      notified: [],
      acknowledge_by_ms: row.next_step_at_ms,
    })
}

async function nextDue(database: Kysely<EmergencyTables>): Promise<number | undefined> {
  const columns = ['next_step_at_ms', 'command_next_at_ms', 'command_overdue_at_ms', 'unread_at_ms'] as const
  const minima: Array<number | undefined> = []
  for (const column of columns) {
    const { at } = await database
      .selectFrom('emg_emergencies')
      .select(sql<number | null>`min(${sql.ref(column)})`.as('at'))
      .where(column, 'is not', null)
      .executeTakeFirstOrThrow()
    minima.push(at === null ? undefined : Number(at))
  }
  return soonest(minima)
}

const soonest = (times: ReadonlyArray<number | undefined>): number | undefined => {
  const known = times.filter((time) => time !== undefined)
  return known.length === 0 ? undefined : Math.min(...known)
}

/** Asks the ordinary hubs for orders beside the loop, so that no rung waits for them. */
async function startLinking(parts: DueParts, nowMs: number): Promise<number | undefined> {
  const { database, linksOf, log } = parts
  if (linksOf === undefined) return undefined
  const open = await database
    .selectFrom('emg_emergencies')
    .selectAll()
    .where('next_step_at_ms', 'is not', null)
    .where('state', '<>', 'resolved')
    .where('is_drill', '=', 0)
    .orderBy('created_at_ms', 'desc')
    .limit(500)
    .execute()
  if (open.length === 0) return undefined
  const last = linking.get(database) ?? { atMs: Number.NEGATIVE_INFINITY, isRunning: false }
  linking.set(database, last)
  if (last.isRunning) return undefined
  if (nowMs >= last.atMs && nowMs - last.atMs < LINK_EVERY_MS) return last.atMs + LINK_EVERY_MS
  last.atMs = nowMs
  last.isRunning = true
  void linkRows(parts, open)
    .catch((cause: unknown) => log.warn('orders of emergencies cannot be looked up now', { cause: String(cause) }))
    .finally(() => {
      last.isRunning = false
    })
  return nowMs + LINK_EVERY_MS
}

async function linkRows({ linksOf, inTransaction }: DueParts, open: readonly EmergencyBookRow[]): Promise<void> {
  const links = (await linksOf?.(open)) ?? new Map<string, EmergencyLink>()
  for (const { emergency_id } of open) if (links.has(emergency_id)) await inTransaction((book) => linkRow(book, emergency_id, links))
}

async function linkRow(book: BookTransaction, emergencyId: string, links: ReadonlyMap<string, EmergencyLink>): Promise<void> {
  const row = await book.database.selectFrom('emg_emergencies').selectAll().where('emergency_id', '=', emergencyId).executeTakeFirst()
  const own = links.get(emergencyId)
  if (row === undefined || own === undefined) return
  const joined = await joinedTo(book, row)
  const others = joined.flatMap(({ emergency_id }) => links.get(emergency_id) ?? []).filter(({ isDropped }) => isDropped !== true)
  // Of a danger that is told again behind an order that was called off, the order of the new telling is the one that counts.
  const link = own.isDropped === true ? (others.at(-1) ?? own) : own
  const { work_order_id, case_id } = link
  const linked = row.work_order_id === work_order_id && row.case_id === case_id ? row : await changeRow(book, row, { work_order_id, case_id })
  const lead = await leadOf(book, linked)
  if (lead !== linked) {
    if (lead.work_order_id === null) await changeRow(book, lead, { work_order_id, case_id })
    return
  }
  // A sensor that still tells of the danger outweighs an order that says done, until somebody has looked; so does the order of another unit of the home.
  const isTold =
    linked.acknowledged_at_ms === null && [linked, ...joined].some(({ alarm, cleared_at_ms }) => alarm !== 'null' && cleared_at_ms === null)
  const isOpen = others.some(({ isSettled }) => !isSettled)
  if (link.isSettled && !isTold && !isOpen) await resolveRow(book, linked, { by: 'mendline', reason: 'its work order is done' })
}
