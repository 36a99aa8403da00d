/** Care of a unit before the first look at it. */
import { describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import type { HubsOptions } from '../hubs.ts'
import { named, note, openCare, run, taskOf, UNIT } from './care-bench.ts'

const open = async (type: ApplianceType = airConditioner, given: Partial<HubsOptions> = {}) =>
  openCare(await openOperations({ file: ':memory:', log: silentLog }), type, given)

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
