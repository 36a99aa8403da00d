import { describe, expect, it } from 'vitest'
import { liveSeason } from './peak-section.ts'

/** A city of development: those of the evaluation choose nothing. */
const plan = { seed: 'peak-dev-1', units: 24, days: 90 }

describe('a peak over a small city', () => {
  it('brings many times the orders, of which the hubs leave none without somebody', async () => {
    const quiet = await liveSeason('calls', plan, 1)
    const high = await liveSeason('mendline', plan, 6)
    expect(high.orders).toBeGreaterThan(3 * Math.max(1, quiet.orders))
    expect(high.unowned).toBe(0)
  }, 120_000)
})
