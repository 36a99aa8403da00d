/** What a file of readings is to the importer, whatever its format: named columns and rows in order, each with the line it stands in. */

/** CSV gives texts, Parquet typed values. */
export type Cell = string | number | boolean | null

export interface FileRow {
  /** Line of a CSV file, number of a Parquet row, from 1. */
  readonly line: number
  readonly cells: readonly Cell[]
  /** Why the row cannot be read at all. */
  readonly fault?: string
}

export interface TableFile {
  readonly format: 'csv' | 'parquet'
  /** Names in order; empty where the file has no header. */
  readonly columns: readonly string[]
  /** Columns of a kind that holds no value of a channel, with the kind. */
  readonly unreadable: ReadonlyArray<readonly [column: string, kind: string]>
  /** Rows behind the first `skip`, some at a time. @throws MendlineError MDL_IMPORT_INVALID */
  rows(skip: number): AsyncIterable<readonly FileRow[]>
  /** Share of the file that was read, from 0 to 1. */
  done(): number
  close(): void
}
