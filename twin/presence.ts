/**
 * The presence of devices: who is there, since when, and what the hubs were told of it. Comings and goings of connections become notes
 * for the hubs only after a grace time, so that a short reconnect says nothing and a town whose power comes back is a few transactions.
 * It is kept in rows: who was there when the server went down and is not back within the grace time after its start is silent since
 * then. A wild crash may lose the last second.
 */
import type { Kysely } from 'kysely'
import { type Clock, type EpochMs, epochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { TwinTables } from './twin-tables.ts'

/** `unknown`: it was there before the server went down and has not come back yet. */
export interface DevicePresence {
  readonly state: 'online' | 'offline' | 'unknown'
  readonly since_ms: number
}

export interface Presence {
  start(): Promise<void>
  note(tenant: string, device: string, isOnline: boolean): void
  of(tenant: string, device: string): DevicePresence | undefined
  counts(): { readonly online: number; readonly offline: number; readonly unknown: number }
  /** Hands over what is owed and stops; who is away for less than the grace time is not noted. */
  stop(): Promise<void>
}

export interface PresenceParts {
  readonly database: Kysely<TwinTables>
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'presenceGraceMs'>
}

interface Entry {
  readonly tenant: string
  readonly device: string
  state: DevicePresence['state']
  sinceMs: EpochMs
  /** The hubs are told that it is silent ... */
  isSaid: boolean
  /** ... and have taken it. */
  isTold: boolean
}

/** Who is away too long is looked for, and rows are written, this often. */
const LOOK_MS = 1_000
/** Events and rows of one transaction. */
const BATCH = 500
/** The mark that tells a later start when this one last ran is written this often. */
const ALIVE_MS = 15_000
const MARK = 'alive'

export function createPresence(parts: PresenceParts): Presence {
  return new PresenceBook(parts)
}

class PresenceBook implements Presence {
  readonly #parts: PresenceParts
  /** Bounded by the devices of the registry. */
  readonly #entries = new Map<string, Entry>()
  readonly #dirty = new Set<Entry>()
  /** Who is away and not said to be, with the time at which that is due. */
  readonly #away = new Map<Entry, number>()
  #owed: HubEvent[] = []
  #aliveMs = 0
  #cancel: () => void = () => {}
  #running: Promise<void> = Promise.resolve()
  #isStopping = false

  constructor(parts: PresenceParts) {
    this.#parts = parts
  }

  async start(): Promise<void> {
    const { database, clock, limits } = this.#parts
    const mark = await database.selectFrom('twin_marks').select('value').where('name', '=', MARK).executeTakeFirst()
    const nowMs = clock.now()
    for (const row of await database.selectFrom('twin_presence').selectAll().execute()) {
      const wasOnline = row.is_online === 1
      // Who was there was so at least until the server last ran.
      const sinceMs = wasOnline ? Math.max(Number(row.since_ms), Number(mark?.value ?? 0)) : Number(row.since_ms)
      const entry: Entry = {
        ...{ tenant: row.tenant, device: row.device, state: wasOnline ? 'unknown' : 'offline' },
        ...{ sinceMs: epochMs(sinceMs), isSaid: row.is_said === 1, isTold: row.is_said === 1 },
      }
      this.#entries.set(`${row.tenant}/${row.device}`, entry)
      if (!entry.isSaid) this.#away.set(entry, nowMs + limits.presenceGraceMs)
    }
    this.#schedule()
  }

  note(tenant: string, device: string, isOnline: boolean): void {
    const { clock, limits } = this.#parts
    const key = `${tenant}/${device}`
    const nowMs = clock.now()
    const entry = this.#entries.get(key) ?? { tenant, device, state: 'unknown', sinceMs: nowMs, isSaid: false, isTold: false }
    this.#entries.set(key, entry)
    const state = isOnline ? 'online' : 'offline'
    if (entry.state === state) return
    if (isOnline && entry.isSaid) this.#owe('device_returned', entry, nowMs)
    if (isOnline) this.#away.delete(entry)
    else this.#away.set(entry, nowMs + limits.presenceGraceMs)
    entry.state = state
    entry.sinceMs = nowMs
    entry.isSaid = false
    entry.isTold = false
    this.#dirty.add(entry)
  }

  of(tenant: string, device: string): DevicePresence | undefined {
    const entry = this.#entries.get(`${tenant}/${device}`)
    return entry === undefined ? undefined : { state: entry.state, since_ms: entry.sinceMs }
  }

  counts(): { readonly online: number; readonly offline: number; readonly unknown: number } {
    const counts = { online: 0, offline: 0, unknown: 0 }
    for (const { state } of this.#entries.values()) counts[state]++
    return counts
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#cancel()
    await this.#running
    this.#aliveMs = 0
    await this.#look()
  }

  #owe(kind: 'device_silent' | 'device_returned', { tenant, device }: Entry, at_ms: EpochMs): void {
    this.#owed.push({ kind, key: `${kind}/${tenant}/${device}/${at_ms}`, tenant, device, at_ms })
  }

  #schedule(): void {
    this.#cancel = this.#parts.clock.after(LOOK_MS, () => {
      this.#running = this.#look().finally(() => {
        if (!this.#isStopping) this.#schedule()
      })
    })
  }

  async #look(): Promise<void> {
    const nowMs = this.#parts.clock.now()
    const said: Entry[] = []
    for (const [entry, dueMs] of this.#away) {
      if (nowMs < dueMs) continue
      this.#away.delete(entry)
      if (entry.state === 'unknown') entry.state = 'offline'
      entry.isSaid = true
      this.#owe('device_silent', entry, entry.sinceMs)
      this.#dirty.add(entry)
      said.push(entry)
    }
    try {
      // The row is written before the hubs hear of it: told again after a crash it has the same time, so the same key.
      await this.#writeRows(nowMs)
      await this.#tell()
      for (const entry of said) {
        if (entry.state !== 'offline') continue
        entry.isTold = true
        this.#dirty.add(entry)
      }
      await this.#writeRows(nowMs)
    } catch (cause) {
      this.#parts.log.error('presence was not noted, it is tried again', { waiting: this.#owed.length, cause: String(cause) })
      // Not told for sure: they are looked at once more, and what the hubs have already changes nothing.
      for (const entry of said) {
        if (entry.state !== 'offline' || entry.isTold) continue
        entry.isSaid = false
        this.#away.set(entry, nowMs)
      }
      this.#owed = this.#owed.filter((event) => event.kind !== 'device_silent')
    }
  }

  async #tell(): Promise<void> {
    while (this.#owed.length > 0) {
      const batch = this.#owed.slice(0, BATCH)
      await this.#parts.apply(batch)
      this.#owed = this.#owed.slice(batch.length)
    }
  }

  async #writeRows(nowMs: number): Promise<void> {
    const { database } = this.#parts
    while (this.#dirty.size > 0) {
      const batch = [...this.#dirty].slice(0, BATCH)
      for (const entry of batch) this.#dirty.delete(entry)
      try {
        await database.transaction().execute(async (transaction) => {
          for (const { tenant, device, state, sinceMs, isTold } of batch) {
            const values = { is_online: state === 'offline' ? 0 : 1, since_ms: sinceMs, is_said: isTold ? 1 : 0 }
            await transaction
              .insertInto('twin_presence')
              .values({ tenant, device, ...values })
              .onConflict((conflict) => conflict.columns(['tenant', 'device']).doUpdateSet(values))
              .execute()
          }
        })
      } catch (error) {
        for (const entry of batch) this.#dirty.add(entry)
        throw error
      }
    }
    if (nowMs - this.#aliveMs < ALIVE_MS) return
    await database
      .insertInto('twin_marks')
      .values({ name: MARK, value: nowMs })
      .onConflict((conflict) => conflict.column('name').doUpdateSet({ value: nowMs }))
      .execute()
    this.#aliveMs = nowMs
  }
}
