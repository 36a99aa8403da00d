/**
 * What the tables and files of readings are at one moment: of each type the table that is written, closed tables that wait to become
 * files, and the files by day. The lists stand in the database, so that a change of them and of the tables is one transaction; a copy is
 * held in memory under a version, which a query compares inside its own transaction. Files that the lists do not name do not count.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { ColumnScales } from './column-scales.ts'

/** A table that is written no more. */
export interface SealedTable {
  readonly number: number
  readonly type: string
  readonly columns: readonly string[]
}

/** Kinds of files that one part has; `texts` only where there are texts, others until they are too old. */
export type PartTier = 'raw' | 'texts' | 'hourly' | 'daily'

export interface PartFile {
  /** Relative to the folder of the archive. */
  readonly path: string
  readonly rows: number
  readonly bytes: number
  /** SHA-256, hex. */
  readonly checksum: string
}

/** Readings of one type and UTC day that were archived together. */
export interface ColdPart {
  readonly part: number
  readonly type: string
  /** Days since 1970. */
  readonly day: number
  readonly rows: number
  /** Least and greatest device time. */
  readonly fromMs: number
  readonly toMs: number
  /** Number columns of the raw file. */
  readonly columns: ColumnScales
  /** Channels of the hourly and daily files. */
  readonly channels: ColumnScales
  readonly files: Readonly<Partial<Record<PartTier, PartFile>>>
}

export interface View {
  readonly version: number
  readonly sealed: readonly SealedTable[]
  readonly parts: readonly ColdPart[]
}

export const VIEW_TABLES = `
  CREATE TABLE IF NOT EXISTS sealed_tables(number INTEGER, type VARCHAR, columns VARCHAR);
  CREATE TABLE IF NOT EXISTS cold_parts(part INTEGER, type VARCHAR, day INTEGER, rows BIGINT, from_ms BIGINT, to_ms BIGINT, columns VARCHAR,
    channels VARCHAR);
  CREATE TABLE IF NOT EXISTS cold_files(part INTEGER, tier VARCHAR, path VARCHAR, rows BIGINT, bytes BIGINT, checksum VARCHAR);
  CREATE TABLE IF NOT EXISTS cold_highest(device_key UINTEGER, boot BIGINT, seq UBIGINT, PRIMARY KEY (device_key, boot));
`

export const sealedTable = (number: number): string => `sealed_${number}`
export const sealedTexts = (number: number): string => `sealed_texts_${number}`

/** Reads the lists as the connection's transaction sees them. */
export async function readView(connection: DuckDBConnection): Promise<View> {
  const rows = async (sql: string): Promise<readonly unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS()
  const version = await viewVersion(connection)
  const sealed = (await rows('SELECT number, type, columns FROM sealed_tables ORDER BY number')).map(([number, type, columns]) => ({
    number: Number(number),
    type: String(type),
    columns: JSON.parse(String(columns)) as string[],
  }))
  const files = new Map<number, Partial<Record<PartTier, PartFile>>>()
  for (const [part, tier, path, count, bytes, checksum] of await rows('SELECT part, tier, path, rows, bytes, checksum FROM cold_files')) {
    const own = files.get(Number(part)) ?? {}
    own[String(tier) as PartTier] = { path: String(path), rows: Number(count), bytes: Number(bytes), checksum: String(checksum) }
    files.set(Number(part), own)
  }
  const sql = 'SELECT part, type, day, rows, from_ms, to_ms, columns, channels FROM cold_parts ORDER BY type, day, part'
  const parts = (await rows(sql)).map(([part, type, day, count, fromMs, toMs, columns, channels]) => ({
    part: Number(part),
    type: String(type),
    day: Number(day),
    rows: Number(count),
    fromMs: Number(fromMs),
    toMs: Number(toMs),
    columns: JSON.parse(String(columns)) as ColumnScales,
    channels: JSON.parse(String(channels)) as ColumnScales,
    files: files.get(Number(part)) ?? {},
  }))
  return { version, sealed, parts }
}

/** Version of the lists as the connection's transaction sees it. */
export async function viewVersion(connection: DuckDBConnection): Promise<number> {
  const [row] = (await connection.runAndReadAll("SELECT value FROM meta WHERE name = 'view'")).getRowsJS()
  return Number(row?.[0] ?? 0)
}

/** A change of the lists, told to the database; the caller's transaction commits it. */
export interface ViewChange {
  readonly addParts?: readonly ColdPart[]
  readonly dropParts?: readonly number[]
  /** Files of parts that stay. */
  readonly dropFiles?: ReadonlyArray<readonly [part: number, tier: PartTier]>
  readonly addSealed?: readonly SealedTable[]
  readonly dropSealed?: readonly number[]
}

export async function changeView(writer: DuckDBConnection, change: ViewChange): Promise<void> {
  for (const { number, type, columns } of change.addSealed ?? []) {
    await writer.run('INSERT INTO sealed_tables VALUES ($1, $2, $3)', [number, type, JSON.stringify(columns)])
  }
  for (const number of change.dropSealed ?? []) await writer.run('DELETE FROM sealed_tables WHERE number = $1', [number])
  for (const part of change.dropParts ?? []) {
    await writer.run('DELETE FROM cold_parts WHERE part = $1', [part])
    await writer.run('DELETE FROM cold_files WHERE part = $1', [part])
  }
  for (const [part, tier] of change.dropFiles ?? []) await writer.run('DELETE FROM cold_files WHERE part = $1 AND tier = $2', [part, tier])
  for (const part of change.addParts ?? []) await insertPart(writer, part)
  await writer.run("UPDATE meta SET value = value + 1 WHERE name = 'view'")
}

async function insertPart(writer: DuckDBConnection, part: ColdPart): Promise<void> {
  const { type, day, rows, fromMs, toMs, columns, channels } = part
  const values = [part.part, type, day, rows, fromMs, toMs, JSON.stringify(columns), JSON.stringify(channels)]
  await writer.run('INSERT INTO cold_parts VALUES ($1, $2, $3, $4, $5, $6, $7, $8)', values)
  for (const [tier, file] of Object.entries(part.files)) {
    const { path, bytes, checksum } = file
    await writer.run('INSERT INTO cold_files VALUES ($1, $2, $3, $4, $5, $6)', [part.part, tier, path, file.rows, bytes, checksum])
  }
}
