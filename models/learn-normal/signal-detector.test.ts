import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { SIGNAL_SETTINGS, SignalDetector, type SignalScore } from './signal-detector.ts'

const settings = { ...SIGNAL_SETTINGS, memory: 512, learnReadings: 800, rest: 0.1 }

/** A day of 96 readings with noise. */
function season(count: number, change: (value: number, index: number) => number = (value) => value): number[] {
  const random = createRandom('season')
  return Array.from({ length: count }, (_, index) => change(20 + 5 * Math.sin((2 * Math.PI * index) / 96) + random.normal(0, 0.3), index))
}

const run = (values: readonly number[], detector = new SignalDetector(settings)): SignalScore[] => values.map((value) => detector.observe(value))
const flags = (values: readonly number[]): number[] => run(values).flatMap(({ flagged }, index) => (flagged ? [index] : []))

describe('the detector of a single signal', () => {
  it('flags a level that was never there, at once', () => {
    const [first = -1] = flags(season(1_600, (value, index) => (index >= 1_500 ? value + 15 : value))).filter((index) => index >= 1_450)
    expect(first).toBe(1_500)
  })

  it('flags a shape that was never there, at values that are usual', () => {
    const found = flags(season(2_000, (value, index) => (index >= 1_728 && index < 1_824 ? (index % 8 < 4 ? 16 : 24) : value)))
    expect(found.some((index) => index >= 1_728 && index < 1_824)).toBe(true)
  })

  it('flags at most a few of a thousand readings of an unbroken season', () => {
    expect(flags(season(1_800)).length).toBeLessThanOrEqual(6)
  })

  it('flags nothing while it learns, however odd', () => {
    expect(flags(season(400, (value, index) => (index === 300 ? 1_000 : value)))).toEqual([])
  })

  it('takes a constant signal for normal, and its first change for an anomaly', () => {
    const values = Array.from({ length: 1_000 }, (_, index) => (index < 950 ? 45 : 46))
    expect(flags(values)[0]).toBe(950)
  })

  it('leaves out what is not a number', () => {
    const with_ = run([...season(900), Number.NaN, Number.POSITIVE_INFINITY, 21])
    const without = run([...season(900), 21])
    expect(with_.at(-1)).toEqual(without.at(-1))
    expect(with_[900]).toEqual({ score: 0, flagged: false })
  })

  it('gives the same digits wherever the run is split, also behind a value of another magnitude', () => {
    const values = season(1_200, (value, index) => (index === 700 ? 1e9 : value))
    const whole = run(values)
    for (const cut of [10, 447, 705, 1_023]) {
      const before = new SignalDetector(settings)
      const head = run(values.slice(0, cut), before)
      const state = structuredClone(before.state())
      expect([...head, ...run(values.slice(cut), SignalDetector.of(settings, state))]).toEqual(whole)
    }
  })
})
