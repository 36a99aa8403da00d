import { type Kysely, sql } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { emergencyMigrations } from './emergency/emergency-tables.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createPurge } from './purge.ts'

const DAY_MS = 86_400_000
const NOW_MS = 1_000 * DAY_MS
const RETENTION = { hub_events_days: 100, webhook_attempts_days: 10, contacts_days: 200, care_days: 300, intake_codes_days: 400 }

let operations: Operations
let database: Kysely<HubTables>
beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  database = operations.database as unknown as Kysely<HubTables>
})
afterEach(() => operations.close())

const purgeOf = () => createPurge({ database, retention: RETENTION, clock: new ManualClock(NOW_MS), log: silentLog })
const old = (days: number): number => NOW_MS - days * DAY_MS
const idsOf = async (table: string, column: string): Promise<string[]> =>
  (await sql<{ id: string }>`SELECT ${sql.ref(column)} AS id FROM ${sql.table(table)} ORDER BY 1`.execute(database)).rows.map(({ id }) => id)

async function order(id: string, diagnosis: string | null, alarm: string | null): Promise<void> {
  await sql`INSERT INTO hub_work_orders (work_order_id, case_id, tenant, device, type, state, revision, safety_class, fault, cause,
    opening_cause, diagnosis_id, diagnosed_at_ms, alarm_id, opened_at_ms, created_at_ms, updated_at_ms, settled_at_ms, move_count, packet, outcome) VALUES (${id}, 'c', 'home', 'd', 't', 'opened', 1, 'E2', NULL, 'c', 'c', ${diagnosis}, NULL, ${alarm}, 1, 1, 1, NULL, 0, '{}', NULL)`.execute(
    database,
  )
}
const diagnosis = (id: string, atMs: number) =>
  sql`INSERT INTO hub_diagnoses VALUES (${id}, 'home', 'd', ${atMs}, 'fault', 'T-01', '{}')`.execute(database)
const alarm = (id: string, clearedMs: number | null) =>
  sql`INSERT INTO hub_alarms VALUES (${id}, 'home', 'd', 'E2', ${old(900)}, ${clearedMs}, '{}')`.execute(database)
async function webhook(id: string, state: string, atMs: number): Promise<void> {
  await sql`INSERT INTO outbox_events VALUES (${id}, 'home', 's', 1, 'mendline.test.v1', ${atMs}, '{}')`.execute(database)
  await sql`INSERT INTO outbox_deliveries VALUES ('e', ${id}, 'home', 's', 1, ${state}, 1, 0, ${atMs}, 0)`.execute(database)
  await sql`INSERT INTO outbox_attempts VALUES ('e', ${id}, 1, 'home', ${atMs}, 5, 200, NULL, '')`.execute(database)
}

