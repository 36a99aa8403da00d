import type { Kysely } from 'kysely'
import { expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs } from './hubs.ts'
import type { CloudEvent } from './outbox-events.ts'

it('hubs send an alarm of the system itself once, in order of its subject', async () => {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const events: CloudEvent[] = []
  const hubs = createHubs({
    database: operations.database as unknown as Kysely<HubTables>,
    catalogue: () => testType,
    clock: new ManualClock(STORY_MS),
    log: silentLog,
    commands: { give: async () => {}, given: () => {} },
    onCommitted: (committed) => events.push(...committed),
  })
  const alarm = (size: number) =>
    ({
      kind: 'system_alarm',
      key: `system_alarm:audit:${size}`,
      tenant: 'home',
      at_ms: epochMs(STORY_MS),
      subject: 'audit',
      detail: { unstored_count: size },
    }) as const
  await hubs.apply([alarm(1)])
  await hubs.apply([alarm(1), alarm(2)])
  expect(events).toMatchObject([
    { type: 'mendline.system.alarm.v1', subject: 'system:audit', source: '/tenants/home', data: { detail: { unstored_count: 1 }, sequence: 1 } },
    { type: 'mendline.system.alarm.v1', subject: 'system:audit', data: { detail: { unstored_count: 2 }, sequence: 2 } },
  ])
  await operations.close()
})
