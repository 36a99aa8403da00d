import { afterEach, describe, expect, it } from 'vitest'
import type { GroupScope } from '#kernel/alarm-group.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed, STORY_MS } from '../hub-builders.ts'
import type { GroupingPlaces } from './group-alarms.ts'

const MINUTE_MS = 60_000
const DAY_MS = 24 * 60 * MINUTE_MS
const benches: HubBench[] = []
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

/** Forty units have firmware 2, the others firmware 1; each building has ten. All are of one town. */
const firmwareOf = (device: string): string => (Number(device.slice(5)) < 40 ? 'test_unit/2' : 'test_unit/1')
const places = {
  placeOf: (_: string, device: string) => ({
    ...{ unit: device, household: `h-${device}`, building: `b-${Number(device.slice(5)) % 50}` },
    ...{ firmware: firmwareOf(device), site: 'town' },
  }),
  populationOf: (_tenant: string, scope: GroupScope, value: string) =>
    scope === 'firmware' ? (value === 'test_unit/2' ? 40 : 360) : ({ building: 10, site: 400, household: 1 }[scope as 'site'] ?? 0),
}

async function bench(more: Partial<GroupingPlaces> = {}) {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    places: { ...places, ...more },
    unitOf: () => ({ type: 'test_unit', household: null, installed_at_ms: null }),
  })
  benches.push(b)
  const open = async () => (await b.hubs.workOrders({ tenant: 'home', limit: 500 })).items.filter(({ state }) => state !== 'cancelled')
  return { ...b, open }
}

/** What the model says of a unit so many minutes into the story. */
const told = (unit: number, minute: number, given: Partial<Diagnosis> = {}): HubEvent => {
  const made_at_ms = STORY_MS + minute * MINUTE_MS
  const windows = { window_from_ms: made_at_ms - 60 * MINUTE_MS, window_to_ms: made_at_ms }
  return diagnosed({ device: `unit-${unit}`, diagnosis_id: `dg-${unit}-${minute}`, made_at_ms, ...windows, ...given })
}
const storm = (count: number, given: Partial<Diagnosis> = {}): HubEvent[] => Array.from({ length: count }, (_, unit) => told(unit, unit * 10, given))

describe('one cause that the model tells of many units', () => {
  it('is one order when they come one by one: earlier orders are cancelled with a link, and their cases merge', async () => {
    const b = await bench()
    for (const event of storm(30)) await b.apply(event)
    const orders = await b.open()
    expect(orders.map(({ device }) => device)).toEqual(['unit-0'])
    const { items } = await b.hubs.alarmGroups({ tenant: 'home' })
    expect(items).toMatchObject([{ cause: 'diagnosis:T-01', scope: 'firmware', units: 30, work_order_id: orders[0]?.work_order_id }])
    const cancelled = (await b.hubs.workOrders({ tenant: 'home', device: 'unit-1' })).items[0]
    expect((await b.hubs.workOrderMoves('home', cancelled?.work_order_id ?? '')).at(-1)).toMatchObject({
      to: 'cancelled',
      reason: expect.stringContaining('of firmware test_unit/2'),
      data: { work_order_id: orders[0]?.work_order_id },
    })
    const cases = (await b.hubs.cases({ tenant: 'home', limit: 100 })).items
    expect(cases.filter(({ state }) => state === 'open')).toHaveLength(1)
  })

  it('is one order when they come together, without one that is cancelled', async () => {
    const b = await bench()
    await b.apply(...storm(30))
    expect((await b.hubs.workOrders({ tenant: 'home', limit: 500 })).items).toHaveLength(1)
    expect(await b.hubs.compression('home', { from_ms: 0, to_ms: Number.MAX_SAFE_INTEGER })).toMatchObject({ groups: 0 })
  })

  it('stays one when the fault is told again while the order is open, and is anew when it is told behind the end', async () => {
    const b = await bench()
    await b.apply(...storm(30))
    await b.apply(told(7, 3 * 24 * 60, { probability: 0.98 }))
    expect(await b.open()).toHaveLength(1)
    b.clock.advance(4 * DAY_MS)
    for (const state of ['accepted', 'en_route', 'on_site'] as const) await b.answer(state)
    await b.answer('done', { outcome: { cause: 'other', parts_used: [], parts_returned: [], minutes: 10 } })
    await b.apply(told(7, 6 * 24 * 60, { probability: 0.99 }))
    expect((await b.open()).map(({ device }) => device).toSorted()).toEqual(['unit-0', 'unit-7'])
  })

  it('leaves a unit its order where somebody accepted it first, where a household asked for it, and in a danger', async () => {
    const b = await bench()
    await b.apply(...storm(3))
    const accepted = await b.order('unit-1')
    await b.answer('accepted', undefined, { id: accepted.work_order_id })
    const asked = { tenant: 'home', actor: 'anna', source: 'household', device: 'unit-2', at_ms: b.clock.now(), kind: 'chase' } as const
    await b.hubs.report({ ...asked, text: 'when do you come?' })
    await b.apply(...storm(30).slice(3))
    expect((await b.open()).map(({ device }) => device).toSorted()).toEqual(['unit-1', 'unit-2'])
    await b.apply(...Array.from({ length: 20 }, (_, unit) => told(unit, unit + 5, { fault: 'T-03', safety_class: 'E1' })))
    expect((await b.open()).filter(({ fault }) => fault === 'T-03')).toHaveLength(20)
  })

  it('is each its own where few are told, where they share too little, and where it would send nobody', async () => {
    const few = await bench()
    await few.apply(...storm(7))
    expect(await few.open()).toHaveLength(7)
    const scattered = await bench()
    // Every sixteenth unit of the town: what a first hot day shows of wear.
    await scattered.apply(...Array.from({ length: 24 }, (_, index) => told(40 + index * 15, index * 10)))
    expect(await scattered.open()).toHaveLength(24)
    const unsure = await bench()
    await unsure.apply(...storm(30, { safety_class: 'E3', probability: 0.7 }))
    expect(await unsure.open()).toEqual([])
    expect((await unsure.hubs.alarmGroups({ tenant: 'home' })).items).toEqual([])
  })

  it('is known from five units on where those of another firmware are not struck, and not where they are as much', async () => {
    const totalOf = () => 400
    const apart = await bench({ totalOf })
    await apart.apply(...storm(5))
    expect(await apart.open()).toHaveLength(1)
    const everywhere = await bench({ totalOf })
    // Five of forty and forty of three hundred and sixty: a tenth of either.
    await everywhere.apply(...storm(5), ...Array.from({ length: 40 }, (_, index) => told(40 + index * 9, index)))
    expect(await everywhere.open()).toHaveLength(45)
  })

  it('is not over when one of its units has recovered', async () => {
    const b = await bench()
    await b.apply(...storm(30))
    await b.apply(diagnosed({ device: 'unit-0', answer: 'no_fault', fault: null, probability: 0.9, hour: 24 }))
    await b.wait(4 * DAY_MS)
    expect((await b.open()).map(({ device }) => device)).toEqual(['unit-0'])
  })
})
