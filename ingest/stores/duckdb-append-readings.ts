/**
 * Readings into DuckDB: rows sorted by device, boot and sequence number, which is what makes the columns compress, written into the memory
 * of the chunk's vectors. Hot: a row costs a tenth of what it costs cell by cell, where each key is a bigint and each absent value a shift of one.
 */
import {
  BIGINT,
  DOUBLE,
  type DuckDBConnection,
  type DuckDBDataChunk,
  DuckDBDoubleVector,
  type DuckDBType,
  UBIGINT,
  UINTEGER,
  UTINYINT,
} from '@duckdb/node-api'
import { assert } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import { appendChunks, appendTexts, type TextRow } from './duckdb-append.ts'
import { type Registers, readingsTable } from './duckdb-schema.ts'
import { KEY_COLUMNS } from './stored-type.ts'

const HIST_FLAG = 1
const KEY_TYPES: readonly DuckDBType[] = [UINTEGER, BIGINT, BIGINT, BIGINT, UBIGINT, UTINYINT, UINTEGER]

/** Rows of a batch in the order of the table, with the number of each one's device. */
interface SortedRows {
  readonly keys: Uint32Array
  readonly readings: readonly Reading[]
}

/** Appends readings of one type whose table has a column for each of their values; gives the number of values that are not absent. */
export async function appendReadings(connection: DuckDBConnection, registers: Registers, type: string, given: readonly Reading[]): Promise<number> {
  const layout = registers.types.get(type)?.columns ?? []
  const places = Int32Array.from(registers.tableColumns.get(type) ?? [], (column) => layout.indexOf(column))
  const rows = sortRows(registers, given)
  const types = [...KEY_TYPES, ...Array.from(places, () => DOUBLE)]
  let values = 0
  await appendChunks(connection, { table: readingsTable(type), types, rowCount: given.length }, (chunk, first, count) => {
    fillKeys(chunk, registers, rows, first)
    values += fillNumbers(chunk, rows.readings.slice(first, first + count), places)
  })
  const texts: TextRow[] = []
  for (const [row, reading] of rows.readings.entries()) {
    for (const [channel, text] of reading.texts) texts.push({ key: rows.keys[row] ?? 0, reading, channel, text })
  }
  await appendTexts(connection, type, texts)
  return values + texts.length
}

/** Sorts by device first, since a device's own readings nearly always are in order. */
function sortRows(registers: Registers, given: readonly Reading[]): SortedRows {
  const groups: Array<{ readonly key: number; readonly readings: Reading[] }> = []
  const tenants = new Map<string, Map<string, Reading[]>>()
  for (const reading of given) {
    const { tenant, device } = reading
    const known = tenants.get(tenant)?.get(device)
    if (known !== undefined) {
      known.push(reading)
      continue
    }
    const readings = [reading]
    const devices = tenants.get(tenant) ?? new Map<string, Reading[]>()
    tenants.set(tenant, devices.set(device, readings))
    groups.push({ key: registers.deviceKeys.get(`${tenant}/${device}`) ?? 0, readings })
  }
  groups.sort((a, b) => a.key - b.key)
  const keys = new Uint32Array(given.length)
  const sorted: Reading[] = []
  for (const { key, readings } of groups) {
    keys.fill(key, sorted.length, sorted.length + readings.length)
    if (!isInOrder(readings)) readings.sort(bySequence)
    for (const reading of readings) sorted.push(reading)
  }
  return { keys, readings: sorted }
}

const bySequence = (a: Reading, b: Reading): number => a.boot - b.boot || a.seq - b.seq

function isInOrder(readings: readonly Reading[]): boolean {
  let before: Reading | undefined
  for (const reading of readings) {
    if (before !== undefined && bySequence(before, reading) > 0) return false
    before = reading
  }
  return true
}

/** The part of a vector that is filled directly; the package declares it private. */
interface VectorInside {
  readonly items: Uint8Array | Uint32Array | BigInt64Array | BigUint64Array | Float64Array
  readonly validity: { data: BigUint64Array | null }
}

