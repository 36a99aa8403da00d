/** What is told of an order late, or twice, or in any order, comes to one state: each fact is what happened last, not what was told last. */
import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { WorkOrderEvent } from '#kernel/work-order.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed } from '../hub-builders.ts'
import { hubMigrations } from '../hub-tables.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const benches: HubBench[] = []

async function bench() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  const b = await openHubBench(operations)
  benches.push(b)
  await b.apply(diagnosed())
  b.clock.advance(DAY_MS)
  const { work_order_id: id } = await b.order()
  const now = b.clock.now()
  /** Tells of what happened so many minutes ago. */
  const say = (type: WorkOrderEvent['type'], minutes: number, data: Record<string, unknown> = {}) =>
    b.hubs.workOrderEvent('home', id, { type, at_ms: b.clock.now() - minutes * MINUTE_MS, actor: 'desk', data }, undefined)
  const window = (hours: number) => ({ window_from_ms: now + hours * HOUR_MS, window_to_ms: now + (hours + 2) * HOUR_MS })
  const told = (name: string) => b.events.filter(({ type }) => type === `mendline.work_order.${name}.v1`)
  const risk = async () => (await b.hubs.risks({ tenant: 'home', limit: 10 }))[0]
  return { ...b, operations, id, now, say, window, told, risk }
}
type Bench = Awaited<ReturnType<typeof bench>>

afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

/** Remarks with distinct times, told by name in any order. */
const REMARKS: Readonly<Record<string, (b: Bench) => Promise<unknown>>> = {
  'first window': (b) => b.say('rescheduled', 50, b.window(3)),
  'nobody at home': (b) => b.say('note', 40, { kind: 'no_show' }),
  'second window': (b) => b.say('rescheduled', 30, b.window(30)),
  'first need': (b) => b.say('note', 45, { verified_need: { is_needed: false }, preferred_windows: [] }),
  'second need': (b) => b.say('note', 20, { verified_need: { is_needed: true } }),
  'first rating': (b) => b.say('rated', 15, { score: 1 }),
  'second rating': (b) => b.say('rated', 10, { score: 5 }),
  'first position': (b) => b.say('position', 9, { eta_ms: b.now + 90 * HOUR_MS }),
  'second position': (b) => b.say('position', 5, { eta_ms: b.now + 33 * HOUR_MS }),
}

describe('remarks on an order', () => {
  it.each(Array.from({ length: 10 }, (_, seed) => seed))('in any order come to what happened last (seed %i)', async (seed) => {
    const b = await bench()
    const random = createRandom(`facts-in-time/${seed}`)
    const names = Object.keys(REMARKS)
    for (let left = [...names]; left.length > 0; ) {
      const [name = ''] = left.splice(Math.floor(random.uniform() * left.length), 1)
      await REMARKS[name]?.(b)
    }
    expect(await b.order()).toMatchObject({
      ...{ promised_from_ms: b.now + 30 * HOUR_MS, promised_to_ms: b.now + 32 * HOUR_MS, reschedule_count: 2, no_show_count: 1 },
      ...{ verified_need: { is_needed: true }, preferred_windows: [], rating: { score: 5 } },
    })
    expect(await b.database.selectFrom('hub_ratings').select('score').execute()).toEqual([{ score: 5 }])
    expect((await b.risk())?.facts.late_minutes).toBe(60)
  })

  it('that happened last take the promise away, also when an older window is told behind them', async () => {
    const b = await bench()
    await b.say('note', 10, { kind: 'no_show' })
    await b.say('rescheduled', 20, b.window(3))
    expect(await b.order()).toMatchObject({ promised_from_ms: null, reschedule_count: 1, no_show_count: 1 })
    expect(await b.say('rescheduled', 5, b.window(4))).toMatchObject({ promised_from_ms: b.now + 4 * HOUR_MS })
  })

  it('are told on as long as they are news: a window that gave way before it was told is announced to nobody', async () => {
    const b = await bench()
    await b.say('rescheduled', 10, b.window(30))
    await b.say('rescheduled', 20, b.window(3))
    await b.say('note', 30, { kind: 'no_show' })
    expect(b.told('rescheduled')).toHaveLength(1)
    expect(b.told('no_show').map(({ data }) => data)).toMatchObject([{ work_order: { promised_from_ms: b.now + 30 * HOUR_MS, no_show_count: 1 } }])
  })

  it('of one time count as they are told', async () => {
    const b = await bench()
    await b.say('rescheduled', 10, b.window(3))
    await b.say('rescheduled', 10, b.window(30))
    expect(await b.order()).toMatchObject({ promised_from_ms: b.now + 30 * HOUR_MS })
    await b.say('rated', 5, { score: 4 })
    expect(await b.say('rated', 5, { score: 2 })).toMatchObject({ rating: { score: 2 } })
  })

  it('leave the promise alone where a move with an older window is told behind them, and the order moves all the same', async () => {
    const b = await bench()
    await b.say('rescheduled', 5, b.window(30))
    expect(await b.say('scheduled', 10, b.window(3))).toMatchObject({ state: 'scheduled', promised_from_ms: b.now + 30 * HOUR_MS })
    expect(await b.say('offered', 2, b.window(40))).toMatchObject({ promised_from_ms: b.now + 40 * HOUR_MS })
  })
})

