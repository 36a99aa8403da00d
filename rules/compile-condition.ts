/**
 * Turns the condition of a rule into a short program over column positions, once per type. A condition answers with three values: it
 * holds, it does not, or the reading does not carry what it needs (Kleene's logic, so that `not` of a missing channel is not
 * suddenly true). The memory of a condition (latches of hysteresis, samples of rates) is handed in, one per device and rule. Compiled for
 * the worst case, as safety rules are, a comparison sees that of mean, min and max of an aggregate with which the condition rather holds.
 */
import type { Condition } from '#catalogue/appliance-type.ts'
import type { AlarmEvidence } from '#kernel/alarm.ts'
import { assert } from '#kernel/errors.ts'
import type { ReadingLayout } from '#kernel/reading.ts'
import { UNITS } from '#kernel/units.ts'
import { comparisonLeft } from './check-rules.ts'
import { forgetOverGap, integralOf, integrate, rateOf, remember, SAMPLES_MAX } from './condition-samples.ts'
import { differenceOf, type ValueSource } from './value-source.ts'

export const FAILS = 0
export const HOLDS = 1
export const UNKNOWN = 2
export type Answer = typeof FAILS | typeof HOLDS | typeof UNKNOWN

/** What the comparisons of one rule remember of one device; `latches[i]` and `samples[i]` belong to comparison i. */
export interface ConditionMemory {
  readonly latches: boolean[]
  /**
   * Of how many comparisons, from the first on, the bound for leaving counts: all of them while the alarm stands, none before. A hold that
   * runs goes by the bound itself. Set before each evaluation, so not part of a snapshot.
   */
  leaving: number
  /** Times and values of a rate in turn, oldest first: [t0, x0, t1, x1 ...]; empty for a comparison without rate. */
  readonly samples: number[][]
}

export interface CompiledCondition {
  /** Answers for one reading at device time `atMs` and updates `memory`. */
  evaluate(numbers: Float64Array, atMs: number, memory: ConditionMemory): Answer
  /** Values that the comparisons see, in the order of the rule; call it right after `evaluate`, for the reading of the alarm. */
  evidence(numbers: Float64Array, atMs: number, memory: ConditionMemory): AlarmEvidence[]
  createMemory(): ConditionMemory
  /** Count of comparisons, and whether any has a bound for leaving of its own. */
  readonly comparisons: number
  readonly hasLeaving: boolean
  /** Whether a reading alone decides while no alarm stands, whatever came before: no rate, mean, exposure or held part, and no latch. */
  readonly isMemoryless: boolean
  /** Whether all its comparisons must hold at once, so that values within the bounds for leaving keep any alarm of it. */
  readonly isLeftTogether: boolean
  /** Whether the condition holds by the bounds for leaving; moves no memory, so parts that need one (`held`, `not`, rates, means, exposures) do not hold. */
  isWithinLeaving(numbers: Float64Array): boolean
}

type Comparison = Extract<Condition, { channel: string }>

export interface CompileOptions {
  /** A rate forgets what lies before a gap of this. */
  readonly gapMs: number
  /** Sees the extremes of aggregates instead of their means. */
  readonly isWorstCase: boolean
}