function insideOf(chunk: DuckDBDataChunk, column: number): VectorInside {
  const inside = chunk.getColumnVector(column) as unknown as VectorInside
  assert(ArrayBuffer.isView(inside.items) && inside.validity?.data !== undefined, 'vectors are built as in version 1.5 of the package')
  return inside
}

function fillKeys(chunk: DuckDBDataChunk, registers: Registers, rows: SortedRows, first: number): void {
  const [key, observed, received, boot, seq, flags, firmware] = KEY_COLUMNS.map((_, column) => insideOf(chunk, column).items)
  assert(key !== undefined && observed !== undefined && received !== undefined && boot !== undefined, 'a chunk has a vector for each key')
  assert(seq !== undefined && flags !== undefined && firmware !== undefined, 'a chunk has a vector for each key')
  const observedWords = wordsOf(observed)
  const receivedWords = wordsOf(received)
  const bootWords = wordsOf(boot)
  const seqWords = wordsOf(seq)
  const flagBytes = flags as Uint8Array
  const firmwareWords = firmware as Uint32Array
  let fw: string | undefined
  let firmwareKey = 0
  for (let row = 0; row < flags.length; row++) {
    const reading = rows.readings[first + row]
    if (reading === undefined) break
    ;(key as Uint32Array)[row] = rows.keys[first + row] ?? 0
    setWhole(observedWords, row, reading.observed_at_ms)
    setWhole(receivedWords, row, reading.received_at_ms)
    setWhole(bootWords, row, reading.boot)
    // Nothing else would notice that two's complement of it is a large number.
    if (!(reading.seq >= 0)) throw new RangeError(`the sequence number ${reading.seq} is negative`)
    setWhole(seqWords, row, reading.seq)
    flagBytes[row] = reading.hist ? HIST_FLAG : 0
    if (reading.fw !== fw) {
      fw = reading.fw
      firmwareKey = fw === undefined ? 0 : (registers.firmwareKeys.get(fw) ?? 0)
    }
    firmwareWords[row] = firmwareKey
  }
  for (let column = 0; column < KEY_COLUMNS.length; column++) chunk.getColumnVector(column).flush()
}

/** A column of 64-bit integers as 32-bit words, little-endian like DuckDB's. */
const wordsOf = ({ buffer, byteOffset, byteLength }: VectorInside['items']): Uint32Array => new Uint32Array(buffer, byteOffset, byteLength / 4)

/** Writes a safe integer as a 64-bit one in two's complement. */
function setWhole(words: Uint32Array, row: number, value: number): void {
  const high = Math.floor(value / 0x1_0000_0000)
  words[2 * row] = value - high * 0x1_0000_0000
  words[2 * row + 1] = high
}

/** Fills the columns of numbers, NaN = absent; gives the number of values that are not. Row by row, for a reading lies together in memory. */
function fillNumbers(chunk: DuckDBDataChunk, readings: readonly Reading[], places: Int32Array): number {
  const vectors = Array.from(places, (place, index) => {
    const vector = chunk.getColumnVector(KEY_COLUMNS.length + index)
    const { items, validity } = insideOf(chunk, KEY_COLUMNS.length + index)
    assert(vector instanceof DuckDBDoubleVector && items instanceof Float64Array, 'a number column is of doubles')
    return { place, vector, items, validity, bits: new Uint32Array(Math.ceil(items.length / 64) * 2) }
  })
  // By their place in a row, which may end before those that few readings have.
  const ofRow = vectors.filter(({ place }) => place >= 0).sort((a, b) => a.place - b.place)
  let values = 0
  for (let row = 0; row < readings.length; row++) {
    const numbers = readings[row]?.numbers
    if (numbers === undefined) break
    const word = row >>> 5
    const bit = 1 << (row & 31)
    for (let index = 0; index < ofRow.length; index++) {
      const column = ofRow[index]
      if (column === undefined || column.place >= numbers.length) break
      const value = numbers[column.place] ?? Number.NaN
      if (Number.isNaN(value)) continue
      column.items[row] = value
      column.bits[word] = (column.bits[word] ?? 0) | bit
      values++
    }
  }
  for (const { vector, validity, bits } of vectors) {
    validity.data = new BigUint64Array(bits.buffer)
    vector.flush()
  }
  return values
}
