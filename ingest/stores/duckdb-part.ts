/**
 * Writes one part of the archive: the readings of a type and UTC day as a Parquet file sorted by device and time, its texts, and what is
 * derived from exactly these rows: counts, sums and extremes by hour and by local day of each device. Each file is written under another
 * name, synced, then renamed; before the lists name it, it does not count. Sums of scaled columns are sums of whole numbers, so they are
 * the same in whatever order rows come.
 */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, stat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { DuckDBConnection } from '@duckdb/node-api'
import { type ColumnScales, scaled, scalesOf } from './column-scales.ts'
import type { ColdPart, PartFile, PartTier } from './duckdb-view.ts'
import { literal, namePart, quoted } from './sql-names.ts'
import { columnsOf, type StoredType } from './stored-type.ts'

export const DAY_MS = 86_400_000
export const HOUR_MS = 3_600_000

/** Small row groups are what makes one device's day cheap to find; no dictionary, so that differences are stored. */
export const READINGS_FORMAT =
  'FORMAT parquet, COMPRESSION zstd, COMPRESSION_LEVEL 9, PARQUET_VERSION v2, DICTIONARY_SIZE_LIMIT 1, ROW_GROUP_SIZE 20480'
export const TEXTS_FORMAT = 'FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2, ROW_GROUP_SIZE 20480'

/** A local day that touches the part, of the devices of one zone. */
export interface ZoneDay {
  readonly zone: number
  readonly fromMs: number
  readonly toMs: number
}

export interface NewPart {
  readonly part: number
  readonly type: StoredType
  readonly day: number
  /** Subquery of the readings. */
  readonly readings: string
  /** Subquery of the texts, or undefined where there can be none. */
  readonly texts: string | undefined
  /** Number columns that the raw file keeps. */
  readonly columns: readonly string[]
  /** Local days of the zones; the table `zone_of(device_key, zone)` of the connection names devices of zones other than 0. Undefined: no hours and days. */
  readonly zoneDays: readonly ZoneDay[] | undefined
}

export interface PartWriter {
  readonly connection: DuckDBConnection
  readonly directory: string
  /** Called between the steps; tests stop there. */
  readonly onStep: (step: string) => Promise<void>
}

