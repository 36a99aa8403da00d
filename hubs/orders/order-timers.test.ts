import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import type { StateTimer } from '#kernel/work-order-process.ts'
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

describe('what the timers of an order have done', () => {
  const HOUR_MS = 60 * MINUTE_MS
  const callsOf = (b: HubBench) => sent(b, 'escalated').map(({ data }) => [data.timer, data.times])
  const waitingTimers = (b: HubBench) => b.database.selectFrom('hub_timers').selectAll().where('kind', '=', 'order_state')
  /** A bench whose organisation has other timers in one state. */
  const benchWith = async (state: 'opened' | 'offered', timers: readonly StateTimer[]): Promise<HubBench> => {
    const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }))
    benches.push(b)
    const { initial, states } = standardProcess
    const process = { initial, states: { ...states, [state]: { ...states[state], timers: [...timers] } } }
    await b.hubs.replaceProcess({ tenant: 'home', process, actor: 'test', openOrders: 'keep', expectedVersion: undefined })
    await b.apply(diagnosed())
    return b
  }
  /** The program starts again over the same store and clock. */
  const startAgain = async (b: HubBench, clock = b.clock): Promise<HubBench> => {
    await b.hubs.stop()
    const again = await openHubBench({ database: b.database, migrate: async () => {}, close: async () => {} }, { clock })
    benches.unshift(again)
    await again.hubs.timersSettled()
    return again
  }
  const openPool: StateTimer = {
    id: 'no_answer',
    after_ms: 15 * MINUTE_MS,
    effects: [{ kind: 'open_pool' }, { kind: 'escalate', to: 'outlet' }],
    reason: 'nobody answered',
  }

  it('once is not done again with each note, though no timer waits any more', async () => {
    const b = await benchWith('offered', [openPool])
    await b.answer('offered')
    await b.wait(14 * MINUTE_MS)
    await b.answer('note', { text: 'not yet' })
    expect(callsOf(b)).toEqual([])
    await b.wait(MINUTE_MS)
    expect(callsOf(b)).toEqual([['no_answer', 1]])
    for (const text of ['one', 'two']) {
      await b.answer('note', { text })
      await b.wait(MINUTE_MS)
    }
    expect(callsOf(b)).toEqual([['no_answer', 1]])
    await startAgain(b)
    expect(await waitingTimers(b).execute()).toEqual([])
  })

  it('once for a promised window is done again for another one, and not for a note', async () => {
    const b = await benchWith('offered', [{ ...openPool, from: 'promised_from', after_ms: 0 }])
    const window = (from: number) => ({ window_from_ms: b.clock.now() + from, window_to_ms: b.clock.now() + from + 2 * HOUR_MS })
    await b.answer('scheduled', window(HOUR_MS))
    await b.answer('offered')
    await b.wait(HOUR_MS)
    expect(callsOf(b)).toHaveLength(1)
    await b.answer('note', { text: 'somebody rang' })
    await b.wait(MINUTE_MS)
    expect(callsOf(b)).toHaveLength(1)
    await b.answer('rescheduled', window(HOUR_MS))
    await b.wait(HOUR_MS)
    expect(callsOf(b)).toHaveLength(2)
  })

  it('is read from a list of names, too, as versions before wrote it', async () => {
    const call = (id: string, hours: number): StateTimer => ({
      ...{ id, after_ms: hours * HOUR_MS, reason: id },
      effects: [{ kind: 'escalate', to: 'outlet' }],
    })
    const b = await benchWith('opened', [call('soon', 1), call('late', 10)])
    await b.wait(HOUR_MS)
    expect(callsOf(b)).toEqual([['soon', 1]])
    const data = JSON.stringify({ state: 'opened', fired: ['soon'], timer: 'late' })
    await b.database
      .updateTable('hub_timers')
      .set({ data, due_at_ms: b.clock.now() + 9 * HOUR_MS })
      .where('kind', '=', 'order_state')
      .execute()
    // The loop still sleeps for the row of before.
    b.clock.advance(9 * HOUR_MS)
    await b.hubs.timersSettled()
    await b.wait(MINUTE_MS)
    expect(callsOf(b)).toEqual([
      ['soon', 1],
      ['late', 1],
    ])
    await b.wait(2 * HOUR_MS)
    expect(callsOf(b).at(-1)).toEqual(['soon', 2])
  })

  it('is nothing where an order came into its state before that had a timer: a start sets it, once', async () => {
    const b = await bench()
    await b.answer('accepted')
    await b.answer('on_site')
    await b.database.deleteFrom('hub_timers').where('kind', '=', 'order_state').execute()
    await b.wait(7 * HOUR_MS)
    const again = await startAgain(b)
    expect(await waitingTimers(b).execute()).toMatchObject([{ due_at_ms: b.clock.now() + HOUR_MS }])
    const twice = await startAgain(again, b.clock)
    expect(await waitingTimers(b).execute()).toMatchObject([{ due_at_ms: b.clock.now() + HOUR_MS }])
    b.clock.advance(HOUR_MS)
    await twice.hubs.timersSettled()
    expect(callsOf(twice)).toEqual([['not_ended', 1]])
    await twice.hubs.workOrderEvent(
      'home',
      (await b.order()).work_order_id,
      {
        ...{ type: 'done', at_ms: b.clock.now(), actor: 'desk' },
        data: { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 30 } },
      },
      undefined,
    )
    await startAgain(twice, b.clock)
    expect(await waitingTimers(b).execute()).toEqual([])
  })

  it('is set for every open order at a start, however many they are, but for one that cannot be read', async () => {
    const b = await bench()
    const units = Array.from({ length: 140 }, (_, index) => diagnosed({ device: `more-${index}` }))
    await b.apply(...units)
    await b.database.deleteFrom('hub_timers').where('kind', '=', 'order_state').execute()
    const { work_order_id } = await b.order('more-7')
    await b.database.updateTable('hub_work_orders').set({ process_version: 99 }).where('work_order_id', '=', work_order_id).execute()
    await startAgain(b)
    expect(await waitingTimers(b).execute()).toHaveLength(140)
  })

  it('was done by now, whatever a clock that was ahead has noted', async () => {
    const b = await bench()
    await b.apply(raised({ rule: 'fire', fault: 'T-03', safety_class: 'E0', device: 'unit-2' }))
    const { work_order_id } = await b.order('unit-2')
    const ahead = b.clock.now() + 24 * HOUR_MS
    await b.database.updateTable('hub_work_orders').set({ entered_at_ms: ahead }).where('work_order_id', '=', work_order_id).execute()
    await b.answer('note', { text: 'the household rang' }, { id: work_order_id })
    const timers = await waitingTimers(b).where('subject', '=', work_order_id).execute()
    expect(timers).toMatchObject([{ due_at_ms: b.clock.now() + 5 * MINUTE_MS, set_at_ms: b.clock.now() }])
  })

  it('waits for a promise as it was given, and for anything else from when it was set', async () => {
    const b = await bench()
    await b.answer('scheduled', { window_from_ms: b.clock.now() + HOUR_MS, window_to_ms: b.clock.now() + 3 * HOUR_MS })
    expect(await waitingTimers(b).execute()).toMatchObject([{ set_at_ms: null }])
    await b.wait(HOUR_MS)
    expect(callsOf(b)).toEqual([['nobody_for_it', 1]])
    expect(await waitingTimers(b).execute()).toMatchObject([{ set_at_ms: b.clock.now() }])
  })
})
