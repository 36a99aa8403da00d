/** What a group of a shared subscription promises whatever the broker; run against each broker that is at hand. */
import mqtt from 'mqtt'
import { afterEach, describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { createSharedSubscription, type SharedSubscription } from './shared-subscription.ts'

const TAKEOVER_MS = 300
const numbers = (count: number): string[] => Array.from({ length: count }, (_, index) => String(index)).sort()

/** Waits until it is so, looking again and again for ten seconds. */
export async function until(isDone: () => boolean | Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await isDone()) return
    await new Promise<void>((resolve) => systemClock.after(25, resolve))
  }
  throw new Error('it did not come to that')
}

/** `url` is asked in each test, when the broker stands. */
export function describeSharedGroup(name: string, url: () => string): void {
  let groups = 0
  const running: Array<{ stop(): Promise<void> }> = []
  afterEach(async () => {
    for (const one of running.splice(0)) await one.stop()
  })

  function member(group: string, number: number, take: (payload: string) => Promise<void>): SharedSubscription {
    const settings = { url: url(), group, filters: ['mend/v1/+/+/tele'], member: number, sessions: 2, takeoverMs: TAKEOVER_MS, sessionExpiryS: 3_600 }
    const ports = { take: (_: string, payload: Uint8Array) => take(new TextDecoder().decode(payload)), clock: systemClock, log: silentLog }
    const subscription = createSharedSubscription(settings, ports)
    running.push(subscription)
    subscription.start()
    return subscription
  }

  /** Two members, with all their sessions held. */
  async function pair(group: string, take: (payload: string) => Promise<void>): Promise<[SharedSubscription, SharedSubscription]> {
    const first = member(group, 0, take)
    const second = member(group, 1, take)
    await until(() => [first, second].every((one) => one.statistics().connected === 2))
    return [first, second]
  }

  async function publish(from: number, to: number): Promise<void> {
    const client = await mqtt.connectAsync(url())
    for (let number = from; number < to; number++) await client.publishAsync(`mend/v1/home/device-${number % 7}/tele`, String(number), { qos: 1 })
    await client.endAsync()
  }

  describe(`a group of a shared subscription on ${name}`, () => {
    it('counts each message once for the group', async () => {
      const group = `g${groups++}`
      const taken: string[] = []
      const add = async (payload: string): Promise<void> => void taken.push(payload)
      await pair(group, add)
      await publish(0, 400)
      await until(() => taken.length >= 400)
      expect(taken.sort()).toEqual(numbers(400))
    })

    it('strands nothing of a member that stopped: another holds its sessions after the stated time', async () => {
      const group = `g${groups++}`
      const taken: string[] = []
      const add = async (payload: string): Promise<void> => void taken.push(payload)
      const [first, second] = await pair(group, add)
      await first.stop()
      await publish(0, 200)
      await until(() => taken.length >= 200)
      expect(taken.sort()).toEqual(numbers(200))
      expect(second.statistics().stand_ins).toBe(2)
    })

    it('gives a session back to its owner', async () => {
      const group = `g${groups++}`
      const taken: string[] = []
      const add = async (payload: string): Promise<void> => void taken.push(payload)
      const [first, second] = await pair(group, add)
      await first.stop()
      await until(() => second.statistics().stand_ins === 2)
      const back = member(group, 0, add)
      await until(() => second.statistics().stand_ins === 0 && back.statistics().connected === 2)
      await publish(0, 100)
      await until(() => taken.length >= 100)
      expect(taken.sort()).toEqual(numbers(100))
    })

    it('does not acknowledge what could not be taken, and takes it when it can', async () => {
      const group = `g${groups++}`
      const taken: string[] = []
      let isFull = true
      const only = member(group, 0, async (payload) => {
        if (isFull) throw new Error('the journal is full')
        taken.push(payload)
      })
      await until(() => only.statistics().connected === 2)
      await publish(0, 20)
      await until(() => only.statistics().refused > 0)
      expect(taken).toEqual([])
      isFull = false
      await until(() => new Set(taken).size === 20)
    })
  })
}
