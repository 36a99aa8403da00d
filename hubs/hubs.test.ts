import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import type { NewCommand } from '#kernel/command.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { WorkOrder, WorkOrderEvent } from '#kernel/work-order.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { cleared, diagnosed, raised, STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs, type Hubs } from './hubs.ts'
import type { CloudEvent } from './outbox-events.ts'

const HOUR_MS = 3_600_000
const outcome = { cause: 'T-01', parts_used: [{ part: 'refrigerant', qty: 1 }], parts_returned: [], minutes: 45 }
const opened: Operations[] = []

interface Bench {
  readonly hubs: Hubs
  readonly database: Kysely<HubTables>
  readonly clock: ManualClock
  readonly events: CloudEvent[]
  readonly commands: NewCommand[]
  apply(...events: readonly HubEvent[]): Promise<void>
  orders(device?: string): Promise<readonly WorkOrder[]>
  answer(type: WorkOrderEvent['type'], given?: { data?: Record<string, unknown>; hour?: number; key?: string; revision?: number }): Promise<WorkOrder>
}

async function bench(): Promise<Bench> {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  opened.push(operations)
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const clock = new ManualClock(STORY_MS)
  const events: CloudEvent[] = []
  const commands: NewCommand[] = []
  const hubs = createHubs({
    database,
    catalogue: (type) => (type === testType.id ? testType : undefined),
    clock,
    log: silentLog,
    commands: {
      give: async () => {},
      given: (given) => commands.push(...given),
    },
    onCommitted: (committed) => events.push(...committed),
  })
  const orders = async (device?: string) => (await hubs.workOrders({ tenant: 'home', device })).items
  return {
    ...{ hubs, database, clock, events, commands, orders },
    apply: (...list) => hubs.apply(list),
    async answer(type, given = {}) {
      const order = (await orders())[0]
      if (order === undefined) throw new Error('there is no order')
      const at_ms = STORY_MS + (given.hour ?? 2) * HOUR_MS
      clock.advance(Math.max(0, at_ms - clock.now()))
      const input = { type, at_ms, actor: 'desk', ...(given.data === undefined ? {} : { data: given.data }) }
      return hubs.workOrderEvent('home', order.work_order_id, input, given.key, { expectedRevision: given.revision })
    },
  }
}

const typesOf = (events: readonly CloudEvent[]): string[] => events.map((event) => event.type.replace(/^mendline\.|\.v1$/g, ''))
const repair = async (b: Bench): Promise<void> => {
  for (const state of ['accepted', 'en_route', 'on_site'] as const) await b.answer(state)
  await b.answer('done', { data: { outcome } })
}

afterEach(async () => {
  for (const operations of opened.splice(0)) await operations.close()
})

