import { describe, expect, it } from 'vitest'
import { liveStorm } from './storm-section.ts'

/** A city of development: those of the evaluation choose nothing. */
const plan = { seed: 'storm-dev-1', units: 400, days: 3 }

describe('a storm over a small city', () => {
  it.each(['outage', 'bad firmware'] as const)(
    'of the kind %s leaves one order for its one cause',
    async (storm) => {
      const { orders, alarms } = await liveStorm(storm, plan)
      expect(alarms).toBeGreaterThan(10)
      expect(orders).toBe(1)
    },
    60_000,
  )
})
