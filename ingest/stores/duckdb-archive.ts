/**
 * Keeps the store small, one step at a call: closes hot tables that are full or old, makes files of closed ones, merges the files of a
 * day into one, and drops what is older than the retention says. The heavy part of a step runs on a connection of its own; only the
 * change of the lists takes a turn of the writer, for some milliseconds. A crash at any point leaves the old lists or the new ones, and
 * files that no list names are removed at the next start.
 */
import { readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { assert } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import { createLocalDays, type LocalDays } from '#kernel/local-day.ts'
import type { Log } from '#kernel/log.ts'
import { channelDays, type MaintenanceStep, rawDays, type StoreRetention } from '../reading-store.ts'
import type { ColumnScales } from './column-scales.ts'
import { DAY_MS, mergeDerived, type NewPart, type PartWriter, writePart, type ZoneDay } from './duckdb-part.ts'
import { createTables, type Registers, readingsTable, textsTable } from './duckdb-schema.ts'
import { filesSql, partReadingsSql, TEXT_COLUMNS } from './duckdb-sources.ts'
import { type ColdPart, changeView, type SealedTable, sealedTable, sealedTexts, type ViewChange } from './duckdb-view.ts'
import { quoted } from './sql-names.ts'
import type { StoredType } from './stored-type.ts'

export type ArchiveLimits = Pick<Limits, 'storeHotReadings_MAX' | 'storeHotDays' | 'storeDayFiles_MAX'>

/** What the archive needs of the store. */
export interface ArchiveParts {
  readonly registers: () => Registers
  /** Runs a task on the writing connection, between batches; the view is read again behind it. */
  readonly inTurn: <Result>(task: (writer: DuckDBConnection, registers: Registers) => Promise<Result>) => Promise<Result>
  /** Opens a connection for a task. */
  readonly onConnection: <Result>(task: (connection: DuckDBConnection) => Promise<Result>) => Promise<Result>
  /** Resolves when no query is open that began before now. */
  readonly readersGone: () => Promise<void>
  readonly retention: StoreRetention | undefined
  /** IANA name of a device's time zone. */
  readonly timeZoneOf: (tenant: string, device: string) => string
  readonly limits: ArchiveLimits
  readonly log: Log
  readonly onStep: (step: string) => Promise<void>
}

export class Archive {
  readonly #parts: ArchiveParts
  readonly #zones = new Map<string, LocalDays>()
  #waiting: Array<{ readonly paths: readonly string[]; isFree: boolean }> = []

  constructor(parts: ArchiveParts) {
    this.#parts = parts
  }

  /** Removes files that no list names: what a crash left, or what was replaced before readers let go of it. */
  async removeStrays(): Promise<void> {
    const { coldDirectory, view } = this.#parts.registers()
    const known = new Set(view.parts.flatMap((part) => Object.values(part.files).map((file) => file.path)))
    for (const entry of await readdir(coldDirectory, { recursive: true, withFileTypes: true }).catch(() => [])) {
      const path = join(entry.parentPath, entry.name).slice(coldDirectory.length + 1)
      if (!entry.isFile() || known.has(path) || !/[.]parquet([.]tmp)?$/.test(path)) continue
      this.#parts.log.info('a file of the archive that no list names is removed', { path })
      await rm(join(coldDirectory, path), { force: true })
    }
    const named = new Set(view.sealed.flatMap(({ number }) => [sealedTable(number), sealedTexts(number)]))
    await this.#parts.inTurn(async (writer) => {
      const tables = (await writer.runAndReadAll("SELECT table_name FROM duckdb_tables() WHERE table_name LIKE 'sealed!_%' ESCAPE '!'")).getRowsJS()
      for (const [table] of tables)
        if (table !== 'sealed_tables' && !named.has(String(table))) await writer.run(`DROP TABLE ${quoted(String(table))}`)
    })
    for (const path of known) {
      const size = await stat(join(coldDirectory, path)).then(
        ({ size }) => size,
        () => -1,
      )
      if (size < 0) this.#parts.log.error('a file of the archive is missing', { path })
    }
  }

  /** Does the next step that is due. */
  async step(nowMs: number): Promise<MaintenanceStep | undefined> {
    await this.#removeReplaced()
    const [sealed] = this.#parts.registers().view.sealed
    if (sealed !== undefined) return this.#archive(sealed)
    return (await this.#seal(nowMs)) ?? (await this.#drop(nowMs)) ?? (await this.#dropColumns(nowMs)) ?? this.#merge(nowMs)
  }

  /** Closes the first hot table that is full or has receipts of a day that is over; its readers see both names at once. */
  #seal(nowMs: number): Promise<MaintenanceStep | undefined> {
    const { inTurn, limits, onStep } = this.#parts
    const oldestDay = Math.floor(nowMs / DAY_MS) - limits.storeHotDays + 1
    return inTurn(async (writer, registers) => {
      for (const id of registers.types.keys()) {
        const table = quoted(readingsTable(id))
        const sql = `SELECT count(*)::DOUBLE, min(received_at_ms)::DOUBLE FROM ${table}`
        const [row = []] = (await writer.runAndReadAll(sql)).getRowsJS()
        const rows = Number(row[0])
        if (rows === 0 || (rows < limits.storeHotReadings_MAX && Number(row[1]) >= oldestDay * DAY_MS)) continue
        const number = await nextPart(writer)
        await inTransaction(writer, async () => {
          await writer.run(`ALTER TABLE ${table} RENAME TO ${sealedTable(number)}`)
          await writer.run(`ALTER TABLE ${quoted(textsTable(id))} RENAME TO ${sealedTexts(number)}`)
          await createTables(writer, id)
          await changeView(writer, { addSealed: [{ number, type: id, columns: registers.tableColumns.get(id) ?? [] }] })
        })
        await onStep('sealed')
        return { step: 'sealed', type: id, rows, bytes: 0 }
      }
      return undefined
    })
  }

  /** Makes a part of each day of a closed table, then drops it. */
  async #archive(sealed: SealedTable): Promise<MaintenanceStep> {
    const { registers, onConnection, onStep } = this.#parts
    const now = registers()
    const type = now.types.get(sealed.type) ?? { id: sealed.type, channels: [], columns: [], indexOf: new Map() }
    const table = sealedTable(sealed.number)
    const columns = type.columns.filter((column) => sealed.columns.includes(column))
    const added: ColdPart[] = []
    await onConnection(async (connection) => {
      const sql = `SELECT DISTINCT (observed_at_ms // ${DAY_MS})::INTEGER AS day FROM ${table} ORDER BY day`
      for (const [day] of (await connection.runAndReadAll(sql)).getRowsJS()) {
        added.push(await this.#write(connection, { type, day: Number(day), readings: table, texts: sealedTexts(sealed.number), columns }))
      }
    })
    await this.#change({ addParts: added, dropSealed: [sealed.number] }, async (writer) => {
      await writer.run(`INSERT INTO cold_highest SELECT device_key, boot, max(seq) FROM ${table} GROUP BY ALL
        ON CONFLICT DO UPDATE SET seq = greatest(seq, excluded.seq)`)
    })
    await onStep('switched')
    await this.#parts.inTurn(async (writer) => {
      // The table goes in a transaction of its own: at the next start a table that no list names is dropped, too.
      await writer.run(`DROP TABLE ${table}`)
      await writer.run(`DROP TABLE ${sealedTexts(sealed.number)}`)
    })
    await onStep('dropped')
    return { step: 'archived', type: sealed.type, rows: sum(added.map(({ rows }) => rows)), bytes: bytesOf(added) }
  }

  /** Makes one file of several of a day that is over. */
  async #merge(nowMs: number): Promise<MaintenanceStep | undefined> {
    const { view, types } = this.#parts.registers()
    const today = Math.floor(nowMs / DAY_MS)
    const withRaw = view.parts.filter((part) => part.files.raw !== undefined)
    for (const parts of Map.groupBy(withRaw, ({ type, day }) => `${type}/${day}`).values()) {
      const [first] = parts
      const type = first === undefined ? undefined : types.get(first.type)
      if (first === undefined || type === undefined || parts.length < 2) continue
      if (first.day >= today - 1 && parts.length <= this.#parts.limits.storeDayFiles_MAX) continue
      return { step: 'merged', ...(await this.#rewrite(parts, type, type.columns)) }
    }
    return undefined
  }

  /** Drops files of days older than each tier is kept, and quarantine. */
  async #drop(nowMs: number): Promise<MaintenanceStep | undefined> {
    const { registers, retention } = this.#parts
    if (retention === undefined) return undefined
    const today = Math.floor(nowMs / DAY_MS)
    for (const part of registers().view.parts) {
      const ages = {
        raw: rawDays(retention, part.type),
        texts: rawDays(retention, part.type),
        hourly: retention.hourly_days,
        daily: retention.daily_days,
      }
      const tooOld = (Object.keys(part.files) as Array<keyof typeof ages>).filter((tier) => part.day < today - ages[tier])
      if (tooOld.length === 0) continue
      const isWhole = tooOld.length === Object.keys(part.files).length
      await this.#change(isWhole ? { dropParts: [part.part] } : { dropFiles: tooOld.map((tier) => [part.part, tier] as const) })
      this.#replaced(tooOld.flatMap((tier) => part.files[tier]?.path ?? []))
      const bytes = sum(tooOld.map((tier) => part.files[tier]?.bytes ?? 0))
      return { step: 'dropped', type: part.type, rows: tooOld.includes('raw') ? part.rows : 0, bytes }
    }
    return this.#dropQuarantine(nowMs - retention.quarantine_days * DAY_MS)
  }

  #dropQuarantine(beforeMs: number): Promise<MaintenanceStep | undefined> {
    return this.#parts.inTurn(async (writer) => {
      const [row = []] = (
        await writer.runAndReadAll('SELECT count(*)::DOUBLE FROM quarantine WHERE received_at_ms < $1', [BigInt(beforeMs)])
      ).getRowsJS()
      if (Number(row[0]) === 0) return undefined
      await inTransaction(writer, async () => {
        await writer.run('DELETE FROM quarantine WHERE received_at_ms < $1', [BigInt(beforeMs)])
        await writer.run('DELETE FROM quarantine_raw WHERE raw_id NOT IN (SELECT raw_id FROM quarantine)')
      })
      return { step: 'quarantine_dropped', type: '', rows: Number(row[0]), bytes: 0 }
    })
  }

  /** Writes files anew without the columns of channels that are older than they are kept. */
  async #dropColumns(nowMs: number): Promise<MaintenanceStep | undefined> {
    const { registers, retention } = this.#parts
    if (retention === undefined) return undefined
    const today = Math.floor(nowMs / DAY_MS)
    const { view, types } = registers()
    for (const part of view.parts) {
      const type = types.get(part.type)
      if (part.files.raw === undefined || type === undefined) continue
      const over = type.channels.filter(({ name }) => {
        const days = channelDays(retention, part.type, name)
        return days !== undefined && part.day < today - days
      })
      const gone = new Set(over.flatMap(({ name }) => [name, `${name}_min`, `${name}_max`]))
      const kept = Object.keys(part.columns).filter((column) => !gone.has(column))
      if (kept.length === Object.keys(part.columns).length) continue
      return { step: 'columns_dropped', ...(await this.#rewrite([part], type, kept)) }
    }
    return undefined
  }

  /** Replaces parts of one day by one; hours and local days come from those of the parts, so that they keep what raw readings lost. */
  async #rewrite(parts: readonly ColdPart[], type: StoredType, columns: readonly string[]): Promise<Omit<MaintenanceStep, 'step'>> {
    const { registers, onConnection } = this.#parts
    const [first] = parts
    assert(first !== undefined, 'there is a part to write anew')
    const now = registers()
    const kept = columns.filter((column) => parts.some((part) => part.columns[column] !== undefined))
    const paths = parts.flatMap((part) => part.files.texts?.path ?? [])
    const texts = paths.length === 0 ? undefined : `(SELECT ${TEXT_COLUMNS} FROM ${filesSql(now, paths)})`
    const merged = await onConnection((connection) =>
      this.#write(connection, { type, day: first.day, readings: partReadingsSql(now, parts, kept), texts, columns: kept }, parts),
    )
    await this.#change({ addParts: [merged], dropParts: parts.map(({ part }) => part) })
    const still = new Set(Object.values(merged.files).map(({ path }) => path))
    this.#replaced(parts.flatMap((part) => Object.values(part.files).map(({ path }) => path)).filter((path) => !still.has(path)))
    await this.#parts.onStep('rewritten')
    return { type: type.id, rows: merged.rows, bytes: bytesOf([merged]) }
  }

  /** Writes a part; with `from`, its hours and local days are those of these parts. */
  async #write(connection: DuckDBConnection, given: Omit<NewPart, 'part' | 'zoneDays'>, from: readonly ColdPart[] = []): Promise<ColdPart> {
    const { registers, inTurn, onStep } = this.#parts
    const part = await inTurn(nextPart)
    const writer: PartWriter = { connection, directory: registers().coldDirectory, onStep }
    if (from.length === 0) return writePart(writer, { ...given, part, zoneDays: await this.#zoneDays(connection, given.day) })
    const written = await writePart(writer, { ...given, part, zoneDays: undefined })
    const channels = commonScales(from)
    const [only] = from
    if (from.length === 1 && only !== undefined) {
      const { hourly, daily } = only.files
      return {
        ...written,
        channels,
        files: { ...written.files, ...(hourly === undefined ? {} : { hourly }), ...(daily === undefined ? {} : { daily }) },
      }
    }
    const hourly = await mergeDerived(writer, { parts: from, tier: 'hourly', part, channels })
    const daily = await mergeDerived(writer, { parts: from, tier: 'daily', part, channels })
    return {
      ...written,
      channels,
      files: { ...written.files, ...(hourly === undefined ? {} : { hourly }), ...(daily === undefined ? {} : { daily }) },
    }
  }

  /** Local days that touch a UTC day, by zone; tells the connection which devices live in another zone than the first. */
  async #zoneDays(connection: DuckDBConnection, day: number): Promise<readonly ZoneDay[]> {
    const { registers, timeZoneOf } = this.#parts
    const numbers = new Map<string, number>()
    const elsewhere: string[] = []
    for (const [key, { tenant, device }] of registers().devices) {
      const zone = timeZoneOf(tenant, device)
      const number = numbers.get(zone) ?? numbers.size
      numbers.set(zone, number)
      if (number > 0) elsewhere.push(`(${key}, ${number})`)
    }
    await connection.run('CREATE OR REPLACE TEMP TABLE zone_of(device_key UINTEGER, zone INTEGER)')
    if (elsewhere.length > 0) await connection.run(`INSERT INTO zone_of VALUES ${elsewhere.join(', ')}`)
    return [...numbers].flatMap(([name, zone]) => {
      const days = this.#zones.get(name) ?? createLocalDays(name)
      this.#zones.set(name, days)
      return days.daysIn(day * DAY_MS, (day + 1) * DAY_MS).map(({ from_ms, to_ms }) => ({ zone, fromMs: from_ms, toMs: to_ms }))
    })
  }

  /** Commits a change of the lists in the writer's turn. */
  #change(change: ViewChange, along: (writer: DuckDBConnection) => Promise<void> = async () => {}): Promise<void> {
    return this.#parts.inTurn((writer) =>
      inTransaction(writer, async () => {
        await along(writer)
        await changeView(writer, change)
      }),
    )
  }

  /** Keeps files that were replaced until no reader knows them and the database no longer needs its own log for forgetting them. */
  #replaced(paths: readonly string[]): void {
    const batch = { paths, isFree: false }
    this.#waiting.push(batch)
    void this.#parts.readersGone().then(() => {
      batch.isFree = true
    })
  }

  async #removeReplaced(): Promise<void> {
    const free = this.#waiting.filter(({ isFree }) => isFree)
    if (free.length === 0) return
    try {
      await this.#parts.inTurn(async (writer) => void (await writer.run('CHECKPOINT')))
    } catch (error) {
      // A long query keeps the database from it; the next step tries again.
      this.#parts.log.debug('files that were replaced stay until the store can be checkpointed', { cause: String(error) })
      return
    }
    this.#waiting = this.#waiting.filter((batch) => !free.includes(batch))
    for (const path of free.flatMap(({ paths }) => paths)) await rm(join(this.#parts.registers().coldDirectory, path), { force: true })
  }
}

async function nextPart(writer: DuckDBConnection): Promise<number> {
  const [row] = (await writer.runAndReadAll("UPDATE meta SET value = value + 1 WHERE name = 'next_part' RETURNING value - 1")).getRowsJS()
  return Number(row?.[0])
}

async function inTransaction<Result>(writer: DuckDBConnection, task: () => Promise<Result>): Promise<Result> {
  await writer.run('BEGIN')
  try {
    const result = await task()
    await writer.run('COMMIT')
    return result
  } catch (cause) {
    await writer.run('ROLLBACK').catch(() => {})
    throw cause
  }
}

/** Exponents of the channels of several parts: the finest of each, null where one part has doubles. */
function commonScales(parts: readonly ColdPart[]): ColumnScales {
  const common: Record<string, number | null> = {}
  for (const { channels } of parts) {
    for (const [channel, exponent] of Object.entries(channels)) {
      const before = common[channel]
      common[channel] = before === null || exponent === null ? null : Math.max(before ?? 0, exponent)
    }
  }
  return common
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, value) => total + value, 0)
const bytesOf = (parts: readonly ColdPart[]): number => sum(parts.flatMap(({ files }) => Object.values(files).map(({ bytes }) => bytes)))
