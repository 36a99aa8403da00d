/**
 * Writing into DuckDB by data chunks of 2,048 rows filled column by column: no SQL, no row objects. Rows of a batch are sorted by device
 * and sequence, which is what makes the columns compress.
 */
import {
  BIGINT,
  BLOB,
  DOUBLE,
  DuckDBBlobValue,
  type DuckDBConnection,
  DuckDBDataChunk,
  DuckDBDoubleVector,
  type DuckDBType,
  type DuckDBValue,
  type DuckDBVector,
  UBIGINT,
  UINTEGER,
  UTINYINT,
  VARCHAR,
} from '@duckdb/node-api'
import { assert } from '#kernel/errors.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import { type Registers, readingsTable, textsTable } from './duckdb-schema.ts'
import { KEY_COLUMNS } from './stored-type.ts'

const CHUNK_ROWS = 2_048
const HIST_FLAG = 1

const KEY_CHUNK_TYPES: readonly DuckDBType[] = [UINTEGER, BIGINT, BIGINT, BIGINT, UBIGINT, UTINYINT, UINTEGER]
const TEXT_CHUNK_TYPES: readonly DuckDBType[] = [UINTEGER, BIGINT, BIGINT, UBIGINT, VARCHAR, VARCHAR]

/** Cell of a row and column. */
type Cell = (row: number, column: number) => DuckDBValue
/** Fills a whole column of a chunk; false = the column goes cell by cell. */
type Fill = (vector: DuckDBVector, column: number, firstRow: number, count: number) => boolean

/** Appends readings of one type whose table is prepared; gives the number of values that are not absent. */
export async function appendReadings(connection: DuckDBConnection, registers: Registers, type: string, given: readonly Reading[]): Promise<number> {
  const layout = registers.types.get(type)?.columns ?? []
  const places = (registers.tableColumns.get(type) ?? []).map((column) => layout.indexOf(column))
  const keyOf = (reading: Reading): number => registers.deviceKeys.get(`${reading.tenant}/${reading.device}`) ?? 0
  const rows = given
    .map((reading) => ({ key: keyOf(reading), reading }))
    .sort((a, b) => a.key - b.key || a.reading.boot - b.reading.boot || a.reading.seq - b.reading.seq)
  let values = 0
  const cell: Cell = (row, column) => {
    const entry = rows[row]
    return entry === undefined ? null : keyCell(registers, entry.key, entry.reading, column)
  }
  const fillNumbers: Fill = (vector, column, first, count) => {
    const place = places[column - KEY_COLUMNS.length]
    if (place === undefined || !(vector instanceof DuckDBDoubleVector)) return false
    values += fillDoubles(vector, count, (row) => rows[first + row]?.reading.numbers[place] ?? Number.NaN)
    return true
  }
  await appendRows(connection, readingsTable(type), [...KEY_CHUNK_TYPES, ...places.map(() => DOUBLE)], rows.length, cell, fillNumbers)
  const texts = rows.flatMap(({ key, reading }) => reading.texts.map(([channel, text]) => ({ key, reading, channel, text })))
  await appendRows(connection, textsTable(type), TEXT_CHUNK_TYPES, texts.length, (row, column) => {
    const entry = texts[row]
    if (entry === undefined) return null
    const { key, reading, channel, text } = entry
    return [key, BigInt(reading.observed_at_ms), BigInt(reading.boot), BigInt(reading.seq), channel, text][column] ?? null
  })
  return values + texts.length
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

function keyCell(registers: Registers, key: number, reading: Reading, column: number): DuckDBValue {
  if (column === 0) return key
  if (column === 1) return BigInt(reading.observed_at_ms)
  if (column === 2) return BigInt(reading.received_at_ms)
  if (column === 3) return BigInt(reading.boot)
  if (column === 4) return BigInt(reading.seq)
  if (column === 5) return reading.hist ? HIST_FLAG : 0
  return reading.fw === undefined ? 0 : (registers.firmwareKeys.get(reading.fw) ?? 0)
}

/** The part of a vector of doubles that is filled directly; the package declares it private. */
interface DoubleVectorInside {
  readonly items: Float64Array
  readonly validity: { data: BigUint64Array | null }
}

/**
 * Fills a column of doubles, NaN = absent; gives the number of values that are not. Cell by cell the package costs a bigint shift for each
 * absent value, and most channels of a reading are absent; bits of validity are written here as 32-bit words, little-endian like DuckDB's.
 */
function fillDoubles(vector: DuckDBDoubleVector, count: number, valueAt: (row: number) => number): number {
  const { items, validity } = vector as unknown as DoubleVectorInside
  assert(items instanceof Float64Array && validity?.data !== undefined, 'a vector of doubles is built as in version 1.5 of the package')
  const bits = new Uint32Array(Math.ceil(items.length / 64) * 2)
  let values = 0
  for (let row = 0; row < count; row++) {
    const value = valueAt(row)
    if (Number.isNaN(value)) continue
    items[row] = value
    bits[row >>> 5] = (bits[row >>> 5] ?? 0) | (1 << (row & 31))
    values++
  }
  validity.data = new BigUint64Array(bits.buffer)
  return values
}

async function appendRows(
  connection: DuckDBConnection,
  table: string,
  types: readonly DuckDBType[],
  rowCount: number,
  cell: Cell,
  fill: Fill = () => false,
): Promise<void> {
  if (rowCount === 0) return
  const appender = await connection.createAppender(table)
  try {
    const chunk = DuckDBDataChunk.create(types, Math.min(CHUNK_ROWS, rowCount))
    for (let first = 0; first < rowCount; first += CHUNK_ROWS) {
      const count = Math.min(CHUNK_ROWS, rowCount - first)
      chunk.rowCount = count
      for (let column = 0; column < types.length; column++) {
        const vector = chunk.getColumnVector(column)
        if (!fill(vector, column, first, count)) for (let row = 0; row < count; row++) vector.setItem(row, cell(first + row, column))
        vector.flush()
      }
      appender.appendDataChunk(chunk)
      chunk.reset()
    }
    appender.flushSync()
  } finally {
    appender.closeSync()
  }
}

const blobOf = (bytes: Uint8Array): DuckDBValue => new DuckDBBlobValue(bytes)