/** Writes the files of a part and gives its description; the rows must not be none. */
export async function writePart(writer: PartWriter, given: NewPart): Promise<ColdPart> {
  const { connection } = writer
  const { part, type, day } = given
  const inside = `observed_at_ms >= ${day * DAY_MS} AND observed_at_ms < ${(day + 1) * DAY_MS}`
  const source = `(SELECT * FROM ${given.readings} WHERE ${inside})`
  const columns = await scalesOf(connection, source, given.columns)
  const base = join(namePart(type.id), `${dateOf(day)}-${part}`)
  await mkdir(dirname(join(writer.directory, base)), { recursive: true })
  const files: Partial<Record<PartTier, PartFile>> = {}
  files.raw = await writeFile(writer, `${base}.parquet`, rawSql(source, columns), READINGS_FORMAT)
  if (given.texts !== undefined) {
    const texts = `SELECT * FROM ${given.texts} WHERE ${inside} ORDER BY device_key, observed_at_ms, boot, seq, channel, text`
    const [row] = (await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${given.texts} WHERE ${inside}`)).getRowsJS()
    if (Number(row?.[0]) > 0) files.texts = await writeFile(writer, `${base}.texts.parquet`, texts, TEXTS_FORMAT)
  }
  const raw = `read_parquet(${literal(join(writer.directory, files.raw.path))})`
  const channels = channelScales(type, columns)
  if (given.zoneDays !== undefined)
    Object.assign(files, await writeDerived(writer, given.zoneDays, { raw, base, aggregates: derivedAggregates(type, columns, channels) }))
  const [bounds = []] = (await connection.runAndReadAll(`SELECT min(observed_at_ms)::DOUBLE, max(observed_at_ms)::DOUBLE FROM ${raw}`)).getRowsJS()
  return { part, type: type.id, day, rows: files.raw.rows, fromMs: Number(bounds[0]), toMs: Number(bounds[1]), columns, channels, files }
}

async function writeDerived(
  writer: PartWriter,
  zoneDays: readonly ZoneDay[],
  { raw, base, aggregates }: { readonly raw: string; readonly base: string; readonly aggregates: readonly string[] },
): Promise<Record<'hourly' | 'daily', PartFile>> {
  const hours = derivedSql(aggregates, { from: `${raw} AS r`, begin: `(r.observed_at_ms // ${HOUR_MS}) * ${HOUR_MS}` })
  const hourly = await writeFile(writer, `${base}.hourly.parquet`, hours, READINGS_FORMAT)
  const list = zoneDays.map(({ zone, fromMs, toMs }) => `(${zone}, ${fromMs}, ${toMs})`).join(', ')
  const from = `${raw} AS r LEFT JOIN zone_of AS z ON z.device_key = r.device_key JOIN (VALUES ${list}) AS d(zone, from_ms, to_ms)
    ON d.zone = coalesce(z.zone, 0) AND r.observed_at_ms >= d.from_ms AND r.observed_at_ms < d.to_ms`
  const daily = await writeFile(writer, `${base}.daily.parquet`, derivedSql(aggregates, { from, begin: 'd.from_ms' }), READINGS_FORMAT)
  return { hourly, daily }
}

export const dateOf = (day: number): string => new Date(day * DAY_MS).toISOString().slice(0, 10)

/** Names of a derived channel's columns; a colon is in no channel's name. */
export const derivedColumns = (channel: string) => ({
  n: quoted(`n:${channel}`),
  sum: quoted(`sum:${channel}`),
  min: quoted(`min:${channel}`),
  max: quoted(`max:${channel}`),
})

function rawSql(source: string, columns: ColumnScales): string {
  const numbers = Object.entries(columns).map(([column, exponent]) => `${scaled(quoted(column), exponent)} AS ${quoted(column)}`)
  const keys = 'device_key, observed_at_ms, received_at_ms - observed_at_ms AS delay_ms, boot, seq, flags, firmware_key'
  return `SELECT ${[keys, ...numbers].join(', ')} FROM ${source} ORDER BY device_key, observed_at_ms, boot, seq`
}

/** Exponent of each channel that has numbers: that of its finest column, or null where one is not scaled. */
function channelScales(type: StoredType, columns: ColumnScales): ColumnScales {
  const entries = type.channels.flatMap((channel) => {
    if (channel.kind === 'text' || columns[channel.name] === undefined) return []
    // Bounds of their own may never have come.
    const exponents = columnsOf(channel).flatMap((column) => columns[column] ?? (columns[column] === null ? [null] : []))
    return [[channel.name, exponents.includes(null) ? null : Math.max(...exponents.map(Number))] as const]
  })
  return Object.fromEntries(entries)
}

/** Counts, sums and extremes of the raw file's rows, in whole steps where the channel is scaled. */
export function derivedAggregates(type: StoredType, columns: ColumnScales, channels: ColumnScales): readonly string[] {
  return type.channels.flatMap((channel) => {
    const scale = channels[channel.name]
    if (scale === undefined) return []
    const [value = '', low = value, high = value] = columnsOf(channel).map((column) => {
      const present = columns[column] === undefined ? channel.name : column
      return inSteps(present, columns[present] ?? null, scale)
    })
    const names = derivedColumns(channel.name)
    const least = channel.isAggregated ? `CASE WHEN ${value} IS NOT NULL THEN least(${value}, coalesce(${low}, ${value})) END` : value
    const greatest = channel.isAggregated ? `CASE WHEN ${value} IS NOT NULL THEN greatest(${value}, coalesce(${high}, ${value})) END` : value
    const sum = scale === null ? `fsum(${value})` : `sum(${value})::BIGINT`
    return [`nullif(count(${value}), 0) AS ${names.n}, ${sum} AS ${names.sum}, min(${least}) AS ${names.min}, max(${greatest}) AS ${names.max}`]
  })
}

const derivedSql = (aggregates: readonly string[], { from, begin }: { readonly from: string; readonly begin: string }): string =>
  `SELECT ${['r.device_key AS device_key', `${begin} AS begin_ms`, ...aggregates].join(', ')} FROM ${from} GROUP BY 1, 2 ORDER BY 1, 2`

/** Files of the hours or local days of several parts together. */
export async function mergeDerived(
  writer: PartWriter,
  given: { readonly parts: readonly ColdPart[]; readonly tier: 'hourly' | 'daily'; readonly part: number; readonly channels: ColumnScales },
): Promise<PartFile | undefined> {
  const { tier, channels } = given
  const sources = given.parts.flatMap((part) => {
    const path = part.files[tier]?.path
    if (path === undefined) return []
    const columns = Object.entries(channels).flatMap(([channel, scale]) => mergedColumns(channel, part.channels[channel], scale))
    return [`SELECT ${['device_key', 'begin_ms', ...columns].join(', ')} FROM read_parquet(${literal(join(writer.directory, path))})`]
  })
  const [first] = given.parts
  if (sources.length === 0 || first === undefined) return undefined
  const aggregates = Object.entries(channels).map(([channel, scale]) => {
    const { n, sum, min, max } = derivedColumns(channel)
    return `sum(${n})::BIGINT AS ${n}, ${scale === null ? `fsum(${sum})` : `sum(${sum})::BIGINT`} AS ${sum}, min(${min}) AS ${min}, max(${max}) AS ${max}`
  })
  const sql = derivedSql(aggregates, { from: `(${sources.join(' UNION ALL ')}) AS r`, begin: 'r.begin_ms' })
  const path = `${join(namePart(first.type), `${dateOf(first.day)}-${given.part}`)}.${tier}.parquet`
  return writeFile(writer, path, sql, READINGS_FORMAT)
}

/** A channel's four columns of one part in the steps of all; NULL where the part lacks the channel. */
function mergedColumns(channel: string, own: number | null | undefined, scale: number | null): readonly string[] {
  const { n, ...rest } = derivedColumns(channel)
  if (own === undefined) return [n, ...Object.values(rest)].map((name) => `NULL::${scale === null && name !== n ? 'DOUBLE' : 'BIGINT'} AS ${name}`)
  return [n, ...Object.values(rest).map((name) => `${stepsOf(name, own, scale)} AS ${name}`)]
}

/** A column of the raw file in the steps of its channel. */
const inSteps = (column: string, exponent: number | null, channel: number | null): string => stepsOf(`r.${quoted(column)}`, exponent, channel)

function stepsOf(name: string, own: number | null, wanted: number | null): string {
  if (own === null) return name
  if (wanted === null) return `(${name}::DOUBLE / 1e${own})`
  return wanted === own ? name : `(${name} * ${10 ** (wanted - own)})`
}

/** Writes a file of the archive under another name, syncs and renames it. */
export async function writeFile(writer: PartWriter, path: string, sql: string, format: string): Promise<PartFile> {
  const { connection, directory, onStep } = writer
  const target = join(directory, path)
  const side = `${target}.tmp`
  const result = await connection.runAndReadAll(`COPY (${sql}) TO ${literal(side)} (${format})`)
  await onStep('written')
  const handle = await open(side, 'r+')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
  await rename(side, target)
  await syncFolder(dirname(target))
  await onStep('renamed')
  const [row = []] = result.getRowsJS()
  return { path, rows: Number(row[0]), bytes: (await stat(target)).size, checksum: await checksumOf(target) }
}

export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

/** SHA-256 of a file, hex. */
export async function checksumOf(path: string): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of createReadStream(path, { highWaterMark: 1024 * 1024 })) hash.update(chunk as Uint8Array)
  return hash.digest('hex')
}
