/**
 * Every table of every SQLite file of a data folder forgets an erased household: a row that names it is planted in each text column of each
 * table, so that a table that comes later is looked at without anybody thinking of it.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync, type SQLInputValue } from 'node:sqlite'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eraseHousehold } from '../../guard/erase.ts'
import { callApi, startDevPlatform } from './dev-platform.ts'

const HOUSEHOLD = 'Familie Müller "Süd" 王'
const THEIRS = ['ac-quxel-77', 'ac-quxel-78']
/** Has a name that theirs begin with. */
const NEIGHBOUR = 'ac-quxel-7'
/** Tables whose rows stay with a pseudonym. Whoever adds one here says why it must stay. */
const STAYING = [
  ...[
    'api_keys',
    // The key behind signed links, and the duty roster: of the house, not of a household.
    'emg_keys',
    'emg_rosters',
    'gateways',
    // Engineers, outlets, processes and terms are the organisation's own, and orders of others are under them.
    'hub_engineers',
    'hub_maintenance_windows',
    'hub_outlets',
    'hub_processes',
    'hub_service_terms',
    'identity_audit',
    'jobs',
    'mappings',
    'model_moves',
    'model_reigns',
    'models',
    'outbox_endpoints',
    'own_types',
  ],
  ...['rule_activations', 'rule_versions', 'schema_migrations'],
]

const folder = mkdtempSync(join(tmpdir(), 'mendline-erase-tables-'))
const data = join(folder, 'data')

interface Column {
  readonly name: string
  readonly type: string
  readonly pk: number
}

const sqliteFiles = (): string[] =>
  readdirSync(data, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) => readFileSync(path).subarray(0, 15).toString() === 'SQLite format 3')

const tablesOf = (store: DatabaseSync): string[] =>
  store
    .prepare("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")
    .all()
    .map(({ name }) => String(name))

const columnsOf = (store: DatabaseSync, table: string): Column[] => store.prepare(`PRAGMA table_info("${table}")`).all() as unknown as Column[]

/** Plants a row that says `text` in one column only. */
function plant(store: DatabaseSync, table: string, { at, text, mark }: { at: Column; text: string; mark: number }): void {
  const columns = columnsOf(store, table)
  const values = columns.map(({ name, type }): SQLInputValue => {
    if (name === at.name) return type === 'BLOB' ? Buffer.from(text) : text
    if (name === 'tenant') return 'home'
    return type === 'TEXT' ? `planted-${mark}` : type === 'BLOB' ? Buffer.from([mark]) : 1_000_000 + mark
  })
  const names = columns.map(({ name }) => `"${name}"`).join(', ')
  store.prepare(`INSERT OR IGNORE INTO "${table}" (${names}) VALUES (${columns.map(() => '?').join(', ')})`).run(...values)
}

/** A group of one cause that their alarm leads and the neighbour's belongs to. */
function plantGroup(): void {
  const store = new DatabaseSync(join(data, 'operations.sqlite'))
  const member = store.prepare(
    `INSERT INTO hub_grouped_alarms (alarm_id, tenant, device, cause, safety_class, began_at_ms, bucket_ms, group_id)
     VALUES (?, 'home', ?, 'AC-F04', 'E3', ?, 0, 'grp-mixed')`,
  )
  member.run('alarm-1', THEIRS[0] ?? '', 5)
  member.run('alarm-2', NEIGHBOUR, 7)
  store.exec(`INSERT INTO hub_alarm_groups (group_id, tenant, cause, scope, scope_value, safety_class, bucket_ms, from_ms, to_ms, alarms, units,
    population, lead_alarm_id) VALUES ('grp-mixed', 'home', 'AC-F04', 'outage_area', 'North', 'E3', 0, 5, 7, 2, 2, 9, 'alarm-1')`)
  store.close()
}

/** Rows of a table as text. */
const textOf = (store: DatabaseSync, table: string): string[] =>
  store
    .prepare(`SELECT * FROM "${table}"`)
    .all()
    .map((row) =>
      Object.values(row)
        .map((value) => (value instanceof Uint8Array ? Buffer.from(value).toString() : String(value)))
        .join(' | '),
    )

