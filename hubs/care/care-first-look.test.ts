/** Care of a unit before the first look at it. */
import { afterEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import type { HubsOptions } from '../hubs.ts'
import type { CareWindow } from './care-use.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const UNIT = { tenant: 'home', device: 'unit-1' }

let closers: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
  closers = []
})

const open = async (type: ApplianceType = airConditioner, given: Partial<HubsOptions> = {}): Promise<HubBench> => {
  const places = { placeOf: () => ({ household: 'flat-3' }), populationOf: () => 1 }
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { catalogue: () => type, places, ...given })
  closers.push(b.close)
  return b
}

/** Windows of six hours that end now, in all of which the unit ran. */
function windows(b: HubBench, count: number, given: Partial<CareWindow> = {}): CareWindow[] {
  const nowMs = b.clock.now()
  return Array.from({ length: count }, (_, index) => {
    const to_ms = nowMs - (count - 1 - index) * 6 * HOUR_MS
    return { from_ms: to_ms - 6 * HOUR_MS, to_ms, readings: 72, running: 72, features: {}, z_scores: {}, ...given }
  })
}

const note = (b: HubBench, list: readonly CareWindow[], type: ApplianceType = airConditioner) =>
  b.hubs.careUse.note({ ...UNIT, type: type.id, windows: list, readTo_ms: list.at(-1)?.to_ms ?? 0 })
const named = (b: HubBench, name: string) => b.events.filter(({ type }) => type === `mendline.care.${name}.v1`).map(({ data }) => data.care)
const taskOf = async (b: HubBench, id: string) => (await b.hubs.careOf(UNIT)).find(({ task }) => task === id)

/** Days behind the first look, with as many windows as they have. */
async function run(b: HubBench, days: number, given: Partial<CareWindow> = {}): Promise<void> {
  await b.wait(days * DAY_MS)
  await note(b, windows(b, days * 4, given))
}

describe('care of a unit that was not looked at yet', () => {
  const done = { actor: 'anna' }
  const of = { ...UNIT, task: 'AC-C01' }

  it('can be said to be done at once, begins its count, and is followed by the first look', async () => {
    const b = await open(airConditioner, { unitOf: () => ({ type: 'air_conditioner', household: 'flat-3', installed_at_ms: null }) })
    expect(await b.hubs.careDone(of, done)).toMatchObject({ task: 'AC-C01', state: 'counting', done_count: 1, last_done_ms: b.clock.now() })
    expect(named(b, 'done')).toHaveLength(1)
    await note(b, [])
    await run(b, 1)
    expect(await taskOf(b, 'AC-C01')).toMatchObject({ done_count: 1, use: { running_h: 24 } })
    await expect(b.hubs.careDone({ ...of, task: 'AC-C99' }, done)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('is not known of a unit that nobody registered, or that was revoked', async () => {
    const b = await open(airConditioner, {
      unitOf: (_tenant, device) =>
        device === 'gone' ? { type: 'air_conditioner', household: null, installed_at_ms: null, revoked_at_ms: 1 } : undefined,
    })
    for (const device of ['gone', 'nobody'])
      await expect(b.hubs.careDone({ ...of, device }, done)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect(await b.hubs.careOf({ tenant: 'home', device: 'gone' })).toEqual([])
  })
})