describe('hubs: opening', () => {
  it('opens one case and one order with its packet and parts from a probable diagnosis', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const [order, ...others] = await b.orders()
    expect(others).toEqual([])
    expect(order).toMatchObject({
      state: 'opened',
      fault: 'T-01',
      revision: 1,
      safety_class: 'E2',
      packet: { minutes: 50, skills: ['REF'], probability: 0.8 },
    })
    expect(order?.packet.steps.map((step) => step.text)).toEqual(['find-leak', 'charge'])
    expect(typesOf(b.events)).toEqual(['case.opened', 'work_order.opened', 'parts.need', 'diagnosis.made'])
    expect((await b.hubs.partsNeeds({ tenant: 'home' })).items).toHaveLength(2)
    expect(await b.hubs.partsTotals('home')).toMatchObject([{ part: 'flare-nut', quantity: 2, expected_quantity: 0.8 }, { part: 'refrigerant' }])
  })

  it.each([
    ['an improbable diagnosis', diagnosed({ probability: 0.59 })],
    ['no fault', diagnosed({ answer: 'no_fault', fault: null })],
    ['an unknown fault', diagnosed({ answer: 'unknown_fault', fault: null })],
    ['an alarm that is evidence only', raised({ rule: 'evidence-only' })],
  ])('opens no order for %s', async (_name, event) => {
    const b = await bench()
    await b.apply(event)
    expect(await b.orders()).toEqual([])
  })

  it('keeps one order per cause under repeated diagnoses and the alarm of the same fault', async () => {
    const b = await bench()
    for (let hour = 1; hour <= 20; hour++) await b.apply(diagnosed({ hour, probability: 0.6 + hour / 100 }))
    await b.apply(raised({ hour: 21 }))
    const orders = await b.orders()
    expect(orders).toHaveLength(1)
    expect(orders[0]).toMatchObject({ packet: { probability: 0.8 }, diagnosis_id: 'dg-unit-1-T-01-20', alarm_id: 'al-unit-1-protection-21' })
    expect(b.events.filter((event) => event.type === 'mendline.work_order.opened.v1')).toHaveLength(1)
    expect(b.events.filter((event) => event.type === 'mendline.diagnosis.made.v1')).toHaveLength(1)
  })

  it('opens a second order for a fault that is no rival, and for another unit', async () => {
    const b = await bench()
    await b.apply(diagnosed(), diagnosed({ fault: 'T-03', hour: 2 }), diagnosed({ device: 'unit-2' }))
    expect(await b.orders('unit-1')).toHaveLength(2)
    expect(await b.orders('unit-2')).toHaveLength(1)
  })

  it('opens by an alarm that names no fault, with the rule as the cause', async () => {
    const b = await bench()
    await b.apply(raised({ rule: 'no-fault-named', fault: null }), raised({ rule: 'no-fault-named', fault: null, hour: 5 }))
    expect(await b.orders()).toMatchObject([{ fault: null, packet: { fault_name: 'no-fault-named', probability: 1 } }])
    expect((await b.hubs.cases({ tenant: 'home' })).items).toMatchObject([{ cause: 'rule:no-fault-named', state: 'open' }])
  })

  it('serves a type that the catalogue does not know', async () => {
    const b = await bench()
    await b.apply(diagnosed({ type: 'other' }))
    expect(await b.orders()).toMatchObject([{ packet: { fault_name: 'fault T-01', steps: [] } }])
  })
})

describe('hubs: rivals', () => {
  const rival = (hour: number) => diagnosed({ fault: 'T-02', hour, rivals: [{ fault: 'T-01', fault_name: '', probability: 0.1 }] })

  it('amends an order nobody accepted when a rival becomes more probable', async () => {
    const b = await bench()
    await b.apply(diagnosed(), rival(2))
    const orders = await b.orders()
    expect(orders).toMatchObject([{ fault: 'T-02', state: 'opened', revision: 2 }])
    expect(typesOf(b.events)).toContain('work_order.amended')
    const moves = await b.hubs.workOrderMoves('home', orders[0]?.work_order_id ?? '')
    expect(moves.map((move) => [move.kind, move.type, move.actor])).toEqual([
      ['move', 'opened', 'mendline'],
      ['remark', 'amended', 'mendline'],
    ])
  })

  it('leaves the order as it is when the rival is older', async () => {
    const b = await bench()
    await b.apply(rival(2), diagnosed())
    expect(await b.orders()).toMatchObject([{ fault: 'T-02' }])
  })

  it('opens no second order and changes no cause once somebody accepted', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await b.answer('accepted')
    await b.apply(rival(3))
    expect(await b.orders()).toMatchObject([{ fault: 'T-01', state: 'accepted' }])
  })
})