/** Each column that can name somebody; in the derived store, whose rows are all of one device, the device. */
const namingColumns = (file: string, store: DatabaseSync, table: string): Column[] =>
  columnsOf(store, table).filter(({ name, type }) =>
    file.endsWith('derived.sqlite') ? name === 'device' : name !== 'tenant' && ['TEXT', 'BLOB'].includes(type),
  )

beforeAll(async () => {
  const platform = await startDevPlatform(folder)
  const devices = [...THEIRS.map((device) => ({ device, household: HOUSEHOLD, building: 'Lerchenweg 9' })), { device: NEIGHBOUR, building: 'Turm' }]
  await callApi(platform, { method: 'POST', path: '/devices', body: devices.map((device) => ({ ...device, type: 'air_conditioner' })) })
  for (const scope_value of ['Lerchenweg 9', 'Turm']) {
    const window = { scope: 'building', scope_value, from_ms: 1, to_ms: 2, reason: `asked for by ${HOUSEHOLD}` }
    await callApi(platform, { method: 'POST', path: '/maintenance-windows', body: window })
  }
  await platform.stop()
}, 60_000)
afterAll(() => rmSync(folder, { recursive: true, force: true }))

describe('erasure of every table', { timeout: 60_000 }, () => {
  it('leaves no row in any table that names the household, its devices or the building that only they lived in', async () => {
    plantGroup()
    const planted: string[] = []
    for (const file of sqliteFiles()) {
      const store = new DatabaseSync(file, { enableForeignKeyConstraints: false })
      let mark = 0
      for (const table of tablesOf(store)) {
        const naming = namingColumns(file, store, table)
        expect(naming, `${table} of ${file} names no device: say how it is erased`).not.toEqual([])
        for (const at of naming) {
          const isName = at.name === 'device' || file.endsWith('derived.sqlite')
          for (const text of isName ? [THEIRS[1] ?? ''] : [`of ${HOUSEHOLD}`, JSON.stringify([HOUSEHOLD]), `"${THEIRS[0]}"`])
            plant(store, table, { at, text, mark: ++mark })
          plant(store, table, { at, text: isName ? NEIGHBOUR : `"${NEIGHBOUR}"`, mark: ++mark })
        }
        planted.push(table)
      }
      store.close()
    }
    expect(planted).toEqual(
      expect.arrayContaining([
        'devices',
        'hub_grouped_alarms',
        'emg_emergencies',
        'emg_steps',
        'emg_notices',
        'hub_alarm_handling',
        'hub_contacts',
        'hub_intake_codes',
        'hub_care_units',
        'hub_care_tasks',
        'hub_care_done',
        'hub_care_choices',
        'rule_versions',
        'jobs',
        'derived',
        'checkpoints',
      ]),
    )

    expect((await eraseHousehold(data, { tenant: 'home', household: HOUSEHOLD })).still_found).toEqual([])

    const staying: string[] = []
    for (const file of sqliteFiles()) {
      const store = new DatabaseSync(file, { readOnly: true })
      for (const table of tablesOf(store)) {
        const rows = textOf(store, table)
        for (const name of [HOUSEHOLD, JSON.stringify(HOUSEHOLD).slice(1, -1), ...THEIRS, 'Lerchenweg'])
          expect(
            rows.filter((row) => row.includes(name)),
            `${table} of ${file}`,
          ).toEqual([])
        if (rows.some((row) => row.includes('erased_'))) staying.push(table)
        if (table !== 'api_idempotency') expect(rows.filter((row) => row.includes(NEIGHBOUR)).length, `the neighbour in ${table}`).toBeGreaterThan(0)
      }
      store.close()
    }
    // Two books have an outbox and a list of migrations each.
    expect([...new Set(staying)].sort()).toEqual(STAYING)
    const operations = new DatabaseSync(join(data, 'operations.sqlite'), { readOnly: true })
    expect(operations.prepare("SELECT scope_value, reason FROM hub_maintenance_windows WHERE scope = 'building'").all()).toEqual([
      { scope_value: 'Turm', reason: expect.stringMatching(/^asked for by erased_/) },
    ])
    const mixed = operations.prepare("SELECT alarms, units, from_ms, lead_alarm_id FROM hub_alarm_groups WHERE group_id = 'grp-mixed'").get()
    expect(mixed).toEqual({ alarms: 1, units: 1, from_ms: 7, lead_alarm_id: 'alarm-2' })
    operations.close()
  })
})
