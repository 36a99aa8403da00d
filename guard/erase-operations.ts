/**
 * Takes a household and its devices out of the operational store, whatever table names them: rows that are of them or of an order, case or
 * event of theirs are deleted; rows that must stay (audits, keys, types, endpoints) get a pseudonym in the name's place. The file is written
 * anew behind it, so that no free page keeps a name.
 */
import { DatabaseSync } from 'node:sqlite'

export interface OperationsSearch {
  readonly tenant: string
  readonly devices: ReadonlySet<string>
  readonly mentions: (text: string) => boolean
  readonly pseudonymise: (text: string) => string
}

/** Rows of these stay, under a pseudonym. */
const STAYING = new Set(['identity_audit', 'api_keys', 'outbox_endpoints', 'own_types', 'mappings', 'gateways', 'jobs', 'schema_migrations'])
/** What hangs on a deleted row by one of these goes with it. */
const TIES = ['case_id', 'work_order_id', 'event_id', 'emergency_id', 'alarm_id', 'diagnosis_id', 'subject']

/** Gives the rows that were deleted and changed by table. */
export function eraseOperations(file: string, search: OperationsSearch): Readonly<Record<string, number>> {
  const store = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  const counts: Record<string, number> = {}
  try {
    store.exec('PRAGMA secure_delete = ON; BEGIN IMMEDIATE')
    const tables = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
    const named = tables.map(({ name }) => String(name))
    const gone = new Map<string, Set<string>>()
    for (const table of named) counts[table] = STAYING.has(table) ? pseudonymise(store, table, search) : erase(store, table, search, gone)
    for (let changes = 1; changes > 0; ) {
      changes = 0
      for (const table of named.filter((name) => !STAYING.has(name))) {
        const more = erase(store, table, { ...search, devices: new Set(), mentions: () => false }, gone)
        counts[table] = (counts[table] ?? 0) + more
        changes += more
      }
    }
    // Answers kept for repeated requests are encrypted; nobody can tell whose they are.
    counts.api_idempotency = Number(store.prepare('DELETE FROM api_idempotency').run().changes)
    store.exec('COMMIT; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    store.close()
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

type Row = Readonly<Record<string, unknown>>

function erase(store: DatabaseSync, table: string, search: OperationsSearch, gone: Map<string, Set<string>>): number {
  const doomed: unknown[] = []
  for (const row of rowsOf(store, table)) {
    if (row.tenant !== undefined && row.tenant !== search.tenant) continue
    const isTied = TIES.some((tie) => typeof row[tie] === 'string' && gone.get(tie)?.has(row[tie]) === true)
    const isTheirs = typeof row.device === 'string' && search.devices.has(row.device)
    if (!isTied && !isTheirs && !Object.values(row).some((value) => typeof value === 'string' && search.mentions(value))) continue
    doomed.push(row.row_number_)
    for (const tie of TIES) {
      // An order in another's subject: events are tied to cases and orders by it.
      if (typeof row[tie] === 'string') for (const name of new Set([tie, 'subject'])) gone.set(name, (gone.get(name) ?? new Set()).add(row[tie]))
    }
  }
  const statement = store.prepare(`DELETE FROM "${table}" WHERE rowid = ?`)
  for (const id of doomed) statement.run(id as number)
  return doomed.length
}

function pseudonymise(store: DatabaseSync, table: string, { mentions, pseudonymise: replace }: OperationsSearch): number {
  let changed = 0
  for (const row of rowsOf(store, table)) {
    for (const [column, value] of Object.entries(row)) {
      if (typeof value !== 'string' || !mentions(value)) continue
      store.prepare(`UPDATE "${table}" SET "${column}" = ? WHERE rowid = ?`).run(replace(value), row.row_number_ as number)
      changed++
    }
  }
  return changed
}

const rowsOf = (store: DatabaseSync, table: string): Row[] => store.prepare(`SELECT rowid AS row_number_, * FROM "${table}"`).all() as Row[]