/** Compiles `condition` for readings of `layout`; the rule was checked before. */
export function compileCondition(condition: Condition, layout: ReadingLayout, { gapMs, isWorstCase }: CompileOptions): CompiledCondition {
  const comparisons: CompiledComparison[] = []
  const program: number[] = []
  const context = { layout, gapMs, isWorstCase, comparisons, program, helds: 0 }
  compile(condition, context, false)
  const slots = comparisons.length + context.helds
  const columns = Int32Array.from(new Set(comparisons.map(({ column }) => column)))
  /** Without a value for any comparison the answer is unknown and no memory moves. */
  const isAsked = (numbers: Float64Array): boolean => {
    for (let index = 0; index < columns.length; index++) if (!Number.isNaN(numbers[columns[index] ?? 0] ?? Number.NaN)) return true
    return false
  }
  const deciding = decidingOf(program, comparisons)
  return {
    evaluate(numbers, atMs, memory) {
      if (deciding !== UNKNOWN) return runPlain(comparisons, deciding, numbers, memory)
      if (!isAsked(numbers)) return UNKNOWN
      seen.numbers = numbers
      seen.atMs = atMs
      seen.memory = memory
      seen.gapMs = gapMs
      return run(program, comparisons, seen)
    },
    evidence: (numbers, atMs, memory) =>
      comparisons.map((comparison, index) => {
        const difference = differenceOf(comparison, numbers)
        const { rateOverMs, sumOverMs } = comparison
        const samples = memory.samples[index] ?? []
        const sum = sumOverMs > 0 ? integralOf(samples, sumOverMs, comparison.isMean) : difference
        const value = rateOverMs > 0 ? rateOf(samples, difference, atMs, rateOverMs) : sum
        return { condition: comparison.words, value: Number.isNaN(value) ? null : round(value), unit: comparison.unit }
      }),
    createMemory: () => ({ latches: Array.from({ length: slots }, () => false), leaving: 0, samples: Array.from({ length: slots }, () => []) }),
    comparisons: comparisons.length,
    hasLeaving: comparisons.some(({ bound, clearBound }) => bound !== clearBound),
    isLeftTogether: deciding === FAILS,
    isMemoryless: context.helds === 0 && comparisons.every(isMemoryless),
    isWithinLeaving: (numbers) => runWithin(program, comparisons, numbers),
  }
}

interface Context {
  readonly layout: ReadingLayout
  readonly gapMs: number
  readonly isWorstCase: boolean
  /** Comparisons in the order of the condition; compiling appends to it. */
  readonly comparisons: CompiledComparison[]
  /** The condition in postfix: the index of a comparison, or NOT, or ALL or ANY followed by the count of their parts, or HELD, its slot, its time. */
  readonly program: number[]
  /** Parts that must have held for a time; their memory lies behind that of the comparisons. */
  helds: number
}

interface CompiledComparison extends ValueSource {
  readonly words: string
  readonly unit: string
  readonly op: number
  readonly bound: number
  readonly clearBound: number
  /** Stands under a `not`: what it leaves is what the rule begins with, so its bound for leaving counts before the alarm. */
  readonly isNegated: boolean
  /** Span of a rate, 0 for a plain value. */
  readonly rateOverMs: number
  /** Span of a mean or an exposure, 0 for a plain value. */
  readonly sumOverMs: number
  readonly isMean: boolean
  /** A rate forgets its samples over a longer gap. */
  readonly gapMs: number
}

const NOT = -1
const ALL = -2
const ANY = -3
const HELD = -4

/** `isNegated`: the worst case is that the condition does not hold. */
function compile(condition: Condition, context: Context, isNegated: boolean): void {
  if ('not' in condition) {
    compile(condition.not, context, !isNegated)
    context.program.push(NOT)
  } else if ('held' in condition) {
    const held = context.helds++
    compile(condition.held, context, isNegated)
    context.program.push(HELD, held, condition.forMs)
  } else if ('all' in condition || 'any' in condition) {
    const parts = 'all' in condition ? condition.all : condition.any
    for (const part of parts) compile(part, context, isNegated)
    context.program.push('all' in condition ? ALL : ANY, parts.length)
  } else {
    context.program.push(context.comparisons.length)
    context.comparisons.push(compileComparison(condition, context, isNegated))
  }
}

function compileComparison(comparison: Comparison, { layout, gapMs, isWorstCase }: Context, isNegated: boolean): CompiledComparison {
  const { value: bound, rateOverMs = 0, meanOverMs = 0, exposureOverMs = 0 } = comparison
  const sumOverMs = meanOverMs + exposureOverMs
  const towards = comparison.op.startsWith('>') ? 1 : comparison.op.startsWith('<') ? -1 : 0
  return {
    words: `${comparisonLeft(comparison)} ${comparison.op} ${bound} ${UNITS[comparison.unit].label}`.trim(),
    unit: comparison.unit,
    column: columnOf(comparison.channel, layout),
    minus: comparison.minus === undefined ? -1 : columnOf(comparison.minus, layout),
    // What goes into a sum over time is the mean of the sample period.
    extreme: isWorstCase && sumOverMs === 0 ? (isNegated ? -towards : towards) : 0,
    minimum: layout.indexOf.get(`${comparison.channel}_min`) ?? -1,
    minusMinimum: layout.indexOf.get(`${comparison.minus}_min`) ?? -1,
    op: OPERATORS.indexOf(comparison.op),
    bound,
    clearBound: comparison.clearValue ?? bound,
    isNegated,
    rateOverMs,
    sumOverMs,
    isMean: meanOverMs > 0,
    gapMs: gapMs + rateOverMs / SAMPLES_MAX,
  }
}