describe('the order of a visit that is to come again', () => {
  it.each(['returned', 'reopened'] as const)('is late by its own window, whatever the first visit kept, when it was %s', async (end) => {
    const b = await bench()
    await b.say('accepted', 0, b.window(1))
    b.clock.advance(HOUR_MS)
    await b.say('on_site', 0)
    const steps = ['find-leak', 'charge'].map((step) => ({ step, done: true }))
    if (end === 'reopened') await b.say('done', 0, { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 5, steps } })
    b.clock.advance(HOUR_MS)
    await b.say(end, 0, { reason: 'a part is missing' })
    await b.say('offered', 0, b.window(4))
    await b.say('accepted', 0)
    await b.wait(7 * HOUR_MS)
    expect((await b.risk())?.facts.late_minutes).toBeGreaterThan(100)
    await b.say('on_site', 0)
    const { late_minutes: arrived } = (await b.risk())?.facts ?? {}
    await b.wait(2 * HOUR_MS)
    expect((await b.risk())?.facts.late_minutes).toBe(arrived)
  })

  it.each([
    ['a window that dispatch names by a clock two seconds slow', 'scheduled', 2, true],
    ['a window that is moved by a clock two seconds slow', 'rescheduled', 2, true],
    ['no window that was told an hour before', 'rescheduled', 3_600, false],
  ] as const)('promises %s behind its reopening', async (_name, type, seconds, isPromised) => {
    const b = await bench()
    await b.say('accepted', 0, b.window(1))
    await b.say('on_site', 0)
    await b.say('done', 0, { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 5 } })
    b.clock.advance(DAY_MS)
    await b.say('reopened', 0, { reason: 'it leaks again' })
    const order = await b.say(type, seconds / 60, b.window(30))
    expect(order.promised_from_ms).toBe(isPromised ? b.now + 30 * HOUR_MS : null)
  })

  it('keeps the later of two promises that are told behind its reopening by such a clock', async () => {
    const b = await bench()
    await b.say('accepted', 0, b.window(1))
    await b.say('on_site', 0)
    await b.say('done', 0, { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 5 } })
    b.clock.advance(DAY_MS)
    await b.say('reopened', 0, { reason: 'it leaks again' })
    await b.say('rescheduled', 1, b.window(40))
    expect(await b.say('rescheduled', 2, b.window(30))).toMatchObject({ promised_from_ms: b.now + 40 * HOUR_MS })
  })

  it('promises nothing any more when Mendline itself reopens it', async () => {
    const b = await bench()
    await b.say('accepted', 0, { ...b.window(1), engineer: 'eva' })
    await b.say('on_site', 0)
    await b.say('done', 0, { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 5 } })
    b.clock.advance(3 * DAY_MS)
    const at = b.clock.now()
    const again = { diagnosis_id: 'again', made_at_ms: at, window_from_ms: at - HOUR_MS, window_to_ms: at }
    await b.apply(diagnosed(again))
    expect(await b.order()).toMatchObject({ state: 'reopened', promised_from_ms: null, promised_to_ms: null, engineer: null })
  })
})

describe('the order that a unit reopens whose clock is ahead', () => {
  it.each([3, 30, 180])('by %i minutes promises the window that is named a minute later', async (minutesAhead) => {
    const b = await bench()
    await b.say('accepted', 0, { ...b.window(1), engineer: 'eva' })
    await b.say('on_site', 0)
    await b.say('done', 0, { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 5 } })
    b.clock.advance(3 * DAY_MS)
    const reopenedMs = b.clock.now()
    const at = reopenedMs + minutesAhead * MINUTE_MS
    await b.apply(diagnosed({ diagnosis_id: 'again', made_at_ms: at, window_from_ms: at - HOUR_MS, window_to_ms: at }))
    expect(await b.order()).toMatchObject({ state: 'reopened', promised_from_ms: null })
    b.clock.advance(MINUTE_MS)
    expect(await b.say('scheduled', 0, b.window(100))).toMatchObject({ promised_from_ms: b.now + 100 * HOUR_MS })
    const { facts } = await b.database.selectFrom('hub_work_orders').select('facts').executeTakeFirstOrThrow()
    expect(JSON.parse(facts)).toMatchObject({ repeat: { reopened_at_ms: reopenedMs } })
  })
})

describe('a store of before', () => {
  it('knows after the upgrade when its promises and ratings were made', async () => {
    const b = await bench()
    await b.say('rescheduled', 10, b.window(30))
    await b.say('rated', 10, { score: 5 })
    for (const column of ['promise_at_ms', 'rating_at_ms']) await sql`ALTER TABLE hub_work_orders DROP COLUMN ${sql.ref(column)}`.execute(b.database)
    await sql`DELETE FROM schema_migrations WHERE id IN ('0573-promise-in-time', '0551-rating-in-time')`.execute(b.database)
    await b.operations.migrate(hubMigrations)
    await b.say('rescheduled', 20, b.window(3))
    await b.say('rated', 20, { score: 1 })
    expect(await b.order()).toMatchObject({ promised_from_ms: b.now + 30 * HOUR_MS, rating: { score: 5 } })
    await b.say('rescheduled', 5, b.window(4))
    await b.say('rated', 5, { score: 2 })
    expect(await b.order()).toMatchObject({ promised_from_ms: b.now + 4 * HOUR_MS, rating: { score: 2 } })
  })
})
