import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed, raised } from '../hub-builders.ts'
import { standardProcess } from './standard-process.ts'

const MINUTE_MS = 60_000
const benches: HubBench[] = []

const bench = async (): Promise<HubBench> => {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }))
  benches.push(b)
  await b.apply(diagnosed())
  return b
}

const sent = (b: HubBench, type: string) => b.events.filter((event) => event.type === `mendline.work_order.${type}.v1`)

afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

describe('timers of an order', () => {
  it('take an offer that nobody accepts back after half an hour, and say so to the outlet', async () => {
    const b = await bench()
    await b.answer('offered')
    await b.wait(30 * MINUTE_MS - 1)
    expect(await b.order()).toMatchObject({ state: 'offered' })
    expect(sent(b, 'escalated')).toEqual([])
    await b.wait(1)
    const order = await b.order()
    expect(order.state).toBe('returned')
    expect(sent(b, 'escalated').map(({ data }) => data)).toMatchObject([
      { work_order_id: order.work_order_id, to: 'outlet', timer: 'nobody_accepts' },
    ])
    expect(sent(b, 'returned')).toHaveLength(1)
    const moves = await b.hubs.workOrderMoves('home', order.work_order_id)
    expect(moves.slice(-2).map(({ type, actor, reason }) => [type, actor, reason])).toEqual([
      ['escalated', 'mendline', 'no engineer accepted the offer in time'],
      ['returned', 'mendline', 'no engineer accepted the offer in time'],
    ])
  })

  it('leave an offer alone that somebody accepted, and count anew for a second offer', async () => {
    const b = await bench()
    await b.answer('offered')
    await b.wait(20 * MINUTE_MS)
    await b.answer('accepted')
    await b.wait(20 * MINUTE_MS)
    expect(await b.order()).toMatchObject({ state: 'accepted' })
    await b.answer('refused', { reason: 'too far' })
    await b.answer('offered')
    await b.wait(29 * MINUTE_MS)
    expect(await b.order()).toMatchObject({ state: 'offered' })
    await b.wait(MINUTE_MS)
    expect(await b.order()).toMatchObject({ state: 'returned' })
    expect(sent(b, 'escalated')).toHaveLength(1)
  })
})

describe('an order that waits', () => {
  const callsOf = (b: HubBench) => sent(b, 'escalated').map(({ data }) => [data.timer, data.times])
  const window = (b: HubBench, hours: number) => ({
    window_from_ms: b.clock.now() + hours * 60 * MINUTE_MS,
    window_to_ms: b.clock.now() + (hours + 2) * 60 * MINUTE_MS,
  })

  it.each<[string, (b: HubBench) => Promise<unknown>, string, number]>([
    ['scheduled without a window', (b) => b.answer('scheduled', {}), 'no_window', 4],
    ['accepted without a window', (b) => b.answer('accepted'), 'no_window', 8],
    ['on the way, without a window', (b) => b.answer('accepted').then(() => b.answer('en_route')), 'not_arrived', 4],
    ['on site', (b) => b.answer('accepted').then(() => b.answer('on_site')), 'not_ended', 8],
  ])('%s calls for somebody, and not before', async (_name, bring, timer, hours) => {
    const b = await bench()
    await bring(b)
    await b.wait(hours * 60 * MINUTE_MS - 1)
    expect(callsOf(b)).toEqual([])
    await b.wait(1)
    expect(callsOf(b)).toEqual([[timer, 1]])
  })

  it('calls for a new window when nobody was at home, counted from that', async () => {
    const b = await bench()
    await b.answer('scheduled', window(b, 3))
    await b.answer('accepted')
    await b.wait(4 * 60 * MINUTE_MS)
    await b.answer('note', { kind: 'no_show' })
    await b.wait(8 * 60 * MINUTE_MS - 1)
    expect(callsOf(b)).toEqual([])
    await b.wait(1)
    expect(callsOf(b)).toEqual([['no_window', 1]])
  })

  it('has a timer in every state that is neither settled nor over, with a promise and without', async () => {
    for (const [state, { phase, timers = [] }] of Object.entries(standardProcess.states)) {
      if (phase !== 'waiting' && phase !== 'committed') continue
      const froms = timers.map(({ from = 'entered' }) => from)
      const isTimed = froms.includes('entered') || (froms.includes('unpromised') && froms.some((from) => from.startsWith('promised')))
      expect([state, isTimed]).toEqual([state, true])
    }
  })

  it('is called for again behind twice the wait each time, at least once a day, and never given up', async () => {
    const b = await bench()
    const hours = [4, 12, 28, 52, 76, 100]
    let passed = 0
    for (const [index, hour] of hours.entries()) {
      await b.wait((hour - passed) * 60 * MINUTE_MS - 1)
      expect(callsOf(b)).toHaveLength(index)
      await b.wait(1)
      expect(callsOf(b).at(-1)).toEqual(['not_triaged', index + 1])
      passed = hour
    }
    await b.wait(30 * 24 * 60 * MINUTE_MS)
    expect((await b.order()).state).toBe('opened')
    expect(await b.database.selectFrom('hub_timers').select('kind').where('kind', '=', 'order_state').execute()).toHaveLength(1)
    await b.answer('triaged')
    const before = callsOf(b).length
    await b.wait(8 * 60 * MINUTE_MS)
    expect(callsOf(b).slice(before)).toEqual([['not_scheduled', 1]])
  })

  it('keeps its place when a note is added, and does not call twice for one lateness', async () => {
    const b = await bench()
    await b.answer('scheduled', window(b, 0.5))
    await b.answer('accepted')
    await b.wait(3 * 60 * MINUTE_MS)
    expect(callsOf(b)).toEqual([['not_there', 1]])
    await b.answer('note', { text: 'the household rang' })
    await b.wait(1)
    expect(callsOf(b).filter(([, times]) => times === 1)).toHaveLength(1)
  })

  it('is chased in minutes from the moment in which it turns out to be a danger', async () => {
    const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }))
    benches.push(b)
    await b.apply(diagnosed({ fault: 'T-03' }))
    await b.wait(10 * MINUTE_MS)
    expect(callsOf(b)).toEqual([])
    await b.apply(raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0' }))
    await b.wait(1)
    expect(callsOf(b)).toEqual([['not_triaged', 1]])
  })
})
