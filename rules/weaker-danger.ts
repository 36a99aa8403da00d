/**
 * Whether a version of a rule for danger (E0, E1) warns less than another one: later, of less, or as something milder. It does not when
 * whatever made the one raise makes the other raise, too, no later and as grave. That is judged by the form of the conditions
 * alone; what cannot be judged so counts as weaker, with the field and the reason, since nobody could answer for it.
 */
import type { Condition, Rule } from '#catalogue/appliance-type.ts'
import { isSafetyRule } from './compile-rules.ts'
import type { FieldFault } from './rule-document.ts'

type Comparison = Extract<Condition, { channel: string }>
type Level = NonNullable<Rule['levels']>[number]

/** Fields in which `after` warns less than `before`, a rule of class E0 or E1; none for a milder one, which may become anything. */
export function weakerFaults(before: Rule, after: Rule): FieldFault[] {
  if (!isSafetyRule(before)) return []
  return [
    ...classFaults(before, after),
    ...(before.fault === after.fault
      ? []
      : [{ field: 'fault', reason: `must stay ${before.fault ?? 'none'}: what is done about a danger follows it` }]),
    ...timeFaults('', before, after),
    ...fewer('gap_ms_max', before.gapMs_MAX, after.gapMs_MAX, 'a shorter gap breaks holds'),
    ...orderFaults('', before, after),
    ...conditionFaults(before.when, after.when, 'when'),
    ...(before.levels ?? []).flatMap((level, index) => levelFaults(level, after.levels?.[index], `levels[${index}]`)),
  ]
}

/** A danger of class E0 that would become one of E1, or either that would become none. */
export const classFaults = (before: Pick<Rule, 'safetyClass'>, after: Pick<Rule, 'safetyClass'>): FieldFault[] =>
  isSafetyRule(before) && after.safetyClass > before.safetyClass
    ? [{ field: 'safety_class', reason: `must stay ${before.safetyClass} or become graver: a danger cannot become anything less` }]
    : []

type Times = Pick<Level, 'holdMs' | 'clearHoldMs'>

const timeFaults = (path: string, before: Times, after: Times): FieldFault[] => [
  ...more(`${path}hold_ms`, before.holdMs, after.holdMs, 'a longer hold warns later'),
  ...fewer(`${path}clear_hold_ms`, before.clearHoldMs, after.clearHoldMs, 'the alarm would be over sooner'),
]

const more = (field: string, before: number, after: number, why: string): FieldFault[] =>
  after > before ? [{ field, reason: `must be at most ${before}: ${why}` }] : []

const fewer = (field: string, before: number, after: number, why: string): FieldFault[] =>
  after < before ? [{ field, reason: `must be at least ${before}: ${why}` }] : []

const orderFaults = (path: string, before: Pick<Level, 'opensWorkOrder'>, after: Pick<Level, 'opensWorkOrder'>): FieldFault[] =>
  before.opensWorkOrder && !after.opensWorkOrder ? [{ field: `${path}opens_work_order`, reason: 'must stay true: nobody would come' }] : []

function levelFaults(before: Level, after: Level | undefined, field: string): FieldFault[] {
  if (after === undefined) return [{ field, reason: `is missing: the alarm would not become ${before.safetyClass}` }]
  const { afterMs = 0, when } = after
  return [
    ...(after.safetyClass > before.safetyClass
      ? [{ field: `${field}.safety_class`, reason: `must stay ${before.safetyClass} or become graver` }]
      : []),
    ...timeFaults(`${field}.`, before, after),
    ...more(`${field}.after_ms`, before.afterMs ?? 0, afterMs, 'the level would be reached later'),
    ...orderFaults(`${field}.`, before, after),
    ...(when === undefined
      ? []
      : before.when === undefined
        ? [{ field: `${field}.when`, reason: 'is one condition more: the level would be reached more seldom' }]
        : conditionFaults(before.when, when, `${field}.when`)),
  ]
}

/** Whether `after` holds wherever `before` does, as far as their form shows it. */
function implies(before: Condition, after: Condition): boolean {
  if ('any' in before) return before.any.every((part) => implies(part, after))
  if ('all' in after) return after.all.every((part) => implies(before, part))
  if ('any' in after && after.any.some((part) => implies(before, part))) return true
  if ('all' in before) return before.all.some((part) => implies(part, after))
  if ('held' in before && 'held' in after) return after.forMs <= before.forMs && implies(before.held, after.held)
  if ('held' in before) return implies(before.held, after)
  // The bounds for leaving of a negated part are those for entering it: only what is the same is known to be no weaker.
  if ('not' in before && 'not' in after) return implies(before.not, after.not) && implies(after.not, before.not)
  return 'channel' in before && 'channel' in after && comparisonFaults(before, after, '').length === 0
}

