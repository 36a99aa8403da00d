/**
 * The reading store on DuckDB, embedded. A batch and the position behind it are one transaction, so a crash leaves both or neither, and
 * the pipeline writes again from the position. One connection writes; each query has its own, so that a long one delays no batch. A WAL
 * that cannot be read is moved aside, never deleted: the journal holds what was in it.
 */
import { rename, stat } from 'node:fs/promises'
import { type DuckDBConnection, DuckDBInstance, type DuckDBValue } from '@duckdb/node-api'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import type { HighestReading, RawQuery, RawReading, ReadingStore, StoreBatch, StoreStatistics } from '../reading-store.ts'
import { appendQuarantine, appendReadings, appendSources } from './duckdb-append.ts'
import { bucketRows, highestReadings, lookupReadings, quarantineRows, streamReadings } from './duckdb-queries.ts'
import { addDevice, addFirmware, openSchema, prepareTables, type Registers } from './duckdb-schema.ts'
import { rawReading } from './stored-type.ts'

export interface DuckdbStoreOptions {
  /** Path of the database, or `:memory:`. */
  readonly file: string
  readonly log: Log
  readonly limits: Pick<Limits, 'storeMemoryMib'>
}

/** Creates the store; `start` opens the file. */
export const createDuckdbStore = (options: DuckdbStoreOptions): ReadingStore => new DuckdbStore(options)

const THREADS = 2

interface Opened {
  readonly instance: DuckDBInstance
  readonly writer: DuckDBConnection
  readonly registers: Registers
}

class DuckdbStore implements ReadingStore {
  readonly #options: DuckdbStoreOptions
  #opened: Opened | undefined
  #nextQuarantineId = 1
  /** Writes and preparations follow each other on the one connection. */
  #tail: Promise<unknown> = Promise.resolve()

  constructor(options: DuckdbStoreOptions) {
    this.#options = options
  }

  async start(): Promise<{ readonly position: number }> {
    assert(this.#opened === undefined, 'a store is started once')
    const instance = await this.#open()
    const writer = await instance.connect()
    try {
      const registers = await openSchema(writer)
      const [row] = (await writer.runAndReadAll('SELECT coalesce(max(id), 0)::DOUBLE FROM quarantine')).getRowsJS()
      this.#nextQuarantineId = Number(row?.[0] ?? 0) + 1
      this.#opened = { instance, writer, registers }
      return { position: registers.meta.get('position') ?? 0 }
    } catch (cause) {
      writer.closeSync()
      instance.closeSync()
      throw cause instanceof MendlineError ? cause : unavailable('the reading store cannot be opened', cause)
    }
  }

  prepareType(type: Parameters<ReadingStore['prepareType']>[0]): Promise<void> {
    return this.#inTurn(async ({ writer, registers }) => {
      const hasChanged = await prepareTables(writer, registers, type)
      // A WAL with changes of tables is what did not open again after crashes (duckdb/duckdb#22044, #19712).
      if (hasChanged) await writer.run('CHECKPOINT')
    })
  }

  write(batch: StoreBatch): Promise<void> {
    return this.#inTurn(async ({ writer, registers }) => {
      await writer.run('BEGIN')
      try {
        await registerSources(writer, registers, batch.readings)
        await this.#append(writer, registers, batch)
        await writer.run('COMMIT')
      } catch (cause) {
        await writer.run('ROLLBACK').catch(() => {})
        await this.#readAgain()
        throw cause
      }
      this.#nextQuarantineId += batch.quarantine.length
      registers.meta.set('position', batch.position)
    })
  }

  async lookup(keys: Parameters<ReadingStore['lookup']>[0]): Promise<ReadonlyMap<string, Reading>> {
    return this.#query((connection, registers) => lookupReadings(connection, registers, keys))
  }

  highest(): Promise<readonly HighestReading[]> {
    return this.#query(highestReadings)
  }

  checkpoint(): Promise<void> {
    return this.#inTurn(async ({ writer }) => void (await writer.run('CHECKPOINT')))
  }

  buckets(query: Parameters<ReadingStore['buckets']>[0]): ReturnType<ReadingStore['buckets']> {
    return this.#query((connection, registers) => bucketRows(connection, registers, query))
  }

  async *raw(query: RawQuery): AsyncIterable<RawReading> {
    const { instance, registers } = this.#require()
    // A stream occupies its connection.
    const connection = await instance.connect()
    try {
      for await (const { reading, type } of streamReadings(connection, registers, query)) yield rawReading(reading, type)
    } finally {
      connection.closeSync()
    }
  }

  quarantined(query: Parameters<ReadingStore['quarantined']>[0]): ReturnType<ReadingStore['quarantined']> {
    return this.#query((connection) => quarantineRows(connection, query))
  }

  async statistics(): Promise<StoreStatistics> {
    const { file } = this.#options
    return this.#query(async (connection) => {
      const rows = (await connection.runAndReadAll('SELECT name, value FROM meta')).getRowsJS()
      const meta = new Map(rows.map(([name, value]) => [String(name), Number(value)]))
      const [quarantine] = (await connection.runAndReadAll('SELECT count(*)::DOUBLE FROM quarantine')).getRowsJS()
      const bytes = (await sizeOf(file)) + (await sizeOf(`${file}.wal`))
      return { readings: meta.get('readings') ?? 0, values: meta.get('values') ?? 0, quarantined: Number(quarantine?.[0] ?? 0), bytes }
    })
  }

  async stop(): Promise<void> {
    await this.#tail.catch(() => {})
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return
    await opened.writer.run('CHECKPOINT').catch((cause: unknown) => this.#options.log.warn('store was not checkpointed at its stop', { cause }))
    opened.writer.closeSync()
    opened.instance.closeSync()
  }

  async #open(): Promise<DuckDBInstance> {
    const { file, limits, log } = this.#options
    const settings = { memory_limit: `${limits.storeMemoryMib}MiB`, threads: String(THREADS) }
    try {
      return await DuckDBInstance.create(file, settings)
    } catch (cause) {
      const wal = `${file}.wal`
      if (isLocked(cause) || (await sizeOf(wal)) === 0) throw unavailable('the reading store cannot be opened', cause)
      const aside = await freeName(`${wal}.unreadable`)
      await rename(wal, aside)
      log.error('log of the reading store cannot be read and was moved aside; the journal fills the store again', { aside, cause })
      return DuckDBInstance.create(file, settings).catch((second: unknown) => {
        throw unavailable('the reading store cannot be opened, not even without its log', second)
      })
    }
  }

  async #append(writer: DuckDBConnection, registers: Registers, batch: StoreBatch): Promise<void> {
    let values = 0
    for (const [type, readings] of Map.groupBy(batch.readings, (reading) => reading.type)) {
      assert(registers.types.has(type), 'a type is prepared before its readings are written')
      values += await appendReadings(writer, registers, type, readings)
    }
    await appendQuarantine(writer, batch.quarantine, this.#nextQuarantineId)
    await writer.run(
      `UPDATE meta SET value = CASE name WHEN 'position' THEN $1 ELSE value + CASE name WHEN 'readings' THEN $2 ELSE $3 END END
       WHERE name IN ('position', 'readings', 'values')`,
      [batch.position, batch.readings.length, values],
    )
  }

  /** After a rolled back batch the lists in memory are read anew, for they ran ahead of the tables. */
  async #readAgain(): Promise<void> {
    const opened = this.#require()
    const registers = await openSchema(opened.writer)
    this.#opened = { ...opened, registers }
  }

  #require(): Opened {
    if (this.#opened === undefined) throw unavailable('the reading store is not open')
    return this.#opened
  }

  #inTurn(task: (opened: Opened) => Promise<void>): Promise<void> {
    const turn = this.#tail
      .catch(() => {})
      .then(() => task(this.#require()))
      .catch((cause: unknown) => {
        throw cause instanceof MendlineError || (cause instanceof Error && cause.name === 'AssertionFailure')
          ? cause
          : unavailable('the reading store cannot write', cause)
      })
    this.#tail = turn
    return turn
  }

  async #query<Result>(task: (connection: DuckDBConnection, registers: Registers) => Promise<Result>): Promise<Result> {
    const { instance, registers } = this.#require()
    const connection = await instance.connect()
    try {
      return await task(connection, registers)
    } catch (cause) {
      throw unavailable('the reading store does not answer', cause)
    } finally {
      connection.closeSync()
    }
  }
}