const isMemoryless = ({ rateOverMs, sumOverMs, isNegated, bound, clearBound }: CompiledComparison): boolean =>
  rateOverMs === 0 && sumOverMs === 0 && (!isNegated || bound === clearBound)

/** What decides a condition that is one list of comparisons of plain values, UNKNOWN for one that is more. */
function decidingOf(program: readonly number[], comparisons: readonly CompiledComparison[]): Answer {
  const count = comparisons.length
  if (comparisons.some(({ rateOverMs, sumOverMs }) => rateOverMs > 0 || sumOverMs > 0)) return UNKNOWN
  if (count === 1 && program.length === 1) return FAILS
  const [code, parts] = program.slice(count)
  const isList = program.length === count + 2 && parts === count && program.every((value, at) => at >= count || value === at)
  return !isList ? UNKNOWN : code === ALL ? FAILS : code === ANY ? HOLDS : UNKNOWN
}

/** The same as `run` for such a list. Hot: most rules are of this kind. */
function runPlain(
  comparisons: readonly CompiledComparison[],
  deciding: Answer,
  numbers: Float64Array,
  { latches, leaving }: ConditionMemory,
): Answer {
  let result: Answer = deciding === FAILS ? HOLDS : FAILS
  for (let index = 0; index < comparisons.length; index++) {
    const comparison = comparisons[index]
    if (comparison === undefined) break
    const value = differenceOf(comparison, numbers)
    if (Number.isNaN(value)) {
      if (result !== deciding) result = UNKNOWN
      continue
    }
    const isHeld = latches[index] === true
    const answer = holds(comparison.op, value, isHeld && index < leaving ? comparison.clearBound : comparison.bound)
    if (answer !== isHeld) latches[index] = answer
    if (answer === (deciding === HOLDS)) result = deciding
  }
  return result
}

/** Answers of the parts that stand open; conditions are evaluated one after the other, so they share it. */
const open: Answer[] = []

/**
 * Runs the program. Every part runs, for its memory. Hot: a loop over data, for a chain of closures of as many shapes as there are rules
 * costs three times as much.
 */
function run(program: readonly number[], comparisons: readonly CompiledComparison[], reading: Seen): Answer {
  let depth = 0
  for (let at = 0; at < program.length; at++) {
    const code = program[at] ?? NOT
    // An index below zero would be looked up as a name, slowly.
    const comparison = code < 0 ? undefined : comparisons[code]
    if (comparison !== undefined) open[depth++] = compare(comparison, code, reading)
    else if (code === NOT) {
      const answer = open[depth - 1]
      open[depth - 1] = answer === UNKNOWN ? UNKNOWN : answer === HOLDS ? FAILS : HOLDS
    } else if (code === HELD) {
      const samples = reading.memory.samples[comparisons.length + (program[++at] ?? 0)]
      open[depth - 1] = hasHeld(samples ?? [], open[depth - 1] ?? UNKNOWN, { atMs: reading.atMs, gapMs: reading.gapMs, forMs: program[++at] ?? 0 })
    } else {
      const parts = program[++at] ?? 0
      depth -= parts
      open[depth] = combine(depth, parts, code === ALL ? FAILS : HOLDS)
      depth++
    }
  }
  return open[0] ?? UNKNOWN
}

/** The program by the bounds for leaving and without memory. */
function runWithin(program: readonly number[], comparisons: readonly CompiledComparison[], numbers: Float64Array): boolean {
  let depth = 0
  for (let at = 0; at < program.length; at++) {
    const code = program[at] ?? NOT
    const comparison = code < 0 ? undefined : comparisons[code]
    if (comparison !== undefined) open[depth++] = isWithin(comparison, numbers) ? HOLDS : FAILS
    else if (code === ALL || code === ANY) {
      const parts = program[++at] ?? 0
      depth -= parts
      open[depth] = combine(depth, parts, code === ALL ? FAILS : HOLDS)
      depth++
    } else {
      open[depth - 1] = FAILS
      if (code === HELD) at += 2
    }
  }
  return open[0] === HOLDS
}

