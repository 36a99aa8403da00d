/** Inputs of models by their names: last windows, last week, rise over the month before, shape and signs; and names that are not understood. */
import { describe, expect, it } from 'vitest'
import { createInputs, inputNames } from './inputs.ts'
import { pump } from './test-builders.ts'

const features = ['lift_k', 'power_w', 'idle_offset_k']
const residuals = {
  observed: Float64Array.of(12, 500, Number.NaN),
  expected: Float64Array.of(10, 500, 0),
  zScores: Float64Array.of(2, 0, Number.NaN),
  doubt: 0.25,
  trend: { week: Float64Array.of(1, 0, 0), month: Float64Array.of(0.5, 0, 0) },
}

function inputsOf(names: readonly string[], seen: Parameters<Exclude<ReturnType<typeof createInputs>, readonly string[]>>[0] = residuals): number[] {
  const made = createInputs(names, pump, features)
  if (typeof made !== 'function') throw new Error(`not understood: ${made.join(', ')}`)
  return [...made(seen)]
}

describe('the inputs of a model', () => {
  it('are the last windows, the last week and the rise over the month before', () => {
    expect(inputsOf(['lift_k', 'week:lift_k', 'rise:lift_k', 'raw:lift_k', 'doubt'])).toEqual([2, 1, 1.5, 12, 0.25])
  })
  it('say the shape whatever the size, unless the departure is too small to have one', () => {
    const [shape = 0] = inputsOf(['shape:lift_k'], { ...residuals, zScores: Float64Array.of(3, 0, Number.NaN) })
    const [twice = 0] = inputsOf(['shape:lift_k'], { ...residuals, zScores: Float64Array.of(6, 0, Number.NaN) })
    const [small = 0] = inputsOf(['shape:lift_k'], { ...residuals, zScores: Float64Array.of(0.1, 0, Number.NaN) })
    expect(twice).toBeCloseTo(shape, 1)
    expect(small).toBeLessThan(shape / 4)
  })
  it('agree with the fault whose sign is seen and not with the other', () => {
    const [first = 0, second = 0, week = 0] = inputsOf(['sign:K-01', 'sign:K-02', 'week-sign:K-01'])
    expect(first).toBeGreaterThan(0.3)
    expect(second).toBe(0)
    expect(week).toBeGreaterThan(0)
  })
  it('show nothing of what is not known, and of a past that nobody kept', () => {
    const { trend: _, doubt: __, ...alone } = residuals
    expect(inputsOf(['idle_offset_k', 'rise:idle_offset_k', 'week:lift_k', 'week-distance', 'doubt'], alone)).toEqual([0, 0, 0, 0, 0])
  })
  it('has every name of its own list, and says which names it does not know', () => {
    expect(inputsOf(inputNames(pump, features))).toHaveLength(inputNames(pump, features).length)
    expect(createInputs(['lift_k', 'year:lift_k', 'week:other', 'sign:K-09'], pump, features)).toEqual(['year:lift_k', 'week:other', 'sign:K-09'])
  })
})
