/**
 * Turns the condition of a rule into closures over column positions, once per type. A condition answers with three values: it
 * holds, it does not, or the reading does not carry what it needs (Kleene's logic, so that `not` of a missing channel is not
 * suddenly true). The memory of a condition (latches of hysteresis, samples of rates) is handed in, one per device and rule.
 */
import type { Condition } from '#catalogue/appliance-type.ts'
import type { AlarmEvidence } from '#kernel/alarm.ts'
import { assert } from '#kernel/errors.ts'
import type { ReadingLayout } from '#kernel/reading.ts'
import { UNITS } from '#kernel/units.ts'
import { comparisonLeft } from './check-rules.ts'

export const FAILS = 0
export const HOLDS = 1
export const UNKNOWN = 2
export type Answer = typeof FAILS | typeof HOLDS | typeof UNKNOWN

/** What the comparisons of one rule remember of one device; `latches[i]` and `samples[i]` belong to comparison i. */
export interface ConditionMemory {
  readonly latches: boolean[]
  /** Times and values of a rate in turn, oldest first: [t0, x0, t1, x1 ...]; empty for a comparison without rate. */
  readonly samples: number[][]
}

export interface CompiledCondition {
  /** Answers for one reading at device time `atMs` and updates `memory`. */
  evaluate(numbers: Float64Array, atMs: number, memory: ConditionMemory): Answer
  /** Values that the comparisons see, in the order of the rule; call it right after `evaluate`, for the reading of the alarm. */
  evidence(numbers: Float64Array, atMs: number, memory: ConditionMemory): AlarmEvidence[]
  createMemory(): ConditionMemory
}

type Comparison = Extract<Condition, { channel: string }>
type Evaluate = CompiledCondition['evaluate']

/** Samples that a rate keeps over its span; the ring is thinned to it, whatever the sample period. */
const RATE_SAMPLES = 32

/** Compiles `condition` for readings of `layout`; the rule was checked before. A rate forgets what lies before a gap of `gapMs`. */
export function compileCondition(condition: Condition, layout: ReadingLayout, gapMs: number): CompiledCondition {
  const comparisons: CompiledComparison[] = []
  const evaluate = compile(condition, { layout, gapMs, comparisons })
  return {
    evaluate,
    evidence: (numbers, atMs, memory) =>
      comparisons.map((comparison, index) => {
        const value = comparison.value(numbers, atMs, memory.samples[index] ?? [])
        return { condition: comparison.words, value: Number.isNaN(value) ? null : round(value), unit: comparison.unit }
      }),
    createMemory: () => ({ latches: comparisons.map(() => false), samples: comparisons.map(() => []) }),
  }
}

interface Context {
  readonly layout: ReadingLayout
  readonly gapMs: number
  /** Comparisons in the order of the condition; compiling appends to it. */
  readonly comparisons: CompiledComparison[]
}

interface CompiledComparison {
  readonly words: string
  readonly unit: string
  /** The compared value, NaN when the reading (or the history) lacks it. */
  value(numbers: Float64Array, atMs: number, samples: readonly number[]): number
}

function compile(condition: Condition, context: Context): Evaluate {
  if ('not' in condition) {
    const inner = compile(condition.not, context)
    return (numbers, atMs, memory) => {
      const answer = inner(numbers, atMs, memory)
      return answer === UNKNOWN ? UNKNOWN : answer === HOLDS ? FAILS : HOLDS
    }
  }
  if ('all' in condition || 'any' in condition) {
    const parts = ('all' in condition ? condition.all : condition.any).map((part) => compile(part, context))
    return 'all' in condition ? combine(parts, FAILS, HOLDS) : combine(parts, HOLDS, FAILS)
  }
  return compileComparison(condition, context)
}

