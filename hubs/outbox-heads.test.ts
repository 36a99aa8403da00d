import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTargetGuard } from './dispatch/webhook-target.ts'
import { STORY_MS } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createMemoryWebhook } from './notifiers/memory-webhook.ts'
import { createOutbox } from './outbox.ts'
import { enqueueEvent } from './outbox-events.ts'

const opened: Operations[] = []
afterEach(async () => {
  for (const operations of opened.splice(0)) await operations.close()
})

/** A clock whose wall time can be set; its monotonic time goes on. */
class SetClock extends ManualClock {
  aheadMs = 0
  override now() {
    return epochMs(super.now() + this.aheadMs)
  }
}

async function bench() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  opened.push(operations)
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const clock = new SetClock(STORY_MS)
  const guard = createTargetGuard({ allowLoopback: false, allowRanges: [] })
  const receiver = createMemoryWebhook()
  const outbox = createOutbox({ database, clock, log: silentLog, limits, guard, notifier: receiver, random: createRandom('heads') })
  const { endpoint_id } = await outbox.create('home', { url: 'https://desk.example.com/' })
  const enqueue = (subject: string) =>
    enqueueEvent(database, { tenant: 'home', device: 'unit-1', subject, type: 'mendline.test.v1', atMs: STORY_MS, data: {} }, clock.now())
  const heads = async () =>
    (
      await database
        .selectFrom('outbox_deliveries')
        .select(['subject', 'sequence'])
        .where('is_head', '=', 1)
        .orderBy('subject')
        .orderBy('sequence')
        .execute()
    ).map(({ subject, sequence }) => `${subject} ${sequence}`)
  const pass = async (ms: number): Promise<void> => {
    clock.advance(ms)
    outbox.wake()
    await outbox.settled()
  }
  return { database, outbox, receiver, endpoint_id, enqueue, heads, pass, clock }
}

describe('the head of a queue', () => {
  it('is the first of its subject, however many wait behind it, and passes on when it is delivered', async () => {
    const { outbox, receiver, enqueue, heads, pass } = await bench()
    receiver.answer = () => ({ status: 503, text: '' })
    for (let event = 0; event < 50; event++) await enqueue('a')
    await enqueue('b')
    await outbox.start()
    await pass(0)
    expect(await heads()).toEqual(['a 1', 'b 1'])
    expect(receiver.requests).toHaveLength(2)
    let taken = 0
    receiver.answer = () => ({ status: taken++ < 3 ? 204 : 503, text: '' })
    await pass(6_000)
    expect((await heads()).filter((head) => head.startsWith('a'))).toEqual(['a 3'])
    receiver.answer = () => ({ status: 204, text: '' })
    await pass(6_000)
    expect(await heads()).toEqual([])
    await outbox.stop()
  })

  it('is the dead letter again when that is replayed, also while the one behind it waits', async () => {
    const { outbox, receiver, endpoint_id, enqueue, heads, pass } = await bench()
    receiver.answer = () => ({ status: 500, text: '' })
    await enqueue('a')
    await enqueue('a')
    await outbox.start()
    for (let hour = 0; hour < 90; hour++) await pass(3_600_000)
    expect(await heads()).toEqual(['a 2'])
    await outbox.replay('home', endpoint_id)
    expect(await heads()).toEqual(['a 1'])
    receiver.requests.splice(0)
    receiver.answer = () => ({ status: 204, text: '' })
    await pass(6_000)
    expect(receiver.requests.map(({ body }) => (JSON.parse(body) as { data: { sequence: number } }).data.sequence)).toEqual([1, 2])
    await outbox.stop()
  })

  it('is found at the start whatever wrote the rows', async () => {
    const { database, outbox, enqueue, heads } = await bench()
    for (const subject of ['a', 'a', 'b']) await enqueue(subject)
    await database.updateTable('outbox_deliveries').set({ is_head: 0 }).execute()
    await database.updateTable('outbox_deliveries').set({ is_head: 1 }).where('subject', '=', 'a').where('sequence', '=', 2).execute()
    await outbox.start()
    await outbox.settled()
    await outbox.stop()
    expect(await heads()).toEqual([])
    expect((await database.selectFrom('outbox_deliveries').select('state').execute()).map(({ state }) => state)).toEqual([
      'delivered',
      'delivered',
      'delivered',
    ])
  })
})

describe('deliveries that were written while the clock was ahead', () => {
  it.each(['in this process', 'by another'])('leave when it is set back, %s', async (where) => {
    const { database, outbox, receiver, enqueue, pass, clock } = await bench()
    clock.aheadMs = 24 * 3_600_000
    receiver.answer = () => ({ status: 503, text: '' })
    await enqueue('a')
    if (where === 'in this process') {
      await outbox.start()
      await pass(0)
      expect(receiver.requests).toHaveLength(1)
    }
    receiver.answer = () => ({ status: 204, text: '' })
    clock.aheadMs = 0
    if (where !== 'in this process') await outbox.start()
    await pass(60_000)
    expect(receiver.requests).toHaveLength(where === 'in this process' ? 2 : 1)
    const states = await database.selectFrom('outbox_deliveries').select('state').execute()
    expect(states).toEqual([{ state: 'delivered' }])
  })
})
