import { describe, expect, it } from 'vitest'
import { openBench } from '../eval/mqtt-mock/twin-bench.ts'

const MINUTE_MS = 60_000

describe('presence', () => {
  it('says nothing of a first connection or a short reconnect', async () => {
    await using b = await openBench()
    const presence = b.presence()
    await presence.start()
    presence.note('home', 'a', true)
    presence.note('home', 'a', false)
    await b.pass(MINUTE_MS)
    presence.note('home', 'a', true)
    await b.pass(5 * MINUTE_MS)
    expect(b.said()).toEqual([])
    expect(presence.of('home', 'a')).toMatchObject({ state: 'online' })
    await presence.stop()
  })

  it('says silent once, with the time of going, and returned when the device comes back', async () => {
    await using b = await openBench()
    const presence = b.presence()
    await presence.start()
    presence.note('home', 'a', false)
    await b.pass(5 * MINUTE_MS)
    presence.note('home', 'a', true)
    await presence.stop()
    expect(b.said()).toEqual(['device_silent a 0', `device_returned a ${5 * MINUTE_MS}`])
  })

  it('tries again what the hubs could not take', async () => {
    await using b = await openBench()
    const presence = b.presence()
    await presence.start()
    presence.note('home', 'a', false)
    b.failures.left = 2
    await b.pass(3 * MINUTE_MS)
    expect(b.said()).toEqual(['device_silent a 0'])
    await presence.stop()
  })

  it('after a restart marks offline who does not come back in time, and nobody who does', async () => {
    await using b = await openBench()
    const before = b.presence()
    await before.start()
    for (const device of ['gone', 'back']) before.note('home', device, true)
    await b.pass(2_000)
    await before.stop()
    b.clock.advance(60 * MINUTE_MS)
    const after = b.presence()
    await after.start()
    expect(after.of('home', 'gone')).toMatchObject({ state: 'unknown' })
    after.note('home', 'back', true)
    await b.pass(3 * MINUTE_MS)
    expect(b.said()).toEqual(['device_silent gone 2000'])
    expect(after.of('home', 'gone')).toMatchObject({ state: 'offline' })
    expect(after.of('home', 'back')).toMatchObject({ state: 'online' })
    await after.stop()
  })

  it('after a restart says returned of who was silent before, and silent of nobody twice', async () => {
    await using b = await openBench()
    const before = b.presence()
    await before.start()
    before.note('home', 'a', false)
    await b.pass(3 * MINUTE_MS)
    await before.stop()
    const after = b.presence()
    await after.start()
    await b.pass(3 * MINUTE_MS)
    after.note('home', 'a', true)
    await after.stop()
    expect(b.said()).toEqual(['device_silent a 0', `device_returned a ${6 * MINUTE_MS}`])
  })
})
