/**
 * Looks through the reading store without changing it: reads every block of every table (the engine checks each block's sum), compares the
 * rows of the archive's files with its lists, and adds up the readings. Whose bytes the files hold is for the caller, who has the sums.
 */
import { join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import type { StoreFindings } from '../reading-store.ts'
import { sizeOf, unavailable } from './duckdb-open.ts'
import { LAYOUT_VERSION, readProgress } from './duckdb-schema.ts'
import { type PartFile, readView } from './duckdb-view.ts'
import { literal, quoted } from './sql-names.ts'

/** Opens a store that nobody writes, read-only. @throws MendlineError MDL_STORE_UNAVAILABLE */
export async function verifyReadingsFile(file: string, coldDirectory: string): Promise<StoreFindings> {
  let instance: DuckDBInstance
  try {
    instance = await DuckDBInstance.create(file, { access_mode: 'READ_ONLY' })
  } catch (cause) {
    throw unavailable('the reading store cannot be opened', cause)
  }
  try {
    const connection = await instance.connect()
    try {
      return await verifyReadings(connection, coldDirectory)
    } finally {
      connection.closeSync()
    }
  } finally {
    instance.closeSync()
  }
}

/** Looks through the store on a connection of its own. */
export async function verifyReadings(connection: DuckDBConnection, coldDirectory: string): Promise<StoreFindings> {
  const rows = async (sql: string): Promise<readonly unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS()
  const faults: string[] = []
  const [version] = await rows("SELECT value FROM meta WHERE name = 'schema_version'")
  if (Number(version?.[0]) !== LAYOUT_VERSION) faults.push(`readings: layout ${String(version?.[0])} is not ${LAYOUT_VERSION}`)
  const { position, readings: counted } = await readProgress(connection)
  const counts = new Map<string, number>()
  for (const [name] of await rows('SELECT table_name FROM duckdb_tables() WHERE NOT internal AND NOT temporary ORDER BY table_name')) {
    const table = String(name)
    try {
      const [row] = await rows(`SELECT count(*)::DOUBLE, bit_xor(hash(t))::VARCHAR FROM ${quoted(table)} t`)
      counts.set(table, Number(row?.[0]))
    } catch (error) {
      faults.push(`readings: table ${table} cannot be read: ${String(error)}`)
    }
  }
  const { parts, sealed } = await readView(connection)
  for (const { number } of sealed) if (!counts.has(`sealed_${number}`)) faults.push(`readings: closed table ${number} is missing`)
  for (const { part, rows: listed, files } of parts) {
    if (files.raw !== undefined && files.raw.rows !== listed) faults.push(`readings: part ${part} lists ${listed} rows, its file ${files.raw.rows}`)
  }
  const files = parts.flatMap((part) => Object.values(part.files))
  for (const file of files) faults.push(...(await checkRows(rows, coldDirectory, file)))
  const isHot = (name: string): boolean => name.startsWith('readings_') || /^sealed_\d+$/.test(name)
  const hotRows = [...counts].filter(([name]) => isHot(name)).reduce((sum, [, count]) => sum + count, 0)
  const coldRows = parts.reduce((sum, part) => sum + (part.files.raw?.rows ?? 0), 0)
  if (hotRows + coldRows > counted) faults.push(`readings: ${hotRows + coldRows} are there, ${counted} were counted`)
  return { position, tables: counts.size, hotRows, coldRows, counted, quarantined: counts.get('quarantine') ?? 0, files, faults }
}

async function checkRows(rows: (sql: string) => Promise<readonly unknown[][]>, directory: string, file: PartFile): Promise<string[]> {
  const path = join(directory, file.path)
  const bytes = await sizeOf(path)
  if (bytes !== file.bytes) return [`readings/cold/${file.path}: has ${bytes} bytes, not ${file.bytes}`]
  try {
    const [row] = await rows(`SELECT sum(num_rows)::DOUBLE FROM parquet_file_metadata(${literal(path)})`)
    return Number(row?.[0]) === file.rows ? [] : [`readings/cold/${file.path}: has ${Number(row?.[0])} rows, not ${file.rows}`]
  } catch (error) {
    return [`readings/cold/${file.path}: cannot be read: ${String(error)}`]
  }
}
