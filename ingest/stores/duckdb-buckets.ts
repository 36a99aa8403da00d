/**
 * Buckets of a device's channels. Counts, sums and extremes can be added, so a bucket is put together from raw readings and from the hours
 * or local days that were made of archived ones: hours where buckets are whole hours, raw readings at the edges and where buckets are
 * narrower. Hot readings are always taken raw. What was archived and is no longer kept raw is given by its hours.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { epochMs } from '#kernel/clock.ts'
import { createLocalDays, type LocalDay } from '#kernel/local-day.ts'
import type { BucketQuery, ReadingBucket } from '../reading-store.ts'
import { meanOfSum } from './bucket-mean.ts'
import { unscaled } from './column-scales.ts'
import { derivedColumns, HOUR_MS } from './duckdb-part.ts'
import type { Registers } from './duckdb-schema.ts'
import { filesSql, hotReadingsSql, partReadingsSql, partsOf } from './duckdb-sources.ts'
import type { ColdPart } from './duckdb-view.ts'
import { quoted } from './sql-names.ts'
import { type BucketGrid, bucketGrid, chartedChannels, columnsOf, pointsWithin, type StoredChannel, type StoredType } from './stored-type.ts'

type Row = readonly unknown[]

/** Buckets in order of time; the bound on all of them lowers the points of each channel. */
export async function bucketRows(connection: DuckDBConnection, registers: Registers, query: BucketQuery): Promise<ReadingBucket[]> {
  const key = registers.deviceKeys.get(`${query.tenant}/${query.device}`)
  if (key === undefined) return []
  const types = [...(registers.deviceTypes.get(key) ?? [])].flatMap((id) => registers.types.get(id) ?? [])
  const count = types.reduce((sum, type) => sum + chartedChannels(type, query.channels).length, 0)
  const maxPoints = pointsWithin(query.maxPoints, count, query.maxBuckets)
  const rows: ReadingBucket[] = []
  for (const type of types) {
    const channels = chartedChannels(type, query.channels)
    if (channels.length === 0) continue
    const asked: Asked = { connection, registers, type, key, channels, query: { ...query, maxPoints } }
    for (const row of query.tier === 'daily' ? await dailyRows(asked) : await gridRows(asked)) rows.push(row)
  }
  return rows.sort((a, b) => a.t - b.t)
}

interface Asked {
  readonly connection: DuckDBConnection
  readonly registers: Registers
  readonly type: StoredType
  readonly key: number
  readonly channels: readonly StoredChannel[]
  readonly query: BucketQuery
}

/** Device times [from, to). */
interface Stretch {
  readonly fromMs: number
  readonly toMs: number
}

async function gridRows(asked: Asked): Promise<ReadingBucket[]> {
  const { registers, type, query } = asked
  const isHourly = query.tier === 'hourly'
  const span = { fromMs: isHourly ? ceilHour(query.from_ms) : query.from_ms, toMs: isHourly ? ceilHour(query.to_ms) : query.to_ms }
  if (span.fromMs >= span.toMs) return []
  const grid = hourGrid(bucketGrid(epochMs(span.fromMs), epochMs(span.toMs), query.maxPoints), isHourly)
  const at = (time: string): string => `(${grid.originMs} + ((${time} - ${grid.originMs}) // ${grid.widthMs}) * ${grid.widthMs})`
  const parts = partsOf(registers, type.id, { from_ms: span.fromMs, to_ms: span.toMs })
  const withRaw = parts.filter((part) => part.files.raw !== undefined && !isHourly)
  const isByHour = isHourly || (query.tier !== 'raw' && areHoursWhole(grid, query.maxPoints))
  const inside = { fromMs: ceilHour(span.fromMs), toMs: Math.floor(span.toMs / HOUR_MS) * HOUR_MS }
  const sources = [rawSource(asked, hotReadingsSql(registers, type.id, chartedColumns(asked)), at('observed_at_ms'), [span])]
  if (isByHour) {
    const byHour = parts.filter((part) => part.files.hourly !== undefined)
    sources.push(...hourSources(asked, byHour, at, [isHourly ? span : inside]))
    const edges = [
      { fromMs: span.fromMs, toMs: Math.min(inside.fromMs, span.toMs) },
      { fromMs: Math.max(inside.toMs, inside.fromMs), toMs: span.toMs },
    ].filter(({ fromMs, toMs }) => fromMs < toMs)
    sources.push(...rawSources(asked, withRaw, at, edges))
    sources.push(
      ...rawSources(
        asked,
        withRaw.filter((part) => part.files.hourly === undefined),
        at,
        [inside],
      ),
    )
  } else sources.push(...rawSources(asked, withRaw, at, [span]))
  if (query.tier !== 'raw') {
    const rawless = parts.filter((part) => part.files.raw === undefined && part.files.hourly !== undefined)
    const rest = { fromMs: Math.max(inside.toMs, inside.fromMs), toMs: span.toMs }
    if (!isHourly) sources.push(...hourSources(asked, rawless, at, [isByHour ? rest : span]))
  }
  return rowsOf(asked, sources)
}

