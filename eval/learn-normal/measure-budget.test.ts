import { describe, expect, it } from 'vitest'
import { measureBudget, VIEWS } from './measure-budget.ts'

describe('the alert budget of the learned normal', { timeout: 240_000 }, () => {
  it('is kept by sound fridges of a type that nobody described, while a disturbance of several channels is flagged', () => {
    const logger = VIEWS.find(({ channels }) => channels?.length === 7)
    const row = measureBudget(logger ?? { type: '' }, { seed: 'dev-budget-test', units: 2, days: 24, startMs: Date.UTC(2026, 3, 1) })
    expect(row.unitWeeks).toBeGreaterThan(4)
    expect(row.alarms).toBe(0)
    expect(row.flagged).toBeLessThan(0.03)
    expect(row.whole.flagged).toBeGreaterThan(0)
  })
})
