import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { Webhook } from 'standardwebhooks'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ManualClock, systemClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTargetGuard } from './dispatch/webhook-target.ts'
import { diagnosed, STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs, type Hubs } from './hubs.ts'
import { createMemoryWebhook, type MemoryWebhook } from './notifiers/memory-webhook.ts'
import { createOutbox, type Outbox } from './outbox.ts'
import type { CloudEvent } from './outbox-events.ts'

interface Bench {
  readonly hubs: Hubs
  readonly outbox: Outbox
  readonly receiver: MemoryWebhook
  readonly clock: ManualClock
  close(): Promise<void>
  pass(ms: number): Promise<void>
  answer(type: 'accepted' | 'on_site'): Promise<void>
}

let folder: string
const open: Bench[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-outbox-'))
})
afterEach(async () => {
  for (const b of open.splice(0)) await b.close()
  rmSync(folder, { recursive: true })
})

async function bench(clock = new ManualClock(systemClock.now())): Promise<Bench> {
  const operations = await openOperations({ file: join(folder, 'operations.db'), log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const receiver = createMemoryWebhook()
  const guard = createTargetGuard({ allowLoopback: true, allowRanges: [] })
  const outbox = createOutbox({ database, clock, log: silentLog, limits, notifier: receiver, guard, random: createRandom('outbox') })
  const catalogue = (type: string) => (type === testType.id ? testType : undefined)
  const hubs = createHubs({ database, catalogue, clock, log: silentLog, onCommitted: outbox.wake })
  let isOpen = true
  const b: Bench = {
    ...{ hubs, outbox, receiver, clock },
    async close() {
      if (!isOpen) return
      isOpen = false
      await outbox.stop()
      await operations.close()
    },
    async pass(ms) {
      clock.advance(ms)
      await outbox.settled()
    },
    async answer(type) {
      const order = (await hubs.workOrders({ tenant: 'home' })).items[0]
      await hubs.workOrderEvent('home', order?.work_order_id ?? '', { type, at_ms: STORY_MS, actor: 'desk' }, undefined)
      await outbox.settled()
    },
  }
  open.push(b)
  return b
}

const url = 'http://127.0.0.1:9/hook'
const only = (type: string) => ({ url, types: [type] })
const eventsOf = (receiver: MemoryWebhook): CloudEvent[] => receiver.requests.map((request) => JSON.parse(request.body) as CloudEvent)
const namesOf = (receiver: MemoryWebhook): string[] => eventsOf(receiver).map((event) => event.type.split('.')[2] ?? '')
const down = () => {
  throw new MendlineError('MDL_HUBS_WEBHOOK_FAILED', 'down', { retryable: true })
}

describe('outbox: delivery', () => {
  it('delivers each event once, signed and as a CloudEvent', async () => {
    const b = await bench()
    const { secret, endpoint_id } = await b.outbox.create('home', { url })
    await b.outbox.start()
    await b.hubs.apply([diagnosed()])
    await b.outbox.settled()
    expect(eventsOf(b.receiver).map((event) => event.type)).toHaveLength(4)
    for (const { headers, body } of b.receiver.requests) {
      const event = new Webhook(secret).verify(body, { ...headers }) as CloudEvent
      expect(event).toMatchObject({ specversion: '1.0', id: headers['webhook-id'], source: '/tenants/home/devices/unit-1', data: { tenant: 'home' } })
      expect(headers['content-type']).toContain('application/cloudevents+json')
    }
    await b.pass(3_600_000)
    expect(b.receiver.requests).toHaveLength(4)
    expect(await b.outbox.statistics()).toEqual({ delivered: 4 })
    expect((await b.outbox.attempts({ tenant: 'home', id: endpoint_id })).items).toHaveLength(4)
    expect((await b.outbox.attempts({ tenant: 'away', id: endpoint_id })).items).toHaveLength(0)
  })

  it('delivers only what the filter wants, to the tenant of the event, and nothing to a disabled endpoint', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.*'))
    await b.outbox.create('away', { url })
    const off = await b.outbox.create('home', { url })
    await b.outbox.update('home', off.endpoint_id, { enabled: false })
    await b.outbox.start()
    await b.hubs.apply([diagnosed()])
    await b.outbox.settled()
    expect(eventsOf(b.receiver).map((event) => event.type)).toEqual(['mendline.work_order.opened.v1'])
  })

  it('keeps the order per subject while the receiver is down, and delivers all when it is up', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.*'))
    await b.outbox.start()
    b.receiver.answer = down
    await b.hubs.apply([diagnosed()])
    await b.outbox.settled()
    await b.answer('accepted')
    await b.answer('on_site')
    await b.pass(60_000)
    expect(namesOf(b.receiver)).toEqual(['opened', 'opened'])
    b.receiver.answer = () => ({ status: 204, text: '' })
    for (let minute = 0; minute < 6; minute++) await b.pass(60_000)
    expect(namesOf(b.receiver)).toEqual(['opened', 'opened', 'opened', 'accepted', 'on_site'])
    expect(
      eventsOf(b.receiver)
        .slice(2)
        .map((event) => event.data.sequence),
    ).toEqual([1, 3, 4])
  })

  it('does not let one subject wait for another', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    await b.outbox.start()
    b.receiver.answer = (request) => ({ status: request.body.includes('unit-1') ? 500 : 200, text: '' })
    await b.hubs.apply([diagnosed(), diagnosed({ device: 'unit-2' })])
    await b.outbox.settled()
    expect(await b.outbox.statistics()).toEqual({ pending: 1, delivered: 1 })
  })

  it('delivers again after a crash between the attempt and its record, under the same webhook-id', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    await b.outbox.start()
    // The receiver got it, but the process ends before the answer is recorded.
    b.receiver.answer = (request) =>
      new Promise((_resolve, reject) => request.signal.addEventListener('abort', () => reject(new MendlineError('MDL_HUBS_WEBHOOK_FAILED', 'gone'))))
    await b.hubs.apply([diagnosed()])
    await expect.poll(() => b.receiver.requests.length).toBe(1)
    await b.close()
    const again = await bench(b.clock)
    await again.outbox.start()
    await again.outbox.settled()
    expect(again.receiver.requests).toHaveLength(1)
    expect(again.receiver.requests[0]?.headers['webhook-id']).toBe(b.receiver.requests[0]?.headers['webhook-id'])
    expect(await again.outbox.statistics()).toEqual({ delivered: 1 })
  })

  it('delivers after a restart what was committed before any attempt', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    await b.hubs.apply([diagnosed()])
    await b.close()
    const again = await bench(b.clock)
    await again.outbox.start()
    await again.outbox.settled()
    expect(again.receiver.requests).toHaveLength(1)
  })

  it('gives up after ten attempts in 75 hours, lets those behind pass, and sends the dead again by hand', async () => {
    const b = await bench()
    const { endpoint_id } = await b.outbox.create('home', only('mendline.work_order.*'))
    await b.outbox.start()
    b.receiver.answer = () => ({ status: 302, text: 'elsewhere' })
    await b.hubs.apply([diagnosed()])
    await b.outbox.settled()
    for (let hour = 0; hour < 90; hour++) await b.pass(3_600_000)
    expect(b.receiver.requests).toHaveLength(10)
    expect(await b.outbox.deliveries({ tenant: 'home', id: endpoint_id, state: 'dead' })).toMatchObject([{ attempt_count: 10 }])
    b.receiver.answer = () => ({ status: 200, text: '' })
    await b.answer('accepted')
    expect(namesOf(b.receiver).at(-1)).toBe('accepted')
    expect(await b.outbox.replay('home', endpoint_id)).toEqual({ deliveries: 1 })
    await b.outbox.settled()
    expect(namesOf(b.receiver).at(-1)).toBe('opened')
    expect((await b.outbox.attempts({ tenant: 'home', id: endpoint_id })).items).toHaveLength(12)
  })

  it('disables an endpoint that is gone, and delivers when it is enabled again', async () => {
    const b = await bench()
    const { endpoint_id } = await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    await b.outbox.start()
    b.receiver.answer = () => ({ status: 410, text: '' })
    await b.hubs.apply([diagnosed()])
    await b.pass(3_600_000)
    expect(b.receiver.requests).toHaveLength(1)
    expect(await b.outbox.get('home', endpoint_id)).toMatchObject({ enabled: false, disabled_reason: 'the receiver answered 410 Gone' })
    b.receiver.answer = () => ({ status: 204, text: '' })
    await b.outbox.update('home', endpoint_id, { enabled: true })
    await b.outbox.settled()
    expect(await b.outbox.statistics()).toEqual({ delivered: 1 })
  })

  it('owes a disabled endpoint what comes to be meanwhile', async () => {
    const b = await bench()
    const { endpoint_id } = await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    await b.outbox.update('home', endpoint_id, { enabled: false })
    await b.outbox.start()
    await b.hubs.apply([diagnosed()])
    await b.outbox.settled()
    expect(b.receiver.requests).toHaveLength(0)
    await b.outbox.update('home', endpoint_id, { enabled: true })
    await b.outbox.settled()
    expect(eventsOf(b.receiver).map((event) => event.type)).toEqual(['mendline.work_order.opened.v1'])
  })

  it('holds its bound of deliveries in flight, also for one endpoint', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    let inFlight = 0
    let most = 0
    b.receiver.answer = async () => {
      most = Math.max(most, ++inFlight)
      await new Promise((resolve) => setImmediate(resolve))
      inFlight--
      return { status: 200, text: '' }
    }
    await b.hubs.apply(Array.from({ length: 80 }, (_, unit) => diagnosed({ device: `unit-${unit}` })))
    await b.outbox.start()
    await b.outbox.settled()
    expect(b.receiver.requests).toHaveLength(80)
    expect(most).toBe(limits.deliveriesInFlight_MAX / 4)
  })

  it('rests a delivery whose attempt cannot be recorded instead of posting without end', async () => {
    const b = await bench()
    await b.outbox.create('home', only('mendline.work_order.opened.v1'))
    b.receiver.answer = () => {
      throw new TypeError('a bug')
    }
    await b.outbox.start()
    await b.hubs.apply([diagnosed()])
    await b.outbox.settled()
    expect(b.receiver.requests).toHaveLength(1)
    await b.pass(60_000)
    expect(b.receiver.requests).toHaveLength(2)
  })
})

