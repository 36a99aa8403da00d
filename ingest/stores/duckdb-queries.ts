/** Queries of the DuckDB store. Device numbers are made from (tenant, device), so a query by number cannot leave its tenant. */
import { DuckDBBlobValue, type DuckDBConnection, DuckDBListValue } from '@duckdb/node-api'
import { epochMs } from '#kernel/clock.ts'
import { assert } from '#kernel/errors.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import type { HighestReading, QuarantineQuery, RawQuery, ReadingStore, StoredQuarantineEntry } from '../reading-store.ts'
import { readingKey } from '../same-reading.ts'
import type { Registers } from './duckdb-schema.ts'
import { hotReadingsSql, partsOf, readingsSql, textsSql } from './duckdb-sources.ts'
import type { ColdPart } from './duckdb-view.ts'
import { quoted } from './sql-names.ts'
import type { StoredType } from './stored-type.ts'

type Row = readonly unknown[]
type ReadingKeyFields = Parameters<ReadingStore['lookup']>[0][number]

/** Keys in one query of `lookup`. */
const LOOKUP_KEYS_MAX = 1_000

const KEYS_SQL = 'r.device_key, r.observed_at_ms::DOUBLE, r.received_at_ms::DOUBLE, r.boot::DOUBLE, r.seq::DOUBLE, r.flags, r.firmware_key'
const KEY_FIELDS = 7

/** Readings stored under keys; where the key tells its device time, that day's file is asked before all others. */
export async function lookupReadings(
  connection: DuckDBConnection,
  registers: Registers,
  keys: readonly ReadingKeyFields[],
): Promise<Map<string, Reading>> {
  const found = new Map<string, Reading>()
  for (const [id, type] of registers.types) {
    const own = keys.filter((key) => key.type === id && registers.deviceKeys.has(`${key.tenant}/${key.device}`))
    for (let first = 0; first < own.length; first += LOOKUP_KEYS_MAX) {
      const some = own.slice(first, first + LOOKUP_KEYS_MAX)
      const parts = partsOf(registers, id)
      const near = parts.filter(({ fromMs, toMs }) => some.some(({ observed_at_ms: at }) => at !== undefined && at >= fromMs && at <= toMs))
      await lookupIn(connection, { registers: withParts(registers, near), type, keys: some }, found)
      const missing = some.filter((key) => !found.has(readingKey(key)))
      const rest = parts.filter((part) => !near.includes(part))
      if (missing.length > 0 && rest.length > 0) await lookupIn(connection, { registers: withParts(registers, rest), type, keys: missing }, found)
    }
  }
  return found
}

async function lookupIn(
  connection: DuckDBConnection,
  { registers, type, keys }: { readonly registers: Registers; readonly type: StoredType; readonly keys: readonly ReadingKeyFields[] },
  found: Map<string, Reading>,
): Promise<void> {
  const values = keys.map(({ tenant, device, boot, seq }) => `(${registers.deviceKeys.get(`${tenant}/${device}`)}, ${boot}, ${seq})`).join(', ')
  const wanted = `JOIN (SELECT DISTINCT * FROM (VALUES ${values}) AS v(d, b, s)) AS k ON r.device_key = k.d AND r.boot = k.b AND r.seq = k.s`
  const rows = await readRows(connection, `SELECT ${readingSql(type)} FROM ${readingsSql(registers, type.id)} AS r ${wanted}`)
  const sql = `SELECT r.device_key, r.boot::DOUBLE, r.seq::DOUBLE, r.channel, r.text FROM ${textsSql(registers, type.id)} AS r ${wanted}`
  const texts = rows.length === 0 ? new Map() : groupTexts(await readRows(connection, sql))
  for (const row of rows) {
    const reading = readingOfRow(registers, type, row, texts)
    found.set(readingKey(reading), reading)
  }
}

const withParts = (registers: Registers, parts: readonly ColdPart[]): Registers => ({ ...registers, view: { ...registers.view, parts } })

/** Highest sequence number of each boot of each device, over all types. */
export async function highestReadings(connection: DuckDBConnection, registers: Registers): Promise<HighestReading[]> {
  if (registers.types.size === 0) return []
  const keys = [...registers.types.keys()].map((id) => `SELECT device_key, boot, seq FROM ${hotReadingsSql(registers, id)}`)
  keys.push('SELECT device_key, boot, seq FROM cold_highest')
  const sql = `SELECT device_key, boot::DOUBLE, max(seq)::DOUBLE FROM (${keys.join(' UNION ALL ')}) GROUP BY ALL`
  return (await readRows(connection, sql)).flatMap(([key, boot, seq]) => {
    const source = registers.devices.get(Number(key))
    return source === undefined ? [] : [{ ...source, boot: Number(boot), seq: Number(seq) }]
  })
}

