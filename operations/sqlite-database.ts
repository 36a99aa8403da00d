/**
 * Fits `node:sqlite` to the small interface that Kysely's SQLite dialect asks of a driver: prepared statements kept by their text,
 * booleans stored as 0 and 1, and the faults of the disk turned into MendlineErrors. Everything runs synchronously on the calling
 * thread over one connection; Kysely itself lets one transaction at a time hold it.
 */
import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite'
import type { SqliteDatabase, SqliteStatement } from 'kysely'
import { MendlineError } from '#kernel/errors.ts'

/** Statements kept prepared; at the bound the oldest is prepared anew when it is next needed. */
const STATEMENTS_MAX = 256

/** Wait for another process that holds the write lock (a copy, `mendline db`); then the statement fails. */
const BUSY_TIMEOUT_MS = 5_000

/**
 * Opens a database file for durable use: WAL, fsync at each commit, foreign keys enforced.
 * @throws MendlineError MDL_STORE_UNAVAILABLE when the file cannot be opened or is no database
 */
export function openSqlite(file: string): SqliteDatabase {
  const database = guarded(() => {
    const opened = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true })
    opened.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON')
    return opened
  })
  const statements = new Map<string, SqliteStatement>()
  return {
    prepare(sql) {
      const kept = statements.get(sql)
      if (kept !== undefined) return kept
      // A deferred transaction that turns into a writer fails at once when another process writes; an immediate one waits.
      const statement = guarded(() =>
        sql === 'rollback' ? rollback(database) : adaptStatement(database.prepare(sql === 'begin' ? 'begin immediate' : sql)),
      )
      if (statements.size >= STATEMENTS_MAX) for (const oldest of [...statements.keys()].slice(0, 1)) statements.delete(oldest)
      statements.set(sql, statement)
      return statement
    },
    close() {
      statements.clear()
      if (database.isOpen) database.close()
    },
  }
}

/**
 * A rollback that does nothing where SQLite rolled back by itself, as it does at a full disk: its "no transaction is active" would be
 * thrown in place of the fault that ended the transaction.
 */
function rollback(database: DatabaseSync): SqliteStatement {
  const statement = adaptStatement(database.prepare('rollback'))
  return { ...statement, run: (parameters) => (database.isTransaction ? statement.run(parameters) : { changes: 0, lastInsertRowid: 0 }) }
}

function adaptStatement(statement: StatementSync): SqliteStatement {
  return {
    reader: statement.columns().length > 0,
    all: (parameters) => guarded(() => statement.all(...parameters.map(inputValue))),
    run: (parameters) => guarded(() => statement.run(...parameters.map(inputValue))),
    iterate: (parameters) => guarded(() => statement.iterate(...parameters.map(inputValue))),
  }
}

function inputValue(value: unknown): SQLInputValue {
  if (value === true) return 1
  if (value === false) return 0
  return value as SQLInputValue
}

/** Primary result codes of SQLite that speak of the disk or of another process, with whether a later try may succeed. */
const WORLD_FAULTS: ReadonlyMap<number, { readonly what: string; readonly retryable: boolean }> = new Map([
  [5, { what: 'is locked by another process', retryable: true }],
  [6, { what: 'is locked', retryable: true }],
  [8, { what: 'is read-only', retryable: false }],
  [10, { what: 'cannot be read or written', retryable: true }],
  [11, { what: 'is damaged', retryable: false }],
  [13, { what: 'has no room left on its disk', retryable: true }],
  [14, { what: 'cannot be opened', retryable: false }],
  [26, { what: 'is no SQLite database', retryable: false }],
])

function guarded<T>(action: () => T): T {
  try {
    return action()
  } catch (cause) {
    const code = typeof cause === 'object' && cause !== null && 'errcode' in cause && typeof cause.errcode === 'number' ? cause.errcode & 0xff : -1
    const fault = WORLD_FAULTS.get(code)
    if (fault === undefined) throw cause
    throw new MendlineError('MDL_STORE_UNAVAILABLE', `the operational store ${fault.what}`, { retryable: fault.retryable, cause })
  }
}
