import { describe, expect, it } from 'vitest'
import { compareRates } from './compare-rates.ts'

describe('compareRates', () => {
  it("agrees with Newcombe's published example: 56/70 against 48/80 gives 0.2 from 0.0524 to 0.3339", () => {
    const { difference, low, high } = compareRates({ orders: 70, count: 56 }, { orders: 80, count: 48 })
    expect(difference).toBeCloseTo(0.2, 6)
    expect(low).toBeCloseTo(0.0524, 4)
    expect(high).toBeCloseTo(0.3339, 4)
  })

  it('says nothing of a difference when one group is empty', () => {
    expect(compareRates({ orders: 3, count: 1 }, { orders: 0, count: 0 })).toMatchObject({ difference: null, low: null, held_out: { rate: null } })
  })
})