/** Gives numbers to devices, their types and firmwares that the batch brings for the first time; one insertion a table, however many. */
async function registerSources(writer: DuckDBConnection, registers: Registers, readings: readonly Reading[]): Promise<void> {
  const fresh = { devices: [] as DuckDBValue[][], types: [] as DuckDBValue[][], firmwares: [] as DuckDBValue[][] }
  for (const { tenant, device, type, fw } of readings) {
    const name = `${tenant}/${device}`
    let key = registers.deviceKeys.get(name)
    if (key === undefined) {
      key = registers.deviceKeys.size + 1
      fresh.devices.push([key, tenant, device])
      addDevice(registers, key, tenant, device)
    }
    const types = registers.deviceTypes.get(key)
    if (types !== undefined && !types.has(type)) {
      fresh.types.push([key, type])
      types.add(type)
    }
    if (fw !== undefined && !registers.firmwareKeys.has(fw)) {
      const number = registers.firmwareKeys.size + 1
      fresh.firmwares.push([number, fw])
      addFirmware(registers, number, fw)
    }
  }
  await appendSources(writer, 'device_keys', fresh.devices)
  await appendSources(writer, 'device_types', fresh.types)
  await appendSources(writer, 'firmwares', fresh.firmwares)
}

const unavailable = (message: string, cause?: unknown): MendlineError =>
  new MendlineError('MDL_STORE_UNAVAILABLE', message, { retryable: true, ...(cause === undefined ? {} : { cause }) })

/** Another process holds the file; its log is none of ours. */
const isLocked = (cause: unknown): boolean => cause instanceof Error && /lock/i.test(cause.message)

const sizeOf = (path: string): Promise<number> =>
  stat(path).then(
    ({ size }) => size,
    () => 0,
  )

async function freeName(path: string): Promise<string> {
  for (let copy = 1; ; copy++) {
    const name = `${path}-${copy}`
    if (
      !(await stat(name).then(
        () => true,
        () => false,
      ))
    )
      return name
  }
}
