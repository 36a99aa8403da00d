/**
 * Erases a household from the data folder of a stopped server: its name, its devices and all that they said, in journal, states, readings,
 * archive, derived rows, quarantine, orders, webhooks and copies that upgrades kept. Audits stay under a pseudonym whose key is thrown away.
 * Each step may be repeated; the operational store, which knows the devices, comes last, so that a run that broke off is started again. At the
 * end every file is searched. Backups are not touched: the report says which there are and until when they are kept.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { deserialize, serialize } from 'node:v8'
import { systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { verifyJournal } from '../ingest/journals/verify-journal.ts'
import { eraseReadings, hasReadings } from '../ingest/stores/duckdb-erase.ts'
import type { EngineEraser } from '../ingest/stores/influx-erase.ts'
import { createSqliteDerived } from '../ingest/stores/sqlite-derived.ts'
import { eraseInEngine, type KeptInEngine } from './erase-engine.ts'
import { eraseJournal } from './erase-journal.ts'
import { createErasedNames } from './erase-names.ts'
import { eraseEmergencies, eraseOperations } from './erase-operations.ts'
import { type Owned, ownedBy, type StayingDevice } from './erase-owners.ts'

export interface ErasureReport {
  readonly pseudonym: string
  readonly devices: number
  /** Devices that stay, and the stretches [from_ms, to_ms) that were erased of them. */
  readonly staying: readonly StayingDevice[]
  /** Devices whose household changed before its history was kept; what was theirs before that is as it was. */
  readonly unknown: readonly string[]
  readonly journal_records: number
  readonly readings: number
  readonly quarantined: number
  readonly archive_files: number
  readonly rows: Readonly<Record<string, number>>
  /** Files in which a name was still found: none when all went well. */
  readonly still_found: readonly string[]
  readonly backups: ReadonlyArray<{ readonly directory: string; readonly keep_until_ms: number }>
  /** What a time-series engine still holds; empty when it has deleted all, or there is none. */
  readonly kept_in_engine: readonly KeptInEngine[]
}

export interface ErasureOptions {
  readonly tenant: string
  readonly household: string
  /** The engine that holds the readings, where one does. */
  readonly engine?: EngineEraser | undefined
  /** What the engine cannot delete stays in it, and is listed; without it nothing is erased then. */
  readonly isEngineLeft?: boolean
}

/** @throws MendlineError MDL_API_NOT_FOUND when nobody of that name is there, MDL_STORE_UNAVAILABLE when the server was not stopped cleanly */
export async function eraseHousehold(dataDir: string, { tenant, household, engine, isEngineLeft = false }: ErasureOptions): Promise<ErasureReport> {
  const operations = join(dataDir, 'operations.sqlite')
  const { owned, backups } = whoIsIt(operations, tenant, household)
  const { whole: devices, staying, unknown } = owned
  if (devices.length + staying.length === 0) {
    const moved = unknown.length === 0 ? '' : `; ${unknown.length} changed hands before that was noted, whose they were is not known`
    throw new MendlineError('MDL_API_NOT_FOUND', `no device of the tenant ${tenant} is or was in this household${moved}`)
  }
  await refuseUnfinished(dataDir)
  const kept = await eraseInEngine(dataDir, { engine, isEngineLeft, given: { tenant, devices, staying } })
  const names = [household, ...devices]
  const { mentions: mentionsText, mentionsBytes, pseudonymise, pseudonymOf } = createErasedNames(names)
  const ours = new Set(devices)
  const all = new Set([...devices, ...staying.map(({ device }) => device)])

  for (const name of readdirSync(dataDir)) if (name.startsWith('before-')) rmSync(join(dataDir, name), { recursive: true })
  rmSync(join(dataDir, 'journal', 'torn'), { recursive: true, force: true })
  // Files that came and went are copies of readings, packed so that a search would not see a name in them.
  for (const name of ['imports', 'exports']) rmSync(join(dataDir, name), { recursive: true, force: true })
  const since = new Map(staying.map(({ device, spans }) => [device, Math.min(...spans.map(({ from_ms }) => from_ms))]))
  const journal_records = await eraseJournal(join(dataDir, 'journal'), { tenant, devices: ours, since, mentions: mentionsBytes }, limits)
  const touches = createErasedNames([household, ...all]).mentionsBytes
  eraseStates(join(dataDir, 'state'), { tenant, devices: all, mentions: mentionsBytes, touches, isStaying: staying.length > 0 })
  const readings = join(dataDir, 'readings')
  for (const name of existsSync(readings) ? readdirSync(readings) : []) {
    if (/[.]layout-1$|[.]unreadable/.test(name)) rmSync(join(readings, name))
  }
  const hot = join(readings, 'hot.duckdb')
  const erased = (await hasReadings(hot))
    ? await eraseReadings(hot, join(readings, 'cold'), { tenant, devices, staying, names })
    : { rows: 0, quarantined: 0, filesRewritten: 0 }
  await eraseDerived(join(readings, 'derived.sqlite'), tenant, owned)
  eraseTexts(join(dataDir, 'ca'), mentionsText, pseudonymise)
  const search = { tenant, devices: ours, staying, atMs: systemClock.now(), mentions: mentionsText, mentionsBytes, pseudonymise }
  const book = join(dataDir, 'emergency.sqlite')
  const emergencyRows = existsSync(book) ? eraseEmergencies(book, search) : {}
  const rows = { ...emergencyRows, ...eraseOperations(operations, search) }
  return {
    ...{ pseudonym: pseudonymOf(household), devices: devices.length, staying, unknown, journal_records, readings: erased.rows },
    ...{ quarantined: erased.quarantined, archive_files: erased.filesRewritten, rows, backups, kept_in_engine: kept },
    still_found: filesThatMention(dataDir, mentionsBytes),
  }
}

