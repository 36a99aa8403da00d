import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { cleared, STORY_MS, testType } from '../hub-builders.ts'
import { type HubTables, hubMigrations } from '../hub-tables.ts'
import { createHubs } from '../hubs.ts'
import { adoptOlder } from './adopt.ts'
import { emergencyBench, fire, HOUR_MS, roster } from './emergency-builders.ts'

const NOW_MS = STORY_MS + HOUR_MS
const ENDPOINT = {
  ...{ endpoint_id: 'wh_1', tenant: 'home', url: 'https://desk.example.com/', secret: 's', previous_secret: null, previous_until_ms: null },
  ...{ event_types: '[]', description: '', enabled: 1, disabled_reason: null, created_at_ms: 1 },
}

/** The operational store as a version without an emergency book left it: one danger, told once, its command unanswered. */
async function olderStore() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  await database.insertInto('outbox_endpoints').values(ENDPOINT).execute()
  const clock = new ManualClock(STORY_MS)
  const commands = { give: async () => {}, given: () => {} }
  const hubs = createHubs({ database, catalogue: () => testType, clock, log: silentLog, commands })
  await hubs.apply([fire])
  const emergency = (await hubs.emergencies({ tenant: 'home' })).items[0]
  return { hubs, database, id: emergency?.emergency_id ?? '', orderId: emergency?.work_order_id ?? '', close: () => operations.close() }
}

async function adoption() {
  const older = await olderStore()
  const b = await emergencyBench(openOperations, { clock: new ManualClock(NOW_MS) })
  await b.hub.setRoster('home', roster, 'test')
  const adopt = () =>
    adoptOlder({
      ...{ ordinary: older.database, book: b.database, catalogue: () => testType, nowMs: b.clock.now() },
      ruleOf: (alarm) => testType.rules.find(({ id }) => id === alarm.rule),
    })
  const owed = async (from: Kysely<HubTables>) =>
    (await from.selectFrom('outbox_deliveries').select(['sequence', 'state']).where('subject', '=', older.id).orderBy('sequence').execute()).map(
      ({ sequence, state }) => [sequence, state],
    )
  return {
    ...{ older, b, adopt, owed, bookOutbox: b.database as unknown as Kysely<HubTables> },
    /** As the next start finds it. */
    async look() {
      await b.hub.stop()
      await b.hub.start()
      await b.hub.settled()
    },
    async [Symbol.asyncDispose]() {
      await b[Symbol.asyncDispose]()
      await older.close()
    },
  }
}

describe('emergencies of an earlier version', () => {
  it('go on in the book: the ladder begins, the command is sent on under its id, and nothing of it happens twice', async () => {
    await using a = await adoption()
    expect(await a.adopt()).toBe(1)
    await a.look()
    expect(await a.b.emergency()).toMatchObject({ emergency_id: a.older.id, state: 'raised', owner: 'li', work_order_id: a.older.orderId })
    expect(a.b.calls).toMatchObject([{ target: 'li@example.com' }])
    expect(a.b.sent.map(({ commandId }) => commandId)).toEqual([a.older.id])
    expect(await a.adopt()).toBe(0)
    await a.b.hub.apply([fire])
    await a.look()
    expect(a.b.calls).toHaveLength(1)
    expect(a.b.names()).toEqual(['emergency.escalated'])
  })

  it('keep the sequence of their events, and what was owed of them leaves by the lane of the book alone', async () => {
    await using a = await adoption()
    expect(await a.owed(a.older.database)).toEqual([
      [1, 'pending'],
      [2, 'pending'],
    ])
    await a.bookOutbox.insertInto('outbox_endpoints').values(ENDPOINT).execute()
    await a.adopt()
    await a.look()
    expect(await a.owed(a.older.database)).toEqual([])
    expect(await a.owed(a.bookOutbox)).toEqual([
      [1, 'pending'],
      [2, 'pending'],
      [3, 'pending'],
    ])
    expect(a.b.events[0]).toMatchObject({ subject: a.older.id, data: { sequence: 3 } })
  })

  it('lose nothing when the first attempt broke off behind the book', async () => {
    await using a = await adoption()
    await a.older.database.schema.alterTable('outbox_deliveries').renameTo('away').execute()
    await expect(a.adopt()).rejects.toThrow()
    await a.older.database.schema
      .alterTable('away' as 'outbox_deliveries')
      .renameTo('outbox_deliveries')
      .execute()
    expect(await a.adopt()).toBe(1)
    expect(await a.owed(a.older.database)).toEqual([])
    expect(await a.owed(a.bookOutbox)).toHaveLength(2)
  })

  it('are over when their order is, and call nobody', async () => {
    await using a = await adoption()
    await a.older.database
      .updateTable('hub_work_orders')
      .set({ state: 'done', settled_at_ms: STORY_MS + 60_000 })
      .execute()
    await a.adopt()
    await a.look()
    expect(await a.b.emergency()).toMatchObject({ state: 'resolved', resolution: 'its work order is done', next_step_at_ms: null })
    expect([a.b.calls, a.b.sent, a.b.names()]).toEqual([[], [], []])
  })

  it('stand when their order was cancelled while the condition stood, and are over when that had ceased', async () => {
    for (const hasCeased of [false, true]) {
      await using a = await adoption()
      const order = { state: 'cancelled', settled_at_ms: STORY_MS + 60_000 }
      if (hasCeased) await a.older.hubs.apply([cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0' })])
      await a.older.database.updateTable('hub_work_orders').set(order).execute()
      await a.adopt()
      await a.look()
      expect(await a.b.emergency()).toMatchObject({ state: hasCeased ? 'resolved' : 'raised' })
      expect(a.b.calls).toHaveLength(hasCeased ? 0 : 1)
    }
  })

  it('say that the command ended when its life was over before anybody answered', async () => {
    await using a = await adoption()
    a.b.clock.advance(48 * HOUR_MS)
    await a.older.hubs.apply([cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0', hour: 1 })])
    await a.adopt()
    await a.look()
    expect(await a.b.emergency()).toMatchObject({ state: 'raised', command_state: 'expired', command_next_at_ms: null })
    expect(a.b.sent).toEqual([])
    expect(a.b.named('emergency.escalated')).toEqual(expect.arrayContaining([expect.objectContaining({ reason: 'command_expired' })]))
  })

  it('that were past stay past', async () => {
    await using a = await adoption()
    await a.older.database.updateTable('hub_emergencies').set({ state: 'past', command_sent_at_ms: -1, command_id: null }).execute()
    await a.adopt()
    await a.look()
    expect(await a.b.emergency()).toMatchObject({ state: 'past', actions: null, next_step_at_ms: null })
    expect([a.b.calls, a.b.sent]).toEqual([[], []])
  })
})