function isWithin(comparison: CompiledComparison, numbers: Float64Array): boolean {
  const value = differenceOf(comparison, numbers)
  const isPlain = comparison.rateOverMs === 0 && comparison.sumOverMs === 0
  return isPlain && !Number.isNaN(value) && holds(comparison.op, value, comparison.clearBound)
}

/** `deciding` by any part decides; otherwise unknown when a part is; otherwise the other answer. */
function combine(from: number, parts: number, deciding: typeof FAILS | typeof HOLDS): Answer {
  let result: Answer = deciding === FAILS ? HOLDS : FAILS
  for (let part = from; part < from + parts; part++) {
    const answer = open[part]
    if (answer === deciding) return deciding
    if (answer === UNKNOWN) result = UNKNOWN
  }
  return result
}

/** What a condition is asked about. */
interface Seen {
  numbers: Float64Array
  atMs: number
  memory: ConditionMemory
  gapMs: number
}

/** The one in hand, made once: a half makes room for any number. */
const seen: Seen = { numbers: new Float64Array(0), atMs: 0.5, memory: { latches: [], leaving: 0, samples: [] }, gapMs: 0.5 }

/** Keeps [begin, last time] of a part that holds; answers whether it has held for its time. Unknown lets the hold stand. */
function hasHeld(samples: number[], answer: Answer, { atMs, gapMs, forMs }: Pick<Seen, 'atMs' | 'gapMs'> & { readonly forMs: number }): Answer {
  const knownMs = samples[1]
  if (knownMs !== undefined && (atMs - knownMs > gapMs || atMs < knownMs)) samples.length = 0
  if (answer === FAILS) samples.length = 0
  if (answer !== HOLDS) return answer
  if (samples.length === 0) samples.push(atMs)
  samples[1] = atMs
  return atMs - (samples[0] ?? atMs) >= forMs ? HOLDS : FAILS
}

function compare(comparison: CompiledComparison, index: number, { numbers, atMs, memory }: Readonly<Seen>): Answer {
  let value = differenceOf(comparison, numbers)
  if (Number.isNaN(value)) return UNKNOWN
  const { rateOverMs, sumOverMs } = comparison
  if (sumOverMs > 0) {
    const samples = memory.samples[index]
    assert(samples !== undefined, 'the memory belongs to this condition')
    integrate(samples, { value, atMs, spanMs: sumOverMs, gapMs: comparison.gapMs })
    value = integralOf(samples, sumOverMs, comparison.isMean)
    if (Number.isNaN(value)) return UNKNOWN
  }
  if (rateOverMs > 0) {
    const samples = memory.samples[index]
    assert(samples !== undefined, 'the memory belongs to this condition')
    forgetOverGap(samples, atMs, comparison.gapMs)
    const rate = rateOf(samples, value, atMs, rateOverMs)
    remember(samples, value, atMs, rateOverMs)
    if (Number.isNaN(rate)) return UNKNOWN
    value = rate
  }
  const isLeaving = memory.latches[index] === true && (index < memory.leaving || comparison.isNegated)
  const answer = holds(comparison.op, value, isLeaving ? comparison.clearBound : comparison.bound)
  memory.latches[index] = answer
  return answer ? HOLDS : FAILS
}

/** Operators by the number under which a comparison has them. */
const OPERATORS: ReadonlyArray<Comparison['op']> = ['>', '>=', '<', '<=', '==', '!=']

function holds(op: number, value: number, bound: number): boolean {
  if (op === 0) return value > bound
  if (op === 1) return value >= bound
  if (op === 2) return value < bound
  if (op === 3) return value <= bound
  return op === 4 ? value === bound : value !== bound
}

function columnOf(name: string, layout: ReadingLayout): number {
  const column = layout.indexOf.get(name)
  assert(column !== undefined, `column ${name} of ${layout.type} was checked`)
  return column
}

/** Six significant digits are more than any sensor has. */
const round = (value: number): number => Number(value.toPrecision(6))
