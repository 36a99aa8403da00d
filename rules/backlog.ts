/**
 * What is known of a device that stores readings and sends them later, in pieces, twice or in any order: when it spoke, and what each safety
 * rule answered then, also in order. Made with the first such reading, and dropped a day after the last. A condition that remembers nothing
 * answers the same in any order; a rate, a mean or a held part is known as far as its readings came in order.
 */
import type { Reading } from '#kernel/reading.ts'
import { type Answer, type CompiledCondition, type ConditionMemory, HOLDS, UNKNOWN } from './compile-condition.ts'
import type { CompiledRule } from './compile-rules.ts'
import { ANSWERS } from './fold-runs.ts'
import { appendRun, forgetBefore, notePoint } from './known-runs.ts'
import { type PackedRuleState, unpackRuleState } from './pack-rule-state.ts'
import { NEVER, type RuleState } from './rule-state.ts'

export interface Backlog {
  /** Device time up to which it is kept. */
  untilMs: number
  /** When the unit spoke. */
  readonly talk: number[]
  /** By the index of the rule; undefined for those that are not asked about late readings. */
  readonly rules: ReadonlyArray<KnownAnswers | undefined>
}

export interface KnownAnswers {
  readonly runs: number[]
  readonly memory: ConditionMemory
}

/** As plain data, by the key of the rule. Samples and latches are those of the memory. */
export interface PlainBacklog {
  readonly untilMs: number
  readonly talk: readonly number[]
  readonly rules: Readonly<Record<string, PlainAnswers>>
}

interface PlainAnswers {
  readonly runs: readonly number[]
  readonly samples: ReadonlyArray<readonly number[]>
  readonly latches: readonly boolean[]
}

const DAY_MS = 24 * 3_600_000
/** Kept before the last reading in order: a day of late readings, and the longest holds before it. */
const KEPT_MS = DAY_MS + 4 * 3_600_000
/** Longest distance of two things that a unit says that may be joined; rules ask for their own gaps. */
const TALK_GAP_MS = 3_600_000

/** Begins with what the rules know from readings in order. */
export function createBacklog(rules: readonly CompiledRule[], states: readonly RuleState[]): Backlog {
  return {
    untilMs: NEVER,
    talk: [],
    rules: rules.map(({ isAskedLate, condition }, index) => {
      const state = states[index]
      return isAskedLate && state !== undefined ? { runs: runsOf(state), memory: condition.createMemory() } : undefined
    }),
  }
}

/** Notes a reading, wherever in time; gives nothing of what it means. `lastMs` is the device's place in order. */
export function noteReading(
  backlog: Backlog,
  reading: Reading,
  { rules, lastMs }: { readonly rules: readonly CompiledRule[]; readonly lastMs: number },
): void {
  const { observed_at_ms: atMs, numbers } = reading
  notePoint(backlog.talk, { atMs, answer: ANSWERS.holds }, TALK_GAP_MS)
  forgetBefore(backlog.talk, lastMs - KEPT_MS)
  for (let index = 0; index < rules.length; index++) {
    const known = backlog.rules[index]
    const compiled = rules[index]
    if (known === undefined || compiled === undefined) continue
    const answer = answerAt(compiled.condition, numbers, atMs, known.memory)
    if (answer !== undefined) notePoint(known.runs, { atMs, answer }, compiled.rule.gapMs_MAX)
    forgetBefore(known.runs, lastMs - KEPT_MS)
  }
}

/** Keeps the backlog until a day behind the place in order. */
export function keepFrom(backlog: Backlog, lastMs: number): void {
  backlog.untilMs = Math.max(backlog.untilMs, lastMs + DAY_MS)
}

