import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { createPresenceNotes } from './presence-notes.ts'

const MINUTE_MS = 60_000

function aBook(apply?: (events: readonly HubEvent[]) => Promise<void>) {
  const clock = new ManualClock(1_000_000)
  const said: string[] = []
  const take = async (events: readonly HubEvent[]): Promise<void> => {
    for (const event of events)
      if (event.kind === 'device_silent' || event.kind === 'device_returned') said.push(`${event.kind} ${event.device} ${event.at_ms}`)
  }
  return { clock, said, take, notes: createPresenceNotes({ apply: apply ?? take, clock, log: silentLog }) }
}

/** Lets promises that are due settle. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

async function pass(clock: ManualClock, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed += 5_000) {
    clock.advance(5_000)
    await settle()
  }
}

describe('createPresenceNotes', () => {
  it('says nothing of a first connection or a short reconnect', async () => {
    const { clock, said, notes } = aBook()
    notes.note('home', 'a', true)
    notes.note('home', 'a', false)
    await pass(clock, MINUTE_MS)
    notes.note('home', 'a', true)
    await pass(clock, 5 * MINUTE_MS)
    expect(said).toEqual([])
  })

  it('says silent once, with the time of going, and returned when the device comes back', async () => {
    const { clock, said, notes } = aBook()
    notes.note('home', 'a', false)
    await pass(clock, 5 * MINUTE_MS)
    notes.note('home', 'a', true)
    await notes.stop()
    expect(said).toEqual(['device_silent a 1000000', 'device_returned a 1300000'])
  })

  it('tries again what the hubs could not take', async () => {
    let failures = 2
    const taken: HubEvent[] = []
    const { clock, notes } = aBook(async (events) => {
      if (failures-- > 0) throw new Error('away')
      taken.push(...events)
    })
    notes.note('home', 'a', false)
    await pass(clock, 3 * MINUTE_MS)
    expect(taken).toHaveLength(1)
    await notes.stop()
  })
})
