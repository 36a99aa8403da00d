/**
 * Compiles the rules of an appliance type that an engine runs: checks all rules of the type, then turns the chosen ones into
 * closures over the columns of its readings. Done once per type.
 */
import { type ApplianceType, type Rule, readingLayout } from '#catalogue/appliance-type.ts'
import type { SafetyClass } from '#kernel/alarm.ts'
import { MendlineError } from '#kernel/errors.ts'
import { checkRules } from './check-rules.ts'
import { type CompiledCondition, compileCondition } from './compile-condition.ts'

export interface CompiledRule {
  readonly rule: Rule
  readonly condition: CompiledCondition
  /** Is asked about late readings, too, with a state of its own for them. */
  readonly isAskedLate: boolean
  /** What it answers to late readings is kept for a while, since it has a hold time and needs nothing but the reading. */
  readonly isLogged: boolean
  /** Sees only values of channels that are to be trusted; safety rules, and those that judge a sensor, see all. */
  readonly obeysGates: boolean
  readonly isSafety: boolean
  /** Which level of the rule before it this is, from 1 on; 0 for a rule itself. Levels stand behind their rule. */
  readonly level: number
  /** Of a level, how many of its comparisons, from the first on, are those of its rule. */
  readonly ofRule: number
}

/** Whether a rule speaks of life or property; the filter of the engine that stands apart from the models. */
export const isSafetyRule = (rule: { readonly safetyClass: SafetyClass }): boolean => rule.safetyClass === 'E0' || rule.safetyClass === 'E1'

/**
 * Compiles the rules of `type` that `filter` chooses.
 * @throws MendlineError MDL_CONFIG_INVALID when any rule of the type fails its check
 */
export function compileRules(type: ApplianceType, filter: (rule: Rule) => boolean): CompiledRule[] {
  const faults = checkRules(type)
  if (faults.length > 0)
    throw new MendlineError('MDL_CONFIG_INVALID', `the rules of ${type.id} have faults: ${faults.join('; ')}`, { details: { faults } })
  const layout = readingLayout(type)
  return type.rules.filter(filter).flatMap((rule) => {
    const base = compileOne(rule, { level: 0, ofRule: 0 }, layout)
    const ofRule = base.condition.comparisons
    return [base, ...levelsOf(rule).map((own, index) => compileOne(own, { level: index + 1, ofRule }, layout))]
  })
}

function compileOne(rule: Rule, { level, ofRule }: Pick<CompiledRule, 'level' | 'ofRule'>, layout: ReturnType<typeof readingLayout>): CompiledRule {
  const condition = compileCondition(rule.when, layout, { gapMs: rule.gapMs_MAX, isWorstCase: isSafetyRule(rule) })
  const isAskedLate = isSafetyRule(rule) && level === 0
  return {
    rule,
    condition,
    isAskedLate,
    isLogged: isAskedLate && condition.isMemoryless && rule.holdMs > 0,
    obeysGates: !isSafetyRule(rule) && rule.judgesSensor !== true,
    isSafety: isSafetyRule(rule),
    level,
    ofRule,
  }
}

/** Each level is decided as a rule is: its condition is that of the rule and the worse bound, its hold the time that the alarm has stood. */
const levelsOf = (rule: Rule): Rule[] =>
  (rule.levels ?? []).map(({ safetyClass, afterMs, when, holdMs, clearHoldMs }, index) => ({
    ...rule,
    id: `${rule.id}#${index + 1}`,
    safetyClass,
    when: when === undefined ? rule.when : { all: [rule.when, when] },
    holdMs: Math.max(holdMs, afterMs === undefined ? 0 : rule.holdMs + afterMs),
    clearHoldMs,
  }))
