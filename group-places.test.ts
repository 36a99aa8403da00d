import { describe, expect, it } from 'vitest'
import { ManualClock } from '#kernel/clock.ts'
import { createUnitBook } from './group-places.ts'

const nothing = { household: null, building: null, outage_area: null, batch: null, firmware: null, revoked_at_ms: null, installed_at_ms: null }
const units = Array.from({ length: 10 }, (_, index) => ({
  ...nothing,
  tenant: 'home',
  device: `p-${index}`,
  type: index < 8 ? 'pump' : 'fridge',
  site: 'a',
}))

describe('units of a place', () => {
  it("are counted by type, also a type of one's own that alarms call by its id", () => {
    const { places } = createUnitBook({ get: () => undefined, list: () => units }, new ManualClock(0))
    const count = (types?: readonly string[]) => places.populationOf('home', 'site', 'a', types)
    expect([count(), count(['home.pump']), count(['pump']), count(['fridge']), count(['other.pump'])]).toEqual([10, 8, 8, 2, 0])
  })
})