describe('purge of the hubs', () => {
  it('drops diagnoses and cleared alarms by age, and keeps what is young, not cleared or named by an order', async () => {
    await diagnosis('old', old(101))
    await diagnosis('ordered', old(500))
    await diagnosis('young', old(99))
    await alarm('cleared', old(101))
    await alarm('open', null)
    await alarm('ordered', old(500))
    await order('o1', 'ordered', 'ordered')
    expect(await purgeOf().run()).toEqual({ hub_diagnoses: 1, hub_alarms: 1 })
    expect(await idsOf('hub_diagnoses', 'diagnosis_id')).toEqual(['ordered', 'young'])
    expect(await idsOf('hub_alarms', 'alarm_id')).toEqual(['open', 'ordered'])
    expect(await idsOf('hub_work_orders', 'work_order_id')).toEqual(['o1'])
  })

  it('drops what a disabled endpoint is owed by age, never what an enabled one is', async () => {
    const endpoint = { url: 'https://example.com/', secret: 's', previous_secret: null, previous_until_ms: null, event_types: '[]', description: '' }
    const rest = { ...endpoint, tenant: 'home', disabled_reason: null, created_at_ms: 1 }
    await database
      .insertInto('outbox_endpoints')
      .values([{ ...rest, endpoint_id: 'e', enabled: 0 }])
      .execute()
    await webhook('old', 'pending', old(11))
    await webhook('young', 'pending', old(9))
    expect(await purgeOf().run()).toMatchObject({ outbox_deliveries: 1 })
    expect(await idsOf('outbox_deliveries', 'event_id')).toEqual(['young'])
    await database.updateTable('outbox_endpoints').set({ enabled: 1 }).execute()
    await sql`UPDATE outbox_deliveries SET updated_at_ms = ${old(50)}`.execute(database)
    expect(await purgeOf().run()).not.toHaveProperty('outbox_deliveries')
  })

  it('drops groups, handling and maintenance windows with the alarms they speak of', async () => {
    for (const [id, clearedMs] of [
      ['gone', old(101)],
      ['open', null],
    ] as const) {
      await alarm(id, clearedMs)
      const group = `g-${id}`
      await sql`INSERT INTO hub_grouped_alarms VALUES (${id}, 'home', 'd', ${id}, 'E3', 1, ${old(200)}, ${group}, 0, 'ac')`.execute(database)
      await sql`INSERT INTO hub_alarm_groups VALUES (${group}, 'home', ${id}, 'unit', 'd', 'E3', ${old(200)}, 1, 1, 1, 1, 1, ${id}, NULL)`.execute(
        database,
      )
      await sql`INSERT INTO hub_alarm_handling VALUES (${id}, 'home', 'd', 'r', NULL, NULL, NULL, NULL, NULL, ${old(200)})`.execute(database)
    }
    for (const [id, days] of [
      ['over', 101],
      ['planned', -5],
    ] as const) {
      await sql`INSERT INTO hub_maintenance_windows VALUES (${id}, 'home', 'all', '', 1, ${old(days)}, '', 'anna', 1)`.execute(database)
    }
    const one = { hub_alarms: 1, hub_grouped_alarms: 1, hub_alarm_groups: 1, hub_alarm_handling: 1, hub_maintenance_windows: 1 }
    expect(await purgeOf().run()).toEqual(one)
    expect(await idsOf('hub_grouped_alarms', 'alarm_id')).toEqual(['open'])
    expect(await idsOf('hub_alarm_groups', 'group_id')).toEqual(['g-open'])
    expect(await idsOf('hub_alarm_handling', 'alarm_id')).toEqual(['open'])
    expect(await idsOf('hub_maintenance_windows', 'window_id')).toEqual(['planned'])
  })

  it('drops settled webhooks whole and keeps one that is still owed, however old', async () => {
    await webhook('delivered', 'delivered', old(11))
    await webhook('dead', 'dead', old(11))
    await webhook('pending', 'pending', old(50))
    await webhook('young', 'delivered', old(9))
    expect(await purgeOf().run()).toEqual({ outbox_deliveries: 2, outbox_attempts: 2, outbox_events: 2 })
    for (const table of ['outbox_events', 'outbox_deliveries', 'outbox_attempts'])
      expect(await idsOf(table, 'event_id'), table).toEqual(['pending', 'young'])
  })

  it('drops more than one batch, counts it, and finds nothing the second time', async () => {
    await sql`WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2500)
      INSERT INTO hub_applied_events SELECT 'k' || i, ${old(101)} FROM n`.execute(database)
    const purge = purgeOf()
    expect(await purge.run()).toEqual({ hub_applied_events: 2_500 })
    expect(await purge.run()).toEqual({})
    expect(purge.statistics()).toMatchObject({ hub_applied_events: 2_500, hub_alarms: 0 })
  })

  it('works by itself after the start and not behind the stop', async () => {
    await diagnosis('old', old(101))
    const clock = new ManualClock(NOW_MS)
    const purge = createPurge({ database, retention: RETENTION, clock, log: silentLog })
    purge.start()
    clock.advance(30_000)
    await purge.stop()
    await diagnosis('older', old(102))
    clock.advance(3 * 3_600_000)
    await purge.stop()
    expect(await idsOf('hub_diagnoses', 'diagnosis_id')).toContain('older')
  })

  it('drops the windows behind a repair by age, not those of one that is still watched', async () => {
    for (const [id, state] of [
      ['judged', 'verified'],
      ['open', 'watching'],
    ] as const) {
      await sql`INSERT INTO hub_verifications VALUES (${id}, 'home', 'd', 't', ${id}, 1, 'residuals', ${state}, NULL, 'c', 1, 1, '[]', '{}', NULL, NULL, NULL)`.execute(
        database,
      )
      await sql`INSERT INTO hub_repair_windows VALUES (${id}, ${old(101)}, ${old(102)}, 'home', 'd', ${id}, '[]')`.execute(database)
      await sql`INSERT INTO hub_repair_windows VALUES (${id}, ${old(99)}, ${old(100)}, 'home', 'd', ${id}, '[]')`.execute(database)
    }
    expect(await purgeOf().run()).toEqual({ hub_repair_windows: 1 })
    expect(await idsOf('hub_repair_windows', 'verification_id')).toEqual(['judged', 'open', 'open'])
  })

  it('drops tags of households whose consent ended long ago, and the log of old uses', async () => {
    for (const [tag, days] of [
      ['ended', 101],
      ['held', 99],
    ] as const) {
      await sql`INSERT INTO hub_customer_tags VALUES ('home', 'h', ${tag}, 1, ${old(days)}, 'kim', 1)`.execute(database)
      await sql`INSERT INTO hub_tag_uses VALUES ('home', 'h', ${tag}, 'o', 'order_risk', ${old(days)})`.execute(database)
    }
    expect(await purgeOf().run()).toEqual({ hub_customer_tags: 1, hub_tag_uses: 1 })
    expect([await idsOf('hub_customer_tags', 'tag'), await idsOf('hub_tag_uses', 'tag')]).toEqual([['held'], ['held']])
  })
})

