import { describe, expect, it } from 'vitest'
import type { GroupScope } from '#kernel/alarm-group.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { cleared, diagnosed, raised, STORY_MS } from '../hub-builders.ts'
import { type GroupableAlarm, groupAlarms, WIDE_CHAIN_MS } from './group-alarms.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Forty units stand in the north, ten of them of the type of the tests; `far` ones in the south. All are of one site. */
const places = {
  placeOf: (_: string, device: string) => ({ unit: device, outage_area: device.startsWith('far') ? 'south' : 'north', site: 'town' }),
  populationOf: (_tenant: string, scope: GroupScope, _value: string, types?: readonly string[]) =>
    scope === 'site' ? 200 : types === undefined ? 40 : types.includes('test_unit') ? 10 : 0,
}
const openBench = async (): Promise<HubBench> => openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { places })

/** The alarm of a unit that began so many minutes into the story. */
const at = (unit: number | string, minute: number): HubEvent =>
  raised({ device: `unit-${unit}`, alarm_id: `al-${unit}`, began_at_ms: STORY_MS + minute * MINUTE_MS, raised_at_ms: STORY_MS + minute * MINUTE_MS })
const openOrders = async ({ hubs }: HubBench) =>
  (await hubs.workOrders({ tenant: 'home', limit: 500 })).items.filter(({ state }) => !['cancelled', 'done', 'closed'].includes(state))
const devices = async (bench: HubBench) => (await openOrders(bench)).map(({ device }) => device).sort()
const moves = async ({ hubs }: HubBench, id: string | undefined) => hubs.workOrderMoves('home', id ?? '')

describe('places that explain alarms', () => {
  const alarm = (number: number, minute: number, type?: string): GroupableAlarm => ({
    ...{ alarm_id: `a${number}`, tenant: 'home', device: `unit-${number}`, cause: 'T-01', safety_class: 'E3', began_at_ms: minute * MINUTE_MS },
    ...(type !== undefined && { type }),
  })
  const scopes = (alarms: readonly GroupableAlarm[]) =>
    groupAlarms(alarms, places).map(({ scope, units, population }) => `${scope} ${units} ${population}`)

  it('are struck completely when all units that can raise the cause are struck', () => {
    expect(scopes([1, 2, 3].map((number) => alarm(number, number, 'test_unit')))).toEqual(['outage_area 3 10'])
    expect(scopes([1, 2, 3].map((number) => alarm(number, number)))).toEqual(['unit 1 1', 'unit 1 1', 'unit 1 1'])
  })

  it('of a whole town bind alarms up to an hour apart, and not beyond', () => {
    const pauseMin = WIDE_CHAIN_MS / MINUTE_MS
    const apart = (minutes: number) =>
      Array.from({ length: 12 }, (_, index) => ({ ...alarm(index, index * minutes), device: `${index % 2 === 0 ? 'far' : 'unit'}-${index}` }))
    expect(scopes(apart(pauseMin))).toEqual(['site 12 200'])
    expect(scopes(apart(pauseMin + 1))).toHaveLength(12)
  })
})

