/** The watch over cohorts as it is joined: what it takes from the books, that it tells a flag once, and what it shows. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { DeviceRecord } from './broker/device-registry.ts'
import { createCohorts } from './cohorts-join.ts'
import { createCohortBook, noteFirstFault } from './hubs/cohort-book.ts'
import { type HubTables, hubMigrations } from './hubs/hub-tables.ts'
import { openOperations } from './operations/open-database.ts'

const DAY_MS = 86_400_000
const START_MS = Date.UTC(2026, 0, 1)
const places = { model: null, serial: null, site: null, household: null, building: null, outage_area: null, time_zone: null, revoked_at_ms: null }

const devices: DeviceRecord[] = Array.from({ length: 200 }, (_, index) => ({
  ...{ tenant: 'home', device: `ac-${index}`, type: 'air_conditioner', firmware: '1.0', installed_at_ms: START_MS, max_age_days: 30 },
  ...{ batch: index < 40 ? 'B2' : 'B1', created_at_ms: START_MS, ...places },
}))

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})

async function start() {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-cohorts-'))
  folders.push(folder)
  const operations = await openOperations({ file: join(folder, 'operations.sqlite'), log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const clock = new ManualClock(START_MS + 200 * DAY_MS)
  const told: HubEvent[] = []
  const heard = new Map([['ac-3', { received_ms: START_MS, firmware: '1.1' }]])
  const make = () =>
    createCohorts({
      book: createCohortBook(database),
      registry: { list: ({ tenant }) => devices.filter((device) => tenant === undefined || device.tenant === tenant) },
      pipeline: { call: async <Result>() => heard as Result },
      types: { find: () => airConditioner },
      apply: async (events) => void told.push(...events),
      ...{ clock, log: silentLog, limits },
    })
  const addFaults = async (): Promise<void> => {
    for (let index = 0; index < 14; index++) {
      const first_ms = START_MS + (30 + 8 * index) * DAY_MS
      await noteFirstFault(database, { tenant: 'home', device: `ac-${index}`, fault: 'AC-04', first_ms })
    }
  }
  return { make, addFaults, told, database, clock, stop: () => operations.close() }
}

describe('the watch over cohorts', () => {
  it('tells a flag once, also after a restart, and lists it first', async () => {
    const { make, addFaults, told, stop } = await start()
    const cohorts = make()
    expect(await cohorts.look()).toEqual([])
    await addFaults()
    expect(await cohorts.look()).toMatchObject([{ scope: 'batch', cohort: 'B2', fault: 'AC-04', state: 'flagged', events: 14 }])
    expect(await make().look()).toEqual([])
    expect(told).toMatchObject([{ kind: 'system_alarm', subject: 'cohort', detail: { scope: 'batch', cohort: 'B2', fault: 'AC-04', units: 40 } }])
    const [first] = await cohorts.list('home')
    expect(first).toMatchObject({ cohort: 'B2', fault: 'AC-04', state: 'flagged' })
    expect(cohorts.statistics().flagged_count).toBe(1)
    expect(await cohorts.list('other')).toEqual([])
    await stop()
  })

  it('keeps which firmware a unit was heard with since when', async () => {
    const { make, database, clock, stop } = await start()
    await make().look()
    await make().look()
    const rows = await database.selectFrom('hub_unit_firmware').selectAll().where('device', '=', 'ac-3').orderBy('since_ms').execute()
    expect(rows.map(({ since_ms, firmware }) => [since_ms, firmware])).toEqual([
      [START_MS, '1.0'],
      [clock.now(), '1.1'],
    ])
    await stop()
  })

  it('looks each hour from its start on, and not after it was stopped', async () => {
    const { make, addFaults, told, clock, stop } = await start()
    await addFaults()
    const cohorts = make()
    cohorts.start()
    expect(told).toEqual([])
    clock.advance(limits.cohortLookMs)
    await expect.poll(() => told.length, { timeout: 20_000 }).toBe(1)
    await cohorts.stop()
    clock.advance(10 * limits.cohortLookMs)
    expect(told).toHaveLength(1)
    await stop()
  })
})
