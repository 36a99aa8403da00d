/**
 * The number columns of a type's table. A column is made when the first value for it comes: a type has many channels, most with bounds
 * beside the mean, of which a fleet sends some, and an empty column costs each row as much as a full one (82 columns of which 15 are
 * used: five times the processor time, six times the log). To a query a column that nothing came for is NULL.
 */
import type { DuckDBConnection } from '@duckdb/node-api'
import type { TypeRows } from '../reading-rows.ts'
import { type Registers, readingsTable } from './duckdb-schema.ts'
import { quoted } from './sql-names.ts'

/** Columns that the readings of one type bring values for and its table lacks. */
export function missingColumns(registers: Registers, { type, isUsed }: Pick<TypeRows, 'type' | 'isUsed'>): readonly string[] {
  const columns = registers.types.get(type)?.columns ?? []
  const present = new Set(registers.tableColumns.get(type))
  return columns.filter((column, place) => isUsed[place] === 1 && !present.has(column))
}

/** Adds columns to a type's table, outside of a transaction. */
export async function addColumns(writer: DuckDBConnection, registers: Registers, id: string, columns: readonly string[]): Promise<void> {
  if (columns.length === 0) return
  const table = quoted(readingsTable(id))
  for (const column of columns) await writer.run(`ALTER TABLE ${table} ADD COLUMN IF NOT EXISTS ${quoted(column)} DOUBLE`)
  // A WAL with changes of tables is what did not open again after crashes (duckdb/duckdb#22044, #19712). While a query streams there can be no
  // checkpoint; then the one behind the next snapshot does it, and until that the journal holds what the WAL holds.
  await writer.run('CHECKPOINT').catch(() => {})
  const present = registers.tableColumns.get(id) ?? []
  registers.tableColumns.set(id, [...present, ...columns.filter((column) => !present.includes(column))])
}
