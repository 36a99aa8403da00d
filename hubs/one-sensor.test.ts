import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { SafetyClass } from '#kernel/alarm.ts'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { cleared, diagnosed, raised, STORY_MS } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs, type Hubs } from './hubs.ts'

const type = airConditioner.id
const HOUR_MS = 3_600_000
const opened: Operations[] = []

afterEach(async () => {
  for (const operations of opened.splice(0)) await operations.close()
})

async function hubsAfter(events: readonly HubEvent[]): Promise<Hubs> {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  opened.push(operations)
  await operations.migrate(hubMigrations)
  const catalogue = (id: string) => (id === type ? airConditioner : undefined)
  const database = operations.database as unknown as Kysely<HubTables>
  const hubs = createHubs({ database, catalogue, clock: new ManualClock(STORY_MS + 100 * HOUR_MS), log: silentLog })
  for (const event of events) await hubs.apply([event])
  return hubs
}

const ordersOf = async (hubs: Hubs): Promise<readonly WorkOrder[]> => (await hubs.workOrders({ tenant: 'home' })).items
const ordersAfter = async (...events: readonly HubEvent[]): Promise<readonly WorkOrder[]> => ordersOf(await hubsAfter(events))

const state = (kind: 'stuck' | 'drift', channel: string, hour: number, given: { safety_class?: SafetyClass } = {}) => ({
  ...{ type, hour, rule: `channel-state:${kind}:${channel}`, fault: kind === 'stuck' ? 'XX-02' : 'AC-07', safety_class: 'E3' as const },
  evidence: [{ condition: `${channel} ${kind}`, value: 1, unit: '' }],
  ...given,
})
const drift = (channel: string, hour: number, given = {}) => raised(state('drift', channel, hour, given))
const stuck = (channel: string, hour: number, given = {}) => raised(state('stuck', channel, hour, given))
/** The outdoor coil differs from the outdoor air while the unit rests: a rule of two sensors. */
const unequal = (hour: number) => raised({ type, hour, rule: 'AC-R73', fault: 'AC-07', safety_class: 'E3' })

const suction = 'suction_temperature_c'
const coil = 'outdoor_coil_temperature_c'
const liquid = 'liquid_temperature_c'
const discharge = 'discharge_temperature_c'

/** What an order is but for the finding that came first, which its id and its moves tell. */
const content = ({ fault, state, safety_class, opened_at_ms, alarm_id, packet }: WorkOrder) => ({
  ...{ fault, state, safety_class, opened_at_ms, alarm_id },
  parts: packet.parts.map(({ part }) => part),
  evidence: packet.evidence_for.map(({ text }) => text),
})

describe('one faulty sensor', () => {
  it('that departs and then proves stuck has one case and one order, that of the stuck sensor with its part', async () => {
    const hubs = await hubsAfter([drift(suction, 1), stuck(suction, 5)])
    const orders = await ordersOf(hubs)
    expect(orders.map(content)).toEqual([
      {
        ...{ fault: 'XX-02', state: 'opened', safety_class: 'E3', opened_at_ms: STORY_MS + HOUR_MS },
        ...{ alarm_id: `al-unit-1-channel-state:stuck:${suction}-5`, parts: ['P-COM-002'], evidence: [`${suction} stuck`] },
      },
    ])
    expect((await hubs.cases({ tenant: 'home' })).items).toMatchObject([{ cause: 'XX-02', work_order_id: orders[0]?.work_order_id, state: 'open' }])
    expect((await hubs.partsNeeds({ tenant: 'home' })).items.map(({ part }) => part)).toEqual(['P-COM-002'])
  })

  it('that is stuck and then departs has one order, also where a rule of two sensors tells the departure', async () => {
    expect((await ordersAfter(stuck(suction, 1), drift(suction, 5))).map(({ fault }) => fault)).toEqual(['XX-02'])
    expect((await ordersAfter(stuck(coil, 1), unequal(5), unequal(29))).map(({ fault }) => fault)).toEqual(['XX-02'])
  })

  it('has the same order whichever alarm is delivered first, and however often', async () => {
    const [departs, stands] = [drift(suction, 1), stuck(suction, 5)]
    const inOrder = (await ordersAfter(departs, stands)).map(content)
    expect(inOrder).toHaveLength(1)
    expect((await ordersAfter(stands, departs)).map(content)).toEqual(inOrder)
    expect((await ordersAfter(stands, departs, stands, departs)).map(content)).toEqual(inOrder)
    expect((await ordersAfter(cleared(state('drift', suction, 1)), stands, departs)).map(content)).toEqual(inOrder)
  })

  it('says in its order why the cause is another', async () => {
    const hubs = await hubsAfter([drift(suction, 1), stuck(suction, 5)])
    const [order] = await ordersOf(hubs)
    const moves = await hubs.workOrderMoves('home', order?.work_order_id ?? '')
    expect(moves.map(({ reason }) => reason)).toEqual(['AC-07 found', 'suction_temperature_c does not move, which explains AC-07'])
  })

  it('keeps the graver class of its two alarms', async () => {
    const [grave, slight] = [{ safety_class: 'E2' as const }, { safety_class: 'E3' as const }]
    expect((await ordersAfter(drift(discharge, 1, grave), stuck(discharge, 5, slight))).map(({ safety_class }) => safety_class)).toEqual(['E2'])
    expect((await ordersAfter(stuck(discharge, 5, slight), drift(discharge, 1, grave))).map(({ safety_class }) => safety_class)).toEqual(['E2'])
  })

  it('is a new cause when it departs behind the repair that ended the standing still', async () => {
    const hubs = await hubsAfter([stuck(suction, 1)])
    const [order] = await ordersOf(hubs)
    const outcome = { cause: 'XX-02', parts_used: [{ part: 'P-COM-002', qty: 1 }], parts_returned: [], minutes: 20 }
    for (const [index, move] of (['accepted', 'en_route', 'on_site', 'done'] as const).entries()) {
      const input = { type: move, at_ms: STORY_MS + (2 + index) * HOUR_MS, actor: 'desk', ...(move === 'done' && { data: { outcome } }) }
      await hubs.workOrderEvent('home', order?.work_order_id ?? '', input, undefined, {})
    }
    await hubs.apply([cleared(state('stuck', suction, 1)), drift(suction, 40)])
    expect((await ordersOf(hubs)).map(({ fault, state: at }) => [fault, at])).toEqual(
      expect.arrayContaining([
        ['AC-07', 'opened'],
        ['XX-02', 'done'],
      ]),
    )
  })

  it('is told to whoever is on the way to it, without a second order', async () => {
    const hubs = await hubsAfter([drift(suction, 1)])
    const [order] = await ordersOf(hubs)
    await hubs.workOrderEvent('home', order?.work_order_id ?? '', { type: 'accepted', at_ms: STORY_MS + 2 * HOUR_MS, actor: 'desk' }, undefined, {})
    await hubs.apply([stuck(suction, 5), drift(suction, 6)])
    expect((await ordersOf(hubs)).map(({ fault, state: at }) => [fault, at])).toEqual([['AC-07', 'accepted']])
  })
})

