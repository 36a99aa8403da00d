import { describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { openOperations } from '../../operations/open-database.ts'
import { watchClock } from '../clock-watch.ts'
import { STORY_MS } from '../hub-builders.ts'
import { emergencyBench, fire, HOUR_MS, roster } from './emergency-builders.ts'

/** A clock whose wall time can be set; its monotonic time goes on. */
class SetClock extends ManualClock {
  aheadMs = 0
  override now() {
    return epochMs(super.now() + this.aheadMs)
  }
}

async function bench(aheadMs: number) {
  const clock = new SetClock(STORY_MS + HOUR_MS)
  clock.aheadMs = aheadMs
  const b = await emergencyBench(openOperations, { clock })
  await b.hub.setRoster('home', roster, 'test')
  await b.hub.apply([fire])
  await b.hub.settled()
  return { b, clock }
}

describe('a clock that was ahead and is set back', () => {
  it.each([24 * HOUR_MS, HOUR_MS, 5_000])('by %d ms holds up no rung and no command', async (aheadMs) => {
    const { b, clock } = await bench(aheadMs)
    await using _end = b
    const before = { calls: b.calls.length, sent: b.sent.length }
    clock.aheadMs = 0
    expect(await b.hub.statistics()).toMatchObject({ raised: 1, unowned: 1 })
    await b.pass(120_000)
    expect(b.calls.length).toBeGreaterThan(before.calls)
    expect(b.sent.length).toBeGreaterThan(before.sent + 2)
    expect(await b.hub.statistics()).toMatchObject({ raised: 1, unowned: 0 })
    const calls = b.calls.length
    await b.pass(30 * 60_000)
    // Rungs of two minutes, in steps of one, each once: no storm.
    expect(b.calls.length - calls).toBeGreaterThan(8)
    expect(b.calls.length - calls).toBeLessThan(16)
  })

  it('between two processes holds up nothing either', async () => {
    const { b, clock } = await bench(30 * HOUR_MS)
    await using _end = b
    await b.hub.acknowledge({ tenant: 'home', id: (await b.emergency())?.emergency_id ?? '', by: 'person:li', via: 'api', note: '' })
    await b.hub.stop()
    clock.aheadMs = 0
    await b.hub.start()
    await b.pass(31 * 60_000)
    expect(b.named('emergency.escalated')).toContainEqual(expect.objectContaining({ reason: 'not_resolved' }))
  })

  it('leaves who acknowledged what was left of the time to resolve', async () => {
    const { b, clock } = await bench(HOUR_MS)
    await using _end = b
    await b.hub.acknowledge({ tenant: 'home', id: (await b.emergency())?.emergency_id ?? '', by: 'person:li', via: 'api', note: '' })
    clock.aheadMs = 0
    await b.pass(29 * 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'acknowledged' })
    await b.pass(2 * 60_000)
    expect(await b.emergency()).toMatchObject({ state: 'raised' })
  })

  it('is told by how much, against the monotonic clock, and drift is not', () => {
    const clock = new SetClock(STORY_MS)
    const setBackMs = watchClock(clock)
    expect(setBackMs()).toBe(0)
    clock.advance(60_000)
    clock.aheadMs = -500
    expect(setBackMs()).toBe(0)
    clock.advance(60_000)
    clock.aheadMs = -30_500
    expect(setBackMs()).toBe(30_000)
    clock.aheadMs = HOUR_MS
    expect(setBackMs()).toBe(0)
  })
})
