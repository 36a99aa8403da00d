import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { calibrate, fitTemperature } from './calibrate.ts'

describe('calibrate', () => {
  it('leaves probabilities as they are at temperature 1, flattens them above and sharpens them below', () => {
    expect(calibrate([0.8, 0.2], 1)[0]).toBeCloseTo(0.8, 9)
    expect(calibrate([0.8, 0.2], 2)[0]).toBeCloseTo(2 / 3, 9)
    expect(calibrate([0.8, 0.2], 0.5)[0]).toBeGreaterThan(0.9)
  })

  it('gives a finite sum of 1 where the model says 0, and never changes which class is first', () => {
    const probabilities = calibrate([0, 1, 0], 3)
    expect(probabilities.reduce((sum, value) => sum + value, 0)).toBeCloseTo(1, 9)
    expect(probabilities.indexOf(Math.max(...probabilities))).toBe(1)
  })
})

describe('fitTemperature', () => {
  it('finds the temperature of a model that is too sure of itself', () => {
    const random = createRandom('temperature')
    const scores: number[][] = []
    const labels: number[] = []
    for (let index = 0; index < 4000; index++) {
      const truth = random.between(0.5, 0.95)
      labels.push(random.chance(truth) ? 0 : 1)
      // It states what a temperature of 2 makes the truth.
      scores.push(calibrate([truth, 1 - truth], 0.5))
    }
    const temperature = fitTemperature(
      scores,
      labels,
      labels.map(() => 1),
    )
    expect(temperature).toBeGreaterThan(1.8)
    expect(temperature).toBeLessThan(2.2)
  })
})
