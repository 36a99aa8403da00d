import { describe, expect, it } from 'vitest'
import { type Answer, chooseAnswer, createOpinion, observe } from './opinion.ts'

const fault = (code: string, probability: number): Answer => ({ answer: 'fault', fault: code, probability })
const well: Answer = { answer: 'no_fault', fault: null, probability: 0.9 }
const odd: Answer = { answer: 'unknown_fault', fault: null, probability: 0.8 }

describe('opinion of a device', () => {
  it.each<[string, Array<Answer | undefined>, number[]]>([
    ['tells a fault at the second window that says it', [fault('A', 0.6), fault('A', 0.6)], [1]],
    ['does not tell it again', [fault('A', 0.6), fault('A', 0.6), fault('A', 0.62), fault('A', 0.6)], [1]],
    ['tells it again when a step stronger', [fault('A', 0.6), fault('A', 0.6), fault('A', 0.8)], [1, 2]],
    [
      'tells it again when it is as good as sure, and surer',
      [fault('A', 0.98), fault('A', 0.98), fault('A', 0.985), fault('A', 0.992), fault('A', 0.998)],
      [1, 3, 4],
    ],
    ['does not tell a small gain over a step', [fault('A', 0.72), fault('A', 0.72), fault('A', 0.76)], [1]],
    ['tells near certainty though the gain is small', [fault('A', 0.91), fault('A', 0.91), fault('A', 0.98)], [1, 2]],
    [
      'needs two windows for another fault',
      [fault('A', 0.6), fault('A', 0.6), fault('B', 0.6), fault('A', 0.6), fault('B', 0.6), fault('B', 0.6)],
      [1, 5],
    ],
    ['is not told that a unit is well that was never said to be ill', [well, well, well], []],
    ['tells that a unit is well again', [fault('A', 0.6), fault('A', 0.6), well, well, well], [1, 3]],
    ['begins to count anew after a window that decides nothing', [fault('A', 0.6), undefined, fault('A', 0.6), fault('A', 0.6)], [3]],
    ['tells an unknown fault once', [odd, odd, odd], [1]],
  ])('%s', (_, answers, told) => {
    const opinion = createOpinion()
    expect(answers.flatMap((answer, index) => (observe(opinion, answer) ? [index] : []))).toEqual(told)
  })
})

describe('a fault that passes a limit at which somebody acts', () => {
  const told = (probabilities: readonly number[], limits: readonly number[]) => {
    const opinion = createOpinion()
    return probabilities.flatMap((probability, index) => (observe(opinion, fault('A', probability), { limits }) ? [index] : []))
  }
  it.each<[string, number[], number[], number[]]>([
    ['is told again although it is hardly surer', [0.74, 0.74, 0.83], [0.75], [1, 2]],
    ['is not told again without the limit', [0.74, 0.74, 0.83], [], [1]],
    ['is told once however often it comes and goes', [0.74, 0.74, 0.76, 0.73, 0.77, 0.74, 0.78], [0.75], [1, 2]],
    ['is told once for several limits that are passed together', [0.55, 0.55, 0.64, 0.64], [0.6, 0.62], [1, 2]],
    ['is not told above a limit that was passed before', [0.76, 0.76, 0.79], [0.75], [1]],
  ])('%s', (_, probabilities, limits, expected) => {
    expect(told(probabilities, limits)).toEqual(expected)
  })
})

describe('chooseAnswer', () => {
  const classes = ['no_fault', 'A', 'B']
  const bounds = { noFault: 'no_fault', threshold: 0.7, unknownDistance: 4 }
  it.each<[string, number[], number, string | null, string | undefined, string | null]>([
    ['a fault at the threshold', [0.3, 0.7, 0], 1, null, 'fault', 'A'],
    ['nothing below it', [0.31, 0.69, 0], 1, null, undefined, null],
    ['a fault below it that was told before', [0.4, 0.6, 0], 1, 'A', 'fault', 'A'],
    ['nothing for a fault told before that is less likely than not', [0.3, 0.45, 0.25], 1, 'A', undefined, null],
    ['no fault from one half', [0.5, 0.5, 0], 1, null, 'no_fault', null],
    ['an unknown fault far from normal', [0.4, 0.3, 0.3], 4, null, 'unknown_fault', null],
    ['no unknown fault where the model is sure that all is well', [0.9, 0.1, 0], 9, null, 'no_fault', null],
    ['the named fault before the unknown one', [0.1, 0.8, 0.1], 9, null, 'fault', 'A'],
  ])('says %s', (_, probabilities, distance, held, answer, code) => {
    const chosen = chooseAnswer(classes, probabilities, { distance, held, bounds })
    expect(chosen?.answer).toBe(answer)
    expect(chosen?.fault ?? null).toBe(code)
  })
})
