/**
 * The operational store: devices, keys, cases, orders, labels, outbox. It opens the embedded SQLite file behind Kysely and brings
 * its schema up to date from the migrations that the stages list and main joins. A commit that returned survives power loss.
 * The stages know only `Kysely<TheirTables>`; the same queries run on PostgreSQL.
 */
import { createHash } from 'node:crypto'
import { CompiledQuery, Kysely, SqliteDialect } from 'kysely'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import type { Migration } from '#kernel/migration.ts'
import { openSqlite } from './sqlite-database.ts'

export interface Operations {
  /** One connection; a transaction holds it until it ends, other queries wait for it in order. */
  readonly database: Kysely<unknown>
  /**
   * Applies what is missing of `list`, in its order, each in one transaction. Takes the list of the whole program at once.
   * @throws MendlineError MDL_STORE_SCHEMA when the file holds a migration that the list does not know or knows otherwise
   */
  migrate(list: readonly Migration[]): Promise<void>
  close(): Promise<void>
}

/**
 * Opens (or creates) the operational store.
 * @throws MendlineError MDL_STORE_UNAVAILABLE
 */
export async function openOperations({ file, log }: { readonly file: string | ':memory:'; readonly log: Log }): Promise<Operations> {
  const connection = openSqlite(file)
  const database = new Kysely<MigrationTables>({ dialect: new SqliteDialect({ database: connection }) })
  return {
    database: database as unknown as Kysely<unknown>,
    migrate: (list) => migrate(database, list, log),
    async close() {
      await database.destroy()
      connection.close()
    },
  }
}

interface MigrationTables {
  schema_migrations: { id: string; checksum: string }
}

async function migrate(database: Kysely<MigrationTables>, list: readonly Migration[], log: Log): Promise<void> {
  await database.executeQuery(CompiledQuery.raw('CREATE TABLE IF NOT EXISTS schema_migrations (id TEXT PRIMARY KEY, checksum TEXT NOT NULL)'))
  const rows = await database.selectFrom('schema_migrations').selectAll().execute()
  const applied = new Map(rows.map((row) => [row.id, row.checksum]))
  refuseForeignSchema(applied, list)
  for (const migration of list) {
    if (applied.has(migration.id)) continue
    await database.transaction().execute(async (transaction) => {
      for (const statement of migration.statements) await transaction.executeQuery(CompiledQuery.raw(statement))
      await transaction
        .insertInto('schema_migrations')
        .values({ id: migration.id, checksum: checksum(migration) })
        .execute()
    })
    log.debug('migration applied', { migration: migration.id })
  }
}

function refuseForeignSchema(applied: ReadonlyMap<string, string>, list: readonly Migration[]): void {
  const known = new Map(list.map((migration) => [migration.id, checksum(migration)]))
  if (known.size !== list.length) throw new MendlineError('MDL_STORE_SCHEMA', 'two migrations have the same id')
  for (const [id, sum] of applied) {
    const expected = known.get(id)
    if (expected === undefined) {
      throw new MendlineError('MDL_STORE_SCHEMA', `the operational store was written by a newer version (${id})`, { details: { migration: id } })
    }
    if (expected !== sum) {
      throw new MendlineError('MDL_STORE_SCHEMA', `migration ${id} differs from the one that was applied`, { details: { migration: id } })
    }
  }
}

const checksum = (migration: Migration): string => createHash('sha256').update(migration.statements.join(';\n')).digest('hex')