describe('hubs: dangers', () => {
  const fire = { rule: 'fire', fault: 'T-03', safety_class: 'E0' as const }

  it('opens an order, raises an emergency, advises the household and gives the safe-state command once', async () => {
    const b = await bench()
    await b.apply(raised(fire))
    await b.apply(raised(fire))
    await b.hubs.start()
    expect(typesOf(b.events)).toEqual(['case.opened', 'work_order.opened', 'parts.need', 'emergency.raised', 'household.advice'])
    expect(b.commands).toMatchObject([{ device: 'unit-1', name: 'safe_state', payload: { alarm_id: 'al-unit-1-fire-1' }, isFollowed: true }])
    expect((await b.hubs.emergencies({ tenant: 'home' })).items).toMatchObject([
      { state: 'raised', safety_class: 'E0', advice: 'switch it off', command_state: 'queued' },
    ])
    expect(b.events.at(-1)?.data).toMatchObject({ text: 'switch it off' })
  })

  it('raises no emergency for a danger learned of a day late, and marks its case', async () => {
    const b = await bench()
    await b.apply(raised({ ...fire, received_at_ms: STORY_MS + 26 * HOUR_MS, hist: true }))
    await b.hubs.start()
    expect(b.commands).toEqual([])
    expect(typesOf(b.events)).not.toContain('emergency.raised')
    expect((await b.hubs.cases({ tenant: 'home' })).items).toMatchObject([{ is_past_danger: true }])
  })

  it('is there now when its reading is not marked as stored, however slow the clock of the device is', async () => {
    const b = await bench()
    await b.apply(raised({ ...fire, received_at_ms: STORY_MS + 26 * HOUR_MS }))
    await b.hubs.start()
    expect(b.commands).toMatchObject([{ device: 'unit-1', name: 'safe_state' }])
    expect(typesOf(b.events)).toContain('emergency.raised')
  })

  it('is not offered remotely', async () => {
    const b = await bench()
    await b.apply(raised(fire))
    await expect(b.answer('remote_offered')).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
  })

  it('raises the class of an order that another finding opened', async () => {
    const b = await bench()
    await b.apply(diagnosed({ fault: 'T-03' }), raised(fire))
    expect(await b.orders()).toMatchObject([{ safety_class: 'E0', alarm_id: 'al-unit-1-fire-1' }])
    expect(typesOf(b.events)).toContain('work_order.amended')
  })
})

describe('hubs: a cleared alarm', () => {
  it('is a remark on an order nobody accepted, and stands on the alarm', async () => {
    const b = await bench()
    await b.apply(raised(), cleared())
    const [order] = await b.orders()
    expect(order).toMatchObject({ state: 'opened', revision: 1 })
    expect((await b.hubs.workOrderMoves('home', order?.work_order_id ?? '')).at(-1)).toMatchObject({ kind: 'remark', type: 'alarm_cleared' })
    expect((await b.hubs.alarms({ tenant: 'home' })).items[0]?.cleared_at_ms).toBe(STORY_MS + HOUR_MS + 600_000)
  })

  it('keeps the clearance that overtook its alarm', async () => {
    const b = await bench()
    await b.apply(cleared())
    expect((await b.hubs.alarms({ tenant: 'home' })).items).toEqual([])
    await b.apply(raised())
    expect((await b.hubs.alarms({ tenant: 'home' })).items).toMatchObject([{ rule: 'protection', cleared_at_ms: STORY_MS + HOUR_MS + 600_000 }])
    expect(await b.orders()).toHaveLength(1)
  })
})