describe('a sensor whose standing still is held back', () => {
  const quietFor = async (device: string): Promise<Hubs> => {
    const hubs = await hubsAfter([])
    const window = { scope: 'unit', scope_value: device, from_ms: STORY_MS, to_ms: STORY_MS + 3 * HOUR_MS, reason: 'works in the house' }
    await hubs.planMaintenance('home', window, 'desk')
    await hubs.apply([stuck(suction, 1), drift(suction, 5)])
    return hubs
  }

  it('is held back alike when it departs, and says by what', async () => {
    const hubs = await quietFor('unit-1')
    expect(await ordersOf(hubs)).toEqual([])
    const id = `al-unit-1-channel-state:drift:${suction}-5`
    expect((await hubs.handlingOf('home', [id])).get(id)?.quiet_by).toMatch(/^mw_/)
  })

  it('of another unit has its order', async () => {
    expect((await ordersOf(await quietFor('unit-2'))).map(({ fault }) => fault)).toEqual(['XX-02'])
  })
})

describe('two faulty sensors', () => {
  const both = [drift(liquid, 1), stuck(suction, 5)] as const

  it('stay two causes with two orders, whichever is told first', async () => {
    const inOrder = (await ordersAfter(...both)).map(content)
    expect(inOrder.map(({ fault }) => fault).sort()).toEqual(['AC-07', 'XX-02'])
    expect((await ordersAfter(both[1], both[0])).map(content)).toEqual(inOrder)
  })

  it('stay two where one departs and is stuck, in whatever order that is told: the order of the other tells of the other alone', async () => {
    const [a, b, c] = [drift(suction, 1), drift(liquid, 2), stuck(suction, 5)]
    const byFault = async (...events: readonly HubEvent[]) =>
      (await ordersAfter(...events)).map(content).sort((one, other) => ((one.fault ?? '') < (other.fault ?? '') ? -1 : 1))
    const inOrder = await byFault(a, b, c)
    expect(inOrder).toMatchObject(
      expect.arrayContaining([
        expect.objectContaining({ fault: 'AC-07', evidence: [`${liquid} drift`], opened_at_ms: STORY_MS + 2 * HOUR_MS }),
        expect.objectContaining({ fault: 'XX-02', evidence: [`${suction} stuck`] }),
      ]),
    )
    for (const events of [
      [a, c, b],
      [b, a, c],
      [b, c, a],
      [c, a, b],
      [c, b, a],
    ])
      expect(await byFault(...events)).toEqual(inOrder)
  })

  it('come to one open order when the second proves stuck, too', async () => {
    const orders = await ordersAfter(stuck(coil, 1), drift(suction, 2), stuck(suction, 5))
    expect(orders.filter((order) => order.state === 'opened').map(({ fault }) => fault)).toEqual(['XX-02'])
    expect(orders.find(({ fault }) => fault === 'AC-07')).toMatchObject({ state: 'cancelled' })
  })

  it('are not made one by a diagnosis, which names no sensor', async () => {
    const orders = await ordersAfter(diagnosed({ type, fault: 'AC-07', probability: 0.95, hour: 1 }), stuck(suction, 5))
    expect(orders.map(({ fault }) => fault).sort()).toEqual(['AC-07', 'XX-02'])
  })
})

describe('a danger that a sensor shows', () => {
  it('keeps its class and an order of its own beside that of the stuck sensor', async () => {
    const orders = await ordersAfter(stuck(discharge, 1), drift(discharge, 5, { safety_class: 'E1' }))
    expect(orders.map(({ fault, safety_class }) => [fault, safety_class]).sort()).toEqual([
      ['AC-07', 'E1'],
      ['XX-02', 'E3'],
    ])
  })
})
