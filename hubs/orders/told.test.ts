/** What a dispatch system tells is held against our clock, the schema and the sense of it, and each refusal names the field and why. */
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import type { WorkOrderEvent } from '#kernel/work-order.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed } from '../hub-builders.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const DAY_MS = 24 * HOUR_MS
const benches: HubBench[] = []
const outcome = { cause: 'T-01', parts_used: [{ part: 'refrigerant', qty: 1 }], parts_returned: [], minutes: 45 }

async function bench() {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }))
  benches.push(b)
  await b.apply(diagnosed())
  b.clock.advance(DAY_MS)
  const { work_order_id: id } = await b.order()
  const say = (type: WorkOrderEvent['type'], at_ms: number, data?: Record<string, unknown>) =>
    b.hubs.workOrderEvent('home', id, { type, at_ms, actor: 'desk', ...(data === undefined ? {} : { data }) }, undefined)
  return { ...b, say }
}
const refusal = (field: string, reason: string) => ({
  code: 'MDL_API_INVALID',
  details: { errors: expect.arrayContaining([{ field, reason: expect.stringContaining(reason) }]) },
})

afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

describe('the key by which an order is told', () => {
  it('is kept beside who is said to have done it, and what Mendline does by itself names nobody', async () => {
    const b = await bench()
    const { work_order_id: id } = await b.order()
    const input = { type: 'accepted', at_ms: b.clock.now(), actor: 'li' } as const
    await b.hubs.workOrderEvent('home', id, input, undefined, { by: 'key:dispatch' })
    await b.hubs.workOrderEvent('home', id, { ...input, type: 'note', data: { text: 'x' } }, undefined, { by: 'key:other' })
    const moves = await b.hubs.workOrderMoves('home', id)
    expect(moves.filter(({ actor }) => actor === 'li').map(({ told_by }) => told_by)).toEqual(['key:dispatch', 'key:other'])
    expect(new Set(moves.filter(({ actor }) => actor === 'mendline').map(({ told_by }) => told_by))).toEqual(new Set([null]))
  })
})

