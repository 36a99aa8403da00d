/** What is left of a danger that is over: its command is taken back unless another danger of the unit is open, and its links expire. */
import { describe, expect, it } from 'vitest'
import { openOperations } from '../../operations/open-database.ts'
import { cleared, raised } from '../hub-builders.ts'
import { emergencyBench, fire, HOUR_MS, roster } from './emergency-builders.ts'

/** Of another hazard: one of the same would join the first. */
const SECOND = { rule: 'protection', fault: 'T-01', safety_class: 'E0', hour: 2 } as const
const second = raised(SECOND)
const other = raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0', device: 'unit-2' })

async function start() {
  const asked: string[] = []
  const twin = { answer: 'ended' as 'ended' | 'unknown', isAway: false }
  const b = await emergencyBench(openOperations, {
    async withdrawCommand({ commandId }) {
      asked.push(commandId)
      if (twin.isAway) throw new Error('the store is away')
      return twin.answer
    },
  })
  const ids = async () => (await b.hub.list({ tenant: 'home' })).items
  const resolve = async (id: string) => {
    await b.hub.resolve({ tenant: 'home', id, by: 'person:li', reason: 'valve closed' })
    await b.hub.settled()
  }
  return { b, asked, twin, ids, resolve, [Symbol.asyncDispose]: () => b[Symbol.asyncDispose]() }
}

describe('the command of a danger that is over', () => {
  it('is taken back from the twin, once', async () => {
    await using t = await start()
    await t.b.hub.apply([fire])
    const [danger] = await t.ids()
    expect(t.asked).toEqual([])
    await t.resolve(danger?.emergency_id ?? '')
    await t.b.pass(5 * 60_000)
    expect(t.asked).toEqual([danger?.emergency_id])
  })

  it('stays while another danger of the unit is open, and goes with the last one', async () => {
    await using t = await start()
    await t.b.hub.apply([fire, second])
    await t.b.hub.apply([cleared({ rule: 'fire', fault: 'T-03', safety_class: 'E0' }), cleared(SECOND)])
    const [one, two] = (await t.ids()).map(({ emergency_id }) => emergency_id)
    await t.resolve(one ?? '')
    await t.b.pass(10 * 60_000)
    expect(t.asked).toEqual([])
    await t.b.hub.acknowledge({ tenant: 'home', id: two ?? '', by: 'person:li', via: 'api', note: '' })
    await t.b.pass(10 * 60_000)
    expect(t.asked).toEqual([])
    await t.resolve(two ?? '')
    await t.b.pass(5 * 60_000)
    expect(t.asked.toSorted()).toEqual([one, two].toSorted())
  })

  it('goes although a danger of another unit, or a drill of its own, is open', async () => {
    await using t = await start()
    await t.b.hub.apply([fire, other])
    await t.b.hub.drill({ tenant: 'home', device: 'unit-1', by: 'test' })
    const danger = (await t.ids()).find(({ device, is_drill }) => device === 'unit-1' && !is_drill)
    await t.resolve(danger?.emergency_id ?? '')
    await t.b.pass(60_000)
    expect(t.asked).toEqual([danger?.emergency_id])
  })

  it('is asked for again while the twin is away or has not heard of it, and no longer than a command lives', async () => {
    await using t = await start()
    await t.b.hub.apply([fire])
    t.twin.isAway = true
    await t.resolve((await t.ids())[0]?.emergency_id ?? '')
    await t.b.pass(3 * 60_000)
    expect(t.asked.length).toBeGreaterThan(1)
    Object.assign(t.twin, { isAway: false, answer: 'unknown' })
    await t.b.pass(25 * HOUR_MS)
    const tries = t.asked.length
    await t.b.pass(HOUR_MS)
    expect(t.asked).toHaveLength(tries)
  })

  it('is not taken back when the danger is there again before the twin answered', async () => {
    await using t = await start()
    await t.b.hub.apply([raised({ rule: 'fire', fault: 'T-03', safety_class: 'E1' })])
    const [danger] = await t.ids()
    t.twin.isAway = true
    await t.resolve(danger?.emergency_id ?? '')
    await t.b.hub.apply([fire])
    expect((await t.ids())[0]).toMatchObject({ state: 'raised', safety_class: 'E0' })
    t.twin.isAway = false
    t.asked.splice(0)
    await t.b.pass(5 * 60_000)
    expect(t.asked).toEqual([])
  })
})

describe('the links of a danger', () => {
  const tokens = (b: Awaited<ReturnType<typeof emergencyBench>>) => ({
    call: /emergency-links\/(\S+)/.exec(b.calls[0]?.body ?? '')?.[1] ?? '',
    advice: String(b.named('household.advice')[0]?.receipt_path).split('/').at(-1) ?? '',
  })

  it('never expire while nobody took it on, nor before it is over', async () => {
    await using t = await start()
    await t.b.hub.setRoster('home', roster, 'test')
    await t.b.hub.apply([fire])
    await t.b.pass(HOUR_MS)
    const { call, advice } = tokens(t.b)
    t.b.clock.advance(400 * 24 * HOUR_MS)
    expect(await t.b.hub.byLink(call)).toMatchObject({ person: 'li' })
    expect(await t.b.hub.advice(advice)).toMatchObject({ safety_class: 'E0' })
    expect(await t.b.hub.acknowledgeByLink(call)).toMatchObject({ state: 'acknowledged' })
    t.b.clock.advance(400 * 24 * HOUR_MS)
    expect(await t.b.hub.adviceRead(advice)).toMatchObject({ read_at_ms: expect.any(Number) })
  })

  it('open nothing a week after it was over, and until then what they opened before', async () => {
    await using t = await start()
    await t.b.hub.setRoster('home', roster, 'test')
    await t.b.hub.apply([fire])
    await t.b.pass(5_000)
    const { call, advice } = tokens(t.b)
    await t.resolve((await t.ids())[0]?.emergency_id ?? '')
    t.b.clock.advance(168 * HOUR_MS)
    expect(await t.b.hub.advice(advice)).toMatchObject({ state: 'resolved' })
    t.b.clock.advance(1)
    const doors = [t.b.hub.byLink, t.b.hub.acknowledgeByLink].map((open) => open(call))
    for (const opened of [...doors, t.b.hub.advice(advice), t.b.hub.adviceRead(advice)])
      await expect(opened).rejects.toMatchObject({ code: 'MDL_HUBS_LINK_EXPIRED' })
    expect(await t.b.hub.byLink(`${call}x`)).toBeUndefined()
  })
})
