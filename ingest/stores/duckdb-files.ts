/**
 * Parquet files in and out, by a DuckDB of their own in memory, with one thread and bounded memory: it never touches the reading store.
 * Reading gives rows in the order of the file as typed values; times become epoch milliseconds. Writing takes a CSV of declared types.
 */
import { type DuckDBConnection, DuckDBInstance } from '@duckdb/node-api'
import { MendlineError } from '#kernel/errors.ts'
import type { Cell, TableFile } from '../files/table-file.ts'
import { literal, quoted } from './sql-names.ts'

export interface EngineOptions {
  /** Folder for what does not fit into memory. */
  readonly scratchDirectory: string
  readonly memoryMib: number
}

async function openEngine({ scratchDirectory, memoryMib }: EngineOptions): Promise<{ connection: DuckDBConnection; close(): void }> {
  const instance = await DuckDBInstance.create(':memory:', {
    threads: '1',
    memory_limit: `${memoryMib}MiB`,
    temp_directory: scratchDirectory,
    autoinstall_known_extensions: 'false',
    autoload_known_extensions: 'false',
  })
  const connection = await instance.connect()
  return {
    connection,
    close() {
      connection.closeSync()
      instance.closeSync()
    },
  }
}

/** Types that hold a number, and how it is read; whole numbers beyond 2^53 come as they are and are refused as texts. */
const NUMBERS = /^(U?(TINYINT|SMALLINT|INTEGER)|FLOAT|DOUBLE|DECIMAL\(.*)$/
const WHOLE = /^U?(BIGINT|HUGEINT)$/
const TIMES = /^(DATE|TIMESTAMP.*)$/

/** Opens a Parquet file. @throws MendlineError MDL_IMPORT_INVALID when it is none */
export async function openParquetTable(path: string, options: EngineOptions): Promise<TableFile> {
  const { connection, close } = await openEngine(options)
  const source = `read_parquet(${literal(path)}, file_row_number = true, hive_partitioning = false)`
  try {
    const described = (await connection.runAndReadAll(`DESCRIBE SELECT * EXCLUDE (file_row_number) FROM ${source}`)).getRowsJS()
    const columns = described.map(([name, type]) => ({ name: String(name), type: String(type) }))
    const [count] = (await connection.runAndReadAll(`SELECT count(*)::DOUBLE FROM ${source}`)).getRowsJS()
    const total = Number(count?.[0] ?? 0)
    let rowsRead = 0
    return {
      format: 'parquet',
      columns: columns.map(({ name }) => name),
      unreadable: columns.flatMap(({ name, type }) => (sqlOf(name, type) === undefined ? [[name, type] as const] : [])),
      async *rows(skip) {
        rowsRead = skip
        const list = columns.map(({ name, type }) => sqlOf(name, type) ?? 'NULL')
        const sql = `SELECT ${list.join(', ')} FROM ${source} WHERE file_row_number >= ${skip}`
        const result = await connection.stream(sql)
        for (;;) {
          const chunk = await result.fetchChunk()
          if (chunk === null || chunk.rowCount === 0) return
          const rows = chunk.getRows().map((cells, index) => ({ line: rowsRead + index + 1, cells: cells.map(cellOf) }))
          rowsRead += rows.length
          yield rows
        }
      },
      done: () => (total === 0 ? 1 : rowsRead / total),
      close,
    }
  } catch (cause) {
    close()
    const reason = cause instanceof Error ? (cause.message.split('\n')[0] ?? '') : String(cause)
    throw new MendlineError('MDL_IMPORT_INVALID', `the file is no Parquet that can be read: ${reason.replaceAll(path, 'the file')}`, { cause })
  }
}

function sqlOf(name: string, type: string): string | undefined {
  const column = quoted(name)
  if (TIMES.test(type)) return `epoch_ms(${column}::${type.includes('TIME ZONE') ? 'TIMESTAMPTZ' : 'TIMESTAMP'})::DOUBLE`
  if (NUMBERS.test(type)) return `${column}::DOUBLE`
  if (WHOLE.test(type)) return column
  return type === 'VARCHAR' || type === 'BOOLEAN' ? column : undefined
}

function cellOf(value: unknown): Cell {
  if (typeof value === 'bigint') return value >= -9_007_199_254_740_991n && value <= 9_007_199_254_740_991n ? Number(value) : String(value)
  if (typeof value === 'number' || typeof value === 'boolean' || typeof value === 'string') return value
  return null
}

/** A column of a file that is written. */
export interface WrittenColumn {
  readonly name: string
  readonly type: 'VARCHAR' | 'BIGINT' | 'DOUBLE' | 'BOOLEAN' | 'TIMESTAMP'
}

/** Writes a CSV (`,`, quotes, an empty cell = no value, times as epoch ms) as Parquet with zstd, in the order of its rows. */
export async function writeParquet(csv: string, out: string, columns: readonly WrittenColumn[], options: EngineOptions): Promise<void> {
  const { connection, close } = await openEngine(options)
  try {
    const types = columns.map(({ name, type }) => `${literal(name)}: ${literal(type === 'TIMESTAMP' ? 'BIGINT' : type)}`)
    const list = columns.map(({ name, type }) => (type === 'TIMESTAMP' ? `make_timestamp_ms(${quoted(name)}) AS ${quoted(name)}` : quoted(name)))
    const source = `read_csv(${literal(csv)}, header = true, auto_detect = false, delim = ',', quote = '"', escape = '"', nullstr = '',
      columns = {${types.join(', ')}}, parallel = false)`
    await connection.run(`COPY (SELECT ${list.join(', ')} FROM ${source}) TO ${literal(out)} (FORMAT parquet, COMPRESSION zstd)`)
  } finally {
    close()
  }
}
