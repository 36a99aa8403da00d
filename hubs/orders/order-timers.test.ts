import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed } from '../hub-builders.ts'

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
