/**
 * Takes a household and its devices out of the operational store, or the emergency book, whatever table names them: rows that are of them or of an order, case or
 * event of theirs are deleted; rows that must stay (audits, keys, types, endpoints) get a pseudonym in the name's place. The file is written
 * anew behind it, so that no free page keeps a name.
 */
import { DatabaseSync } from 'node:sqlite'
import { createErasedNames } from './erase-names.ts'
import { isWithin, type StayingDevice } from './erase-owners.ts'

export interface OperationsSearch {
  readonly tenant: string
  readonly devices: ReadonlySet<string>
  /** Devices that stay: of them go the rows whose earliest time is the household's. */
  readonly staying: readonly StayingDevice[]
  /** When a device that stays is revoked. */
  readonly atMs: number
  readonly mentions: (text: string) => boolean
  readonly mentionsBytes: (bytes: Uint8Array) => boolean
  readonly pseudonymise: (text: string) => string
}

/** Rows of these stay, under a pseudonym: they are of the house that runs this, or of others as well. */
const STAYING = new Set([
  ...['identity_audit', 'api_keys', 'outbox_endpoints', 'own_types', 'mappings', 'gateways', 'jobs', 'schema_migrations'],
  ...['emg_rosters', 'emg_keys'],
  ...['rule_versions', 'rule_activations', 'hub_maintenance_windows', 'models', 'model_reigns', 'model_moves'],
  // Processes, outlets, engineers and terms of the organisation.
  ...['hub_processes', 'hub_outlets', 'hub_engineers', 'hub_service_terms'],
])
/** What is the unit's own, whoever has it: the keys it logs in by, the code on its sticker, and its counters, which run on. */
const OF_THE_UNIT = new Set(['principal_keys', 'hub_intake_codes', 'hub_care_units'])
/** What a scope names in groups and maintenance windows; a building that only they live in is as good as their name. */
const PLACES = ['building', 'outage_area'] as const
/** What hangs on a deleted row by one of these goes with it. */
const TIES = ['case_id', 'work_order_id', 'event_id', 'emergency_id', 'alarm_id', 'diagnosis_id', 'subject']

