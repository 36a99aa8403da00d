import type { Kysely } from 'kysely'
import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { createEventIntake } from './event-intake.ts'
import { cleared, diagnosed, raised, STORY_MS, testType } from './hub-builders.ts'
import { type HubTables, hubMigrations } from './hub-tables.ts'
import { createHubs } from './hubs.ts'

const away = () => new MendlineError('MDL_STORE_UNAVAILABLE', 'locked', { retryable: true })
const danger = (device: string, hour = 1): HubEvent => raised({ device, hour, rule: 'fire', fault: 'T-03', safety_class: 'E0' })
const many = (count: number, device = 'unit-1'): HubEvent[] => Array.from({ length: count }, (_, index) => diagnosed({ device, hour: index + 1 }))
const keysOf = (events: readonly HubEvent[]): string[] => events.map(({ key }) => key)

/** An intake over a list of transactions; `failures` gives the error of an event, which fails the whole transaction. */
function bench() {
  const transactions: string[][] = []
  const aside: string[] = []
  const failures = new Map<string, Error>()
  const options = { isAsideBroken: false }
  const intake = createEventIntake({
    applyTogether: async (events) => {
      // As the real one: a transaction lasts for some turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve))
      for (const { key } of events) {
        const error = failures.get(key)
        if (error !== undefined) throw error
      }
      transactions.push(keysOf(events))
    },
    keepAside: async ({ key }) => {
      if (options.isAsideBroken) throw away()
      if (aside.includes(key)) return false
      aside.push(key)
      return true
    },
    log: silentLog,
  })
  return { intake, transactions, aside, failures, options }
}

describe('event intake', () => {
  it('cuts a long call into short transactions, in order', async () => {
    const { intake, transactions } = bench()
    const events = many(70)
    await intake.apply(events)
    expect(transactions.map((keys) => keys.length)).toEqual([32, 32, 6])
    expect(transactions.flat()).toEqual(keysOf(events))
    await intake.apply([])
    expect(transactions).toHaveLength(3)
  })

  it('lets a danger wait for one transaction, not for the calls before it', async () => {
    const { intake, transactions } = bench()
    const calls = [intake.apply(many(100, 'unit-1')), intake.apply(many(40, 'unit-2'))]
    await intake.apply([danger('unit-3')])
    expect(transactions.map((keys) => keys.length)).toEqual([32, 1])
    await Promise.all(calls)
    expect(transactions.flat()).toHaveLength(141)
  })

  it('takes the dangers of a call first, with what the same device told before them', async () => {
    const { intake, transactions } = bench()
    const [other, before, fire, end] = [diagnosed({ device: 'a' }), diagnosed({ device: 'b' }), danger('b'), cleared({ device: 'b', rule: 'fire' })]
    await intake.apply([other, before, fire, end])
    expect(transactions).toEqual([keysOf([before, fire, end]), keysOf([other])])
  })

  it('sets an event aside that fails by itself twice, and applies the others', async () => {
    const { intake, transactions, aside, failures } = bench()
    const events = many(5)
    const [first, second, poison, fourth, fifth] = keysOf(events)
    failures.set(String(poison), new TypeError('poison'))
    await intake.apply(events)
    expect(transactions).toEqual([[first], [second], [fourth], [fifth]])
    expect(aside).toEqual([poison])
    await intake.apply(events)
    expect(intake.statistics()).toEqual({ eventsSetAside: 1 })
  })

  it('forgives an event that fails once', async () => {
    const { intake, transactions, aside, failures } = bench()
    const [event] = keysOf(many(1))
    const get = failures.get.bind(failures)
    failures.get = (key) => {
      const error = get(key)
      failures.delete(key)
      return error
    }
    failures.set(String(event), new TypeError('once'))
    await intake.apply(many(1))
    expect(transactions).toEqual([[event]])
    expect(aside).toEqual([])
  })

  it('refuses the rest of a call while the store is away, and takes the next call', async () => {
    const { intake, transactions, aside, failures } = bench()
    const events = many(70)
    failures.set(keysOf(events)[40] as string, away())
    const refused = intake.apply(events)
    const other = intake.apply(many(3, 'unit-2'))
    await expect(refused).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE', retryable: true })
    await other
    expect(transactions.map((keys) => keys.length)).toEqual([32, 3])
    expect(aside).toEqual([])
    failures.clear()
    await intake.apply(events)
    expect(transactions.map((keys) => keys.length)).toEqual([32, 3, 32, 32, 6])
  })

  it('loses no event that it cannot set aside', async () => {
    const { intake, aside, failures, options } = bench()
    const events = many(2)
    failures.set(keysOf(events)[0] as string, new TypeError('poison'))
    options.isAsideBroken = true
    await expect(intake.apply(events)).rejects.toMatchObject({ retryable: true })
    options.isAsideBroken = false
    await intake.apply(events)
    expect(aside).toEqual([keysOf(events)[0]])
  })
})

describe('hubs: an event that cannot be applied', () => {
  it('is kept aside with its reason, while the danger beside it raises its emergency', async () => {
    const operations = await openOperations({ file: ':memory:', log: silentLog })
    await operations.migrate(hubMigrations)
    const database = operations.database as unknown as Kysely<HubTables>
    const catalogue = (type: string) => {
      if (type === 'poison') throw new TypeError('no such type')
      return testType
    }
    const hubs = createHubs({ database, catalogue, clock: new ManualClock(STORY_MS), log: silentLog })
    const poison = raised({ device: 'unit-1', type: 'poison' })
    await hubs.apply([poison, danger('unit-1', 2), diagnosed({ device: 'unit-2' })])
    expect((await hubs.workOrders({ tenant: 'home' })).items.map(({ device }) => device).sort()).toEqual(['unit-1', 'unit-2'])
    expect(await database.selectFrom('hub_emergencies').select('device').execute()).toEqual([{ device: 'unit-1' }])
    const [row, ...others] = await database.selectFrom('hub_events_set_aside').selectAll().execute()
    expect(others).toEqual([])
    expect(row).toMatchObject({ event_key: poison.key, kind: 'alarm_raised', error: 'TypeError: no such type', at_ms: STORY_MS })
    expect(JSON.parse(row?.body ?? '')).toEqual(poison)
    expect(hubs.statistics()).toEqual({ eventsSetAside: 1, timersRun: 0, timersFailed: 0 })
    await operations.close()
  })
})
