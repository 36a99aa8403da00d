import { createServer, type Server } from 'node:http'
import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { type Clock, systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { WorkOrderEvent } from '#kernel/work-order.ts'
import { createTargetGuard } from '../hubs/dispatch/webhook-target.ts'
import { diagnosed, testType } from '../hubs/hub-builders.ts'
import { type HubTables, hubMigrations } from '../hubs/hub-tables.ts'
import { createHubs, type Hubs } from '../hubs/hubs.ts'
import { createHttpWebhook } from '../hubs/notifiers/http-webhook.ts'
import { createOutbox } from '../hubs/outbox.ts'
import { openOperations } from '../operations/open-database.ts'
import { createServiceDesk, type DeskAnswers } from './service-desk.ts'

const cleanups: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup()
})

/** The one REST route that the desk calls, over the real hubs. */
async function rest(hubs: Hubs): Promise<string> {
  const server: Server = createServer(async (request, response) => {
    const chunks: Buffer[] = []
    for await (const chunk of request) chunks.push(Buffer.from(chunk as Uint8Array))
    const input = JSON.parse(Buffer.concat(chunks).toString()) as WorkOrderEvent
    const id = request.url?.split('/')[4] ?? ''
    try {
      const order = await hubs.workOrderEvent('home', id, input, String(request.headers['idempotency-key']))
      response.writeHead(200).end(JSON.stringify(order))
    } catch (error) {
      response.writeHead(409).end(error instanceof MendlineError ? error.code : 'failed')
    }
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  cleanups.push(() => new Promise((resolve) => server.close(resolve)))
  return `http://127.0.0.1:${(server.address() as { port: number }).port}`
}

async function street({ isAnswering = true, timeoutMs = 2_000, truth = 'T-01', answers = 'in_order' as DeskAnswers } = {}) {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const guard = createTargetGuard({ allowLoopback: true, allowRanges: [] })
  const bounds = { ...limits, deliveryTimeoutMs: timeoutMs }
  const notifier = createHttpWebhook({ guard })
  const outbox = createOutbox({ database, clock: systemClock, log: silentLog, limits: bounds, notifier, guard, random: createRandom('desk') })
  const catalogue = (type: string) => (type === testType.id ? testType : undefined)
  const hubs = createHubs({ database, catalogue, clock: systemClock, log: silentLog, onCommitted: outbox.wake })
  // The visits' waits pass at once; the order of the steps stays.
  const clock: Clock = { ...systemClock, after: (_delayMs, task) => systemClock.after(0, task) }
  const desk = createServiceDesk({ clock, log: silentLog, truth: () => truth, isAnswering, answers })
  const { url } = await desk.start()
  const { secret, endpoint_id } = await outbox.create('home', { url })
  desk.connect({ url: await rest(hubs), apiKey: 'dev', secret })
  await outbox.start()
  cleanups.push(
    () => operations.close(),
    () => outbox.stop(),
    () => desk.stop(),
  )
  const attempt = async () => (await outbox.attempts({ tenant: 'home', id: endpoint_id })).items[0]
  return { hubs, outbox, desk, attempt, endpoint_id }
}

describe('service desk', () => {
  it('serves an order to its end: webhook, visit, outcome, label, and the last webhook', async () => {
    const { hubs, desk } = await street()
    await hubs.apply([diagnosed()])
    await expect.poll(() => desk.events.map((event) => event.type), { timeout: 5_000 }).toContain('mendline.work_order.done.v1')
    const ofOrder = desk.events.filter((event) => event.type.startsWith('mendline.work_order.'))
    expect(ofOrder.map((event) => event.type.split('.')[2])).toEqual(['opened', 'accepted', 'en_route', 'on_site', 'done'])
    expect((await hubs.labels({ tenant: 'home' })).items).toMatchObject([{ cause: 'T-01', predicted: 'T-01' }])
    expect((await hubs.workOrders({ tenant: 'home' })).items).toMatchObject([{ outcome: { parts_used: [{ part: 'refrigerant', qty: 1 }] } }])
    expect(desk.counts).toMatchObject({ answered: 4, failedAnswers: 0, refused: 0 })
  })

  it.each(['twice', 'disorder'] as const)('comes to one end, one outcome and one label also when it tells %s', async (answers) => {
    const { hubs, desk } = await street({ answers })
    await hubs.apply([diagnosed()])
    await expect.poll(async () => (await hubs.workOrders({ tenant: 'home' })).items[0]?.state, { timeout: 5_000 }).toBe('done')
    await expect.poll(() => desk.counts.answered + desk.counts.failedAnswers, { timeout: 5_000 }).toBeGreaterThanOrEqual(7)
    const [order] = (await hubs.workOrders({ tenant: 'home' })).items
    const moves = await hubs.workOrderMoves('home', order?.work_order_id ?? '')
    expect(moves.filter(({ kind, type }) => kind === 'move' && type === 'done')).toHaveLength(1)
    expect((await hubs.labels({ tenant: 'home' })).items).toHaveLength(1)
    expect(desk.counts.failedAnswers === 0).toBe(answers === 'twice')
  })

  it('brings the parts back when the cause was another', async () => {
    const { hubs, desk } = await street({ truth: 'no_fault_found' })
    await hubs.apply([diagnosed()])
    await expect.poll(() => desk.counts.answered, { timeout: 5_000 }).toBe(4)
    expect((await hubs.workOrders({ tenant: 'home' })).items).toMatchObject([{ outcome: { cause: 'no_fault_found', parts_used: [] } }])
  })

  it.each([
    ['fails', { status: 500, response: 'the desk is on fire' }],
    ['redirects', { status: 302 }],
    ['gone', { status: 410 }],
    ['throttles', { status: 429 }],
    ['lies', { status: null, error: expect.stringContaining('MDL_HUBS_WEBHOOK_FAILED') }],
    ['drips', { status: null, error: expect.stringContaining('MDL_HUBS_WEBHOOK_FAILED') }],
    ['hangs', { status: null, error: expect.stringContaining('MDL_HUBS_WEBHOOK_FAILED') }],
  ] as const)('stays owed the event while it %s', async (mood, expected) => {
    const { outbox, desk, attempt, endpoint_id } = await street({ isAnswering: false, timeoutMs: 200 })
    desk.behave(mood)
    await outbox.sendTest('home', endpoint_id)
    await expect.poll(attempt, { timeout: 5_000 }).toMatchObject(expected)
    expect(desk.events).toEqual([])
    desk.behave('well')
    await outbox.update('home', endpoint_id, { enabled: true })
    await expect.poll(() => desk.events.length, { timeout: 5_000 }).toBe(1)
  })

  it('refuses a signature made with another secret', async () => {
    const { outbox, desk, attempt, endpoint_id } = await street({ isAnswering: false })
    desk.connect({ url: 'http://127.0.0.1:1', apiKey: 'dev', secret: `whsec_${Buffer.alloc(32, 7).toString('base64')}` })
    await outbox.sendTest('home', endpoint_id)
    await expect.poll(attempt, { timeout: 5_000 }).toMatchObject({ status: 401 })
    expect(desk.counts).toMatchObject({ refused: 1, received: 0 })
  })
})