/** Gives the rows that were deleted and changed by table. */
export function eraseOperations(file: string, search: OperationsSearch): Readonly<Record<string, number>> {
  const store = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  const counts: Record<string, number> = {}
  try {
    store.exec('PRAGMA secure_delete = ON; BEGIN IMMEDIATE')
    counts.scopes = eraseScopes(store, search)
    leaveHousehold(store, search)
    const gone = eraseTables(store, search, counts)
    mendGroups(store, gone.get('group_id') ?? new Set())
    // Answers kept for repeated requests are encrypted; nobody can tell whose they are.
    counts.api_idempotency = Number(store.prepare('DELETE FROM api_idempotency').run().changes)
    store.exec('COMMIT; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    store.close()
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** The same of the book of emergencies; its rosters stay, under a pseudonym. */
export function eraseEmergencies(file: string, search: OperationsSearch): Readonly<Record<string, number>> {
  const store = new DatabaseSync(file, { enableForeignKeyConstraints: false })
  const counts: Record<string, number> = {}
  try {
    store.exec('PRAGMA secure_delete = ON; BEGIN IMMEDIATE')
    eraseTables(store, search, counts)
    store.exec('COMMIT; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)')
  } finally {
    store.close()
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0))
}

/** Every table, until nothing that hangs on a deleted row is left; gives the ids that are gone by their column. */
function eraseTables(store: DatabaseSync, search: OperationsSearch, counts: Record<string, number>): Map<string, Set<string>> {
  const tables = store.prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'").all()
  const named = tables.map(({ name }) => String(name))
  const gone = new Map<string, Set<string>>()
  const isOfTheirTime = timeOfStaying(search.staying)
  for (const table of named)
    counts[table] = STAYING.has(table) ? pseudonymise(store, table, search) : erase(store, table, { ...search, isOfTheirTime }, gone)
  for (let changes = 1; changes > 0; ) {
    changes = 0
    for (const table of named.filter((name) => !STAYING.has(name))) {
      const more = erase(store, table, { ...search, devices: new Set(), mentions: () => false, isOfTheirTime: () => false }, gone)
      counts[table] = (counts[table] ?? 0) + more
      changes += more
    }
  }
  return gone
}

type Row = Readonly<Record<string, unknown>>

interface RowSearch extends OperationsSearch {
  readonly isOfTheirTime: (row: Row) => boolean
}

function erase(store: DatabaseSync, table: string, search: RowSearch, gone: Map<string, Set<string>>): number {
  const doomed: unknown[] = []
  const staying = new Set(search.staying.map(({ device }) => device))
  for (const row of rowsOf(store, table)) {
    if (row.tenant !== undefined && row.tenant !== search.tenant) continue
    if (table === 'devices' && staying.has(String(row.device))) continue
    const isTied = TIES.some((tie) => typeof row[tie] === 'string' && gone.get(tie)?.has(row[tie]) === true)
    const isTheirs = (typeof row.device === 'string' && search.devices.has(row.device)) || (!OF_THE_UNIT.has(table) && search.isOfTheirTime(row))
    if (!isTied && !isTheirs && !Object.values(row).some((value) => isNaming(value, search))) continue
    doomed.push(row.row_number_)
    if (table === 'hub_grouped_alarms') gone.set('group_id', (gone.get('group_id') ?? new Set()).add(String(row.group_id)))
    for (const tie of TIES) {
      const value = row[tie]
      // The name of a device that stays ties what is of other households, too.
      if (typeof value !== 'string' || staying.has(value)) continue
      // An order in another's subject: events are tied to cases and orders by it.
      for (const name of new Set([tie, 'subject'])) gone.set(name, (gone.get(name) ?? new Set()).add(value))
    }
  }
  const statement = store.prepare(`DELETE FROM "${table}" WHERE rowid = ?`)
  for (const id of doomed) statement.run(id as number)
  return doomed.length
}

/** Tells whether a row is of a device that stays, by its column or in its texts, and of the household's time. A row without a time is not. */
function timeOfStaying(staying: readonly StayingDevice[]): (row: Row) => boolean {
  const named = staying.map(({ device, spans }) => ({ device, spans, ...createErasedNames([device]) }))
  return (row) => {
    const one = named.find(({ device, mentions }) =>
      typeof row.device === 'string' ? row.device === device : Object.values(row).some((value) => typeof value === 'string' && mentions(value)),
    )
    if (one === undefined) return false
    const times = Object.entries(row).flatMap(([name, value]) => (name.endsWith('_ms') && Number(value) > EPOCH_LEAST_MS ? [Number(value)] : []))
    return times.length > 0 && isWithin(one.spans, Math.min(...times))
  }
}

/** What is above is an instant, below a duration: September 2001, or 31 years. */
const EPOCH_LEAST_MS = 1e12

/** A device that stays and is the household's now is of nobody and revoked, so that nothing more of theirs comes; where it stands goes. */
function leaveHousehold(store: DatabaseSync, { tenant, staying, atMs, mentions, pseudonymise: replace }: OperationsSearch): void {
  for (const { device, isTheirsNow } of staying) {
    if (isTheirsNow) {
      const sql = `UPDATE devices SET household = NULL, site = NULL, building = NULL, outage_area = NULL, revoked_at_ms = coalesce(revoked_at_ms, ?),
        previous_secret_hash = NULL, previous_secret_until_ms = NULL WHERE tenant = ? AND device = ?`
      store.prepare(sql).run(atMs, tenant, device)
    }
    for (const row of store.prepare('SELECT * FROM devices WHERE tenant = ? AND device = ?').all(tenant, device) as Row[]) {
      for (const [column, value] of Object.entries(row)) {
        if (typeof value !== 'string' || column === 'tenant' || column === 'device' || !mentions(value)) continue
        store.prepare(`UPDATE devices SET "${column}" = ? WHERE tenant = ? AND device = ?`).run(replace(value), tenant, device)
      }
    }
  }
}

const isNaming = (value: unknown, { mentions, mentionsBytes }: Pick<OperationsSearch, 'mentions' | 'mentionsBytes'>): boolean =>
  (typeof value === 'string' && mentions(value)) || (value instanceof Uint8Array && mentionsBytes(value))

/** Groups and maintenance windows that are of the household, of a device of it, or of a place where nobody else is. */
function eraseScopes(store: DatabaseSync, { tenant, devices, staying, mentions }: OperationsSearch): number {
  const left = new Set([...devices, ...staying.filter(({ isTheirsNow }) => isTheirsNow).map(({ device }) => device)])
  const units = store.prepare('SELECT * FROM devices WHERE tenant = ?').all(tenant) as Row[]
  const theirs = (place: (typeof PLACES)[number]): Set<unknown> => {
    const [own, others] = [true, false].map((isOwn) => units.filter(({ device }) => left.has(String(device)) === isOwn).map((unit) => unit[place]))
    return new Set(own?.filter((value) => others?.includes(value) !== true))
  }
  const places: Readonly<Record<string, Set<unknown>>> = Object.fromEntries(PLACES.map((place) => [place, theirs(place)]))
  let erased = 0
  for (const table of ['hub_alarm_groups', 'hub_maintenance_windows']) {
    for (const { row_number_, tenant: owner, scope, scope_value } of rowsOf(store, table)) {
      if (owner !== tenant || !(mentions(String(scope_value)) || places[String(scope)]?.has(scope_value) === true)) continue
      store.prepare(`DELETE FROM "${table}" WHERE rowid = ?`).run(row_number_ as number)
      erased++
    }
  }
  return erased
}

/** Groups that had alarms of theirs are of the others now; one that has none left is gone. */
function mendGroups(store: DatabaseSync, groups: ReadonlySet<string>): void {
  for (const id of groups) {
    const members = store.prepare('SELECT * FROM hub_grouped_alarms WHERE group_id = ? ORDER BY began_at_ms, alarm_id').all(id) as Row[]
    const [lead] = members
    if (lead === undefined) {
      store.prepare('DELETE FROM hub_alarm_groups WHERE group_id = ?').run(id)
      continue
    }
    const units = new Set(members.map(({ device }) => device)).size
    store
      .prepare('UPDATE hub_alarm_groups SET alarms = ?, units = ?, from_ms = ?, to_ms = ?, lead_alarm_id = ? WHERE group_id = ?')
      .run(members.length, units, Number(lead.began_at_ms), Number(members.at(-1)?.began_at_ms), String(lead.alarm_id), id)
  }
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