/** What no store has taken yet would be lost to the neighbours where it stands beside a name. */
async function refuseUnfinished(dataDir: string): Promise<void> {
  const file = join(dataDir, 'state', 'pipeline.snapshot')
  if (!existsSync(file)) return
  const { position } = deserialize(readFileSync(file)) as { position: number }
  const { end } = await verifyJournal(join(dataDir, 'journal'), { limits })
  if (position >= end) return
  throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the server did not finish its work at its last end; start it and stop it once')
}

function whoIsIt(file: string, tenant: string, household: string): { readonly owned: Owned; readonly backups: ErasureReport['backups'] } {
  const store = new DatabaseSync(file, { readOnly: true })
  try {
    const there = new Set(
      store
        .prepare("SELECT name FROM sqlite_master WHERE type = 'table'")
        .all()
        .map(({ name }) => name),
    )
    const done = there.has('jobs') ? store.prepare("SELECT report FROM jobs WHERE kind = 'backup' AND state = 'done'").all() : []
    return {
      owned: ownedBy(store, { tenant, household }),
      backups: done.map(({ report }) => {
        const { directory, keep_until_ms } = JSON.parse(String(report)) as { directory: string; keep_until_ms: number }
        return { directory, keep_until_ms }
      }),
    }
  } finally {
    store.close()
  }
}

interface StateSearch {
  readonly tenant: string
  readonly devices: ReadonlySet<string>
  /** Of a name that must be nowhere. */
  readonly mentions: (bytes: Uint8Array) => boolean
  /** Of any device of the search. */
  readonly touches: (bytes: Uint8Array) => boolean
  /** Whether a device goes on: what the pipeline remembers of it is made anew, since a part taken out would let resent readings in twice. */
  readonly isStaying: boolean
}

/** Newest states without what is of the devices; the ones before go. A state that still names them goes, too: it is made anew from the stores. */
function eraseStates(directory: string, search: StateSearch): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const path = join(directory, name)
    const bytes = readFileSync(path)
    if (!search.touches(bytes)) continue
    const isCleaned = name.endsWith('.snapshot') && !name.includes('previous') && !(search.isStaying && name.startsWith('pipeline'))
    const cleaned = isCleaned ? serialize(without(deserialize(bytes), search)) : undefined
    if (cleaned === undefined || search.mentions(cleaned)) rmSync(path)
    else writeFileSync(path, cleaned, { flush: true })
  }
}

/** The value without entries whose key or owner is one of the devices. */
function without(value: unknown, search: StateSearch): unknown {
  const { tenant, devices } = search
  const isKey = (key: unknown): boolean => {
    if (typeof key !== 'string' || !key.startsWith(`${tenant}/`)) return false
    // Behind the tenant may stand the model or type that the entry is of.
    return key.split('/').some((part, index) => index > 0 && devices.has(part))
  }
  const isTheirs = (item: unknown): boolean => {
    if (Array.isArray(item)) return isKey(item[0]) || (item[0] === tenant && devices.has(String(item[1])))
    if (typeof item !== 'object' || item === null) return isKey(item)
    const { tenant: owner, device } = item as { tenant?: unknown; device?: unknown }
    return owner === tenant && typeof device === 'string' && devices.has(device)
  }
  if (value instanceof Map) {
    const kept = [...value].filter(([key, item]) => !isKey(key) && !isTheirs(item))
    return new Map(kept.map(([key, item]) => [key, without(item, search)]))
  }
  if (value instanceof Set) return new Set([...value].filter((item) => !isTheirs(item)))
  if (Array.isArray(value)) return value.filter((item) => !isTheirs(item)).map((item) => without(item, search))
  if (ArrayBuffer.isView(value) || typeof value !== 'object' || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .filter(([key, item]) => !isKey(key) && !isTheirs(item))
      .map(([key, item]) => [key, without(item, search)]),
  )
}

async function eraseDerived(file: string, tenant: string, { whole, staying }: Owned): Promise<void> {
  if (!existsSync(file)) return
  const derived = createSqliteDerived({ file })
  await derived.start()
  for (const device of whole) await derived.erase({ tenant, device })
  for (const { device, spans } of staying) await derived.erase({ tenant, device, spans })
  await derived.stop()
  const store = new DatabaseSync(file)
  store.exec('VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  store.close()
}

function eraseTexts(directory: string, mentions: (text: string) => boolean, pseudonymise: (text: string) => string): void {
  for (const name of existsSync(directory) ? readdirSync(directory) : []) {
    const path = join(directory, name)
    const text = readFileSync(path, 'utf8')
    if (name.endsWith('.jsonl') && mentions(text)) writeFileSync(path, pseudonymise(text), { mode: 0o600, flush: true })
  }
}

function filesThatMention(directory: string, mentions: (bytes: Uint8Array) => boolean): string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => mentions(readFileSync(path)) || mentions(Buffer.from(path)))
}