/** Local days that begin in the span; from the days made of archived readings when they were made with the same zone. */
async function dailyRows(asked: Asked): Promise<ReadingBucket[]> {
  const { registers, type, query } = asked
  const all = createLocalDays(query.timeZone ?? 'UTC').daysIn(query.from_ms, query.to_ms)
  const days = all.filter((day) => day.from_ms >= query.from_ms).slice(0, query.maxPoints)
  const [first, last] = [days[0], days.at(-1)]
  if (first === undefined || last === undefined) return []
  const span = { fromMs: first.from_ms, toMs: last.to_ms }
  const parts = partsOf(registers, type.id, { from_ms: span.fromMs, to_ms: span.toMs })
  const list = days.map((day) => `(${day.from_ms}, ${day.to_ms})`).join(', ')
  const dayOf = (source: string, time: string): string =>
    `(SELECT d.begin_ms AS t, r.* FROM ${source} AS r JOIN (VALUES ${list}) AS d(begin_ms, end_ms) ON r.${time} >= d.begin_ms AND r.${time} < d.end_ms
      WHERE r.device_key = ${asked.key} AND r.${time} >= ${span.fromMs} AND r.${time} < ${span.toMs})`
  const byDay = parts.filter((part) => part.files.daily !== undefined)
  const isSameZone = await haveDays(asked, byDay, days)
  const sources = [rawSource(asked, dayOf(hotReadingsSql(registers, type.id, chartedColumns(asked)), 'observed_at_ms'), 't', [])]
  const fine = isSameZone ? parts.filter((part) => part.files.daily === undefined) : parts
  if (isSameZone) sources.push(...derivedSources(asked, byDay, 'daily', (source) => ({ from: source, t: 'begin_ms', within: [span] })))
  const withRaw = fine.filter((part) => part.files.raw !== undefined)
  if (withRaw.length > 0) sources.push(rawSource(asked, dayOf(partReadingsSql(registers, withRaw, chartedColumns(asked)), 'observed_at_ms'), 't', []))
  const rawless = fine.filter((part) => part.files.raw === undefined)
  sources.push(...derivedSources(asked, rawless, 'hourly', (source) => ({ from: dayOf(source, 'begin_ms'), t: 't', within: [] })))
  return rowsOf(asked, sources)
}

/** Whether the archived days of the device begin where the days asked for do. */
async function haveDays({ connection, registers, key }: Asked, parts: readonly ColdPart[], days: readonly LocalDay[]): Promise<boolean> {
  const paths = parts.flatMap((part) => part.files.daily?.path ?? [])
  const [first, last] = [days[0], days.at(-1)]
  if (paths.length === 0 || first === undefined || last === undefined) return true
  const begins = new Set(days.map((day): number => day.from_ms))
  const sql = `SELECT DISTINCT begin_ms::DOUBLE FROM ${filesSql(registers, paths)} WHERE device_key = ${key} AND begin_ms > ${first.from_ms - 26 * HOUR_MS} AND begin_ms < ${last.to_ms}`
  const found = (await connection.runAndReadAll(sql)).getRowsJS().map(([begin]) => Number(begin))
  return found.every((begin) => begins.has(begin) || begin < first.from_ms)
}

const chartedColumns = ({ channels }: Asked): readonly string[] => channels.flatMap(columnsOf)

const ceilHour = (ms: number): number => Math.ceil(ms / HOUR_MS) * HOUR_MS

function hourGrid(grid: BucketGrid, isHourly: boolean): BucketGrid {
  return isHourly ? { ...grid, widthMs: ceilHour(grid.widthMs) } : grid
}

/** Whether no hour belongs to two buckets. */
const areHoursWhole = ({ originMs, widthMs }: BucketGrid, maxPoints: number): boolean =>
  maxPoints <= 1 || (originMs % HOUR_MS === 0 && widthMs % HOUR_MS === 0)