describe('one order for one cause of many units', () => {
  it('cancels earlier single orders with a link when the group is known, and merges their cases', async () => {
    const bench = await openBench()
    for (const unit of [1, 2, 3, 4]) await bench.apply(at(unit, unit))
    const [order] = await openOrders(bench)
    expect(await devices(bench)).toEqual(['unit-1'])
    const { items } = await bench.hubs.alarmGroups({ tenant: 'home' })
    expect(items).toMatchObject([{ scope: 'outage_area', units: 4, population: 10, work_order_id: order?.work_order_id }])
    const cases = (await bench.hubs.cases({ tenant: 'home' })).items
    expect(
      cases
        .filter(({ merged_into }) => merged_into === order?.case_id)
        .map(({ device, state }) => `${device} ${state}`)
        .sort(),
    ).toEqual(['unit-2 closed'])
    expect(bench.events.filter(({ type }) => type === 'mendline.case.merged.v1').map(({ data }) => data)).toMatchObject([
      { case_id: order?.case_id, merged: { device: 'unit-2' } },
    ])
    const cancelled = (await bench.hubs.workOrders({ tenant: 'home', device: 'unit-2' })).items[0]
    expect((await moves(bench, cancelled?.work_order_id)).at(-1)).toMatchObject({
      to: 'cancelled',
      reason: 'one cause for 3 units of outage_area north',
      data: { work_order_id: order?.work_order_id, case_id: order?.case_id },
    })
    expect((await moves(bench, order?.work_order_id)).map(({ type }) => type)).toContain('group')
    await bench.close()
  })

  it('goes on over the edge of a stretch of time, also for the few that come late', async () => {
    const bench = await openBench()
    for (const [index, unit] of [1, 2, 3].entries()) await bench.apply(at(unit, 340 + index))
    await bench.apply(at(4, 375))
    expect(await devices(bench)).toEqual(['unit-1'])
    await bench.apply(at(5, 375 + WIDE_CHAIN_MS / MINUTE_MS + 1))
    expect(await devices(bench)).toEqual(['unit-1', 'unit-5'])
    await bench.close()
  })

  it('is the one that somebody accepted, whoever was first', async () => {
    const bench = await openBench()
    await bench.apply(at(2, 5))
    await bench.answer('accepted', { engineer: 'e-1' }, { actor: 'e-1' })
    for (const unit of [3, 4]) await bench.apply(at(unit, 6))
    await bench.apply(at(1, 1))
    expect((await openOrders(bench)).map(({ device, state }) => `${device} ${state}`)).toEqual(['unit-2 accepted'])
    await bench.close()
  })

  it('leaves what is own: a unit that was diagnosed, another cause, and a danger', async () => {
    const bench = await openBench()
    await bench.apply(diagnosed({ device: 'unit-7' }))
    await bench.apply(at(7, 3), raised({ device: 'unit-8', fault: 'T-02', rule: 'no-fault-named' }))
    await bench.apply(raised({ device: 'unit-9', rule: 'fire', safety_class: 'E0', fault: 'T-01', began_at_ms: STORY_MS + 4 * MINUTE_MS }))
    for (const unit of [1, 2, 3]) await bench.apply(at(unit, unit))
    expect(await devices(bench)).toEqual(['unit-1', 'unit-7', 'unit-8', 'unit-9'])
    await bench.close()
  })

  it('takes a diagnosis from the time of the group as a remark; one from later opens an order', async () => {
    const bench = await openBench()
    for (const unit of [1, 2, 3]) await bench.apply(at(unit, unit))
    await bench.apply(diagnosed({ device: 'unit-3', hour: 2 }))
    const [order] = await openOrders(bench)
    expect(await devices(bench)).toEqual(['unit-1'])
    expect((await moves(bench, order?.work_order_id)).at(-1)).toMatchObject({ type: 'finding', data: { device: 'unit-3' } })
    await bench.apply(diagnosed({ device: 'unit-2', hour: 27 }), diagnosed({ device: 'unit-3', hour: 27 }))
    expect(await devices(bench)).toEqual(['unit-1', 'unit-2', 'unit-3'])
    await bench.close()
  })

  it('that is settled does not explain what began behind it', async () => {
    const bench = await openBench()
    for (const unit of [1, 2, 3]) await bench.apply(at(unit, unit))
    const [order] = await openOrders(bench)
    await bench.answer('cancelled', { reason: 'power is back' }, { actor: 'desk' })
    await bench.wait(20 * HOUR_MS)
    const nowMs = bench.clock.now()
    await bench.apply(diagnosed({ device: 'unit-3', made_at_ms: nowMs, window_from_ms: nowMs - 6 * HOUR_MS, window_to_ms: nowMs }))
    const open = await openOrders(bench)
    expect(open.map(({ device }) => device)).toEqual(['unit-3'])
    expect(open[0]?.work_order_id).not.toBe(order?.work_order_id)
    await bench.close()
  })

  it('gives a unit its own when the others have recovered and it has not', async () => {
    const bench = await openBench()
    for (const unit of [1, 2, 3, 4]) await bench.apply(at(unit, unit))
    for (const unit of [1, 3, 4]) await bench.apply(cleared({ device: `unit-${unit}`, alarm_id: `al-${unit}` }))
    await bench.wait(23 * HOUR_MS)
    expect(await devices(bench)).toEqual(['unit-1'])
    await bench.wait(2 * HOUR_MS)
    expect(await devices(bench)).toEqual(['unit-1', 'unit-2'])
    await bench.close()
  })

  it('waits on while most of the units still have it', async () => {
    const bench = await openBench()
    for (const unit of [1, 2, 3, 4]) await bench.apply(at(unit, unit))
    await bench.apply(cleared({ device: 'unit-4', alarm_id: 'al-4' }))
    await bench.wait(30 * HOUR_MS)
    expect(await devices(bench)).toEqual(['unit-1'])
    for (const unit of [1, 3]) await bench.apply(cleared({ device: `unit-${unit}`, alarm_id: `al-${unit}` }))
    await bench.wait(30 * HOUR_MS)
    expect(await devices(bench)).toEqual(['unit-1', 'unit-2'])
    await bench.close()
  })
})
