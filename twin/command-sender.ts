/**
 * Brings commands to devices. A command is written to the device's live sessions when it is given, at each subscription to its topic,
 * and by a bounded schedule, until the device answers or it expires; nothing waits inside the broker. How far each came is written in
 * groups, since a lost note of that kind only means that it is sent once more (the device goes by the id).
 */
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { type CommandNote, type CommandState, UNANSWERED_STATES } from '#kernel/command.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { expireCommands, noteOverdue, type Progress, writeProgress } from './command-book.ts'
import type { CommandRow, TwinTables } from './twin-tables.ts'

/** Live sessions of devices. */
export interface CommandChannel {
  /** Writes to each live session with a subscription that covers the command's topic; gives how many. `onDelivered` = the session's PUBACK. */
  sendCommand(
    message: { readonly tenant: string; readonly device: string; readonly commandId: string; readonly payload: Uint8Array },
    onDelivered: () => void,
  ): number
}

export interface CommandSenderParts {
  readonly database: Kysely<TwinTables>
  readonly channel: () => CommandChannel | undefined
  /** Tells the giver of followed commands what became of them; resolves when it is kept. */
  readonly tell: (notes: readonly CommandNote[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'commandAttempts_MAX'>
}

export interface CommandSender {
  start(): Promise<void>
  stop(): Promise<void>
  /** A command was given to the device, or it may hear one now. */
  serve(tenant: string, device: string, isNew?: boolean): void
  /** Commands that ran out of time since the start. */
  expiredCount(): number
}

/** Waits between the times that an unanswered command is sent to a device that is there; the last goes on. */
const RETRY_MS = [5_000, 15_000, 60_000, 300_000, 900_000] as const
/** Subscriptions that come together are served together. */
const SERVE_AFTER_MS = 20
/** Progress is written this often. */
const WRITE_AFTER_MS = 50
/** Due and expired commands are looked for this often. */
const TICK_MS = 1_000
/** Devices, or due commands, that are served before the event loop gets its turn, and rows of one transaction. */
const BATCH = 100

export function createCommandSender(parts: CommandSenderParts): CommandSender {
  return new Sender(parts)
}

const keyOf = (tenant: string, device: string): string => `${tenant}/${device}`

class Sender implements CommandSender {
  readonly #parts: CommandSenderParts
  /** Devices with unanswered commands, perhaps; bounded by the devices of the registry. */
  readonly #owing = new Set<string>()
  readonly #toServe = new Set<string>()
  readonly #progress = new Map<string, Progress>()
  readonly #cancels = new Map<string, () => void>()
  #work: Promise<void> = Promise.resolve()
  #isStopping = false
  #expired = 0

  constructor(parts: CommandSenderParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const rows = await this.#unanswered().select(['tenant', 'device']).distinct().execute()
    for (const { tenant, device } of rows) this.#owing.add(keyOf(tenant, device))
    this.#later('tick', TICK_MS, () => this.#tick())
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    for (const cancel of this.#cancels.values()) cancel()
    this.#cancels.clear()
    await this.#work
    await this.#write().catch((cause: unknown) => this.#parts.log.warn('progress of commands is not written', { cause: String(cause) }))
  }

  serve(tenant: string, device: string, isNew = false): void {
    const key = keyOf(tenant, device)
    if (isNew) this.#owing.add(key)
    if (!this.#owing.has(key)) return
    this.#toServe.add(key)
    this.#later('serve', SERVE_AFTER_MS, () => this.#serveAll())
  }

  expiredCount(): number {
    return this.#expired
  }

  /** Runs `task` behind what is running, once for calls that come together; a failure is logged and tried again at the next tick. */
  #later(name: string, afterMs: number, task: () => Promise<void>): void {
    if (this.#isStopping || this.#cancels.has(name)) return
    const run = (): void => {
      this.#cancels.delete(name)
      this.#work = this.#work.then(task).catch((cause: unknown) => this.#parts.log.error('commands wait', { step: name, cause: String(cause) }))
    }
    this.#cancels.set(name, this.#parts.clock.after(afterMs, run))
  }

  #unanswered() {
    return this.#parts.database.selectFrom('twin_commands').where('state', 'in', [...UNANSWERED_STATES])
  }

  async #serveAll(): Promise<void> {
    const keys = [...this.#toServe].slice(0, BATCH)
    for (const key of keys) {
      this.#toServe.delete(key)
      const slash = key.indexOf('/')
      const rows = await this.#unanswered()
        .selectAll()
        .where('tenant', '=', key.slice(0, slash))
        .where('device', '=', key.slice(slash + 1))
        .orderBy('created_at_ms')
        .orderBy('command_id')
        .execute()
      if (rows.length === 0) this.#owing.delete(key)
      for (const row of rows) this.#send(row)
    }
    if (this.#toServe.size > 0) this.#later('serve', 0, () => this.#serveAll())
  }

  #send(row: CommandRow): boolean {
    const { channel, clock, limits } = this.#parts
    const { tenant, device, command_id: commandId } = row
    const nowMs = clock.now()
    if (row.expires_at_ms <= nowMs) return false
    const body = { command: row.name, payload: JSON.parse(row.payload) as unknown, expires_at_ms: row.expires_at_ms }
    const payload = Buffer.from(JSON.stringify(body))
    const sessions = channel()?.sendCommand({ tenant, device, commandId, payload }, () => this.#delivered(row)) ?? 0
    if (sessions === 0) return false
    const progress = this.#progressOf(row)
    progress.sentAtMs = nowMs
    progress.attempts++
    const attempts = row.attempts + progress.attempts
    progress.nextTryAtMs = attempts < limits.commandAttempts_MAX ? nowMs + (RETRY_MS[attempts - 1] ?? RETRY_MS[4]) : null
    this.#later('write', WRITE_AFTER_MS, () => this.#write())
    return true
  }

  #delivered(row: CommandRow): void {
    this.#progressOf(row).deliveredAtMs = this.#parts.clock.now()
    this.#later('write', WRITE_AFTER_MS, () => this.#write())
  }

  #progressOf({ tenant, command_id }: CommandRow): Progress {
    const key = keyOf(tenant, command_id)
    const known = this.#progress.get(key) ?? { tenant, command_id, sentAtMs: undefined, deliveredAtMs: undefined, attempts: 0, nextTryAtMs: null }
    this.#progress.set(key, known)
    return known
  }

  async #write(): Promise<void> {
    const batch = [...this.#progress].slice(0, BATCH)
    if (batch.length === 0) return
    for (const [key] of batch) this.#progress.delete(key)
    try {
      await this.#parts.database.transaction().execute(async (transaction) => {
        for (const [, progress] of batch) await writeProgress(transaction, progress)
      })
    } catch (error) {
      for (const [key, progress] of batch) if (!this.#progress.has(key)) this.#progress.set(key, progress)
      this.#later('write', TICK_MS, () => this.#write())
      throw error
    }
    if (this.#progress.size > 0) this.#later('write', 0, () => this.#write())
    await this.#tellOwed()
  }

  async #tick(): Promise<void> {
    const { database, clock } = this.#parts
    try {
      const nowMs = clock.now()
      const due = await this.#unanswered().selectAll().where('next_try_at_ms', '<=', nowMs).orderBy('next_try_at_ms').limit(BATCH).execute()
      const absent = due.filter((row) => !this.#send(row))
      for (const { tenant, command_id } of absent) {
        await database
          .updateTable('twin_commands')
          .set({ next_try_at_ms: null })
          .where('tenant', '=', tenant)
          .where('command_id', '=', command_id)
          .execute()
      }
      this.#expired += await database.transaction().execute((transaction) => expireCommands(transaction, nowMs, BATCH))
      await noteOverdue(database, nowMs)
      await this.#tellOwed()
    } finally {
      this.#later('tick', TICK_MS, () => this.#tick())
    }
  }

  /** A note that cannot be told now stays owed. */
  async #tellOwed(): Promise<void> {
    const { database, tell, log } = this.#parts
    const rows = await database.selectFrom('twin_commands').selectAll().where('owed_note', 'is not', null).limit(BATCH).execute()
    if (rows.length === 0) return
    try {
      await tell(rows.map(toNote))
    } catch (cause) {
      log.error('what became of commands could not be told, it stays owed', { count: rows.length, cause: String(cause) })
      return
    }
    await database.transaction().execute(async (transaction) => {
      for (const { tenant, command_id, owed_note } of rows) {
        await transaction
          .updateTable('twin_commands')
          .set({ owed_note: null })
          .where('tenant', '=', tenant)
          .where('command_id', '=', command_id)
          .where('owed_note', '=', owed_note)
          .execute()
      }
    })
  }
}

function toNote({ command_id, tenant, device, owed_note, owed_note_at_ms, reason }: CommandRow): CommandNote {
  return { command_id, tenant, device, state: owed_note as CommandState | 'overdue', reason, at_ms: (owed_note_at_ms ?? 0) as CommandNote['at_ms'] }
}
