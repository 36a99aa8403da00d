import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { raised, STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs } from './hubs.ts'

/** Hubs of a tenant with one unit. */
async function hubsWithUnit() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const unitOf = (tenant: string, device: string) =>
    tenant === 'home' && device === 'unit-1' ? { type: testType.id, household: null, installed_at_ms: null, revoked_at_ms: null } : undefined
  const database = operations.database as unknown as Kysely<HubTables>
  const hubs = createHubs({ database, catalogue: () => testType, unitOf, clock: new ManualClock(STORY_MS + 7_200_000), log: silentLog })
  return { hubs, [Symbol.asyncDispose]: () => operations.close() }
}

const untilMs = STORY_MS + 30 * 3_600_000

describe('a snooze', () => {
  it.each(['E0', 'E1'] as const)('of an alarm of class %s is refused by field, and nothing else of the change is done', async (safety_class) => {
    await using b = await hubsWithUnit()
    await b.hubs.apply([raised({ rule: 'fire', safety_class, fault: 'T-03' })])
    const [alarm] = (await b.hubs.alarms({ tenant: 'home', limit: 1 })).items
    const id = alarm?.alarm_id ?? ''
    const errors = [{ field: 'body.snooze_until_ms', reason: expect.stringContaining('danger') }]
    await expect(b.hubs.handleAlarm('home', id, { acknowledge: true, snooze_until_ms: untilMs }, 'anna')).rejects.toMatchObject({
      details: { errors },
    })
    expect((await b.hubs.handlingOf('home', [id])).get(id)?.acknowledged_at_ms ?? null).toBeNull()
    const handled = await b.hubs.handleAlarm('home', id, { acknowledge: true, assign_to: 'ben', snooze_until_ms: null }, 'anna')
    expect(handled).toMatchObject({ acknowledged_by: 'anna', assigned_to: 'ben', snoozed_until_ms: null })
  })

  it('of any other alarm is taken', async () => {
    await using b = await hubsWithUnit()
    await b.hubs.apply([raised({ safety_class: 'E2' })])
    const [alarm] = (await b.hubs.alarms({ tenant: 'home', limit: 1 })).items
    expect(await b.hubs.handleAlarm('home', alarm?.alarm_id ?? '', { snooze_until_ms: untilMs }, 'anna')).toMatchObject({ snoozed_until_ms: untilMs })
  })
})

describe('a maintenance window', () => {
  it('for a unit that is not registered is refused by field, one for the unit and one for a place is planned', async () => {
    await using b = await hubsWithUnit()
    const window = { scope: 'unit', scope_value: 'unit-2', from_ms: STORY_MS, to_ms: untilMs, reason: 'pumps' }
    const errors = [{ field: 'body.scope_value', reason: 'there is no device unit-2' }]
    await expect(b.hubs.planMaintenance('home', window, 'anna')).rejects.toMatchObject({ code: 'MDL_API_INVALID', details: { errors } })
    await expect(b.hubs.planMaintenance('away', { ...window, scope_value: 'unit-1' }, 'anna')).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    for (const given of [{ scope_value: 'unit-1' }, { scope: 'building', scope_value: 'Tower 3' }, { scope: 'all', scope_value: '' }])
      expect(await b.hubs.planMaintenance('home', { ...window, ...given }, 'anna')).toMatchObject(given)
    expect(await b.hubs.maintenance('home', 0, 10)).toHaveLength(3)
  })
})
