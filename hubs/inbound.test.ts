/** What a dispatch system tells may come twice, late, in disorder or at the same time: nothing of it may count twice or break the process. */
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { WorkOrderEvent } from '#kernel/work-order.ts'
import { openOperations } from '../operations/open-database.ts'
import { type HubBench, openHubBench } from './hub-bench.ts'
import { diagnosed, STORY_MS } from './hub-builders.ts'

const benches: HubBench[] = []
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

async function bench() {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }))
  benches.push(b)
  await b.apply(diagnosed())
  const { work_order_id: id } = await b.order()
  const say = (type: WorkOrderEvent['type'], key: string, given: { data?: Record<string, unknown>; at?: number; revision?: number } = {}) =>
    b.hubs.workOrderEvent(
      'home',
      id,
      { type, at_ms: given.at ?? STORY_MS, actor: 'desk', ...(given.data === undefined ? {} : { data: given.data }) },
      key,
      { expectedRevision: given.revision },
    )
  return { b, id, say, moves: () => b.hubs.workOrderMoves('home', id) }
}

const steps = ['find-leak', 'charge'].map((step) => ({ step, done: true }))
const DONE = { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 30, steps } }

describe('an answer that comes twice', () => {
  it('has its effect once and the same reply each time, also when the order went on meanwhile', async () => {
    const { b, say, moves } = await bench()
    const first = await say('accepted', 'k1')
    await say('en_route', 'k2')
    expect(await say('accepted', 'k1')).toEqual(first)
    expect((await b.order()).state).toBe('en_route')
    expect((await moves()).filter(({ type }) => type === 'accepted')).toHaveLength(1)
    expect(b.events.filter(({ type }) => type === 'mendline.work_order.accepted.v1')).toHaveLength(1)
  })

  it('is one as soon as the key is, in whatever order its fields stand; with another body it is refused', async () => {
    const { say, moves } = await bench()
    await say('note', 'k1', { data: { text: 'a', n: 1 } })
    await say('note', 'k1', { data: { n: 1, text: 'a' } })
    expect((await moves()).filter(({ type }) => type === 'note')).toHaveLength(1)
    await expect(say('note', 'k1', { data: { text: 'b', n: 1 } })).rejects.toMatchObject({ code: 'MDL_API_IDEMPOTENCY_MISMATCH' })
  })

  it('in the same moment counts once', async () => {
    const { say, moves } = await bench()
    await Promise.all([say('accepted', 'k1'), say('accepted', 'k1'), say('accepted', 'k1')])
    expect((await moves()).filter(({ type }) => type === 'accepted')).toHaveLength(1)
  })
})

describe('an answer that comes too early or too late', () => {
  it('changes nothing, says what is allowed, and is taken under the same key when its turn comes', async () => {
    const { b, say, moves } = await bench()
    const before = await moves()
    await expect(say('done', 'k-done', { data: DONE })).rejects.toMatchObject({
      code: 'MDL_HUBS_ILLEGAL_MOVE',
      details: { from: 'opened', to: 'done', allowed: expect.arrayContaining(['accepted']) },
    })
    expect(await moves()).toEqual(before)
    await say('accepted', 'k-accepted')
    await say('on_site', 'k-site')
    expect((await say('done', 'k-done', { data: DONE })).state).toBe('done')
    await expect(say('en_route', 'k-late')).rejects.toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
    expect((await b.order()).state).toBe('done')
  })

  it('is kept with the time at which it happened, beside the time at which it was told', async () => {
    const { b, say, moves } = await bench()
    const at = b.clock.now() - 3_600_000
    await say('accepted', 'k1', { at })
    expect((await moves()).at(-1)).toMatchObject({ type: 'accepted', at_ms: at, recorded_at_ms: b.clock.now() })
  })

  it('is taken at any time when it is a remark', async () => {
    const { b, say } = await bench()
    for (const state of ['accepted', 'on_site'] as const) await say(state, state)
    await say('done', 'done', { data: DONE })
    await say('position', 'p', { data: { lat: 31.2, lon: 121.5 } })
    await say('rated', 'r', { data: { score: 5 } })
    expect(await b.order()).toMatchObject({ state: 'done', rating: { score: 5 } })
  })

  it('rests on a revision only when it says so', async () => {
    const { b, say } = await bench()
    const { revision } = await b.order()
    await say('accepted', 'k1', { revision })
    await expect(say('on_site', 'k2', { revision })).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect((await say('on_site', 'k2', { revision: revision + 1 })).state).toBe('on_site')
  })
})

describe('answers in any order, any number of times', () => {
  it.each(Array.from({ length: 12 }, (_, seed) => seed))('come to one end when what was refused is sent again (seed %i)', async (seed) => {
    const { b, say, moves } = await bench()
    const random = createRandom(`inbound/${seed}`)
    const visit = ['accepted', 'en_route', 'on_site', 'done'] as const
    const waiting = visit.flatMap((type) => Array.from({ length: 1 + Math.floor(random.uniform() * 3) }, () => type))
    for (let round = 0; round < 60 && waiting.length > 0; round++) {
      const [type = 'accepted'] = waiting.splice(Math.floor(random.uniform() * waiting.length), 1)
      try {
        await say(type, `k-${type}`, type === 'done' ? { data: DONE } : {})
      } catch (error) {
        expect(error).toMatchObject({ code: 'MDL_HUBS_ILLEGAL_MOVE' })
        waiting.push(type)
      }
    }
    expect((await b.order()).state).toBe('done')
    const told = (await moves()).filter(({ kind }) => kind === 'move').map(({ type }) => type)
    expect(new Set(told).size).toBe(told.length)
    expect((await b.hubs.labels({ tenant: 'home' })).items).toHaveLength(1)
  })
})