describe('hubs: answers of the dispatch system', () => {
  it('walks to done with an outcome, writes the label and frees the parts', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await repair(b)
    expect(await b.orders()).toMatchObject([{ state: 'done', outcome, revision: 5 }])
    expect((await b.hubs.labels({ tenant: 'home' })).items).toMatchObject([
      { device: 'unit-1', cause: 'T-01', predicted: 'T-01', source: 'visit', window_from_ms: STORY_MS, window_to_ms: STORY_MS + HOUR_MS },
    ])
    expect((await b.hubs.partsNeeds({ tenant: 'home' })).items).toEqual([])
    expect(typesOf(b.events).slice(-2)).toEqual(['work_order.done', 'parts.need'])
    const order = (await b.orders())[0]
    const ofOrder = b.events.filter((event) => event.subject === order?.work_order_id)
    expect(ofOrder.map((event) => event.data.sequence)).toEqual(ofOrder.map((_event, index) => index + 1))
  })

  it('refuses done without an outcome, an unknown cause, an illegal move and an order of somebody else', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await expect(b.answer('done')).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await expect(b.answer('done')).rejects.toMatchObject({ code: 'MDL_HUBS_OUTCOME_REQUIRED' })
    await expect(b.answer('done', { data: { outcome: { ...outcome, cause: 'T-99' } } })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    const [order] = await b.orders()
    const input = { type: 'cancelled' as const, at_ms: STORY_MS, actor: 'x' }
    await expect(b.hubs.workOrderEvent('away', order?.work_order_id ?? '', input, undefined)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect(await b.orders()).toMatchObject([{ state: 'on_site', revision: 3 }])
    expect((await b.hubs.labels({ tenant: 'home' })).items).toEqual([])
  })

  it('gives the same answer to the same key and body, and refuses another body', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const first = await b.answer('accepted', { key: 'k1' })
    expect(await b.answer('accepted', { key: 'k1' })).toEqual(first)
    await expect(b.answer('cancelled', { key: 'k1' })).rejects.toMatchObject({ code: 'MDL_API_IDEMPOTENCY_MISMATCH' })
    await expect(b.answer('accepted', { key: 'k2' })).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    expect(b.events.filter((event) => event.type === 'mendline.work_order.accepted.v1')).toHaveLength(1)
  })

  it('refuses a stale revision and takes the present one', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await b.answer('accepted', { revision: 1 })
    await expect(b.answer('en_route', { revision: 1 })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect((await b.answer('en_route', { revision: 2 })).revision).toBe(3)
  })

  it('keeps remarks without a move, a revision or an event', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const before = b.events.length
    await b.answer('position', { data: { latitude: 31.2, longitude: 121.4 } })
    await b.answer('note', { data: { reason: 'dog' } })
    await b.answer('accepted')
    const [order] = await b.orders()
    expect(order?.revision).toBe(2)
    expect(b.events.slice(before)).toHaveLength(1)
    const moves = await b.hubs.workOrderMoves('home', order?.work_order_id ?? '')
    expect(moves.map((move) => [move.sequence, move.type, move.reason])).toEqual([
      [1, 'opened', 'T-01 found'],
      [2, 'position', ''],
      [3, 'note', 'dog'],
      [4, 'accepted', ''],
    ])
  })
})

describe('hubs: after the repair', () => {
  it('verifies by a window without fault that began after it', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await repair(b)
    await b.apply(diagnosed({ answer: 'no_fault', fault: null, hour: 2.5 }))
    expect((await b.orders())[0]?.state).toBe('done')
    await b.apply(diagnosed({ answer: 'no_fault', fault: null, hour: 4 }))
    expect((await b.orders())[0]?.state).toBe('verified')
  })

  it('reopens when the fault is found again after the quiet time, not within it', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await repair(b)
    await b.apply(diagnosed({ hour: 10 }))
    expect((await b.orders()).map((order) => order.state)).toEqual(['done'])
    await b.apply(diagnosed({ hour: 27 }))
    expect((await b.orders()).map((order) => order.state)).toEqual(['reopened'])
  })

  it('stays quiet after a cancellation, then opens a new order', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    await b.answer('cancelled', { data: { reason: 'sold' } })
    expect((await b.hubs.cases({ tenant: 'home' })).items).toMatchObject([{ state: 'closed' }])
    await b.apply(diagnosed({ hour: 14 * 24 }))
    expect(await b.orders()).toHaveLength(1)
    await b.apply(diagnosed({ hour: 14 * 24 + 3 }))
    expect(await b.orders()).toHaveLength(2)
  })
})
