import { describe, expect, it } from 'vitest'
import { createRandom } from '#kernel/random.ts'
import { lbnlRows, measureLbnl } from './measure-lbnl.ts'
import { CHANNELS, COOLING, type Day } from './read-lbnl.ts'
import { dayScore, learnRelations } from './relations.ts'

/** Days of a plant whose cooling valve follows the outdoor temperature; a leak opens it further. */
function day(date: string, label: Day['label'], isCooling = true): Day {
  const random = createRandom(date)
  const warmth = random.between(20, 30)
  const steps = Array.from({ length: 20 }, (_, index) => {
    const values = Float64Array.from(CHANNELS, () => random.normal(20, 1))
    values[1] = warmth + index / 10
    values[COOLING] = isCooling ? 0.02 * (values[1] ?? 0) + (label === 'leak' ? 0.1 : 0) + random.normal(0, 0.005) : 0
    values[8] = 0
    return { atMs: index * 600_000, values }
  })
  return { date, label, isFaultyInFile: label === 'leak', steps }
}

const learned = [...Array.from({ length: 10 }, (_, index) => day(`clean-${index}`, 'clean')), ...['a', 'b', 'c'].map((name) => day(name, 'leak'))]

describe('the relations of the cooling valve', () => {
  const relations = learnRelations(learned, ({ label }) => label === 'leak')

  it('tell a leak of another plant from its clean days', () => {
    expect(dayScore(relations, day('other leak', 'leak'))).toBeGreaterThan(1)
    expect(dayScore(relations, day('other clean', 'clean'))).toBeLessThan(1)
  })

  it('say nothing of a day without cooling', () => {
    expect(dayScore(relations, day('winter', 'clean', false))).toBeNaN()
  })

  it('are skipped with a word where the data is not there', () => {
    expect(measureLbnl('/nowhere')).toBeUndefined()
    expect(lbnlRows(undefined)).toEqual({ skipped: expect.any(String) })
  })
})
