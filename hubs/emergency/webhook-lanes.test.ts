import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { openOperations } from '../../operations/open-database.ts'
import { createTargetGuard } from '../dispatch/webhook-target.ts'
import { STORY_MS } from '../hub-builders.ts'
import { type HubTables, hubMigrations } from '../hub-tables.ts'
import { createMemoryWebhook } from '../notifiers/memory-webhook.ts'
import { createOutbox } from '../outbox.ts'
import { enqueueEvent } from '../outbox-events.ts'
import { emergencyMigrations } from './emergency-tables.ts'
import { createWebhookLanes, EMERGENCY_ENDPOINT } from './webhook-lanes.ts'

const cleanups: Array<() => Promise<unknown>> = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

const DESK = 'https://desk.example.com/'
const ALARM_DESK = 'https://alarms.example.com/'

async function bench() {
  const clock = new ManualClock(STORY_MS)
  const guard = createTargetGuard({ allowLoopback: false, allowRanges: [] })
  const open = async (migrations: Parameters<Awaited<ReturnType<typeof openOperations>>['migrate']>[0], endpointPrefix: string) => {
    const store = await openOperations({ file: ':memory:', log: silentLog })
    await store.migrate(migrations)
    const database = store.database as unknown as Kysely<HubTables>
    const receiver = createMemoryWebhook()
    const ports = { database, clock, log: silentLog, limits, guard, notifier: receiver, random: createRandom('lanes') }
    const outbox = createOutbox({ ...ports, endpointPrefix })
    await outbox.start()
    cleanups.push(() => store.close(), outbox.stop)
    return { database, outbox, receiver }
  }
  const ordinary = await open(hubMigrations, 'wh_')
  const emergency = await open(emergencyMigrations, EMERGENCY_ENDPOINT)
  const lanes = createWebhookLanes({
    ...{ ordinary: ordinary.outbox, emergency: emergency.outbox },
    ...{ ordinaryDatabase: ordinary.database, emergencyDatabase: emergency.database },
  })
  /** A danger by its lane and an order by the other. */
  const tell = async (): Promise<void> => {
    const event = { tenant: 'home', device: 'unit-1', atMs: STORY_MS, data: {} }
    await enqueueEvent(emergency.database, { ...event, subject: 'em_1', type: 'mendline.emergency.raised.v1' }, clock.now())
    await enqueueEvent(ordinary.database, { ...event, subject: 'wo_1', type: 'mendline.work_order.opened.v1' }, clock.now())
    await pass(0)
  }
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    for (const { outbox } of [emergency, ordinary]) outbox.wake()
    for (const { outbox } of [emergency, ordinary]) await outbox.settled()
  }
  const heard = ({ receiver }: typeof ordinary): string[] =>
    receiver.requests.map(({ url, body }) => `${url} ${(JSON.parse(body) as { type: string }).type.replace(/^mendline[.]|[.]v1$/g, '')}`)
  return { lanes, ordinary, emergency, tell, pass, heard }
}

