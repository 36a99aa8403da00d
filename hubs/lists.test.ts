import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { buildDiagnosis, diagnosed, STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs } from './hubs.ts'

const opened: Operations[] = []
afterEach(async () => {
  for (const operations of opened.splice(0)) await operations.close()
})

async function bench() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  opened.push(operations)
  await operations.migrate(hubMigrations)
  const clock = new ManualClock(STORY_MS)
  const hubs = createHubs({ database: operations.database as unknown as Kysely<HubTables>, catalogue: () => testType, clock, log: silentLog })
  return { hubs, clock }
}

describe('hub lists', () => {
  it('pages through all orders once and refuses a broken cursor', async () => {
    const b = await bench()
    for (let unit = 0; unit < 7; unit++) {
      if (unit % 2 === 0) b.clock.advance(1_000)
      await b.hubs.apply([diagnosed({ device: `unit-${unit}` })])
    }
    const seen: string[] = []
    let after: string | undefined
    do {
      const page = await b.hubs.workOrders({ tenant: 'home', limit: 3, after })
      seen.push(...page.items.map((order) => order.device))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(seen).toHaveLength(7)
    expect(new Set(seen).size).toBe(7)
    await expect(b.hubs.workOrders({ tenant: 'home', after: 'x' })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    expect((await b.hubs.workOrders({ tenant: 'away' })).items).toEqual([])
    expect((await b.hubs.workOrders({ tenant: 'home', state: 'done' })).items).toEqual([])
  })

  it('lists diagnoses with what they said', async () => {
    const b = await bench()
    await b.hubs.apply([diagnosed({ hour: 1 }), diagnosed({ hour: 2 })])
    expect((await b.hubs.diagnoses({ tenant: 'home' })).items).toEqual([buildDiagnosis({ hour: 2 }), buildDiagnosis({ hour: 1 })])
  })
})
