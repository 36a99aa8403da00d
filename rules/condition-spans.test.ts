import { describe, expect, it } from 'vitest'
import type { Condition } from '#catalogue/appliance-type.ts'
import { readingLayout } from '#catalogue/appliance-type.ts'
import { compileCondition, FAILS, HOLDS, UNKNOWN } from './compile-condition.ts'
import { aReading, aType } from './test-builders.ts'

const MINUTE_MS = 60_000
const layout = readingLayout(aType())

/** Answers of a condition for a CO signal of [minute, ppm] pairs. */
function answersOf(when: Condition, signal: ReadonlyArray<readonly [minute: number, ppm: number]>, gapMs = 15 * MINUTE_MS): number[] {
  const compiled = compileCondition(when, layout, { gapMs, isWorstCase: false })
  const memory = compiled.createMemory()
  return signal.map(([minute, ppm]) => {
    const { numbers, observed_at_ms } = aReading(minute * MINUTE_MS, ppm < 0 ? { power_w: 1 } : { room_co_ppm: ppm })
    return compiled.evaluate(numbers, observed_at_ms, memory)
  })
}

const co = (value: number): Condition => ({ channel: 'room_co_ppm', op: '>=', value, unit: 'ppm' })
const steady = (ppm: number, minutes: number) => Array.from({ length: minutes + 1 }, (_, minute) => [minute, ppm] as const)

describe('a part that must have held', () => {
  const when: Condition = {
    any: [
      { held: co(50), forMs: 60 * MINUTE_MS },
      { held: co(100), forMs: 10 * MINUTE_MS },
    ],
  }

  it.each([
    [50, 60],
    [99, 60],
    [100, 10],
    [300, 10],
  ])('at %i ppm holds from minute %i on, not before', (ppm, minute) => {
    expect(answersOf(when, steady(ppm, 70)).indexOf(HOLDS)).toBe(minute)
  })

  it('does not hold below', () => {
    expect(answersOf(when, steady(49, 200))).not.toContain(HOLDS)
  })

  it('begins anew after a reading below, and after a gap', () => {
    const broken = steady(100, 15).map(([minute]) => [minute, minute === 8 ? 40 : 100] as const)
    expect(answersOf(when, broken)).not.toContain(HOLDS)
    expect(answersOf(when, [[0, 100], [16, 100], [26, 100]])).toEqual([FAILS, FAILS, HOLDS]) // biome-ignore format: a story in a line
  })

  it('goes on over readings without the channel', () => {
    expect(answersOf({ held: co(100), forMs: 4 * MINUTE_MS }, [[0, 100], [2, -1], [4, 100]])).toEqual([FAILS, UNKNOWN, HOLDS]) // biome-ignore format: a story in a line
  })
})

describe('a mean over time', () => {
  const mean: Condition = { channel: 'room_co_ppm', meanOverMs: 10 * MINUTE_MS, op: '>=', value: 50, unit: 'ppm' }

  it('is unknown before the span was seen, then weighs values by their time', () => {
    expect(answersOf(mean, steady(60, 10))).toEqual([...Array.from({ length: 10 }, () => UNKNOWN), HOLDS])
    // Nine minutes of 40 and one of 100: 46; with another minute of 100, 52.
    const rising = Array.from({ length: 12 }, (_, minute) => [minute, minute < 9 ? 40 : 100] as const)
    expect(answersOf(mean, rising).slice(10)).toEqual([FAILS, HOLDS])
  })

  it('forgets what lies before a gap', () => {
    expect(answersOf(mean, [...steady(60, 10), [30, 60]]).at(-1)).toBe(UNKNOWN)
  })
})

describe('an exposure', () => {
  const exposure: Condition = { channel: 'room_co_ppm', exposureOverMs: 120 * MINUTE_MS, op: '>=', value: 3_600, unit: 'ppm_min' }

  it.each([
    [30, 120],
    [60, 60],
    [300, 12],
  ])('to %i ppm is reached in minute %i', (ppm, minute) => {
    expect(answersOf(exposure, steady(ppm, 130)).indexOf(HOLDS)).toBe(minute)
  })

  it('adds what comes and goes, and lets go of what is older than its span', () => {
    const bursts = Array.from({ length: 400 }, (_, minute) => [minute, minute < 20 || (minute > 60 && minute < 80) ? 100 : 0] as const)
    const answers = answersOf(exposure, bursts)
    expect(answers.indexOf(HOLDS)).toBe(77)
    expect(answers.at(-1)).toBe(FAILS)
  })

  it('survives a thousand hours without growing', () => {
    const compiled = compileCondition(exposure, layout, { gapMs: 15 * MINUTE_MS, isWorstCase: false })
    const memory = compiled.createMemory()
    for (let minute = 0; minute < 60_000; minute++)
      compiled.evaluate(aReading(minute * MINUTE_MS, { room_co_ppm: 10 }).numbers, minute * MINUTE_MS, memory)
    expect(memory.samples[0]?.length).toBeLessThan(80)
    expect(compiled.evidence(aReading(0, {}).numbers, 0, memory)[0]).toMatchObject({ unit: 'ppm_min' })
    expect(Number(compiled.evidence(aReading(0, {}).numbers, 0, memory)[0]?.value)).toBeCloseTo(1_200, -2)
  })
})