describe('outbox: endpoints', () => {
  it('signs with the new and the old secret for a day after a rotation', async () => {
    const b = await bench()
    const { secret: old, endpoint_id } = await b.outbox.create('home', { url })
    const { secret } = await b.outbox.rotateSecret('home', endpoint_id)
    await b.outbox.start()
    await b.outbox.sendTest('home', endpoint_id)
    await b.outbox.settled()
    const first = b.receiver.requests[0]
    for (const key of [old, secret])
      expect(new Webhook(key).verify(first?.body ?? '', { ...first?.headers })).toMatchObject({ type: 'mendline.test.v1' })
    await b.pass(24 * 3_600_000 + 1_000)
    await b.outbox.sendTest('home', endpoint_id)
    await b.outbox.settled()
    expect(b.receiver.requests[1]?.headers['webhook-signature']?.split(' ')).toHaveLength(1)
  })

  it('refuses a second rotation within the day, so that no secret that is owed a day ends, unless it is said which', async () => {
    const b = await bench()
    const verifies = (key: string, request: (typeof b.receiver.requests)[number] | undefined): boolean => {
      try {
        new Webhook(key).verify(request?.body ?? '', { ...request?.headers })
        return true
      } catch {
        return false
      }
    }
    const signing = async (...keys: readonly string[]): Promise<boolean[]> => {
      await b.outbox.sendTest('home', endpoint_id)
      await b.outbox.settled()
      return keys.map((key) => verifies(key, b.receiver.requests.at(-1)))
    }
    const { secret: first, endpoint_id } = await b.outbox.create('home', { url })
    await b.outbox.start()
    const { secret: second, previous_until_ms } = await b.outbox.rotateSecret('home', endpoint_id)
    const details = { previous_until_ms }
    await expect(b.outbox.rotateSecret('home', endpoint_id)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT', details })
    expect(await signing(first, second)).toEqual([true, true])
    const { secret: third, previous_until_ms: same } = await b.outbox.rotateSecret('home', endpoint_id, 'newer')
    expect(same).toBe(previous_until_ms)
    expect(await signing(first, second, third)).toEqual([true, false, true])
    const { secret: fourth } = await b.outbox.rotateSecret('home', endpoint_id, 'older')
    expect(await signing(first, third, fourth)).toEqual([false, true, true])
    await b.pass(24 * 3_600_000 + 1_000)
    // The day is over: the next rotation needs no word.
    await b.outbox.rotateSecret('home', endpoint_id)
    await signing()
    expect(b.receiver.requests.at(-1)?.headers['webhook-signature']?.split(' ')).toHaveLength(2)
  })

  it('sends a test event to one endpoint only, whatever its filter', async () => {
    const b = await bench()
    const { endpoint_id } = await b.outbox.create('home', only('mendline.parts.need.v1'))
    await b.outbox.create('home', { url })
    await b.outbox.start()
    await b.outbox.sendTest('home', endpoint_id)
    await b.outbox.settled()
    expect(b.receiver.requests).toHaveLength(1)
    await expect(b.outbox.sendTest('away', endpoint_id)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('shows a secret once, and never in a list', async () => {
    const b = await bench()
    const { secret, endpoint_id } = await b.outbox.create('home', { url })
    expect(JSON.stringify([await b.outbox.list({ tenant: 'home' }), await b.outbox.get('home', endpoint_id)])).not.toContain(secret)
  })

  it.each([
    [{ url, types: ['DROP TABLE'] }, 'body.types'],
    [{ url, secret: 'whsec_AAAA' }, 'body.secret'],
    [{ url, description: 'x'.repeat(201) }, 'body.description'],
  ])('refuses %j by field', async (given, field) => {
    const b = await bench()
    const errors = [{ field, reason: expect.any(String) }]
    await expect(b.outbox.create('home', given)).rejects.toMatchObject({ code: 'MDL_API_INVALID', details: { errors } })
  })

  it('refuses a target that is not public', async () => {
    const b = await bench()
    await expect(b.outbox.create('home', { url: 'http://10.0.0.1/' })).rejects.toMatchObject({ code: 'MDL_HUBS_WEBHOOK_TARGET_REFUSED' })
  })

  it('changes and removes only endpoints of the tenant', async () => {
    const b = await bench()
    const { endpoint_id } = await b.outbox.create('home', { url })
    expect(await b.outbox.update('away', endpoint_id, { enabled: false })).toBeUndefined()
    expect(await b.outbox.remove('away', endpoint_id)).toBe(false)
    expect(await b.outbox.remove('home', endpoint_id)).toBe(true)
    expect((await b.outbox.list({ tenant: 'home' })).items).toEqual([])
  })
})