/** A reading of a stream, with its type. */
export interface StreamedReading {
  readonly reading: Reading
  readonly type: StoredType
}

/**
 * Readings in (device, boot, seq) order, fetched chunk by chunk. One query over the types that the tenant's devices have, so that readings
 * and texts are of one moment and the stream needs one connection, which it occupies.
 */
export async function* streamReadings(connection: DuckDBConnection, registers: Registers, query: RawQuery): AsyncGenerator<StreamedReading> {
  const types = typesOf(registers, query)
  if (types.length === 0) return
  const width = Math.max(...types.map((type) => type.columns.length))
  const filter = 'k.tenant = $1 AND ($2 IS NULL OR k.device = $2) AND r.observed_at_ms >= $3 AND r.observed_at_ms < $4'
  const join = 'JOIN device_keys AS k ON k.device_key = r.device_key'
  const parts = types.map((type, number) => {
    const numbers = Array.from({ length: width }, (_, column) => {
      const name = type.columns[column]
      return `${name === undefined ? 'NULL::DOUBLE' : `r.${quoted(name)}`} AS c${column}`
    })
    const hasTexts = type.channels.some((channel) => channel.kind === 'text')
    const texts = `LEFT JOIN (SELECT r.device_key, r.boot, r.seq, list([r.channel, r.text]) AS texts
      FROM ${textsSql(registers, type.id, query)} AS r ${join} WHERE ${filter} GROUP BY ALL) AS t
      ON t.device_key = r.device_key AND t.boot = r.boot AND t.seq = r.seq`
    const columns = [`${KEYS_SQL}, k.device AS device, ${number} AS type, ${hasTexts ? 't.texts' : 'NULL::VARCHAR[][]'} AS texts`, ...numbers]
    return `SELECT ${columns.join(', ')} FROM ${readingsSql(registers, type.id, query)} AS r ${join} ${hasTexts ? texts : ''} WHERE ${filter}`
  })
  const sql = `${parts.join(' UNION ALL ')} ORDER BY device, 4, 5`
  const parameters = [query.tenant, query.device ?? null, BigInt(query.from_ms), BigInt(query.to_ms)]
  for await (const row of streamRows(connection, sql, parameters)) {
    const type = types[Number(row[KEY_FIELDS + 1])]
    assert(type !== undefined, 'a row names one of the types of its query')
    const texts = new Map([[rowName(row[0], row[3], row[4]), textPairs(row[KEY_FIELDS + 2])]])
    const own = [...row.slice(0, KEY_FIELDS), ...row.slice(KEY_FIELDS + STREAM_FIELDS)]
    yield { reading: readingOfRow(registers, type, own, texts), type }
  }
}

/** Columns of a streamed row between the keys and the numbers: device, number of the type, texts. */
const STREAM_FIELDS = 3

function typesOf(registers: Registers, { tenant, device }: RawQuery): readonly StoredType[] {
  const keys = device === undefined ? registers.devices.keys() : [registers.deviceKeys.get(`${tenant}/${device}`) ?? 0]
  const ids = new Set<string>()
  for (const key of keys) if (registers.devices.get(key)?.tenant === tenant) for (const id of registers.deviceTypes.get(key) ?? []) ids.add(id)
  return [...ids].flatMap((id) => registers.types.get(id) ?? [])
}

function textPairs(value: unknown): ReadonlyArray<readonly [string, string]> {
  if (!(value instanceof DuckDBListValue)) return []
  return value.items.flatMap((pair) => (pair instanceof DuckDBListValue ? [[String(pair.items[0]), String(pair.items[1])] as const] : []))
}

/** Quarantine entries of a tenant, ascending by id. */
export async function quarantineRows(connection: DuckDBConnection, query: QuarantineQuery): Promise<StoredQuarantineEntry[]> {
  const sql = `SELECT q.id::DOUBLE, q.tenant, q.device, q.received_at_ms::DOUBLE, q.observed_at_ms::DOUBLE, q.code, q.field, q.reason, q.kind, r.raw
    FROM quarantine AS q JOIN quarantine_raw AS r ON r.raw_id = q.raw_id
    WHERE q.tenant = $1 AND ($2 IS NULL OR q.device = $2) AND ($3 IS NULL OR q.code = $3) AND q.id > $4 ORDER BY q.id LIMIT $5`
  const limit = query.maxRawBytes === undefined ? query.limit : await entriesWithin(connection, query, query.maxRawBytes)
  const parameters = [query.tenant, query.device ?? null, query.code ?? null, query.after, limit]
  const rows = (await connection.runAndReadAll(sql, parameters)).getRows()
  return rows.map((row) => ({ id: Number(row[0]), ...quarantineEntry(row) }))
}

