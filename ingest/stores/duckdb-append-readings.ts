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
import { BOOT, DEVICE, FACTS, FIRMWARE, HIST, OBSERVED, RECEIVED, SEQ, type TypeRows } from '../reading-rows.ts'
import { appendChunks, appendTexts, type TextRow } from './duckdb-append.ts'
import { type Registers, readingsTable } from './duckdb-schema.ts'
import { KEY_COLUMNS } from './stored-type.ts'

const HIST_FLAG = 1
const KEY_TYPES: readonly DuckDBType[] = [UINTEGER, BIGINT, BIGINT, BIGINT, UBIGINT, UTINYINT, UINTEGER]

/** Rows of a batch in the order of the table. */
interface SortedRows {
  readonly rows: TypeRows
  readonly order: Uint32Array
  /** Number of each device of the rows, by its place there. */
  readonly keys: Uint32Array
  /** The same of the firmwares. */
  readonly firmwareKeys: Uint32Array
}

/** Appends readings of one type whose table has a column for each of their values; gives the number of values that are not absent. */
export async function appendReadings(connection: DuckDBConnection, registers: Registers, rows: TypeRows): Promise<number> {
  const { type, length: rowCount } = rows
  const layout = registers.types.get(type)?.columns ?? []
  const places = Int32Array.from(registers.tableColumns.get(type) ?? [], (column) => layout.indexOf(column))
  const sorted = sortRows(registers, rows)
  const types = [...KEY_TYPES, ...Array.from(places, () => DOUBLE)]
  let values = 0
  await appendChunks(connection, { table: readingsTable(type), types, rowCount }, (chunk, first, count) => {
    fillKeys(chunk, sorted, { first, count })
    values += fillNumbers(chunk, sorted, { first, count, places })
  })
  const texts = textsOf(sorted)
  await appendTexts(connection, type, texts)
  return values + texts.length
}

function textsOf({ rows, order, keys }: SortedRows): TextRow[] {
  if (rows.texts.size === 0) return []
  return Array.from(order).flatMap((row) => {
    const own = rows.texts.get(row)
    if (own === undefined) return []
    const key = keys[rows.facts[row * FACTS + DEVICE] ?? 0] ?? 0
    const reading = rows.reading(row)
    return own.map(([channel, text]) => ({ key, reading, channel, text }))
  })
}

/** By the number of the device first, counted out; a device's own readings nearly always are in order. */
function sortRows(registers: Registers, rows: TypeRows): SortedRows {
  const { devices, facts, length } = rows
  const keys = Uint32Array.from(devices, ({ tenant, device }) => registers.deviceKeys.get(`${tenant}/${device}`) ?? 0)
  const firmwareKeys = Uint32Array.from(rows.firmwares, (fw) => registers.firmwareKeys.get(fw) ?? 0)
  const counts = new Uint32Array(devices.length)
  for (let row = 0; row < length; row++) {
    const place = facts[row * FACTS + DEVICE] ?? 0
    counts[place] = (counts[place] ?? 0) + 1
  }
  const ends = new Uint32Array(devices.length)
  let begin = 0
  for (const place of Uint32Array.from(devices.keys()).sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0))) {
    ends[place] = begin
    begin += counts[place] ?? 0
  }
  const order = new Uint32Array(length)
  for (let row = 0; row < length; row++) {
    const place = facts[row * FACTS + DEVICE] ?? 0
    const at = ends[place] ?? 0
    order[at] = row
    ends[place] = at + 1
  }
  for (let place = 0; place < devices.length; place++) {
    const end = ends[place] ?? 0
    const own = order.subarray(end - (counts[place] ?? 0), end)
    if (!isInOrder(facts, own)) own.sort((a, b) => bySequence(facts, a, b))
  }
  return { rows, order, keys, firmwareKeys }
}

const bySequence = (facts: Float64Array, a: number, b: number): number =>
  (facts[a * FACTS + BOOT] ?? 0) - (facts[b * FACTS + BOOT] ?? 0) || (facts[a * FACTS + SEQ] ?? 0) - (facts[b * FACTS + SEQ] ?? 0)

function isInOrder(facts: Float64Array, rows: Uint32Array): boolean {
  for (let index = 1; index < rows.length; index++) if (bySequence(facts, rows[index - 1] ?? 0, rows[index] ?? 0) > 0) return false
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

/** Rows of the order that a chunk takes. */
interface Part {
  readonly first: number
  readonly count: number
}

function fillKeys(chunk: DuckDBDataChunk, { rows, order, keys, firmwareKeys }: SortedRows, { first, count }: Part): void {
  const [key, observed, received, boot, seq, flags, firmware] = KEY_COLUMNS.map((_, column) => insideOf(chunk, column).items)
  assert(key !== undefined && observed !== undefined && received !== undefined && boot !== undefined, 'a chunk has a vector for each key')
  assert(seq !== undefined && flags !== undefined && firmware !== undefined, 'a chunk has a vector for each key')
  const observedWords = wordsOf(observed)
  const receivedWords = wordsOf(received)
  const bootWords = wordsOf(boot)
  const seqWords = wordsOf(seq)
  const flagBytes = flags as Uint8Array
  const keyWords = key as Uint32Array
  const firmwareWords = firmware as Uint32Array
  const { facts } = rows
  for (let row = 0; row < count; row++) {
    const at = (order[first + row] ?? 0) * FACTS
    keyWords[row] = keys[facts[at + DEVICE] ?? 0] ?? 0
    setWhole(observedWords, row, facts[at + OBSERVED] ?? 0)
    setWhole(receivedWords, row, facts[at + RECEIVED] ?? 0)
    setWhole(bootWords, row, facts[at + BOOT] ?? 0)
    const number = facts[at + SEQ] ?? 0
    // Nothing else would notice that two's complement of it is a large number.
    if (!(number >= 0)) throw new RangeError(`the sequence number ${number} is negative`)
    setWhole(seqWords, row, number)
    flagBytes[row] = facts[at + HIST] === 1 ? HIST_FLAG : 0
    firmwareWords[row] = firmwareKeys[facts[at + FIRMWARE] ?? -1] ?? 0
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

/** Fills the columns of numbers, NaN = absent; gives the number of values that are not. Row by row, for a row lies together in memory. */
function fillNumbers(chunk: DuckDBDataChunk, { rows, order }: SortedRows, { first, count, places }: Part & { readonly places: Int32Array }): number {
  const vectors = Array.from(places, (place, index) => {
    const vector = chunk.getColumnVector(KEY_COLUMNS.length + index)
    const { items, validity } = insideOf(chunk, KEY_COLUMNS.length + index)
    assert(vector instanceof DuckDBDoubleVector && items instanceof Float64Array, 'a number column is of doubles')
    return { place, vector, items, validity, bits: new Uint32Array(Math.ceil(items.length / 64) * 2) }
  })
  const used = vectors.filter(({ place }) => rows.isUsed[place] === 1)
  const { numbers, stride } = rows
  let values = 0
  for (let row = 0; row < count; row++) {
    const from = (order[first + row] ?? 0) * stride
    const word = row >>> 5
    const bit = 1 << (row & 31)
    for (let index = 0; index < used.length; index++) {
      const column = used[index]
      if (column === undefined) break
      const value = numbers[from + column.place] ?? Number.NaN
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
