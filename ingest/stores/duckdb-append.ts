/**
 * Writing into DuckDB by data chunks of 2,048 rows: no SQL, no row objects. Here stand the chunks themselves and the tables that are small
 * or rare (quarantine, lists by number, texts), cell by cell; readings have a way of their own (duckdb-append-readings.ts).
 */
import {
  BIGINT,
  BLOB,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  type DuckDBType,
  type DuckDBValue,
  UBIGINT,
  UINTEGER,
  VARCHAR,
} from '@duckdb/node-api'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import { textsTable } from './duckdb-schema.ts'

const CHUNK_ROWS = 2_048
/** Cell of a row and column. */
type Cell = (row: number, column: number) => DuckDBValue

const TEXT_TYPES: readonly DuckDBType[] = [UINTEGER, BIGINT, BIGINT, UBIGINT, VARCHAR, VARCHAR]

/** A text that a reading carries, with the number of its device. */
export interface TextRow {
  readonly key: number
  readonly reading: Reading
  readonly channel: string
  readonly text: string
}

/** Appends texts of readings of one type. */
export function appendTexts(connection: DuckDBConnection, type: string, rows: readonly TextRow[]): Promise<void> {
  return appendRows(connection, textsTable(type), TEXT_TYPES, rows.length, (row, column) => {
    const entry = rows[row]
    if (entry === undefined) return null
    const { key, reading, channel, text } = entry
    return [key, BigInt(reading.observed_at_ms), BigInt(reading.boot), BigInt(reading.seq), channel, text][column] ?? null
  })
}

const QUARANTINE_TYPES: readonly DuckDBType[] = [BIGINT, BIGINT, VARCHAR, VARCHAR, BIGINT, BIGINT, VARCHAR, VARCHAR, VARCHAR, VARCHAR]

/** Appends quarantine entries with rising ids from `firstId`; entries of one payload share its bytes. */
export async function appendQuarantine(connection: DuckDBConnection, entries: readonly QuarantineEntry[], firstId: number): Promise<void> {
  const payloads = new Map<Uint8Array, number>()
  for (const [index, entry] of entries.entries()) if (!payloads.has(entry.raw)) payloads.set(entry.raw, firstId + index)
  const raws = [...payloads]
  await appendRows(connection, 'quarantine_raw', [BIGINT, BLOB], raws.length, (row, column) => {
    const raw = raws[row]
    if (raw === undefined) return null
    return column === 0 ? BigInt(raw[1]) : blobOf(raw[0])
  })
  await appendRows(connection, 'quarantine', QUARANTINE_TYPES, entries.length, (row, column) => {
    const entry = entries[row]
    if (entry === undefined) return null
    if (column === 0) return BigInt(firstId + row)
    if (column === 1) return BigInt(payloads.get(entry.raw) ?? 0)
    if (column === 4) return BigInt(entry.received_at_ms)
    if (column === 5) return entry.observed_at_ms === undefined ? null : BigInt(entry.observed_at_ms)
    return [null, null, entry.tenant, entry.device, null, null, entry.code, entry.field, entry.reason, entry.kind][column] ?? null
  })
}

/** Columns of the lists by number: the number, then texts. */
const SOURCE_TYPES = {
  device_keys: [UINTEGER, VARCHAR, VARCHAR],
  device_types: [UINTEGER, VARCHAR],
  firmwares: [UINTEGER, VARCHAR],
} as const satisfies Record<string, readonly DuckDBType[]>

/** Appends rows to a list by number. */
export function appendSources(connection: DuckDBConnection, table: keyof typeof SOURCE_TYPES, rows: readonly DuckDBValue[][]): Promise<void> {
  return appendRows(connection, table, SOURCE_TYPES[table], rows.length, (row, column) => rows[row]?.[column] ?? null)
}

function appendRows(connection: DuckDBConnection, table: string, types: readonly DuckDBType[], rowCount: number, cell: Cell): Promise<void> {
  return appendChunks(connection, { table, types, rowCount }, (chunk, first, count) => {
    for (let column = 0; column < types.length; column++) {
      const vector = chunk.getColumnVector(column)
      for (let row = 0; row < count; row++) vector.setItem(row, cell(first + row, column))
      vector.flush()
    }
  })
}

/** Appends rows in chunks, each filled whole by `fill`, which flushes what it wrote. */
export async function appendChunks(
  connection: DuckDBConnection,
  { table, types, rowCount }: { readonly table: string; readonly types: readonly DuckDBType[]; readonly rowCount: number },
  fill: (chunk: DuckDBDataChunk, first: number, count: number) => void,
): Promise<void> {
  if (rowCount === 0) return
  const appender = await connection.createAppender(table)
  try {
    const chunk = DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, rowCount))
    for (let first = 0; first < rowCount; first += CHUNK_ROWS) {
      const count = Math.min(CHUNK_ROWS, rowCount - first)
      chunk.rowCount = count
      fill(chunk, first, count)
      appender.appendDataChunk(chunk)
      chunk.reset()
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

const blobOf = (bytes: Uint8Array): DuckDBValue => new DuckDBBlobValue(bytes)