describe('the lanes of webhooks', () => {
  it('bring dangers to an ordinary endpoint by the lane of dangers alone, under its own secret', async () => {
    const { lanes, ordinary, emergency, tell, heard } = await bench()
    const { endpoint_id } = await lanes.create('home', { url: DESK })
    await tell()
    expect([heard(emergency), heard(ordinary)]).toEqual([[`${DESK} emergency.raised`], [`${DESK} work_order.opened`]])
    expect((await lanes.attempts({ tenant: 'home', id: endpoint_id })).items.map(({ lane }) => lane).sort()).toEqual(['emergency', 'ordinary'])
    expect((await lanes.list({ tenant: 'home' })).items).toMatchObject([{ endpoint_id, lane: 'ordinary' }])
  })

  it('bring dangers alone to a second endpoint', async () => {
    const { lanes, ordinary, emergency, tell, heard } = await bench()
    await lanes.create('home', { url: DESK, types: ['mendline.work_order.*'] })
    const second = await lanes.create('home', { url: ALARM_DESK, lane: 'emergency' })
    await tell()
    expect([heard(emergency), heard(ordinary)]).toEqual([[`${ALARM_DESK} emergency.raised`], [`${DESK} work_order.opened`]])
    expect(second.lane).toBe('emergency')
    expect(await lanes.remove('home', second.endpoint_id)).toBe(true)
    expect((await lanes.list({ tenant: 'home' })).items).toHaveLength(1)
  })

  it('follow each change of an endpoint, and leave nothing of one that is removed', async () => {
    const { lanes, emergency, tell, heard } = await bench()
    const { endpoint_id } = await lanes.create('home', { url: DESK })
    await lanes.update('home', endpoint_id, { url: ALARM_DESK })
    await tell()
    expect(heard(emergency)).toEqual([`${ALARM_DESK} emergency.raised`])
    await lanes.update('home', endpoint_id, { types: ['mendline.test.v1'] })
    await tell()
    expect(heard(emergency)).toHaveLength(1)
    await lanes.remove('home', endpoint_id)
    expect(await emergency.database.selectFrom('outbox_deliveries').selectAll().execute()).toEqual([])
  })

  it('say of an endpoint that answered 410 to a danger that it takes no more, and bring the next when its owner enables it', async () => {
    const { lanes, ordinary, emergency, tell, heard } = await bench()
    const { endpoint_id } = await lanes.create('home', { url: DESK })
    emergency.receiver.answer = () => ({ status: 410, text: '' })
    await tell()
    const gone = { enabled: true, disabled_reason: 'no dangers: the receiver answered 410 Gone' }
    expect(await lanes.get('home', endpoint_id)).toMatchObject(gone)
    expect((await lanes.list({ tenant: 'home' })).items).toMatchObject([gone])
    emergency.receiver.answer = () => ({ status: 204, text: '' })
    await lanes.update('home', endpoint_id, { enabled: true })
    await tell()
    expect(heard(emergency)).toHaveLength(3)
    expect(heard(ordinary)).toHaveLength(2)
    expect(await lanes.get('home', endpoint_id)).toMatchObject({ enabled: true, disabled_reason: null })
    await lanes.update('home', endpoint_id, { enabled: false })
    await tell()
    expect(heard(emergency)).toHaveLength(3)
    expect(await lanes.get('home', endpoint_id)).toMatchObject({ enabled: false, disabled_reason: 'disabled by its owner' })
  })

  it('are both tried by a test, and one alone where the endpoint takes dangers alone', async () => {
    const { lanes, ordinary, emergency, pass, heard } = await bench()
    const { endpoint_id } = await lanes.create('home', { url: DESK })
    await lanes.sendTest('home', endpoint_id)
    await pass(0)
    expect([heard(emergency), heard(ordinary)]).toEqual([[`${DESK} test`], [`${DESK} test`]])
    const second = await lanes.create('home', { url: ALARM_DESK, lane: 'emergency' })
    await lanes.sendTest('home', second.endpoint_id)
    await pass(0)
    expect([heard(emergency).at(-1), heard(ordinary).length]).toEqual([`${ALARM_DESK} test`, 1])
    await expect(lanes.sendTest('away', endpoint_id)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('hold no danger up while the ordinary endpoint takes nothing', async () => {
    const { lanes, ordinary, emergency, tell, heard } = await bench()
    await lanes.create('home', { url: DESK })
    ordinary.receiver.answer = () => ({ status: 503, text: '' })
    await tell()
    await tell()
    expect(heard(emergency)).toHaveLength(2)
    expect(heard(ordinary)).toHaveLength(1)
  })

  it('replay one dead letter or all, and know none that was delivered', async () => {
    const { lanes, emergency, tell, pass } = await bench()
    const { endpoint_id } = await lanes.create('home', { url: ALARM_DESK, lane: 'emergency' })
    emergency.receiver.answer = () => ({ status: 500, text: 'on fire' })
    await tell()
    for (let hour = 0; hour < 90; hour++) await pass(3_600_000)
    const [dead] = await lanes.deliveries({ tenant: 'home', id: endpoint_id, state: 'dead' })
    expect(dead).toMatchObject({ lane: 'emergency', state: 'dead' })
    emergency.receiver.answer = () => ({ status: 204, text: '' })
    expect(await lanes.replay('home', endpoint_id, dead?.event_id)).toEqual({ deliveries: 1 })
    await pass(0)
    expect(await lanes.deliveries({ tenant: 'home', id: endpoint_id, state: 'delivered' })).toHaveLength(1)
    await expect(lanes.replay('home', endpoint_id, dead?.event_id)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect(await lanes.replay('home', endpoint_id)).toEqual({ deliveries: 0 })
  })
})