/** Entries up to the one whose raw bytes reach the bound; counted before any bytes are read. */
async function entriesWithin(connection: DuckDBConnection, query: QuarantineQuery, maxRawBytes: number): Promise<number> {
  const sql = `SELECT octet_length(r.raw)::DOUBLE FROM quarantine AS q JOIN quarantine_raw AS r ON r.raw_id = q.raw_id
    WHERE q.tenant = $1 AND ($2 IS NULL OR q.device = $2) AND ($3 IS NULL OR q.code = $3) AND q.id > $4 ORDER BY q.id LIMIT $5`
  const rows = await readRows(connection, sql, [query.tenant, query.device ?? null, query.code ?? null, query.after, query.limit])
  let bytes = 0
  const reached = rows.findIndex(([length]) => {
    bytes += Number(length)
    return bytes >= maxRawBytes
  })
  return reached < 0 ? query.limit : reached + 1
}

function quarantineEntry(row: Row): QuarantineEntry {
  const raw = row[9]
  return {
    tenant: String(row[1]),
    device: String(row[2]),
    received_at_ms: epochMs(Number(row[3])),
    observed_at_ms: row[4] === null ? undefined : epochMs(Number(row[4])),
    code: String(row[5]),
    field: String(row[6]),
    reason: String(row[7]),
    kind: String(row[8]),
    raw: raw instanceof DuckDBBlobValue ? raw.bytes : new Uint8Array(0),
  }
}

/** Columns of a reading `r`, in the order that `readingOfRow` takes. */
export const readingSql = (type: StoredType): string => [KEYS_SQL, ...type.columns.map((column) => `r.${quoted(column)}`)].join(', ')

export function readingOfRow(
  registers: Registers,
  type: StoredType,
  row: Row,
  texts: ReadonlyMap<string, ReadonlyArray<readonly [string, string]>>,
): Reading {
  const key = Number(row[0])
  const source = registers.devices.get(key) ?? { tenant: '', device: '' }
  const numbers = new Float64Array(type.columns.length)
  for (let column = 0; column < numbers.length; column++) numbers[column] = (row[KEY_FIELDS + column] as number | null) ?? Number.NaN
  return {
    ...source,
    type: type.id,
    observed_at_ms: epochMs(Number(row[1])),
    received_at_ms: epochMs(Number(row[2])),
    boot: Number(row[3]),
    seq: Number(row[4]),
    hist: (Number(row[5]) & 1) === 1,
    fw: registers.firmwares.get(Number(row[6])),
    numbers,
    texts: texts.get(rowName(key, row[3], row[4])) ?? [],
  }
}

const rowName = (key: unknown, boot: unknown, seq: unknown): string => `${key}/${boot}/${seq}`

/** Texts by row, as `readingOfRow` takes them. */
export function groupTexts(rows: readonly Row[]): Map<string, Array<readonly [string, string]>> {
  const groups = new Map<string, Array<readonly [string, string]>>()
  for (const row of rows) addText(groups, row)
  return groups
}

function addText(groups: Map<string, Array<readonly [string, string]>>, row: Row): void {
  const name = rowName(row[0], row[1], row[2])
  const pair = [String(row[3]), String(row[4])] as const
  const group = groups.get(name)
  if (group === undefined) groups.set(name, [pair])
  else group.push(pair)
}

type SqlParameters = Array<string | bigint | number | null>

export async function readRows(connection: DuckDBConnection, sql: string, parameters: SqlParameters = []): Promise<readonly Row[]> {
  return (await connection.runAndReadAll(sql, parameters)).getRowsJS()
}

export async function* streamRows(connection: DuckDBConnection, sql: string, parameters: SqlParameters): AsyncGenerator<Row> {
  const result = await connection.stream(sql, parameters)
  for (;;) {
    const chunk = await result.fetchChunk()
    if (chunk === null || chunk === undefined || chunk.rowCount === 0) return
    yield* chunk.getRows()
  }
}