describe('purge of demand signals', () => {
  it('drops those whose time ended long ago with their log and consent, and the whole log of none that holds', async () => {
    for (const [household, days] of [
      ['ended', 101],
      ['held', 99],
    ] as const) {
      await sql`INSERT INTO hub_demand_consents VALUES ('home', ${household}, 'v1', 1, ${old(days)}, 'kim', 1)`.execute(database)
      await sql`INSERT INTO hub_demand_signals VALUES (${household}, 'home', ${household}, 'accessory', 'household', NULL, NULL, NULL, '', 'v1', 1,
        ${old(days)}, 1, 'kim', 'outlet', 'open', NULL, NULL, NULL, NULL)`.execute(database)
      await sql`INSERT INTO hub_demand_log VALUES ('home', ${household}, 'accessory', 'told', 'kim', ${old(500)})`.execute(database)
    }
    expect(await purgeOf().run()).toEqual({ hub_demand_consents: 1, hub_demand_signals: 1, hub_demand_log: 1 })
    for (const table of ['hub_demand_consents', 'hub_demand_signals', 'hub_demand_log']) expect(await idsOf(table, 'household')).toEqual(['held'])
  })
})

describe('purge of what households said', () => {
  const contact = (id: string, caseId: string | null, days: number) =>
    sql`INSERT INTO hub_contacts VALUES (${id}, 'home', 'd', 'flat-3', ${caseId}, 'household', 'report', 'it leaks', '{}', 1, 'anna', 1, ${old(days)})`.execute(
      database,
    )
  const caseOf = (id: string, state: string) =>
    sql`INSERT INTO hub_cases VALUES (${id}, 'home', 'd', 't', 'T-01', ${state}, 'E2', 'o', 0, 1, 1, NULL, NULL)`.execute(database)

  it('drops contacts by the time of their last word, and keeps those of a case that is open', async () => {
    await caseOf('open', 'open')
    await caseOf('closed', 'closed')
    await contact('of-open', 'open', 900)
    await contact('of-closed', 'closed', 201)
    await contact('of-none', null, 201)
    await contact('young', 'closed', 199)
    expect(await purgeOf().run()).toEqual({ hub_contacts: 2 })
    expect(await idsOf('hub_contacts', 'contact_id')).toEqual(['of-open', 'young'])
  })

  it('drops choices about care that were changed since, never the one that holds', async () => {
    for (const [kind, days] of [
      ['tip', 900],
      ['tip', 500],
      ['maintenance', 900],
    ] as const)
      await sql`INSERT INTO hub_care_choices VALUES ('home', 'flat-3', ${kind}, ${old(days)}, 0, ${old(days)}, 'app')`.execute(database)
    expect(await purgeOf().run()).toEqual({ hub_care_choices: 1 })
    expect(await idsOf('hub_care_choices', 'set_at_ms')).toEqual([old(900), old(500)])
  })

  it('drops care that was done and codes of stickers, each by its own time', async () => {
    for (const [id, days] of [
      ['old', 301],
      ['young', 299],
    ] as const)
      await sql`INSERT INTO hub_care_done VALUES (${id}, 1, 'home', 'd', 'AC-C01', 'anna', '', NULL, ${old(days)})`.execute(database)
    for (const [id, days] of [
      ['faded', 401],
      ['stuck', 399],
    ] as const)
      await sql`INSERT INTO hub_intake_codes VALUES (${id}, 'home', 'd', ${old(days)})`.execute(database)
    expect(await purgeOf().run()).toEqual({ hub_care_done: 1, hub_intake_codes: 1 })
    expect([await idsOf('hub_care_done', 'care_id'), await idsOf('hub_intake_codes', 'token_hash')]).toEqual([['young'], ['stuck']])
  })
})

describe('purge of the book of emergencies', () => {
  it('drops webhooks that were delivered long ago, keeps what is owed, and asks for no table that the book has not', async () => {
    const book = await openOperations({ file: ':memory:', log: silentLog })
    await book.migrate(emergencyMigrations)
    const own = book.database as unknown as typeof database
    const ports = { database: own, clock: new ManualClock(NOW_MS), log: silentLog, of: 'outbox' as const }
    const purge = createPurge({ ...ports, retention: RETENTION })
    for (const [id, state] of [
      ['delivered', 'delivered'],
      ['owed', 'pending'],
    ] as const) {
      await sql`INSERT INTO outbox_events VALUES (${id}, 'home', ${id}, 1, 'mendline.test.v1', ${old(11)}, '{}')`.execute(own)
      await sql`INSERT INTO outbox_deliveries VALUES ('e', ${id}, 'home', ${id}, 1, ${state}, 1, 0, ${old(11)}, 0)`.execute(own)
    }
    expect(await purge.run()).toEqual({ outbox_deliveries: 1, outbox_events: 1 })
    expect(await own.selectFrom('outbox_events').select('event_id').execute()).toEqual([{ event_id: 'owed' }])
    await book.close()
  })
})