/** Why `after` need not hold where `before` does, by field; both go down side by side as long as they have one form. */
function conditionFaults(before: Condition, after: Condition, field: string): FieldFault[] {
  if (implies(before, after)) return []
  if ('channel' in before && 'channel' in after) return comparisonFaults(before, after, field)
  if ('all' in after) {
    const parts = 'all' in before ? before.all : [before]
    return after.all.flatMap((part, index) => {
      const own = parts[index]
      if (implies(before, part)) return []
      if (own === undefined) return [{ field: `${field}.all[${index}]`, reason: 'is one condition more: the rule would hold more seldom' }]
      return conditionFaults(own, part, `${field}.all[${index}]`)
    })
  }
  if ('any' in before) {
    const parts = 'any' in after ? after.any : [after]
    return before.any.flatMap((part, index) => {
      const own = parts[index]
      if (implies(part, after)) return []
      if (own === undefined) return [{ field: `${field}.any`, reason: `lacks a condition that the rule has: ${words(part)}` }]
      return conditionFaults(part, own, 'any' in after ? `${field}.any[${index}]` : field)
    })
  }
  if ('held' in before && 'held' in after)
    return [
      ...more(`${field}.for_ms`, before.forMs, after.forMs, 'it would hold later'),
      ...conditionFaults(before.held, after.held, `${field}.held`),
    ]
  return [{ field, reason: `cannot be compared with ${words(before)}: whether the rule warns less is not known` }]
}

function comparisonFaults(before: Comparison, after: Comparison, field: string): FieldFault[] {
  const isSame = SAME.every((name) => before[name] === after[name])
  const isUp = before.op.startsWith('>')
  const isOrder = isUp || before.op.startsWith('<')
  if (!isSame || after.op.slice(0, 1) !== before.op.slice(0, 1) || (!isOrder && (after.op !== before.op || after.value !== before.value)))
    return [{ field, reason: `cannot be compared with ${words(before)}: whether the rule warns less is not known` }]
  if (!isOrder) return []
  const isLess = (own: number, than: number): boolean => (isUp ? own > than : own < than)
  const most = isUp ? 'at most' : 'at least'
  const [leftBefore, leftAfter] = [before.clearValue ?? before.value, after.clearValue ?? after.value]
  const at = (name: string): string => `${field}.${name}`
  const faults: FieldFault[] = []
  if (isLess(after.value, before.value)) faults.push({ field: at('value'), reason: `must be ${most} ${before.value}: the rule would hold of less` })
  else if (after.value === before.value && before.op.length > after.op.length)
    faults.push({ field: at('op'), reason: `must stay ${before.op}: the bound itself would be no danger any more` })
  const hasLeaving = before.clearValue !== undefined || after.clearValue !== undefined
  if (hasLeaving && isLess(leftAfter, leftBefore))
    faults.push({ field: at('clear_value'), reason: `must be ${most} ${leftBefore}: the alarm would be over sooner` })
  return faults
}

const SAME = ['channel', 'minus', 'rateOverMs', 'meanOverMs', 'exposureOverMs', 'unit'] as const

function words(condition: Condition): string {
  if ('all' in condition) return `all of ${condition.all.map(words).join(', ')}`
  if ('any' in condition) return `any of ${condition.any.map(words).join(', ')}`
  if ('not' in condition) return `not ${words(condition.not)}`
  if ('held' in condition) return `${words(condition.held)} for ${condition.forMs} ms`
  return `${condition.minus === undefined ? condition.channel : `${condition.channel} - ${condition.minus}`} ${condition.op} ${condition.value}`
}

/** In which fields a version warns less than the catalogue's rule or, where it is another, than the one in force. */
export function weakerThanEither([plain, before]: readonly [Rule | undefined, Rule | undefined], rule: Rule): ReturnType<typeof weakerFaults> {
  const floor = plain === undefined ? [] : weakerFaults(plain, rule)
  return floor.length > 0 || before === undefined || before === plain ? floor : weakerFaults(before, rule)
}
