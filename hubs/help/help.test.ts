import { sql } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed, raised, STORY_MS } from '../hub-builders.ts'
import { hubMigrations } from '../hub-tables.ts'

const MINUTE_MS = 60_000
const benches: HubBench[] = []
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

/** An order on site, and two experts: one who knows the trade and one who does not. */
async function onSite(event = diagnosed()) {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  const b = await openHubBench(operations)
  benches.push(b)
  await b.apply(event)
  for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
  const { work_order_id: id, packet } = await b.order()
  await b.hubs.putEngineer('home', { engineer: 'mei', name: 'Mei', outlet: null, skills: [...packet.skills, 'gas'] })
  await b.hubs.putEngineer('home', { engineer: 'tom', name: 'Tom', outlet: null, skills: ['water'] })
  const ask = (given: object = {}) => b.hubs.askHelp('home', id, { kind: 'expert', actor: 'eva', ...given })
  const told = () =>
    b.events.filter(({ type }) => type.startsWith('mendline.help.')).map(({ type, data }) => [type.split('.')[2], data.reason ?? null])
  const queue = (given: object = {}) => b.hubs.helpQueue({ tenant: 'home', ...given })
  return { b, id, ask, told, queue, operations }
}

describe('an expert asked for during a visit', () => {
  it('is one whose registered skills cover the request; nobody else can take it, and nobody twice', async () => {
    const { b, ask, queue, told } = await onSite()
    const { request_id } = await ask({ skills: ['gas'], text: 'the valve clicks' })
    expect((await queue({ expert: 'mei' })).map((request) => request.request_id)).toEqual([request_id])
    expect(await queue({ expert: 'tom' })).toEqual([])
    expect(await queue({ expert: 'nobody' })).toEqual([])
    for (const by of ['tom', 'nobody'])
      await expect(b.hubs.takeHelp('home', request_id, { by })).rejects.toMatchObject({
        code: 'MDL_HUBS_ILLEGAL_MOVE',
        details: { missing: ['gas'] },
      })
    b.clock.advance(90_000)
    expect(await b.hubs.takeHelp('home', request_id, { by: 'mei' })).toMatchObject({ state: 'taken', taken_by: 'mei', waited_ms: 90_000 })
    await b.hubs.putEngineer('home', { engineer: 'kai', name: 'Kai', outlet: null, skills: ['gas'] })
    await expect(b.hubs.takeHelp('home', request_id, { by: 'kai' })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect(await b.hubs.endHelp('home', request_id, { by: 'mei', result: 'clean the seat' })).toMatchObject({
      state: 'done',
      result: 'clean the seat',
    })
    await expect(b.hubs.endHelp('home', request_id, { by: 'mei', result: 'again' })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect(told().map(([name]) => name)).toEqual(['requested', 'taken', 'done'])
  })

  it('is asked for once while the request stands, by the skills of the packet where none are named', async () => {
    const { b, id, ask, told } = await onSite()
    const first = await ask()
    expect(first.skills).toEqual((await b.order()).packet.skills)
    expect((await ask({ text: 'again' })).request_id).toBe(first.request_id)
    expect(told()).toHaveLength(1)
    await expect(b.hubs.askHelp('home', 'wo_0', { kind: 'expert', actor: 'eva' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await expect(b.hubs.askHelp('away', id, { kind: 'expert', actor: 'eva' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('who does not come is told of again and again, sooner when it is dangerous', async () => {
    const { b, ask, told } = await onSite()
    await ask()
    for (let minute = 0; minute < 16; minute++) await b.wait(MINUTE_MS)
    expect(told()).toEqual([
      ['requested', null],
      ['escalated', 'nobody_took_it'],
      ['escalated', 'nobody_took_it'],
    ])
    const danger = await onSite(raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0' }))
    await danger.ask()
    await danger.b.wait(MINUTE_MS)
    expect(danger.told().at(-1)).toEqual(['escalated', 'nobody_took_it'])
  })

  it('is asked for by the move of the order, and not needed any more when the visit is over', async () => {
    const { b, queue, told } = await onSite()
    await b.answer('waiting_for_expert', { reason: 'cannot read the code' })
    expect(await queue({ state: 'waiting' })).toMatchObject([{ kind: 'expert', text: 'cannot read the code' }])
    await b.answer('on_site')
    await b.answer('cancelled', { reason: 'the household sold it' })
    expect(await queue()).toMatchObject([{ state: 'withdrawn', result: 'the order is cancelled' }])
    for (let minute = 0; minute < 30; minute++) await b.wait(MINUTE_MS)
    expect(told().map(([name]) => name)).toEqual(['requested', 'withdrawn'])
    await expect(b.hubs.askHelp('home', (await b.order()).work_order_id, { kind: 'expert', actor: 'eva' })).rejects.toMatchObject({
      code: 'MDL_API_CONFLICT',
    })
  })

  it('stands in the queue by danger first, then by who has waited longest', async () => {
    const { b, queue } = await onSite()
    await b.answer('waiting_for_expert')
    b.clock.advance(MINUTE_MS)
    await b.apply(raised({ device: 'unit-2', rule: 'fire', fault: 'T-03', safety_class: 'E0' }))
    const { work_order_id: id } = await b.order('unit-2')
    for (const state of ['accepted', 'on_site', 'waiting_for_expert'] as const) await b.answer(state, undefined, { id })
    expect((await queue()).map(({ device }) => device)).toEqual(['unit-2', 'unit-1'])
  })
})

describe('a part asked for during a visit', () => {
  it('is the likely one of the packet, and is taken with the instant at which it is there', async () => {
    const { b, ask } = await onSite()
    const { packet } = await b.order()
    const request = await ask({ kind: 'parts', needed_by_ms: b.clock.now() + 60 * MINUTE_MS })
    expect(request.parts).toEqual(packet.parts.filter(({ probability }) => probability >= 0.5).map(({ part, quantity }) => ({ part, qty: quantity })))
    for (const given of [{ by: 'van-3' }, { by: 'van-3', promised_ms: b.clock.now() }])
      await expect(b.hubs.takeHelp('home', request.request_id, given)).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    const promised_ms = b.clock.now() + 40 * MINUTE_MS
    const taken = await b.hubs.takeHelp('home', request.request_id, { by: 'van-3', promised_ms, from: 'depot-2' })
    expect(taken).toMatchObject({ state: 'taken', promised_ms, from: 'depot-2', saves_visit: true })
  })

  it('whose promise is broken is told of until it is there; a later promise says that the visit is lost', async () => {
    const { b, ask, told } = await onSite()
    const { request_id } = await ask({ kind: 'parts', parts: [{ part: 'fan', qty: 1 }], needed_by_ms: b.clock.now() + 30 * MINUTE_MS })
    await b.hubs.takeHelp('home', request_id, { by: 'van-3', promised_ms: b.clock.now() + 20 * MINUTE_MS })
    for (let minute = 0; minute < 21; minute++) await b.wait(MINUTE_MS)
    expect(told().at(-1)).toEqual(['escalated', 'promise_broken'])
    const again = { by: 'van-3', promised_ms: b.clock.now() + 30 * MINUTE_MS }
    expect(await b.hubs.takeHelp('home', request_id, again)).toMatchObject({ saves_visit: false, escalations: 1 })
    await b.wait(10 * MINUTE_MS)
    await b.hubs.endHelp('home', request_id, { by: 'eva', result: 'here' })
    for (let minute = 0; minute < 90; minute++) await b.wait(MINUTE_MS)
    expect(told().filter(([name]) => name === 'escalated')).toHaveLength(1)
    const span = { tenant: 'home', kind: 'parts', from_ms: 0, to_ms: b.clock.now() }
    expect(await b.hubs.helpFigures(span)).toMatchObject({ requests: 1, taken: 1, waiting: 0, promises_kept: 1, promises_broken: 1 })
  })

  it('must be named where the packet knows none', async () => {
    const { b, id, ask } = await onSite()
    const { packet } = await b.order()
    await b.database
      .updateTable('hub_work_orders')
      .set({ packet: JSON.stringify({ ...packet, parts: [] }) })
      .execute()
    await expect(ask({ kind: 'parts' })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    await b.answer('waiting_for_part', undefined, { id })
    expect(await b.hubs.helpQueue({ tenant: 'home' })).toEqual([])
  })
})

describe('a part that the engineer names with the move', () => {
  const named = { parts: [{ part: 'pump', qty: 1 }], reason: 'the pump sticks', needed_by_ms: STORY_MS + 400 * MINUTE_MS }

  it('is asked for by itself, also where the packet thinks another likelier, or none likely', async () => {
    for (const parts of [undefined, []]) {
      const { b, queue, told } = await onSite()
      const { packet } = await b.order()
      if (parts !== undefined)
        await b.database
          .updateTable('hub_work_orders')
          .set({ packet: JSON.stringify({ ...packet, parts }) })
          .execute()
      await b.answer('waiting_for_part', named)
      const asked = { kind: 'parts', parts: named.parts, text: 'the pump sticks', needed_by_ms: named.needed_by_ms }
      expect(await queue({ state: 'waiting' })).toMatchObject([asked])
      expect(told()).toEqual([['requested', null]])
    }
  })

  it.each<[string, Record<string, unknown>, object]>([
    [
      'codes alone',
      { parts: ['pump', 'seal'] },
      {
        parts: [
          { part: 'pump', qty: 1 },
          { part: 'seal', qty: 1 },
        ],
        text: '',
      },
    ],
    ['no quantity', { parts: [{ part: 'pump', of: 'van' }] }, { parts: [{ part: 'pump', qty: 1 }], text: '' }],
    [
      'a quantity that is none beside one',
      {
        parts: [
          { part: 'pump', qty: 'two' },
          { part: 'seal', qty: 2 },
        ],
        reason: 'it leaks',
      },
      { parts: [{ part: 'seal', qty: 2 }], text: 'it leaks; not understood: parts: [{"part":"pump","qty":"two"}]' },
    ],
    ['a time that is none', { parts: ['pump'], needed_by_ms: 'soon' }, { needed_by_ms: null, text: 'not understood: needed_by_ms: "soon"' }],
  ])('is asked for as far as it can be read: %s', async (_name, data, asked) => {
    const { b, queue } = await onSite()
    expect(await b.answer('waiting_for_part', data)).toMatchObject({ state: 'waiting_for_part' })
    expect(await queue({ state: 'waiting' })).toMatchObject([{ kind: 'parts', ...asked }])
  })

  it.each<[string, unknown, string]>([
    ['no list', 'pump', 'not understood: parts: "pump"'],
    ['no part', [], ''],
    ['nothing readable', [7, null, ''], 'not understood: parts: [7,null,""]'],
  ])('is the likely one of the packet where it says %s, and the order moves', async (_name, parts, text) => {
    const { b, queue } = await onSite()
    const { packet } = await b.order()
    expect(await b.answer('waiting_for_part', { parts })).toMatchObject({ state: 'waiting_for_part' })
    const likely = packet.parts.filter(({ probability }) => probability >= 0.5).map(({ part, quantity }) => ({ part, qty: quantity }))
    expect(await queue({ state: 'waiting' })).toMatchObject([{ parts: likely, text }])
  })

  it('leaves an order without likely parts waiting and asks for nothing where it cannot be read', async () => {
    const { b, queue } = await onSite()
    const packet = JSON.stringify({ ...(await b.order()).packet, parts: [] })
    await b.database.updateTable('hub_work_orders').set({ packet }).execute()
    expect(await b.answer('waiting_for_part', { parts: 'pump' })).toMatchObject({ state: 'waiting_for_part' })
    expect(await queue()).toEqual([])
  })

  it('is no matter of an expert, whose skills are named so', async () => {
    const { b, queue } = await onSite()
    await b.answer('waiting_for_expert', { skills: ['gas'], parts: 'of another form' })
    expect(await queue({ expert: 'mei' })).toMatchObject([{ kind: 'expert', skills: ['gas'], parts: [] }])
    expect(await queue({ expert: 'tom' })).toEqual([])
  })
})

describe('a broken promise', () => {
  const span = { tenant: 'home', kind: 'parts', from_ms: 0, to_ms: STORY_MS * 2 }
  async function broken() {
    const on = await onSite()
    const { request_id } = await on.ask({ kind: 'parts', parts: [{ part: 'fan', qty: 1 }] })
    const promise = (minutes: number) => on.b.hubs.takeHelp('home', request_id, { by: 'van-3', promised_ms: on.b.clock.now() + minutes * MINUTE_MS })
    await promise(2)
    return { ...on, request_id, promise, figures: () => on.b.hubs.helpFigures(span) }
  }

  it('stays broken in the figures when a new one is made and kept', async () => {
    const { b, request_id, promise, figures } = await broken()
    for (let minute = 0; minute < 3; minute++) await b.wait(MINUTE_MS)
    expect(await figures()).toMatchObject({ promises_kept: 0, promises_broken: 1 })
    expect(await promise(60)).toMatchObject({ promises_broken: 1 })
    await b.hubs.endHelp('home', request_id, { by: 'eva', result: 'here' })
    expect(await figures()).toMatchObject({ promises_kept: 1, promises_broken: 1 })
  })

  it('counts once however often it is told of, and when the visit ends before the part comes', async () => {
    const { b, promise, figures } = await broken()
    for (let minute = 0; minute < 70; minute++) await b.wait(MINUTE_MS)
    await promise(60)
    await b.answer('cancelled', { reason: 'the household sold it' })
    expect(await figures()).toMatchObject({ promises_kept: 0, promises_broken: 1 })
  })

  it('is one also when nobody looked in between', async () => {
    const { b, request_id, promise, figures } = await broken()
    b.clock.advance(3 * MINUTE_MS)
    await promise(1)
    b.clock.advance(2 * MINUTE_MS)
    await b.hubs.endHelp('home', request_id, { by: 'eva', result: 'late again' })
    expect(await figures()).toMatchObject({ promises_kept: 0, promises_broken: 2 })
  })

  it('is none where a later promise was made in time', async () => {
    const { b, request_id, promise, figures } = await broken()
    await promise(60)
    await b.wait(3 * MINUTE_MS)
    await b.hubs.endHelp('home', request_id, { by: 'eva', result: 'here' })
    expect(await figures()).toMatchObject({ promises_kept: 1, promises_broken: 0 })
  })

  it('is known behind the upgrade of a store of before', async () => {
    const { b, request_id, figures, operations } = await broken()
    b.clock.advance(3 * MINUTE_MS)
    await b.hubs.endHelp('home', request_id, { by: 'eva', result: 'late' })
    for (const column of ['promises_broken', 'broken_promise_ms'])
      await sql`ALTER TABLE hub_help_requests DROP COLUMN ${sql.ref(column)}`.execute(b.database)
    await sql`DELETE FROM schema_migrations WHERE id = '0535-broken-promises'`.execute(b.database)
    await operations.migrate(hubMigrations)
    expect(await figures()).toMatchObject({ promises_kept: 0, promises_broken: 1 })
  })
})

describe('the figures of help', () => {
  it('say how long experts took, of those that were taken', async () => {
    const { b, id, ask } = await onSite()
    for (let n = 1; n <= 10; n++) {
      const { request_id } = await ask()
      b.clock.advance(n * 10_000)
      await b.hubs.takeHelp('home', request_id, { by: 'mei' })
      await b.hubs.endHelp('home', request_id, { by: 'mei', result: 'ok' })
    }
    await ask()
    const span = { tenant: 'home', kind: 'expert', from_ms: 0, to_ms: b.clock.now() + 1 }
    expect(await b.hubs.helpFigures(span)).toMatchObject({ requests: 11, taken: 10, waiting: 1, waited_p90_ms: 100_000 })
    expect(await b.hubs.helpFigures({ ...span, tenant: 'away' })).toMatchObject({ requests: 0, waited_p90_ms: null })
    expect((await b.hubs.helpQueue({ tenant: 'home', workOrderId: id, limit: 3 })).length).toBe(3)
  })
})
