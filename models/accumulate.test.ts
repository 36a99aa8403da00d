/** Belief over windows: odd windows, weak signs that stay, recovery and gaps. */
import { describe, expect, it } from 'vitest'
import { type Accumulation, accumulateBelief } from './accumulate.ts'

const settings: Accumulation = { weight: 0.3, onset_per_day: 0.005, recovery_per_day: 0.01, shares: [0.5, 0.25, 0.25] }
const fold = (rows: ReadonlyArray<readonly number[]>, days = 0.25): number[] => {
  let belief: number[] | undefined
  for (const probabilities of rows)
    belief = accumulateBelief(settings, { before: belief, probabilities, days: belief === undefined ? 0 : days, noFault: 0 })
  return belief ?? []
}
const sound = [0.9, 0.05, 0.05]
const weak = [0.35, 0.5, 0.15]
const times = (count: number, row: readonly number[]) => Array.from({ length: count }, () => row)

describe('belief over windows', () => {
  it('is told nothing by a single odd window among sound ones', () => {
    expect(fold([...times(20, sound), [0.001, 0.998, 0.001]])[1]).toBeLessThan(0.2)
  })
  it('sees a weak sign that stays, and not one that alternates with its rival', () => {
    expect(fold([...times(20, sound), ...times(40, weak)])[1]).toBeGreaterThan(0.9)
    const alternating = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? weak : [0.8, 0.05, 0.15]))
    expect(fold([...times(20, sound), ...alternating])[1]).toBeLessThan(0.3)
  })
  it('comes back when the unit is sound again', () => {
    const faulty = fold(times(60, [0.01, 0.98, 0.01]))
    expect(faulty[1]).toBeGreaterThan(0.99)
    expect(fold([...times(60, [0.01, 0.98, 0.01]), ...times(40, sound)])[0]).toBeGreaterThan(0.9)
  })
  it('sums to 1 whatever the gap, and a gap of a year is one of two weeks', () => {
    const before = fold(times(5, sound))
    const later = (days: number) => accumulateBelief(settings, { before, probabilities: weak, days, noFault: 0 })
    expect(later(365)).toEqual(later(14))
    expect(later(3).reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 12)
  })
})
