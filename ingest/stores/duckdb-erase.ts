/**
 * Takes devices out of a reading store that nobody has open: their rows in every table, what the quarantine holds of them, and their rows in
 * every file of the archive. Deleted rows would stay in the database's file, so what is left is copied into a new one; files of the archive
 * are written anew and the old ones removed. A device's number keeps its place under a name that says nothing.
 */
import { rename, rm, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { DAY_MS, dateOf, derivedAggregates, HOUR_MS, READINGS_FORMAT, syncFolder, TEXTS_FORMAT, writeFile } from './duckdb-part.ts'
import { ENGINE } from './duckdb-store.ts'
import { type ColdPart, changeView, type PartFile, type PartTier, readView } from './duckdb-view.ts'
import { literal, namePart, quoted } from './sql-names.ts'

export interface ErasedReadings {
  readonly rows: number
  readonly quarantined: number
  readonly filesRewritten: number
}

interface Span {
  readonly from_ms: number
  readonly to_ms: number
}

export interface ErasedDevices {
  readonly tenant: string
  /** Devices that go whole. */
  readonly devices: readonly string[]
  /** Devices of which stretches go, in device time and half open; in the quarantine by the time of receipt. */
  readonly staying: ReadonlyArray<{ readonly device: string; readonly spans: readonly Span[] }>
  /** What must be nowhere, also in what others sent. */
  readonly names: readonly string[]
}

export async function eraseReadings(file: string, coldDirectory: string, given: ErasedDevices): Promise<ErasedReadings> {
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

async function eraseOn(connection: DuckDBConnection, directory: string, given: ErasedDevices): Promise<ErasedReadings> {
  const { tenant, devices, staying, names } = given
  const list = ['', ...devices].map(literal).join(', ')
  const rows = async (sql: string): Promise<readonly unknown[][]> => (await connection.runAndReadAll(sql)).getRowsJS()
  const keysOf = async (texts: string): Promise<number[]> =>
    (await rows(`SELECT device_key FROM device_keys WHERE tenant = ${literal(tenant)} AND device IN (${texts})`)).map(([key]) => Number(key))
  const isOurs = `device_key IN (${[-1, ...(await keysOf(list))].join(', ')})`
  const stretches: Stretch[] = []
  for (const { device, spans } of staying) for (const key of await keysOf(literal(device))) for (const span of spans) stretches.push({ key, ...span })
  const doomed: Doomed = {
    isOurs,
    isAt: (time) =>
      [isOurs, ...stretches.map(({ key, from_ms, to_ms }) => `(device_key = ${key} AND ${time} >= ${from_ms} AND ${time} < ${to_ms})`)].join(' OR '),
    touches: (widthMs) =>
      [
        isOurs,
        ...stretches.map(({ key, from_ms, to_ms }) => `(device_key = ${key} AND begin_ms > ${from_ms - widthMs} AND begin_ms < ${to_ms})`),
      ].join(' OR '),
  }
  const { parts } = await readView(connection)
  const rewritten = await rewriteParts(connection, { directory, parts, doomed })
  const count = async (sql: string): Promise<number> => Number((await rows(sql))[0]?.[0] ?? 0)
  let erasedRows = rewritten.rows
  await connection.run('BEGIN')
  const tables = await rows(
    `SELECT table_name, bool_or(column_name = 'observed_at_ms') FROM duckdb_columns() WHERE table_name <> 'device_keys' AND NOT internal
      GROUP BY 1 HAVING bool_or(column_name = 'device_key')`,
  )
  for (const [table, isTimed] of tables) {
    const where = `FROM ${quoted(String(table))} WHERE ${isTimed === true ? doomed.isAt('observed_at_ms') : isOurs}`
    if (/^(readings_|sealed_\d)/.test(String(table))) erasedRows += await count(`SELECT count(*)::DOUBLE ${where}`)
    await connection.run(`DELETE ${where}`)
  }
  // What others sent may name the devices, too.
  const texts = names.map((name) => `contains(hex(raw), hex(${literal(name)}))`).join(' OR ')
  const raws = `SELECT raw_id FROM quarantine_raw WHERE ${texts}`
  const theirTime = staying.flatMap(({ device, spans }) =>
    spans.map(({ from_ms, to_ms }) => ` OR (device = ${literal(device)} AND received_at_ms >= ${from_ms} AND received_at_ms < ${to_ms})`),
  )
  const isQuarantined = `tenant = ${literal(tenant)} AND (device IN (${list}) OR raw_id IN (${raws})${theirTime.join('')})`
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

interface Stretch extends Span {
  readonly key: number
}

/** Conditions of what goes. */
interface Doomed {
  /** Rows of devices that go whole. */
  readonly isOurs: string
  /** Rows of one time. */
  readonly isAt: (time: string) => string
  /** Buckets of which any part goes. */
  readonly touches: (widthMs: number) => string
}

/** The longest bucket of a tier; a local day may have 25 hours. */
const WIDTHS_MS: Readonly<Partial<Record<PartTier, number>>> = { hourly: HOUR_MS, daily: 25 * HOUR_MS }

interface Rewritten {
  rows: number
  readonly dropped: number[]
  readonly added: ColdPart[]
  readonly replaced: string[]
}

async function rewriteParts(
  connection: DuckDBConnection,
  { directory, parts, doomed }: { readonly directory: string; readonly parts: readonly ColdPart[]; readonly doomed: Doomed },
): Promise<Rewritten> {
  const done: Rewritten = { rows: 0, dropped: [], added: [], replaced: [] }
  const writer = { connection, directory, onStep: async () => {} }
  for (const part of parts) {
    const files: Partial<Record<PartTier, PartFile>> = { ...part.files }
    let hasChanged = false
    // Raw first: hours and days at the edge of a stretch are made of what is left of it.
    const tiers = (['raw', 'texts', 'hourly', 'daily'] as const).flatMap((tier) =>
      part.files[tier] === undefined ? [] : [[tier, part.files[tier]] as const],
    )
    for (const [tier, file] of tiers) {
      const source = `read_parquet(${literal(join(directory, file.path))})`
      const width = WIDTHS_MS[tier]
      const isTheirs = width === undefined ? doomed.isAt('observed_at_ms') : doomed.touches(width)
      const [row] = (await connection.runAndReadAll(`SELECT count(*) FILTER (WHERE ${isTheirs})::DOUBLE FROM ${source}`)).getRowsJS()
      const theirs = Number(row?.[0])
      if (theirs === 0) continue
      hasChanged = true
      if (tier === 'raw') done.rows += theirs
      done.replaced.push(file.path)
      delete files[tier]
      const again =
        width === undefined || files.raw === undefined
          ? ''
          : rebuilt(part, { raw: join(directory, files.raw.path), source, isTheirs, isOurs: doomed.isOurs })
      const kept = `SELECT * FROM ${source} WHERE NOT (${isTheirs})${again}`
      const [left] = (await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM (${kept})`)).getRowsJS()
      if (Number(left?.[0]) === 0) continue
      const [next] = (await connection.runAndReadAll("UPDATE meta SET value = value + 1 WHERE name = 'next_part' RETURNING value - 1")).getRowsJS()
      const path = join(namePart(part.type), `${dateOf(part.day)}-${Number(next?.[0])}.${tier}.parquet`)
      const order = again === '' ? '' : ' ORDER BY device_key, begin_ms'
      files[tier] = await writeFile(writer, path, `${kept}${order}`, tier === 'texts' ? TEXTS_FORMAT : READINGS_FORMAT)
    }
    if (!hasChanged) continue
    done.dropped.push(part.part)
    if (Object.keys(files).length === 0) continue
    const from = files.raw === undefined ? [part.fromMs, part.toMs] : await boundsOf(connection, join(directory, files.raw.path))
    done.added.push({ ...part, rows: files.raw?.rows ?? part.rows, fromMs: from[0] ?? part.day * DAY_MS, toMs: from[1] ?? part.toMs, files })
  }
  return done
}

/**
 * Buckets that are touched, made again of the raw readings that are left: each is of the last bucket that begins not behind it. A channel whose
 * raw values are no longer kept is lost of them.
 */
function rebuilt(
  part: ColdPart,
  { raw, source, isTheirs, isOurs }: { readonly raw: string; readonly source: string; readonly isTheirs: string; readonly isOurs: string },
): string {
  const channels = Object.keys(part.channels).map((name) => ({
    name,
    kind: 'number' as const,
    isAggregated: part.columns[`${name}_min`] !== undefined,
  }))
  const type = { id: part.type, channels, columns: [], indexOf: new Map() }
  const present = { ...type, channels: channels.filter(({ name }) => part.columns[name] !== undefined) }
  const aggregates = derivedAggregates(present, part.columns, part.channels)
  const buckets = `(SELECT device_key, begin_ms FROM ${source})`
  const from = `read_parquet(${literal(raw)}) AS r ASOF JOIN ${buckets} AS b ON r.device_key = b.device_key AND r.observed_at_ms >= b.begin_ms`
  const made = `SELECT ${['r.device_key AS device_key', 'b.begin_ms AS begin_ms', ...aggregates].join(', ')} FROM ${from} GROUP BY 1, 2`
  return ` UNION ALL BY NAME SELECT * FROM (${made}) WHERE (${isTheirs}) AND NOT (${isOurs})`
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
