/** Care by use: what is counted, what makes a task due, whom it is told to and how often, and what nobody may say of it. */
import { describe, expect, it, vi } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { CareTask } from '#catalogue/care.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import type { HubBench } from '../hub-bench.ts'
import { diagnosed, STORY_MS } from '../hub-builders.ts'
import type { HubsOptions } from '../hubs.ts'
import { DAY_MS, HOUR_MS, named, note, openCare, run, taskOf, UNIT, windows } from './care-bench.ts'
import { type CareWindow, countsOf, signValue } from './care-use.ts'

/** Clocks outside may be ahead of ours by this. */
const AHEAD_MS = 5 * 60_000
const ahead = (field: string) => ({
  code: 'MDL_API_INVALID',
  details: { errors: [{ field, reason: expect.stringContaining('lies in the future') }] },
})

const open = async (type: ApplianceType = airConditioner, given: Partial<HubsOptions> = {}) =>
  openCare(await openOperations({ file: ':memory:', log: silentLog }), type, given)

describe('counting', () => {
  it('takes running hours from the share of running readings, and litres from flow over them', () => {
    const window = { from_ms: 0, to_ms: DAY_MS, readings: 100, running: 5, features: { draw_flow_lpm: 6 }, z_scores: {} }
    const care = gasWaterHeater.care ?? { counts: {}, tasks: [] }
    const { running_h, litres } = countsOf(care, window)
    expect(running_h).toBeCloseTo(1.2)
    expect(litres).toBeCloseTo(432)
    expect(countsOf(care, { ...window, features: {} }).litres).toBe(0)
    expect(countsOf(care, { ...window, readings: 0, running: 0 }).running_h).toBe(0)
  })

  it('lets a sign speak only with as many windows as it wants', () => {
    const sign = { feature: 'f', as: 'z_score', op: '>=', value: 2, windows: 3 } as const
    const of = (...values: number[]) =>
      values.map((f): CareWindow => ({ from_ms: 0, to_ms: 1, readings: 1, running: 1, features: {}, z_scores: { f } }))
    expect(signValue(sign, of(9, 1, 2, 3))).toBe(2)
    expect(signValue(sign, of(2, 3))).toBeUndefined()
  })

  it('counts a window once, however often it is brought, and none from before the first look', async () => {
    const b = await open()
    await note(b, windows(b, 8))
    expect((await taskOf(b, 'AC-C01'))?.use.running_h).toBe(0)
    await run(b, 2)
    await note(b, windows(b, 8))
    expect((await taskOf(b, 'AC-C01'))?.use.running_h).toBe(48)
  })

  it('counts a unit that was installed lately from its installation, and an old one from now', async () => {
    for (const [days, hours] of [
      [1, 24],
      [800, 0],
    ] as const) {
      const b = await open(airConditioner, { installedAt: () => STORY_MS - days * DAY_MS })
      await note(b, windows(b, 8))
      expect((await taskOf(b, 'AC-C01'))?.use.running_h).toBe(hours)
    }
  })
})

/** The type with its tasks changed. */
const withTasks = (change: (tasks: readonly CareTask[]) => readonly CareTask[]): ApplianceType => {
  const { counts = {}, tasks = [] } = airConditioner.care ?? {}
  return { ...airConditioner, care: { counts, tasks: change(tasks) } }
}

