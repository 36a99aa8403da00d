/**
 * Takes a store of layout 1 (release 0.1.0: everything in `readings.duckdb`) forward to hot tables and files. The new database is made
 * beside it and renamed when it is whole, so that a crash begins anew; the former one is kept under another name. What it holds becomes
 * files at the next steps of maintenance.
 */
import { open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { DuckDBInstance } from '@duckdb/node-api'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import { syncFolder } from './duckdb-part.ts'
import { LAYOUT_VERSION } from './duckdb-schema.ts'
import { literal } from './sql-names.ts'

/** Under this the former database is kept; it may be removed by hand. */
export const keptName = (former: string): string => `${former}.layout-1`

/** Does nothing where there is a store of this layout, or none to take over. @throws MendlineError MDL_STORE_SCHEMA, MDL_STORE_UNAVAILABLE */
export async function migrateLayout({
  from,
  to,
  settings,
  log,
}: {
  readonly from: string
  readonly to: string
  readonly settings: Record<string, string>
  readonly log: Log
}): Promise<void> {
  if ((await exists(to)) || !(await exists(from))) return
  const side = `${to}.tmp`
  for (const leftover of [side, `${side}.wal`]) await rm(leftover, { force: true })
  try {
    await copyForward(from, side, settings)
  } catch (cause) {
    if (cause instanceof MendlineError) throw cause
    throw new MendlineError('MDL_STORE_UNAVAILABLE', 'the reading store of an earlier release cannot be taken over; it stays as it is', { cause })
  }
  const handle = await open(side, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(side, to)
  await syncFolder(dirname(to))
  await rename(from, keptName(from))
  log.info('the reading store of an earlier release was taken over', { kept: keptName(from) })
}

async function copyForward(from: string, side: string, settings: Record<string, string>): Promise<void> {
  const instance = await DuckDBInstance.create(side, settings)
  try {
    const connection = await instance.connect()
    await connection.run(`ATTACH ${literal(from)} AS former`)
    const [row] = (await connection.runAndReadAll("SELECT value FROM former.meta WHERE name = 'schema_version'")).getRowsJS()
    if (Number(row?.[0]) !== 1) {
      throw new MendlineError('MDL_STORE_SCHEMA', 'the reading store has another schema version', { details: { found: Number(row?.[0]), known: 1 } })
    }
    const [name] = (await connection.runAndReadAll('SELECT current_database()')).getRowsJS()
    await connection.run('CHECKPOINT former')
    await connection.run(`COPY FROM DATABASE former TO "${String(name?.[0])}"`)
    await connection.run('DETACH former')
    await connection.run('CREATE TABLE progress(position DOUBLE, readings DOUBLE, "values" DOUBLE)')
    const of = (name: string): string => `(SELECT value FROM meta WHERE name = '${name}')`
    await connection.run(`INSERT INTO progress SELECT ${of('position')}, ${of('readings')}, ${of('values')}`)
    await connection.run(`UPDATE meta SET value = ${LAYOUT_VERSION} WHERE name = 'schema_version'`)
    await connection.run("INSERT INTO meta VALUES ('view', 1), ('next_part', 1)")
    await connection.run('CHECKPOINT')
    connection.closeSync()
  } finally {
    instance.closeSync()
  }
}

const exists = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    () => false,
  )
