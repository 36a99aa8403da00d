/** Whether an active test may run on what a unit said last, and what its readings answer. Pure; a guard that cannot be judged does not hold. */
import type { ActiveTest, Condition, TestAnswer } from '#catalogue/appliance-type.ts'

/** A value that a unit said last. */
export interface SaidValue {
  readonly channel: string
  readonly value: number | boolean | string
  /** Device time. */
  readonly observed_at_ms: number
}

/** A value older than this says nothing of the unit's present state (chosen: three usual sample periods). */
export const SAID_MS_MAX = 15 * 60_000

/** Why a test may not run now; undefined = every guard holds. */
export function brokenGuard({ guards }: Pick<ActiveTest, 'guards'>, said: readonly SaidValue[], nowMs: number): string | undefined {
  const known = new Map(said.filter(({ observed_at_ms }) => nowMs - observed_at_ms <= SAID_MS_MAX).map((one) => [one.channel, Number(one.value)]))
  const broken = guards.find((guard) => !holds(guard, known))
  return broken === undefined ? undefined : `${describe(broken)} does not hold`
}

function holds(condition: Condition, known: ReadonlyMap<string, number>): boolean {
  if ('all' in condition) return condition.all.every((part) => holds(part, known))
  if ('any' in condition) return condition.any.some((part) => holds(part, known))
  // Time and absence cannot be told from one look.
  if (!('channel' in condition) || condition.rateOverMs !== undefined || condition.meanOverMs !== undefined || condition.exposureOverMs !== undefined)
    return false
  const value = known.get(condition.channel)
  const minus = condition.minus === undefined ? 0 : known.get(condition.minus)
  if (value === undefined || minus === undefined || Number.isNaN(value - minus)) return false
  return compare(value - minus, condition.op, condition.value)
}

function compare(value: number, op: '>' | '>=' | '<' | '<=' | '==' | '!=', bound: number): boolean {
  switch (op) {
    case '>':
      return value > bound
    case '>=':
      return value >= bound
    case '<':
      return value < bound
    case '<=':
      return value <= bound
    case '==':
      return value === bound
    case '!=':
      return value !== bound
  }
}

const describe = (condition: Condition): string =>
  'channel' in condition
    ? `${condition.channel}${condition.minus === undefined ? '' : ` - ${condition.minus}`} ${condition.op} ${condition.value}`
    : JSON.stringify(condition)

/** The figure that a test reads, and what it says; undefined when there are too few readings or none of the answers fits. */
export function answerOf(
  { reads, answers }: Pick<ActiveTest, 'reads' | 'answers'>,
  values: readonly number[],
): { readonly value: number; readonly answer: TestAnswer } | undefined {
  const value = figureOf(reads.as, values)
  const answer = value === undefined ? undefined : answers.find(({ op, value: bound }) => compare(value, op, bound))
  return value === undefined || answer === undefined ? undefined : { value, answer }
}

function figureOf(as: ActiveTest['reads']['as'], values: readonly number[]): number | undefined {
  const [first] = values
  const last = values.at(-1)
  if (first === undefined || last === undefined) return undefined
  if (as === 'last') return last
  if (as === 'mean') return values.reduce((sum, value) => sum + value, 0) / values.length
  if (values.length < 2) return undefined
  return as === 'change' ? last - first : Math.max(...values) - Math.min(...values)
}
