/**
 * Numbers of a sensor are multiples of its step, so most columns are whole numbers once multiplied by a power of ten; as such, sorted by
 * device and time, they are stored as differences of a few bits. A column is scaled only when every value comes back as it was; the
 * others stay doubles.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import { quoted } from './sql-names.ts'

/** By column: the power of ten by which its whole numbers are divided when read; null = doubles as they are. */
export type ColumnScales = Readonly<Record<string, number | null>>

const EXPONENT_MAX = 6
/** Rows on which exponents are guessed before all rows are asked. */
const SAMPLE_ROWS = 20_000

/** SQL of a scaled column's value. */
export const unscaled = (column: string, exponent: number | null): string => (exponent === null ? column : `(${column}::DOUBLE / 1e${exponent})`)

/** SQL of what is stored for a value. */
export const scaled = (value: string, exponent: number | null): string => (exponent === null ? value : `round(${value} * 1e${exponent})::BIGINT`)

/** Least exponents under which every value of the columns of `source` comes back as it was. */
export async function scalesOf(connection: DuckDBConnection, source: string, columns: readonly string[]): Promise<ColumnScales> {
  const guess = await exponents(connection, `(SELECT * FROM ${source} LIMIT ${SAMPLE_ROWS})`, new Map(columns.map((column) => [column, 0])))
  const found = await exponents(connection, source, guess)
  return Object.fromEntries([...found].map(([column, exponent]) => [column, exponent > EXPONENT_MAX ? null : exponent]))
}

/** Raises each column's exponent until all its values hold, or above the greatest. */
async function exponents(connection: DuckDBConnection, source: string, from: ReadonlyMap<string, number>): Promise<Map<string, number>> {
  const found = new Map(from)
  let open = [...from.keys()].filter((column) => (found.get(column) ?? 0) <= EXPONENT_MAX)
  while (open.length > 0) {
    const checks = open.map((column) => {
      const value = quoted(column)
      const exponent = found.get(column) ?? 0
      // A negative zero loses its sign, as it does in JSON and in the comparison of readings.
      return `bool_and(${unscaled(scaledOrNull(value, exponent), exponent)} = ${value})`
    })
    const [row = []] = (await connection.runAndReadAll(`SELECT ${checks.join(', ')} FROM ${source}`)).getRowsJS()
    open = open.filter((column, index) => {
      if (row[index] !== false) return false
      const next = (found.get(column) ?? 0) + 1
      found.set(column, next)
      return next <= EXPONENT_MAX
    })
  }
  return found
}

/** A value too great to be counted in whole steps is no match, not an error of the cast. */
const scaledOrNull = (value: string, exponent: number): string =>
  `CASE WHEN abs(${value}) < 9e15 / 1e${exponent} THEN round(${value} * 1e${exponent})::BIGINT ELSE CASE WHEN ${value} IS NULL THEN NULL ELSE -1 END END`
