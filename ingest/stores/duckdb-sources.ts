/**
 * SQL of the readings of a type wherever they stand: the table that is written, closed tables, files. It gives the columns of the table
 * that is written (keys, then one DOUBLE a column, NULL where a source lacks it), so that a query need not know of tiers. Files whose
 * device times lie outside the span are not named at all; within a file DuckDB skips by device and time.
 */
import { join } from 'node:path'
import { unscaled } from './column-scales.ts'
import { type Registers, readingsTable, textsTable } from './duckdb-schema.ts'
import { type ColdPart, sealedTable, sealedTexts } from './duckdb-view.ts'
import { literal, quoted } from './sql-names.ts'
import { KEY_COLUMNS } from './stored-type.ts'

/** Device times [from, to); absent = all. */
export interface Span {
  readonly from_ms: number
  readonly to_ms: number
}

/** A subquery in brackets with all readings of a type whose device time may lie in the span; the caller filters further. Fewer columns plan faster. */
export function readingsSql(registers: Registers, type: string, span?: Span, columns = registers.types.get(type)?.columns ?? []): string {
  const hot = [
    tableSql(readingsTable(type), columns, new Set(registers.tableColumns.get(type))),
    ...registers.view.sealed
      .filter((sealed) => sealed.type === type)
      .map((sealed) => tableSql(sealedTable(sealed.number), columns, new Set(sealed.columns))),
  ]
  return `(${[...hot, ...coldReadings(registers, partsOf(registers, type, span), columns)].join(' UNION ALL ')})`
}

/** Hot readings alone, for what takes the rest from aggregates. */
export function hotReadingsSql(registers: Registers, type: string, columns?: readonly string[]): string {
  return readingsSql({ ...registers, view: { ...registers.view, parts: [] } }, type, undefined, columns)
}

/** Readings of some parts, which have raw files. */
export function partReadingsSql(registers: Registers, parts: readonly ColdPart[], columns: readonly string[]): string {
  return `(${coldReadings(registers, parts, columns).join(' UNION ALL ')})`
}

/** A subquery with all texts of a type: device_key, observed_at_ms, boot, seq, channel, text. */
export function textsSql(registers: Registers, type: string, span?: Span): string {
  const tables = [textsTable(type), ...registers.view.sealed.filter((sealed) => sealed.type === type).map((sealed) => sealedTexts(sealed.number))]
  const files = partsOf(registers, type, span).flatMap((part) => part.files.texts?.path ?? [])
  const sources = tables.map((table) => `SELECT ${TEXT_COLUMNS} FROM ${quoted(table)}`)
  if (files.length > 0) sources.push(`SELECT ${TEXT_COLUMNS} FROM ${filesSql(registers, files)}`)
  return `(${sources.join(' UNION ALL ')})`
}

/** Parts of a type that may hold readings of the span. */
export function partsOf(registers: Registers, type: string, span: Span = { from_ms: Number.NEGATIVE_INFINITY, to_ms: Number.POSITIVE_INFINITY }) {
  return registers.view.parts.filter((part) => part.type === type && part.toMs >= span.from_ms && part.fromMs < span.to_ms)
}

/** `read_parquet` of files of the archive. */
export const filesSql = (registers: Registers, paths: readonly string[]): string =>
  `read_parquet([${paths.map((path) => literal(join(registers.coldDirectory, path))).join(', ')}])`

export const TEXT_COLUMNS = 'device_key, observed_at_ms, boot, seq, channel, text'

function tableSql(table: string, columns: readonly string[], present: ReadonlySet<string>): string {
  const numbers = columns.map((column) => (present.has(column) ? quoted(column) : `NULL::DOUBLE AS ${quoted(column)}`))
  return `SELECT ${[...KEY_COLUMNS, ...numbers].join(', ')} FROM ${quoted(table)}`
}

/** One subquery for all files that are written alike. */
function coldReadings(registers: Registers, parts: readonly ColdPart[], columns: readonly string[]): string[] {
  const withRaw = parts.filter((part) => part.files.raw !== undefined)
  const groups = Map.groupBy(withRaw, (part) => JSON.stringify(part.columns))
  return [...groups.values()].map((group) => {
    const scales = group[0]?.columns ?? {}
    const numbers = columns.map((column) => {
      const scale = scales[column]
      return `${scale === undefined ? 'NULL::DOUBLE' : unscaled(quoted(column), scale)} AS ${quoted(column)}`
    })
    const paths = group.flatMap((part) => part.files.raw?.path ?? [])
    return `SELECT ${[COLD_KEYS, ...numbers].join(', ')} FROM ${filesSql(registers, paths)}`
  })
}

/** Keys of a file as the tables have them: the time of receipt stands as its distance from the device time. */
const COLD_KEYS = 'device_key, observed_at_ms, observed_at_ms + delay_ms AS received_at_ms, boot, seq, flags, firmware_key'