describe('a task', () => {
  it('that the catalogue names for the first time is counted from now, also of a unit that was used long before', async () => {
    let type = withTasks((tasks) => tasks.filter(({ id }) => id !== 'AC-C01'))
    const b = await open(airConditioner, { catalogue: () => type })
    await note(b, [])
    await run(b, 20)
    expect(await taskOf(b, 'AC-C01')).toBeUndefined()
    type = airConditioner
    await note(b, [])
    expect(await taskOf(b, 'AC-C01')).toMatchObject({ state: 'counting', since_ms: b.clock.now(), use: { running_h: 0, days: 0 } })
    expect(named(b, 'due')).toEqual([])
    await run(b, 1)
    expect((await taskOf(b, 'AC-C01'))?.use.running_h).toBe(24)
  })

  it('is due by hours, told once, told again twice while nobody does it, and counted anew when it was done', async () => {
    const b = await open()
    await note(b, [])
    await run(b, 10)
    expect(named(b, 'due')).toEqual([])
    await run(b, 1)
    expect(named(b, 'due')).toMatchObject([{ task: 'AC-C01', reason: { by: 'running_h', value: 264, limit: 250 }, suggestion: null, told_count: 1 }])
    await note(b, [])
    for (let day = 0; day < 60; day++) await b.wait(DAY_MS)
    expect(named(b, 'due')).toHaveLength(3)
    expect((await b.hubs.careDue({ tenant: 'home', limit: 9 })).items.map(({ task }) => task)).toEqual(['AC-C01'])
    const done = await b.hubs.careDone({ ...UNIT, task: 'AC-C01' }, { actor: 'anna' })
    expect(done).toMatchObject({ state: 'counting', use: { running_h: 0 }, due_at_ms: null, reason: null, done_count: 1, told_count: 0 })
    expect((await b.hubs.careDue({ tenant: 'home', limit: 9 })).items).toEqual([])
    expect(named(b, 'done')).toHaveLength(1)
  })

  it('is due by days of a unit that says nothing, by its timer alone', async () => {
    const b = await open(gasWaterHeater)
    await note(b, [], gasWaterHeater)
    await b.wait(364 * DAY_MS)
    expect(named(b, 'due')).toEqual([])
    await b.wait(DAY_MS)
    expect(named(b, 'due').map((care) => (care as { task: string }).task)).toEqual(['GW-C01', 'GW-C03'])
  })

  it('is due earlier by a sign of the windows since it was done, and not by one window less or while an order is open', async () => {
    const dirty = { z_scores: { evaporating_below_return_k: 3 } }
    const b = await open()
    await note(b, [])
    await b.wait(2 * DAY_MS)
    await note(b, windows(b, 7, dirty))
    expect(named(b, 'due')).toEqual([])
    await note(b, windows(b, 8, dirty))
    expect(named(b, 'due')).toMatchObject([{ task: 'AC-C01', reason: { by: 'sign', value: 3, limit: 2, feature: 'evaporating_below_return_k' } }])
    await b.hubs.careDone({ ...UNIT, task: 'AC-C01' }, { actor: 'anna' })
    await note(b, windows(b, 8, dirty))
    expect((await taskOf(b, 'AC-C01'))?.state).toBe('counting')

    const busy = await open()
    await note(busy, [])
    await busy.apply(diagnosed({ type: 'air_conditioner', fault: 'AC-01' }))
    await busy.wait(2 * DAY_MS)
    await note(busy, windows(busy, 8, dirty))
    expect(named(busy, 'due')).toEqual([])
  })

  it('of an engineer is a suggestion with its price, and opens neither order nor case', async () => {
    const b = await open(gasWaterHeater)
    await note(b, [], gasWaterHeater)
    await b.wait(366 * DAY_MS)
    expect(named(b, 'due').find((care) => (care as { task: string }).task === 'GW-C01')).toMatchObject({
      ...{ who: 'engineer', suggestion: { currency: 'CNY', min_minor: 17_000, max_minor: 17_000, minutes: 60, terms_version: 0 } },
    })
    expect((await b.hubs.workOrders({ tenant: 'home' })).items).toEqual([])
    expect((await b.hubs.cases({ tenant: 'home' })).items).toEqual([])
  })

  it('is done with the repair of a fault that includes it, and not with that of another', async () => {
    for (const [cause, count] of [
      ['AC-03', 1],
      ['AC-01', 0],
    ] as const) {
      const b = await open(airConditioner, { policy: { remoteFirst: false } })
      await note(b, [])
      await b.wait(DAY_MS)
      await b.apply(diagnosed({ type: 'air_conditioner', fault: cause, hour: 24 }))
      for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
      await b.answer('done', { outcome: { cause, parts_used: [], parts_returned: [], minutes: 30 } })
      expect((await taskOf(b, 'AC-C01'))?.done_count).toBe(count)
    }
  })
})

