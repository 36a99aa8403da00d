/**
 * Takes back the safe-state command of an emergency that is over where the twin still has it for a device that did not answer: else a device
 * that comes back a day later would close a valve that people opened again. It is never taken back while another emergency of the unit is
 * open. The twin lies in another store; it is asked beside the loop, so that no danger waits for it, and asked again until it answered.
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { COMMAND_LIFE_MS } from './book.ts'
import { commandIdOf } from './command-ids.ts'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'

/** Ends a command that nobody has answered; `unknown` = the twin has not heard of it yet. */
export type WithdrawCommand = (given: {
  readonly tenant: string
  readonly device: string
  readonly commandId: string
}) => Promise<'ended' | 'unknown'>

export interface WithdrawParts {
  readonly database: Kysely<EmergencyTables>
  readonly withdrawCommand?: WithdrawCommand | undefined
  readonly clock: Clock
  readonly log: Log
}

const AGAIN_MS = 60_000
const BATCH = 64
const OPEN_STATES = ['raised', 'acknowledged', 'joined'] as const

const running = new WeakSet<object>()

/** Looks for commands to take back, beside the caller; gives when the next is due. */
export async function startWithdrawing(parts: WithdrawParts): Promise<number | undefined> {
  const { database, withdrawCommand, clock, log } = parts
  if (withdrawCommand === undefined || running.has(database)) return undefined
  const nowMs = clock.now()
  const rows = await database
    .selectFrom('emg_emergencies')
    .selectAll()
    .where('command_withdraw_at_ms', 'is not', null)
    .orderBy('command_withdraw_at_ms')
    .limit(BATCH)
    .execute()
  // An instant farther ahead than any wait was written by a clock that was ahead.
  const due = rows.filter(({ command_withdraw_at_ms: atMs }) => atMs !== null && (atMs <= nowMs || atMs > nowMs + AGAIN_MS))
  if (due.length === 0) return rows[0]?.command_withdraw_at_ms ?? undefined
  running.add(database)
  void withdrawAll(parts, due, withdrawCommand)
    .catch((cause: unknown) => log.warn('safe-state commands of ended emergencies cannot be taken back now', { cause: String(cause) }))
    .finally(() => running.delete(database))
  return nowMs + AGAIN_MS
}

async function withdrawAll({ database, clock }: WithdrawParts, due: readonly EmergencyBookRow[], withdraw: WithdrawCommand): Promise<void> {
  for (const { emergency_id } of due) {
    // As it is now: it may be there again, and so may another danger of the unit.
    const row = await database.selectFrom('emg_emergencies').selectAll().where('emergency_id', '=', emergency_id).executeTakeFirst()
    if (row === undefined || row.command_withdraw_at_ms === null) continue
    const later = { command_withdraw_at_ms: clock.now() + AGAIN_MS }
    const set = (change: { readonly command_withdraw_at_ms: number | null }) =>
      database.updateTable('emg_emergencies').set(change).where('emergency_id', '=', emergency_id).where('state', '=', 'resolved').execute()
    if (row.state !== 'resolved' || (await hasOpenDanger(database, row))) {
      await set(later)
      continue
    }
    await set(later)
    const { tenant, device } = row
    const answer = await withdraw({ tenant, device, commandId: commandIdOf(row) })
    // The ordinary hubs give the command beside this path, and may be late; a command that old has ended by itself.
    const isOver = answer === 'ended' || clock.now() - row.created_at_ms > COMMAND_LIFE_MS
    if (isOver) await set({ command_withdraw_at_ms: null })
  }
}

/** Whether any other danger of the unit is open: its people may count on this command, too. */
async function hasOpenDanger(database: Kysely<EmergencyTables>, { tenant, device, emergency_id }: EmergencyBookRow): Promise<boolean> {
  const open = await database
    .selectFrom('emg_emergencies')
    .select('emergency_id')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('emergency_id', '<>', emergency_id)
    .where('is_drill', '=', 0)
    .where('state', 'in', [...OPEN_STATES])
    .executeTakeFirst()
  return open !== undefined
}