/** `deciding` by any part decides; otherwise unknown when a part is; otherwise `otherwise`. Every part runs, for its memory. */
function combine(parts: readonly Evaluate[], deciding: Answer, otherwise: Answer): Evaluate {
  return (numbers, atMs, memory) => {
    let result = otherwise
    for (const part of parts) {
      const answer = part(numbers, atMs, memory)
      if (answer === deciding) result = deciding
      else if (answer === UNKNOWN && result !== deciding) result = UNKNOWN
    }
    return result
  }
}

function compileComparison(comparison: Comparison, { layout, gapMs, comparisons }: Context): Evaluate {
  const index = comparisons.length
  const column = columnOf(comparison.channel, layout)
  const minus = comparison.minus === undefined ? -1 : columnOf(comparison.minus, layout)
  const { rateOverMs, value: bound } = comparison
  const difference = (numbers: Float64Array): number => (numbers[column] ?? Number.NaN) - (minus < 0 ? 0 : (numbers[minus] ?? Number.NaN))
  comparisons.push({
    words: `${comparisonLeft(comparison)} ${comparison.op} ${bound} ${UNITS[comparison.unit].label}`.trim(),
    unit: comparison.unit,
    value: (numbers, atMs, samples) => (rateOverMs === undefined ? difference(numbers) : rateOf(samples, difference(numbers), atMs, rateOverMs)),
  })
  const holds = OPERATORS[comparison.op]
  const clearBound = comparison.clearValue ?? bound
  return (numbers, atMs, memory) => {
    let value = difference(numbers)
    if (Number.isNaN(value)) return UNKNOWN
    if (rateOverMs !== undefined) {
      const samples = memory.samples[index]
      assert(samples !== undefined, 'the memory belongs to this condition')
      forgetOverGap(samples, atMs, gapMs + rateOverMs / RATE_SAMPLES)
      const rate = rateOf(samples, value, atMs, rateOverMs)
      remember(samples, value, atMs, rateOverMs)
      if (Number.isNaN(rate)) return UNKNOWN
      value = rate
    }
    const answer = holds(value, memory.latches[index] === true ? clearBound : bound)
    memory.latches[index] = answer
    return answer ? HOLDS : FAILS
  }
}

const OPERATORS: Readonly<Record<Comparison['op'], (value: number, bound: number) => boolean>> = {
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '==': (value, bound) => value === bound,
  '!=': (value, bound) => value !== bound,
}

/** Change a minute since the youngest sample that is at least `spanMs` old; NaN when there is none. */
function rateOf(samples: readonly number[], value: number, atMs: number, spanMs: number): number {
  for (let index = samples.length - 2; index >= 0; index -= 2) {
    const agoMs = atMs - (samples[index] ?? Number.NaN)
    if (agoMs >= spanMs) return ((value - (samples[index + 1] ?? Number.NaN)) * 60_000) / agoMs
  }
  return Number.NaN
}

/** Empties the ring when its last sample is too old, or younger than now after a clock was set back. */
function forgetOverGap(samples: number[], atMs: number, gapMs: number): void {
  const lastMs = samples[samples.length - 2]
  if (lastMs !== undefined && (atMs - lastMs > gapMs || atMs < lastMs)) samples.length = 0
}

/** Keeps the sample unless the last kept one is too near, and forgets what no later reading can need. */
function remember(samples: number[], value: number, atMs: number, spanMs: number): void {
  const lastMs = samples[samples.length - 2]
  if (lastMs !== undefined && atMs - lastMs < spanMs / RATE_SAMPLES) return
  samples.push(atMs, value)
  while (samples.length > 2 && atMs - (samples[2] ?? atMs) >= spanMs) samples.splice(0, 2)
}

function columnOf(name: string, layout: ReadingLayout): number {
  const column = layout.indexOf.get(name)
  assert(column !== undefined, `column ${name} of ${layout.type} was checked`)
  return column
}

/** Six significant digits are more than any sensor has. */
const round = (value: number): number => Number(value.toPrecision(6))
