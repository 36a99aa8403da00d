/**
 * The reading store on DuckDB, embedded: hot tables in the database, older readings in Parquet files by type and day. A batch and the
 * position behind it are one transaction, so a crash leaves both or neither, and the pipeline writes again from the position. One
 * connection writes; each query has its own and one moment of tables and files. A WAL that cannot be read is moved aside, never deleted:
 * the journal holds what was in it.
 */
import { mkdir } from 'node:fs/promises'
import type { DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import { ReadingRows } from '../reading-rows.ts'
import type { MaintenanceStep, RawReading, ReadingStore, StorageTier, StoreBatch, StoreFindings, StoreStatistics } from '../reading-store.ts'
import { appendQuarantine } from './duckdb-append.ts'
import { appendReadings } from './duckdb-append-readings.ts'
import { Archive } from './duckdb-archive.ts'
import { bucketRows } from './duckdb-buckets.ts'
import { type Captured, captureInTurn } from './duckdb-capture.ts'
import { addColumns, missingColumns } from './duckdb-columns.ts'
import { registerSources } from './duckdb-devices.ts'
import { streamHistory } from './duckdb-history.ts'
import { migrateLayout } from './duckdb-migrate.ts'
import { openDatabase, sizeOf, unavailable } from './duckdb-open.ts'
import type { DuckdbStoreOptions } from './duckdb-options.ts'
import { highestReadings, lookupReadings, quarantineRows, streamReadings } from './duckdb-queries.ts'
import { openSchema, type Progress, prepareTables, type Registers, readProgress, whereReadingsStand } from './duckdb-schema.ts'
import { storageTiers } from './duckdb-storage.ts'
import { verifyReadings } from './duckdb-verify.ts'
import { viewVersion } from './duckdb-view.ts'
import { rawReading } from './stored-type.ts'

/** Creates the store; `start` opens the file. */
export const createDuckdbStore = (options: DuckdbStoreOptions): ReadingStore => new DuckdbStore(options)

/** One: a second one of the engine asks for work over and over while the first works, and a query of one device has one thread's work. */
const THREADS = 1
/**
 * Log at which the engine checkpoints by itself. The pipeline asks for a checkpoint behind each of its snapshots; at the engine's own 16 MB the
 * last row group is packed again every second under load, which costs more than all the rest of writing.
 */
const CHECKPOINT_WAL = '256MiB'

const CHECKPOINT_ATTEMPTS_MAX = 10

/** Of the engine. Blocks of 64 KiB: a column of a row group rarely fills one of 256 KiB, which costs a third of the file. */
export const ENGINE = { default_block_size: '65536', storage_compatibility_version: 'latest' }

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
  /** Queries that are open. */
  readonly #readers = new Set<Promise<void>>()
  readonly #archive: Archive
  #maintaining: Promise<MaintenanceStep | undefined> | undefined
  /** Connection on which maintenance works. */
  #maintenance: DuckDBConnection | undefined
  #isStopping = false

  constructor(options: DuckdbStoreOptions) {
    this.#options = options
    this.#archive = new Archive({
      registers: () => this.#require().registers,
      inTurn: (task) => this.#inTurn(({ writer, registers }) => task(writer, registers).finally(() => this.#renewView())),
      onConnection: (task) => this.#onConnection(task),
      readersGone: async () => void (await Promise.all(this.#readers)),
      retention: options.retention,
      timeZoneOf: options.timeZoneOf ?? (() => 'UTC'),
      limits: options.limits,
      log: options.log,
      onStep: options.onStep ?? (async () => {}),
    })
  }

  async start(): Promise<{ readonly position: number }> {
    assert(this.#opened === undefined, 'a store is started once')
    const { file, formerFile, log } = this.#options
    const settings = this.#settings()
    if (formerFile !== undefined) await migrateLayout({ from: formerFile, to: file, settings, log })
    const coldDirectory = this.#options.coldDirectory ?? `${file}.cold`
    const instance = await openDatabase({ file, settings, log })
    const writer = await instance.connect()
    try {
      // Names of files are never used twice, so what is known of one stays right.
      await writer.run('SET GLOBAL parquet_metadata_cache = true')
      const registers = await openSchema(writer, coldDirectory)
      const [row] = (await writer.runAndReadAll('SELECT coalesce(max(id), 0)::DOUBLE FROM quarantine')).getRowsJS()
      this.#nextQuarantineId = Number(row?.[0] ?? 0) + 1
      this.#opened = { instance, writer, registers }
      if (file !== ':memory:') {
        // One row tells how far the store is; that of each batch before is no longer needed.
        await writer.run('DELETE FROM progress WHERE position < (SELECT max(position) FROM progress)')
        // Before files go for good, the lists that do not name them stand in the database itself.
        await writer.run('CHECKPOINT')
        await mkdir(coldDirectory, { recursive: true })
        await this.#archive.removeStrays()
      }
      return { position: registers.progress.position }
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
      const rows = batch.readings instanceof ReadingRows ? batch.readings : ReadingRows.of(batch.readings)
      for (const [type, own] of rows.types) await addColumns(writer, registers, type, missingColumns(registers, own))
      await writer.run('BEGIN')
      try {
        await registerSources(writer, registers, rows)
        const progress = await this.#append(writer, registers, { ...batch, readings: rows })
        await writer.run('COMMIT')
        this.#opened = { ...this.#require(), registers: { ...registers, progress } }
      } catch (cause) {
        await writer.run('ROLLBACK').catch(() => {})
        await this.#readAgain()
        throw cause
      }
      this.#nextQuarantineId += batch.quarantine.length
    })
  }

  async lookup(keys: Parameters<ReadingStore['lookup']>[0]): Promise<ReadonlyMap<string, Reading>> {
    return this.#query((connection, registers) => lookupReadings(connection, registers, keys))
  }

  highest(): ReturnType<ReadingStore['highest']> {
    return this.#query(highestReadings)
  }

  async checkpoint(): Promise<void> {
    const attempt = (): Promise<void> => this.#inTurn(async ({ writer }) => void (await writer.run('CHECKPOINT')))
    // A change of tables can be checkpointed only when the queries that began before it are over; batches go on meanwhile.
    for (let left = CHECKPOINT_ATTEMPTS_MAX; left > 1; left--) {
      const readers = [...this.#readers]
      const isDone = await attempt().then(
        () => true,
        (cause: unknown) => {
          if (readers.length === 0) throw cause
          return false
        },
      )
      if (isDone) return
      await Promise.race(readers)
    }
    await attempt()
  }

  buckets(query: Parameters<ReadingStore['buckets']>[0]): ReturnType<ReadingStore['buckets']> {
    return this.#query((connection, registers) => bucketRows(connection, registers, query))
  }

  async *raw(query: Parameters<ReadingStore['raw']>[0]): AsyncIterable<RawReading> {
    for await (const { reading, type } of this.#stream((...at) => streamReadings(...at, query))) yield rawReading(reading, type)
  }

  history(query: Parameters<ReadingStore['history']>[0]): AsyncIterable<Reading> {
    return this.#stream((...at) => streamHistory(...at, { ...query, devices: [query.device] }))
  }

  histories(query: Parameters<NonNullable<ReadingStore['histories']>>[0]): AsyncIterable<Reading> {
    return this.#stream((...at) => streamHistory(...at, query))
  }

  quarantined(query: Parameters<ReadingStore['quarantined']>[0]): ReturnType<ReadingStore['quarantined']> {
    return this.#query((connection) => quarantineRows(connection, query))
  }

  async statistics(): Promise<StoreStatistics> {
    const { file } = this.#options
    return this.#query(async (connection, { view }) => {
      const { readings, values } = await readProgress(connection)
      const [quarantine] = (await connection.runAndReadAll('SELECT count(*)::DOUBLE FROM quarantine')).getRowsJS()
      const cold = view.parts.flatMap(({ files }) => Object.values(files).map(({ bytes }) => bytes))
      const bytes = cold.reduce((total, size) => total + size, (await sizeOf(file)) + (await sizeOf(`${file}.wal`)))
      return { readings, values, quarantined: Number(quarantine?.[0] ?? 0), bytes }
    })
  }

  async maintain(nowMs: number): Promise<MaintenanceStep | undefined> {
    if (this.#options.file === ':memory:' || this.#isStopping) return undefined
    this.#maintaining ??= this.#archive
      .step(nowMs)
      .catch((cause: unknown) => {
        throw this.#isStopping || cause instanceof MendlineError ? cause : unavailable('the reading store cannot archive', cause)
      })
      .finally(() => {
        this.#maintaining = undefined
      })
    return this.#maintaining
  }

  storage(): Promise<readonly StorageTier[]> {
    return this.#query(async (connection, registers) => {
      const { file } = this.#options
      return storageTiers(connection, registers, (await sizeOf(file)) + (await sizeOf(`${file}.wal`)))
    })
  }

  async capture(directory: string): Promise<Captured> {
    const { file } = this.#options
    const { finish, ...captured } = await this.#inTurn(({ writer, registers }) => captureInTurn(writer, registers, { file, directory }))
    await finish()
    return captured
  }

  verify(): Promise<StoreFindings> {
    return this.#query((connection, { coldDirectory }) => verifyReadings(connection, coldDirectory))
  }

  async stop(): Promise<void> {
    this.#isStopping = true
    this.#maintenance?.interrupt()
    await this.#maintaining?.catch(() => {})
    await this.#tail.catch(() => {})
    const opened = this.#opened
    this.#opened = undefined
    if (opened === undefined) return
    await opened.writer.run('CHECKPOINT').catch((cause: unknown) => this.#options.log.warn('store was not checkpointed at its stop', { cause }))
    opened.writer.closeSync()
    opened.instance.closeSync()
  }

  #settings(): Record<string, string> {
    return { memory_limit: `${this.#options.limits.storeMemoryMib}MiB`, threads: String(THREADS), checkpoint_threshold: CHECKPOINT_WAL, ...ENGINE }
  }

  async #append(writer: DuckDBConnection, registers: Registers, batch: StoreBatch & { readings: ReadingRows }): Promise<Progress> {
    let values = 0
    for (const [type, rows] of batch.readings.types) {
      assert(rows.length === 0 || registers.types.has(type), 'a type is prepared before its readings are written')
      values += await appendReadings(writer, registers, rows)
    }
    await appendQuarantine(writer, batch.quarantine, this.#nextQuarantineId)
    const before = registers.progress
    const progress = { position: batch.position, readings: before.readings + batch.readings.length, values: before.values + values }
    await writer.run('INSERT INTO progress VALUES ($1, $2, $3)', [progress.position, progress.readings, progress.values])
    return progress
  }

  /** After a rolled back batch the lists in memory are read anew, for they ran ahead of the tables. */
  async #readAgain(): Promise<void> {
    const opened = this.#require()
    const registers = await openSchema(opened.writer, opened.registers.coldDirectory)
    this.#opened = { ...opened, registers }
  }

  /** Takes over the lists as a turn of the writer left them. */
  async #renewView(): Promise<void> {
    const opened = this.#require()
    if ((await viewVersion(opened.writer)) === opened.registers.view.version) return
    this.#opened = { ...opened, registers: { ...opened.registers, ...(await whereReadingsStand(opened.writer, opened.registers)) } }
  }

  #require(): Opened {
    if (this.#opened === undefined) throw unavailable('the reading store is not open')
    return this.#opened
  }

  #inTurn<Result>(task: (opened: Opened) => Promise<Result>): Promise<Result> {
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
    const { connection, registers, end } = await this.#openReader()
    try {
      return await task(connection, registers)
    } catch (cause) {
      throw unavailable('the reading store does not answer', cause)
    } finally {
      end()
    }
  }

  /** A stream occupies its connection. */
  async *#stream<Item>(open: (connection: DuckDBConnection, registers: Registers) => AsyncIterable<Item>): AsyncGenerator<Item> {
    const { connection, registers, end } = await this.#openReader()
    try {
      yield* open(connection, registers)
    } finally {
      end()
    }
  }

  /** A connection in a transaction, with the tables and files of its moment. */
  async #openReader(): Promise<{ readonly connection: DuckDBConnection; readonly registers: Registers; readonly end: () => void }> {
    const { instance } = this.#require()
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#readers.add(promise)
    const connection = await instance.connect()
    const end = (): void => {
      connection.closeSync()
      this.#readers.delete(promise)
      resolve()
    }
    try {
      await connection.run('BEGIN TRANSACTION READ ONLY')
      const version = await viewVersion(connection)
      const { registers } = this.#require()
      // Between a change of tables and its arrival in memory the connection knows better.
      const isSame = version === registers.view.version
      return { connection, registers: isSame ? registers : { ...registers, ...(await whereReadingsStand(connection, registers)) }, end }
    } catch (cause) {
      end()
      throw unavailable('the reading store does not answer', cause)
    }
  }

  async #onConnection<Result>(task: (connection: DuckDBConnection) => Promise<Result>): Promise<Result> {
    const connection = await this.#require().instance.connect()
    this.#maintenance = connection
    try {
      return await task(connection)
    } finally {
      this.#maintenance = undefined
      connection.closeSync()
    }
  }
}