/** What the rule answers: whether it holds, holds only for an alarm that stands, or fails; undefined when the reading does not tell. */
function answerAt(condition: CompiledCondition, numbers: Float64Array, atMs: number, memory: ConditionMemory): number | undefined {
  memory.leaving = 0
  const answer: Answer = condition.evaluate(numbers, atMs, memory)
  if (answer === UNKNOWN) return undefined
  if (answer === HOLDS) return ANSWERS.holds
  // Of several that may hold alone nobody knows which would have to be left: a danger is rather told twice.
  if (!condition.isMemoryless || !condition.isLeftTogether) return ANSWERS.fails
  memory.latches.fill(true)
  memory.leaving = condition.comparisons
  return condition.evaluate(numbers, atMs, memory) === HOLDS ? ANSWERS.keeps : ANSWERS.fails
}

function runsOf({ brokenHold, beganMs, knownMs, raisedMs, ceasedMs }: RuleState): number[] {
  const runs: number[] = []
  if (brokenHold !== null) {
    const [fromMs, toMs, endedByMs] = brokenHold
    appendRun(runs, { fromMs, toMs, answer: ANSWERS.holds })
    // A gap ended it where the next hold began with the reading that did.
    if (endedByMs !== beganMs && endedByMs < (beganMs === NEVER ? knownMs : beganMs))
      appendRun(runs, { fromMs: endedByMs, toMs: endedByMs, answer: ANSWERS.fails })
  }
  const isCeasing = raisedMs !== NEVER && ceasedMs !== NEVER
  if (beganMs !== NEVER)
    appendRun(runs, { fromMs: beganMs, toMs: isCeasing ? Math.max(beganMs, ceasedMs - 1) : Math.max(beganMs, knownMs), answer: ANSWERS.holds })
  if (isCeasing && ceasedMs > beganMs) appendRun(runs, { fromMs: ceasedMs, toMs: Math.max(ceasedMs, knownMs), answer: ANSWERS.fails })
  if (beganMs === NEVER && knownMs !== NEVER) appendRun(runs, { fromMs: knownMs, toMs: knownMs, answer: ANSWERS.fails })
  return runs
}

/** `keyAt` gives the key of a rule by its index. */
export function packBacklog({ untilMs, talk, rules }: Backlog, keyAt: (index: number) => string): PlainBacklog {
  const plain: Record<string, PlainAnswers> = {}
  rules.forEach((known, index) => {
    if (known === undefined) return
    const { runs, memory } = known
    plain[keyAt(index)] = { runs: runs.slice(), samples: memory.samples.map((samples) => samples.slice()), latches: memory.latches.slice() }
  })
  return { untilMs, talk: talk.slice(), rules: plain }
}

/** Gives the backlog back for these rules; those that changed since begin anew. */
export function unpackBacklog(
  { untilMs, talk, rules: saved }: PlainBacklog,
  rules: readonly CompiledRule[],
  keyOf: (rule: CompiledRule) => string,
): Backlog {
  const known = rules.map((compiled) => {
    if (!compiled.isAskedLate) return undefined
    const own = saved[keyOf(compiled)]
    const memory = compiled.condition.createMemory()
    for (const [index, samples] of (own?.samples ?? []).entries()) memory.samples[index]?.push(...samples)
    for (const [index, latch] of (own?.latches ?? []).entries()) memory.latches[index] = latch
    return { runs: [...(own?.runs ?? [])], memory }
  })
  return { untilMs, talk: [...talk], rules: known }
}

/** What versions before saved: of each rule the hold of the last backlog, which came in order. */
export function backlogOfBefore(
  late: { readonly lastMs: number; readonly rules: Readonly<Record<string, PackedRuleState | RuleState>> },
  rules: readonly CompiledRule[],
  keyOf: (rule: CompiledRule) => string,
): Backlog {
  const known = rules.map((compiled) => {
    if (!compiled.isAskedLate) return undefined
    const memory = compiled.condition.createMemory()
    const { beganMs, knownMs } = unpackRuleState(late.rules[keyOf(compiled)], memory)
    const runs: number[] = []
    if (beganMs !== NEVER) appendRun(runs, { fromMs: beganMs, toMs: Math.max(beganMs, knownMs), answer: ANSWERS.holds })
    return { runs, memory: compiled.condition.createMemory() }
  })
  return { untilMs: late.lastMs + DAY_MS, talk: [], rules: known }
}
