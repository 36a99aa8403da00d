import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { GONE_REASON } from './gone-units.ts'
import { type HubBench, openHubBench } from './hub-bench.ts'
import { diagnosed, raised, STORY_MS, testType } from './hub-builders.ts'
import { standardProcess } from './orders/standard-process.ts'

const DAY_MS = 86_400_000
const opened: HubBench[] = []
afterEach(async () => {
  for (const bench of opened.splice(0)) await bench.close()
})

async function bench(given: Parameters<typeof openHubBench>[1] = {}) {
  const revoked = new Map<string, number>()
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => [testType, ...applianceTypes].find((type) => type.id === id),
    unitOf: (_tenant, device) => ({
      ...{ type: device === 'fridge' ? 'fridge' : 'test_unit', household: null, installed_at_ms: STORY_MS },
      revoked_at_ms: revoked.get(device) ?? null,
    }),
    ...given,
  })
  opened.push(b)
  const revoke = async (device: string) => {
    revoked.set(device, b.clock.now())
    await b.hubs.endUnit({ tenant: 'home', device })
  }
  return { ...b, revoked, revoke, all: async () => (await b.hubs.workOrders({ tenant: 'home', limit: 50 })).items }
}

const sure = { probability: 0.95 }

describe('a unit that was revoked', () => {
  it('loses the orders that are open, with that reason, and keeps those that are settled and those of others', async () => {
    const b = await bench()
    await b.apply(diagnosed({ ...sure, device: 'gone' }), diagnosed({ ...sure, device: 'stays' }))
    await b.apply(diagnosed({ ...sure, device: 'gone', fault: 'T-03', hour: 2 }))
    await b.answer('accepted', undefined, { id: (await b.order('gone')).work_order_id })
    await b.revoke('gone')
    await b.revoke('gone')
    const states = (await b.all()).map(({ device, state }) => `${device} ${state}`)
    expect(states.toSorted()).toEqual(['gone cancelled', 'gone cancelled', 'stays opened'])
    const cancelled = b.events.filter(({ type }) => type === 'mendline.work_order.cancelled.v1')
    expect(cancelled.map(({ data }) => (data as unknown as { move: { reason: string } }).move.reason)).toEqual([GONE_REASON, GONE_REASON])
  })

  it('gets no order by readings from before that come late, nor by an alarm', async () => {
    const b = await bench()
    await b.revoke('gone')
    await b.apply(
      diagnosed({ ...sure, device: 'gone' }),
      raised({ device: 'gone' }),
      raised({ device: 'gone', rule: 'fire', fault: 'T-03', safety_class: 'E0' }),
    )
    expect(await b.all()).toEqual([])
    await b.apply(raised({ device: 'stays' }))
    expect(await b.all()).toMatchObject([{ device: 'stays' }])
  })

  it('has no care any more, told or due', async () => {
    const b = await bench()
    const window = { from_ms: STORY_MS, to_ms: STORY_MS + 1, readings: 1, running: 1, features: {}, z_scores: {} }
    const note = { tenant: 'home', device: 'fridge', type: 'fridge', windows: [window], readTo_ms: STORY_MS + 1 }
    await b.hubs.careUse.note(note)
    expect(await b.hubs.careOf({ tenant: 'home', device: 'fridge' })).not.toEqual([])
    await b.revoke('fridge')
    expect(await b.hubs.careOf({ tenant: 'home', device: 'fridge' })).toEqual([])
    await b.hubs.careUse.note(note)
    await b.wait(400 * DAY_MS)
    expect(await b.hubs.careOf({ tenant: 'home', device: 'fridge' })).toEqual([])
    expect(b.events.filter(({ type }) => type.startsWith('mendline.care.'))).toEqual([])
  })

  it('is refused where somebody reports it, unless a danger is told: then there is advice and no order', async () => {
    const b = await bench()
    await b.revoke('fridge')
    const said = { tenant: 'home', actor: 'anna', source: 'household', device: 'fridge', at_ms: b.clock.now() } as const
    const details = { errors: [{ field: 'body.device', reason: 'names a unit that was revoked' }] }
    await expect(b.hubs.report({ ...said, symptom: 'all_warm' })).rejects.toMatchObject({ code: 'MDL_API_INVALID', details })
    const answer = await b.hubs.report({ ...said, text: 'I smell gas' })
    expect(answer).toMatchObject({
      safety_class: 'E0',
      hazard: 'gas',
      work_order_id: null,
      safety_advice: { en: expect.stringContaining('windows') },
    })
    expect(await b.all()).toEqual([])
  })

  it('is promised nobody by the advice of a danger, in either language, and gets no code of a page that is closed', async () => {
    const b = await bench()
    const said = { tenant: 'home', actor: 'anna', source: 'household', device: 'fridge' } as const
    await expect(b.hubs.createIntakeCode('home', 'fridge')).resolves.toBeTruthy()
    await b.revoke('fridge')
    for (const symptom of ['burning_smell', 'gas_smell', 'fumes', 'water_on_floor']) {
      const { safety_advice } = await b.hubs.report({ ...said, symptom, at_ms: b.clock.now() })
      expect(safety_advice?.en).not.toMatch(/coming|on the way|we send/i)
      expect(safety_advice?.['zh-CN']).not.toMatch(/派人|上门/)
    }
    const details = { errors: [{ field: 'params.device' }] }
    await expect(b.hubs.createIntakeCode('home', 'fridge')).rejects.toMatchObject({ code: 'MDL_API_INVALID', details })
    await expect(b.hubs.createIntakeCode('home', 'fridge')).rejects.not.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('loses its orders at the next start where nobody told the hubs', async () => {
    const b = await bench()
    await b.apply(diagnosed({ ...sure, device: 'gone' }), diagnosed({ ...sure, device: 'stays' }))
    b.revoked.set('gone', b.clock.now())
    await b.hubs.stop()
    await b.hubs.start()
    expect((await b.all()).map(({ device, state }) => `${device} ${state}`).toSorted()).toEqual(['gone cancelled', 'stays opened'])
  })

  it('keeps an order that stands for a group of units, which says so once', async () => {
    const place = { placeOf: (_tenant: string, device: string) => ({ unit: device, building: 'b1' }), populationOf: () => 4 }
    const b = await bench({ places: place })
    await b.apply(...['u1', 'u2', 'u3', 'u4'].map((device) => raised({ device })))
    const [order, ...others] = (await b.all()).filter(({ state }) => state !== 'cancelled')
    expect(others).toEqual([])
    await b.revoke(order?.device ?? '')
    await b.revoke(order?.device ?? '')
    expect((await b.order(order?.device)).state).toBe('opened')
    const moves = (await b.hubs.workOrderMoves('home', order?.work_order_id ?? '')) as ReadonlyArray<{ type: string }>
    expect(moves.filter(({ type }) => type === 'unit_gone')).toHaveLength(1)
  })

  it('has a remark on an order that its process does not let cancel', async () => {
    const states = Object.fromEntries(
      Object.entries(standardProcess.states).map(([name, state]) => [name, { ...state, next: state.next.filter((next) => next !== 'cancelled') }]),
    ) as typeof standardProcess.states
    const b = await bench({ process: { ...standardProcess, states } })
    await b.apply(diagnosed({ ...sure, device: 'gone' }))
    await b.revoke('gone')
    expect((await b.order()).state).toBe('opened')
    const moves = (await b.hubs.workOrderMoves('home', (await b.order()).work_order_id)) as ReadonlyArray<{ type: string; reason: string }>
    expect(moves).toContainEqual(expect.objectContaining({ type: 'unit_gone', reason: GONE_REASON }))
  })
})