type At = (time: string) => string

const rawSources = (asked: Asked, parts: readonly ColdPart[], at: At, within: readonly Stretch[]): string[] => {
  const inside = parts.filter((part) => within.some(({ fromMs, toMs }) => part.toMs >= fromMs && part.fromMs < toMs))
  if (inside.length === 0) return []
  return [rawSource(asked, partReadingsSql(asked.registers, inside, chartedColumns(asked)), at('observed_at_ms'), within)]
}

const hourSources = (asked: Asked, parts: readonly ColdPart[], at: At, within: readonly Stretch[]): string[] =>
  derivedSources(asked, parts, 'hourly', (source) => ({ from: source, t: at('begin_ms'), within }))

/** Sum, extremes and count of each channel by `t`, named s0, l0, h0, n0 and so on. */
function rawSource({ key, channels }: Asked, source: string, t: string, within: readonly Stretch[]): string {
  const aggregates = channels.map((channel, index) => {
    const [value = '', low = value, high = value] = columnsOf(channel).map(quoted)
    const least = channel.isAggregated ? `CASE WHEN ${value} IS NOT NULL THEN least(${value}, coalesce(${low}, ${value})) END` : value
    const greatest = channel.isAggregated ? `CASE WHEN ${value} IS NOT NULL THEN greatest(${value}, coalesce(${high}, ${value})) END` : value
    return `fsum(${value}) AS s${index}, min(${least}) AS l${index}, max(${greatest}) AS h${index}, count(${value}) AS n${index}`
  })
  return `SELECT ${t} AS t, ${aggregates.join(', ')} FROM ${source} WHERE device_key = ${key}${stretches('observed_at_ms', within)} GROUP BY ALL`
}

/** The same of hours or local days, one subquery for files that are written alike. */
function derivedSources(
  { registers, key, channels }: Asked,
  parts: readonly ColdPart[],
  tier: 'hourly' | 'daily',
  shape: (source: string) => { readonly from: string; readonly t: string; readonly within: readonly Stretch[] },
): string[] {
  const groups = Map.groupBy(
    parts.filter((part) => part.files[tier] !== undefined),
    (part) => JSON.stringify(part.channels),
  )
  return [...groups.values()].map((group) => {
    const { from, t, within } = shape(
      filesSql(
        registers,
        group.flatMap((part) => part.files[tier]?.path ?? []),
      ),
    )
    const values = channels.map(({ name }, index) => {
      const scale = group[0]?.channels[name]
      const { n, sum, min, max } = derivedColumns(name)
      if (scale === undefined) return `NULL::DOUBLE AS s${index}, NULL::DOUBLE AS l${index}, NULL::DOUBLE AS h${index}, NULL::BIGINT AS n${index}`
      return `${unscaled(sum, scale)} AS s${index}, ${unscaled(min, scale)} AS l${index}, ${unscaled(max, scale)} AS h${index}, ${n} AS n${index}`
    })
    return `SELECT ${t} AS t, ${values.join(', ')} FROM ${from} WHERE device_key = ${key}${stretches('begin_ms', within)}`
  })
}

const stretches = (time: string, within: readonly Stretch[]): string =>
  within.length === 0 ? '' : ` AND (${within.map(({ fromMs, toMs }) => `${time} >= ${fromMs} AND ${time} < ${toMs}`).join(' OR ')})`

async function rowsOf({ connection, channels, query }: Asked, sources: readonly string[]): Promise<ReadingBucket[]> {
  const sums = channels.map((_, index) => `fsum(s${index}), min(l${index}), max(h${index}), sum(n${index})::DOUBLE`)
  const sql = `SELECT t::DOUBLE, ${sums.join(', ')} FROM (${sources.join(' UNION ALL ')}) GROUP BY t ORDER BY t`
  const rows: readonly Row[] = (await connection.runAndReadAll(sql)).getRowsJS()
  return rows.flatMap((row) =>
    channels.flatMap((channel, index) => {
      const [sum, min, max, n] = row.slice(1 + index * 4, 5 + index * 4).map(Number)
      if (sum === undefined || min === undefined || max === undefined || n === undefined || n === 0) return []
      return [{ t: epochMs(Number(row[0])), device: query.device, channel: channel.name, mean: meanOfSum({ sum, min, max, n }), min, max, n }]
    }),
  )
}
