/**
 * Takes devices out of a reading store that nobody has open: their rows in every table, what the quarantine holds of them, and their rows in
 * every file of the archive. Deleted rows would stay in the database's file, so what is left is copied into a new one; files of the archive
 * are written anew and the old ones removed. A device's number keeps its place under a name that says nothing.
 */
import { rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { DAY_MS, dateOf, READINGS_FORMAT, syncFolder, TEXTS_FORMAT, writeFile } from './duckdb-part.ts'
import { ENGINE } from './duckdb-store.ts'
import { type ColdPart, changeView, type PartFile, type PartTier, readView } from './duckdb-view.ts'
import { literal, namePart, quoted } from './sql-names.ts'

export interface ErasedReadings {
  readonly rows: number
  readonly quarantined: number
  readonly filesRewritten: number
}

export async function eraseReadings(
  file: string,
  coldDirectory: string,
  given: { readonly tenant: string; readonly devices: readonly string[]; readonly names: readonly string[] },
): Promise<ErasedReadings> {
  const side = `${file}.erased`
  for (const leftover of [side, `${side}.wal`]) await rm(leftover, { force: true })
  const instance = await DuckDBInstance.create(file, { ...ENGINE })
  let erased: ErasedReadings
  try {
    const connection = await instance.connect()
    erased = await eraseOn(connection, coldDirectory, given)
    await connection.run('CHECKPOINT')
    const [name] = (await connection.runAndReadAll('SELECT current_database()')).getRowsJS()
    await connection.run(`ATTACH ${literal(side)} AS fresh (BLOCK_SIZE ${ENGINE.default_block_size})`)
    await connection.run(`COPY FROM DATABASE ${quoted(String(name?.[0]))} TO fresh`)
    await connection.run('CHECKPOINT fresh')
    await connection.run('DETACH fresh')
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
  await rename(side, file)
  await rm(`${file}.wal`, { force: true })
  await syncFolder(dirname(file))
  return erased
}

async function eraseOn(
  connection: DuckDBConnection,
  directory: string,
  { tenant, devices, names }: Parameters<typeof eraseReadings>[2],
): Promise<ErasedReadings> {
  const list = devices.map(literal).join(', ')
  const rows = async (sql: string): Promise<readonly unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS()
  const keys = (await rows(`SELECT device_key FROM device_keys WHERE tenant = ${literal(tenant)} AND device IN (${list})`)).map(([key]) =>
    Number(key),
  )
  const isOurs = `device_key IN (${[-1, ...keys].join(', ')})`
  const { parts } = await readView(connection)
  const rewritten = await rewriteParts(connection, { directory, parts, isOurs })
  const count = async (sql: string): Promise<number> => Number((await rows(sql))[0]?.[0] ?? 0)
  let erasedRows = rewritten.rows
  await connection.run('BEGIN')
  const tables = await rows(
    "SELECT table_name FROM duckdb_columns() WHERE column_name = 'device_key' AND table_name <> 'device_keys' AND NOT internal",
  )
  for (const [table] of tables) {
    const where = `FROM ${quoted(String(table))} WHERE ${isOurs}`
    if (/^(readings_|sealed_\d)/.test(String(table))) erasedRows += await count(`SELECT count(*)::DOUBLE ${where}`)
    await connection.run(`DELETE ${where}`)
  }
  // What others sent may name the devices, too.
  const texts = names.map((name) => `contains(hex(raw), hex(${literal(name)}))`).join(' OR ')
  const raws = `SELECT raw_id FROM quarantine_raw WHERE ${texts}`
  const isQuarantined = `tenant = ${literal(tenant)} AND (device IN (${list}) OR raw_id IN (${raws}))`
  const quarantined = await count(`SELECT count(*)::DOUBLE FROM quarantine WHERE ${isQuarantined}`)
  await connection.run(`DELETE FROM quarantine WHERE ${isQuarantined}`)
  await connection.run('DELETE FROM quarantine_raw WHERE raw_id NOT IN (SELECT raw_id FROM quarantine)')
  await connection.run(`UPDATE device_keys SET tenant = '', device = 'erased-' || device_key WHERE ${isOurs}`)
  await changeView(connection, { dropParts: rewritten.dropped, addParts: rewritten.added })
  await connection.run('COMMIT')
  await connection.run('CHECKPOINT')
  for (const path of rewritten.replaced) await rm(join(directory, path), { force: true })
  return { rows: erasedRows, quarantined, filesRewritten: rewritten.replaced.length }
}

interface Rewritten {
  rows: number
  readonly dropped: number[]
  readonly added: ColdPart[]
  readonly replaced: string[]
}

async function rewriteParts(
  connection: DuckDBConnection,
  { directory, parts, isOurs }: { readonly directory: string; readonly parts: readonly ColdPart[]; readonly isOurs: string },
): Promise<Rewritten> {
  const done: Rewritten = { rows: 0, dropped: [], added: [], replaced: [] }
  const writer = { connection, directory, onStep: async () => {} }
  for (const part of parts) {
    const files: Partial<Record<PartTier, PartFile>> = { ...part.files }
    let hasChanged = false
    for (const [tier, file] of Object.entries(part.files) as Array<[PartTier, PartFile]>) {
      const source = `read_parquet(${literal(join(directory, file.path))})`
      const [row] = (await connection.runAndReadAll(`SELECT count(*) FILTER (WHERE ${isOurs})::DOUBLE FROM ${source}`)).getRowsJS()
      const ours = Number(row?.[0])
      if (ours === 0) continue
      hasChanged = true
      if (tier === 'raw') done.rows += ours
      done.replaced.push(file.path)
      delete files[tier]
      if (ours === file.rows) continue
      const [next] = (await connection.runAndReadAll("UPDATE meta SET value = value + 1 WHERE name = 'next_part' RETURNING value - 1")).getRowsJS()
      const path = join(namePart(part.type), `${dateOf(part.day)}-${Number(next?.[0])}.${tier}.parquet`)
      files[tier] = await writeFile(writer, path, `SELECT * FROM ${source} WHERE NOT (${isOurs})`, tier === 'texts' ? TEXTS_FORMAT : READINGS_FORMAT)
    }
    if (!hasChanged) continue
    done.dropped.push(part.part)
    if (Object.keys(files).length === 0) continue
    const from = files.raw === undefined ? [part.fromMs, part.toMs] : await boundsOf(connection, join(directory, files.raw.path))
    done.added.push({ ...part, rows: files.raw?.rows ?? part.rows, fromMs: from[0] ?? part.day * DAY_MS, toMs: from[1] ?? part.toMs, files })
  }
  return done
}

async function boundsOf(connection: DuckDBConnection, path: string): Promise<number[]> {
  const sql = `SELECT min(observed_at_ms)::DOUBLE, max(observed_at_ms)::DOUBLE FROM read_parquet(${literal(path)})`
  const [row = []] = (await connection.runAndReadAll(sql)).getRowsJS()
  return row.map(Number)
}

/** Whether a store is there. */
export const hasReadings = (file: string): Promise<boolean> =>
  stat(file).then(
    () => true,
    () => false,
  )
