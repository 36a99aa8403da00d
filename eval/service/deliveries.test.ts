/** The deliveries section in small: a real sender that is killed, real receivers in every mood. */
import { describe, expect, it } from 'vitest'
import { MOODS, measureDeliveries } from './deliveries-run.ts'

describe('what is owed to receivers that misbehave', () => {
  it('is delivered, signed and in order, though the sender is killed in between', { timeout: 180_000 }, async () => {
    const result = await measureDeliveries({ seed: 'test', steps: 5, kills: 2, speed: 20_000 })
    expect(result.receivers.map(({ name }) => name)).toEqual([...MOODS])
    for (const { owed, missing, outOfOrder } of result.receivers) {
      expect(owed).toBeGreaterThanOrEqual(5 * 4)
      expect([missing, outOfOrder]).toEqual([0, 0])
    }
    // The receivers did misbehave: one attempt each would not have been enough.
    expect(result.receivers.reduce((sum, { lostByOneAttempt }) => sum + lostByOneAttempt, 0)).toBeGreaterThan(0)
    expect(result).toMatchObject({ kills: 2, stepsUntold: 0, unsigned: 0, redirectsFollowed: 0 })
  })
})