describe('the time of an answer', () => {
  it('of a move lies in the round of the order: what was accepted before it was given back is refused when it is told behind that', async () => {
    const b = await bench()
    const at = b.clock.now()
    await b.say('offered', at - 30 * MINUTE_MS, { engineer: 'e1' })
    await b.say('returned', at, { reason: 'ill' })
    const late = b.say('accepted', at - 10 * MINUTE_MS)
    await expect(late).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE', details: { errors: [{ field: 'body.at_ms' }] } })
    expect(await b.order()).toMatchObject({ state: 'returned', engineer: null })
    // Clocks differ by five minutes.
    expect(await b.say('accepted', at - 5 * MINUTE_MS)).toMatchObject({ state: 'accepted' })
  })

  it('may be five minutes ahead of our clock, and no more, whatever is told', async () => {
    const b = await bench()
    const ahead = b.clock.now() + 5 * MINUTE_MS
    for (const type of ['accepted', 'refused', 'note'] as const) {
      await expect(b.say(type, ahead + 1, { reason: 'x' })).rejects.toMatchObject(refusal('body.at_ms', 'lies in the future'))
    }
    expect(await b.say('accepted', ahead)).toMatchObject({ state: 'accepted' })
  })

  it('may be an hour before the order was opened, and no more', async () => {
    const b = await bench()
    const { created_at_ms } = await b.order()
    const earliest = created_at_ms - HOUR_MS
    await expect(b.say('accepted', earliest - 1)).rejects.toMatchObject(refusal('body.at_ms', 'lies before the order was opened'))
    expect(await b.say('accepted', earliest)).toMatchObject({ state: 'accepted' })
  })

  it('cannot put the judgement of a repair off to another century, nor count what was before the visit', async () => {
    const b = await bench()
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    for (const at of [4_102_444_800_000, 1_000]) await expect(b.say('done', at, { outcome })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
    await b.answer('done', { outcome })
    const timers = await b.database.selectFrom('hub_timers').select('due_at_ms').where('kind', '=', 'repair_due').execute()
    expect(timers.map(({ due_at_ms }) => Number(due_at_ms) - b.clock.now() < 60 * DAY_MS)).toEqual([true])
  })
})

describe('the window of a promise', () => {
  it.each([
    ['is over', -3, -1, 'window_to_ms', 'was over when it was promised'],
    ['ends as it is promised', -1, 0, 'window_to_ms', 'was over when it was promised'],
    ['ends before it begins', 3, 2, 'window_to_ms', 'has a begin and an end behind it'],
    ['has no length', 3, 3, 'window_to_ms', 'has a begin and an end behind it'],
    ['lies years ahead', 24 * 400, 24 * 400 + 2, 'window_from_ms', 'more than 366 days'],
  ])('is refused when it %s, in a move and in a remark', async (_name, from, to, field, reason) => {
    const b = await bench()
    const at = b.clock.now()
    const window = { window_from_ms: at + from * HOUR_MS, window_to_ms: at + to * HOUR_MS }
    for (const type of ['scheduled', 'rescheduled'] as const)
      await expect(b.say(type, at, window)).rejects.toMatchObject(refusal(`body.data.${field}`, reason))
    expect(await b.order()).toMatchObject({ state: 'opened', promised_from_ms: null })
  })

  it('may have begun, and may be told late when it lay ahead at the time', async () => {
    const b = await bench()
    const at = b.clock.now()
    expect(await b.say('scheduled', at, { window_from_ms: at - HOUR_MS, window_to_ms: at + HOUR_MS })).toMatchObject({ state: 'scheduled' })
    b.clock.advance(3 * HOUR_MS)
    const [window_from_ms, window_to_ms] = [at + HOUR_MS, at + 2 * HOUR_MS]
    expect(await b.say('rescheduled', at, { window_from_ms, window_to_ms })).toMatchObject({ promised_to_ms: window_to_ms })
  })

  it.each(['window_from_ms', 'window_to_ms'])('is refused without %s', async (missing) => {
    const b = await bench()
    const window = { window_from_ms: b.clock.now() + HOUR_MS, window_to_ms: b.clock.now() + 2 * HOUR_MS, [missing]: undefined }
    await expect(b.answer('scheduled', window)).rejects.toMatchObject(refusal(`body.data.${missing}`, 'both'))
  })
})

describe('a refusal of what was told', () => {
  it.each([
    ['a quantity below one', { ...outcome, parts_used: [{ part: 'x', qty: -1 }] }, 'body.data.outcome.parts_used[0].qty', '>= 1'],
    ['a broken quantity', { ...outcome, parts_used: [{ part: 'x', qty: 0.5 }] }, 'body.data.outcome.parts_used[0].qty', 'integer'],
    ['minutes below nought', { ...outcome, minutes: -10 }, 'body.data.outcome.minutes', '>= 0'],
    ['no minutes', { ...outcome, minutes: undefined }, 'body.data.outcome.minutes', 'required'],
    ['a cause of another type', { ...outcome, cause: 'AC-01' }, 'body.data.outcome.cause', 'is no fault code of test_unit'],
  ])('names the field of an outcome with %s', async (_name, given, field, reason) => {
    const b = await bench()
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await expect(b.answer('done', { outcome: JSON.parse(JSON.stringify(given)) })).rejects.toMatchObject(refusal(field, reason))
    expect(await b.order()).toMatchObject({ state: 'on_site' })
  })

  it.each([
    ['a rating out of range', 'rated', { score: 9 }, 'body.data.score'],
    ['a rating without a score', 'rated', {}, 'body.data.score'],
    ['a new window without one', 'rescheduled', {}, 'body.data.window_from_ms'],
    ['a position whose arrival is a word', 'position', { eta_ms: 'soon' }, 'body.data.eta_ms'],
    ['a position on no globe', 'position', { lat: 'north' }, 'body.data.lat'],
  ] as const)('names the field of %s', async (_name, type, data, field) => {
    const b = await bench()
    await expect(b.answer(type, data)).rejects.toMatchObject(refusal(field, ''))
    const moves = await b.hubs.workOrderMoves('home', (await b.order()).work_order_id)
    expect(moves.filter((move) => move.type === type)).toEqual([])
  })

  it('comes before anything walks data that is nested without end', async () => {
    const b = await bench()
    let deep: Record<string, unknown> = { a: 1 }
    for (let level = 0; level < 20_000; level++) deep = { a: deep }
    await expect(b.answer('note', deep)).rejects.toMatchObject(refusal('body.data', 'nested deeper than 64'))
    const shallow = { a: { b: [{ c: 1 }] } }
    await b.answer('note', shallow)
  })
})

describe('who tells of an order', () => {
  const register = (b: HubBench, engineer: string) => b.hubs.putEngineer('home', { engineer, name: engineer, outlet: null, skills: [] })
  const givesBack = (b: HubBench, type: 'refused' | 'returned', actor: string) => b.answer(type, { reason: 'no time' }, { actor })

  it.each(['refused', 'returned'] as const)('%s by another engineer changes nothing, neither an offer nor an acceptance', async (type) => {
    const b = await bench()
    for (const name of ['e1', 'e9']) await register(b, name)
    await b.answer('offered', { engineer: 'e1' })
    await expect(givesBack(b, type, 'e9')).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE', details: { guard: 'theirs_to_give_back' } })
    await b.answer('accepted', {}, { actor: 'e1' })
    await expect(givesBack(b, type, 'e9')).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    expect(await b.order()).toMatchObject({ state: 'accepted', engineer: 'e1' })
    expect(await givesBack(b, type, 'e1')).toMatchObject({ state: type, engineer: null })
  })

  it.each(['dispatch', 'outlet-north'])('lets %s give an order back that an engineer has', async (actor) => {
    const b = await bench()
    await register(b, 'e1')
    await b.answer('accepted', { engineer: 'e1' }, { actor: 'dispatch' })
    expect(await givesBack(b, 'refused', actor)).toMatchObject({ state: 'refused', engineer: null })
  })

  it('is nobody but Mendline when a repair is said to have held', async () => {
    const b = await bench()
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await b.answer('done', { outcome })
    const told = { code: 'MDL_HUBS_ILLEGAL_MOVE', details: { errors: [{ field: 'body.type', reason: expect.stringContaining('verification') }] } }
    for (const actor of ['desk', 'mendline']) await expect(b.answer('verified', {}, { actor })).rejects.toMatchObject(told)
    await expect(b.answer('accepted')).rejects.toMatchObject({ details: { allowed: ['reopened', 'closed'] } })
    expect(await b.order()).toMatchObject({ state: 'done' })
    await b.wait(41 * DAY_MS)
    expect(await b.order()).toMatchObject({ state: 'verified' })
    await expect(b.answer('reopened')).rejects.toMatchObject({ code: 'MDL_HUBS_REASON_REQUIRED' })
    expect(await b.answer('reopened', { reason: 'it is warm again' })).toMatchObject({ state: 'reopened' })
  })

  it.each([
    ['dispatch', 'e7'],
    ['e7', 'e7'],
    ['e3', 'e3'],
    ['somebody', 'e7'],
  ])('of a visit that %s tells of, the code is of %s', async (actor, engineer) => {
    const b = await bench()
    await b.answer('accepted', {}, { actor: 'e3' })
    await b.answer('refused', { reason: 'ill' })
    await b.answer('accepted', { engineer: 'e7' }, { actor: 'dispatch' })
    await b.answer('on_site')
    await b.answer('done', { outcome }, { actor })
    expect((await b.hubs.labels({ tenant: 'home' })).items).toMatchObject([{ engineer }])
  })
})

describe('a part that the catalogue does not have', () => {
  it('is kept and marked, whatever the teller says of it, and nothing is concluded from it', async () => {
    const b = await bench()
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    const used = [
      { part: 'P-NOPE', qty: 1, is_unknown: false },
      { part: 'refrigerant', qty: 1, is_unknown: true },
    ]
    const marked = [
      { part: 'P-NOPE', qty: 1, is_unknown: true },
      { part: 'refrigerant', qty: 1 },
    ]
    expect((await b.answer('done', { outcome: { ...outcome, parts_used: used } })).outcome?.parts_used).toEqual(marked)
    const [label] = await b.database.selectFrom('hub_labels').select('reasons').execute()
    const reasons = JSON.parse(label?.reasons ?? '[]')
    expect(reasons).toContain('parts used: refrigerant')
    expect(reasons).toContain('parts that the type does not have: P-NOPE')
  })
})