describe('a tip', () => {
  it('that names a repair holds up no order that is done', async () => {
    const type = withTasks((tasks) => tasks.map((task) => (task.kind === 'tip' ? { ...task, doneWith: ['AC-03'] } : task)))
    const b = await open(type, { policy: { remoteFirst: false } })
    await note(b, [])
    await b.wait(DAY_MS)
    await b.apply(diagnosed({ type: 'air_conditioner', fault: 'AC-03', hour: 24 }))
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    const order = await b.answer('done', { outcome: { cause: 'AC-03', parts_used: [], parts_returned: [], minutes: 30 } })
    expect(order.state).toBe('done')
    expect((await taskOf(b, 'AC-C01'))?.done_count).toBe(1)
  })
})

describe('the list of what is due', () => {
  const UNITS = ['unit-1', 'unit-2', 'unit-3', 'unit-4', 'unit-5']

  /** Units whose yearly tasks became due, those of the first a day before the others. */
  async function manyDue(options: Partial<HubsOptions> = {}): Promise<HubBench> {
    const b = await open(gasWaterHeater, options)
    const noteAll = async (devices: readonly string[]) => {
      for (const device of devices) await b.hubs.careUse.note({ tenant: 'home', device, type: gasWaterHeater.id, windows: [], readTo_ms: 0 })
    }
    await noteAll(UNITS.slice(0, 1))
    await b.wait(DAY_MS)
    await noteAll(UNITS.slice(1))
    await b.wait(366 * DAY_MS)
    return b
  }

  it('is paged by how long it is due, each task once, and refuses a cursor that is none', async () => {
    const b = await manyDue()
    const all = (await b.hubs.careDue({ tenant: 'home', limit: 100 })).items
    expect(new Set(all.map(({ device }) => device))).toEqual(new Set(UNITS))
    const paged: string[] = []
    let after: string | undefined
    do {
      const page = await b.hubs.careDue({ tenant: 'home', limit: 3, after })
      expect(page.items.length).toBeLessThanOrEqual(3)
      paged.push(...page.items.map(({ care_id }) => care_id))
      after = page.next ?? undefined
    } while (after !== undefined)
    expect(paged).toEqual(all.map(({ care_id }) => care_id))
    await expect(b.hubs.careDue({ tenant: 'home', limit: 3, after: 'x' })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
  })

  it('says of each unit what its own household wants to hear, and what a visit costs', async () => {
    const b = await manyDue({ places: { placeOf: (_tenant, device) => ({ household: `flat-${device}` }), populationOf: () => 1 } })
    await b.hubs.chooseCare({ tenant: 'home', household: 'flat-unit-2', kind: 'maintenance' }, { wants: false, actor: 'app' })
    const { items } = await b.hubs.careDue({ tenant: 'home', limit: 100 })
    expect(new Set(items.filter((care) => care.is_opted_out).map(({ household }) => household))).toEqual(new Set(['flat-unit-2']))
    expect(items.filter(({ who, suggestion }) => (who === 'engineer') !== (suggestion !== null))).toEqual([])
    expect(new Set(items.map(({ who }) => who))).toEqual(new Set(['household', 'engineer']))
  })

  it('takes as many queries for many as for one, and none of them within a transaction', async () => {
    const b = await manyDue()
    const begun = vi.spyOn(b.database, 'transaction')
    const asked = vi.spyOn(b.database.getExecutor(), 'executeQuery')
    const queriesOf = async (limit: number) => {
      asked.mockClear()
      const { items } = await b.hubs.careDue({ tenant: 'home', limit })
      return { items: items.length, queries: asked.mock.calls.length }
    }
    const few = await queriesOf(1)
    const many = await queriesOf(100)
    expect(few.items).toBe(1)
    expect(many.items).toBeGreaterThanOrEqual(UNITS.length)
    expect(many.queries).toBeLessThanOrEqual(3)
    expect(many.queries).toBeGreaterThan(0)
    expect((await b.hubs.careOf(UNIT)).length).toBeGreaterThan(0)
    expect(begun).not.toHaveBeenCalled()
  })
})

describe('what a household wants to hear', () => {
  const choose = (b: HubBench, kind: 'maintenance' | 'tip', wants: boolean, answered_at_ms?: number) =>
    b.hubs.chooseCare(
      { tenant: 'home', household: 'flat-3', kind },
      { wants, actor: 'app', ...(answered_at_ms === undefined ? {} : { answered_at_ms }) },
    )
  const always = { features: { running_ratio: 1 } }

  it('is a tip with its reason, given again no sooner than after two months', async () => {
    const b = await open()
    await note(b, [])
    await run(b, 7, always)
    expect(named(b, 'tip')).toMatchObject([{ task: 'AC-C03', kind: 'tip', state: 'counting', reason: { by: 'sign', value: 1, limit: 0.95 } }])
    await run(b, 50, always)
    expect(named(b, 'tip')).toHaveLength(1)
    await run(b, 10, always)
    expect(named(b, 'tip')).toHaveLength(2)
  })

  it('is nothing of a kind that it opted out of, and what stands when it opts in again', async () => {
    const b = await open()
    await choose(b, 'tip', false)
    await choose(b, 'maintenance', false)
    await note(b, [])
    await run(b, 20, always)
    expect([...named(b, 'tip'), ...named(b, 'due')]).toEqual([])
    expect(await taskOf(b, 'AC-C01')).toMatchObject({ state: 'due', is_opted_out: true, told_at_ms: null })
    b.clock.advance(1)
    await choose(b, 'maintenance', true)
    await note(b, windows(b, 80, always))
    expect(named(b, 'due')).toHaveLength(1)
    expect(named(b, 'tip')).toEqual([])
  })

  it('is kept with the time at which it said so; an older answer that comes late does not undo a newer one', async () => {
    const b = await open()
    await b.wait(DAY_MS)
    await choose(b, 'tip', false, STORY_MS + HOUR_MS)
    await expect(choose(b, 'tip', true, STORY_MS)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await expect(choose(b, 'tip', true, b.clock.now() + AHEAD_MS + 1)).rejects.toMatchObject(ahead('body.answered_at_ms'))
    expect(await b.hubs.careChoices('home', 'flat-3')).toMatchObject([
      { kind: 'tip', wants: false, answered_at_ms: STORY_MS + HOUR_MS, actor: 'app' },
    ])
    expect(await b.hubs.careChoices('home', 'flat-4')).toEqual([])
    expect(await choose(b, 'tip', true, b.clock.now() + AHEAD_MS)).toMatchObject({ wants: true, answered_at_ms: b.clock.now() })
  })
})

describe('saying that it was done', () => {
  it('changes nothing the second time, and is refused for what is ahead, older than the last time, a tip, or nothing', async () => {
    const b = await open()
    await note(b, [])
    await b.wait(2 * DAY_MS)
    const done = (task: string, at_ms: number) => b.hubs.careDone({ ...UNIT, task }, { actor: 'anna', at_ms })
    await done('AC-C01', STORY_MS + DAY_MS)
    expect((await done('AC-C01', STORY_MS + DAY_MS)).done_count).toBe(1)
    await expect(done('AC-C01', STORY_MS + HOUR_MS)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await expect(done('AC-C01', b.clock.now() + AHEAD_MS + 1)).rejects.toMatchObject(ahead('body.at_ms'))
    await expect(done('AC-C03', b.clock.now())).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    await expect(done('AC-C99', b.clock.now())).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect(await done('AC-C01', b.clock.now() + AHEAD_MS)).toMatchObject({ done_count: 2, last_done_ms: b.clock.now() })
  })

  it('may be told again of the same instant when the unit was gone and is back', async () => {
    const b = await open(airConditioner, { installedAt: () => STORY_MS })
    const done = () => b.hubs.careDone({ ...UNIT, task: 'AC-C01' }, { actor: 'anna', at_ms: STORY_MS + HOUR_MS })
    await note(b, [])
    await b.wait(DAY_MS)
    await done()
    await b.hubs.careUse.end(UNIT)
    await note(b, [])
    expect(await done()).toMatchObject({ done_count: 1, since_ms: STORY_MS + HOUR_MS })
    expect(await b.database.selectFrom('hub_care_done').selectAll().execute()).toHaveLength(1)
  })

  it('is not possible for a unit that is gone, and no timer of it is left', async () => {
    const b = await open(gasWaterHeater)
    await note(b, [], gasWaterHeater)
    await b.hubs.careUse.end(UNIT)
    expect(await b.hubs.careOf(UNIT)).toEqual([])
    expect(await b.database.selectFrom('hub_timers').selectAll().execute()).toEqual([])
    await expect(b.hubs.careDone({ ...UNIT, task: 'GW-C01' }, { actor: 'anna' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })
})
