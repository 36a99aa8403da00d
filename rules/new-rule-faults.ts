/**
 * What is refused of a rule that comes in, beyond what makes a rule one: conditions that are always the same answer, times that no clock of a
 * device tells apart, and a danger of the catalogue under a milder class. Not asked of saved versions, which go on as they are: a rule in force must not fall away with an upgrade.
 */
import type { ApplianceType, Condition, Rule } from '#catalogue/appliance-type.ts'
import { isSafetyRule } from './compile-rules.ts'

interface Fault {
  readonly field: string
  readonly reason: string
}

/** Gaps below it break every hold of a device that reports each second. */
const GAP_MS_MIN = 1_000

export function newRuleFaults(rule: Rule, type: Pick<ApplianceType, 'faults'>): Fault[] {
  const { when, holdMs, clearHoldMs, gapMs_MAX, levels = [] } = rule
  const times = { hold_ms: holdMs, clear_hold_ms: clearHoldMs, gap_ms_max: gapMs_MAX }
  const uneven = Object.entries(times).flatMap(([field, ms]) => wholeFault(field, ms))
  const narrow =
    gapMs_MAX > 0 && gapMs_MAX < GAP_MS_MIN ? [{ field: 'gap_ms_max', reason: `must be at least ${GAP_MS_MIN}: no device reports oftener` }] : []
  const ofLevels = levels.flatMap(({ when: worse, afterMs = 0, ...level }, index) => [
    ...Object.entries({ after_ms: afterMs, hold_ms: level.holdMs, clear_hold_ms: level.clearHoldMs }).flatMap(([field, ms]) =>
      wholeFault(`levels[${index}].${field}`, ms),
    ),
    ...(worse === undefined ? [] : conditionFaults(worse, `levels[${index}].when`)),
  ])
  return [...uneven, ...narrow, ...classFaults(rule, type), ...conditionFaults(when, 'when'), ...ofLevels]
}

/** A fault that the catalogue calls a danger has advice, steps and a call of its own, which an alarm of a milder class would never set going. */
function classFaults(rule: Rule, { faults }: Pick<ApplianceType, 'faults'>): Fault[] {
  const named = faults.find(({ code }) => code === rule.fault)
  if (named === undefined || !isSafetyRule(named) || isSafetyRule(rule)) return []
  const reason = `fault ${named.code} is of class ${named.safetyClass}: a rule that names it is of class E0 or E1, or names another fault or none`
  return [{ field: 'safety_class', reason }]
}

const wholeFault = (field: string, ms: number): Fault[] => (Number.isInteger(ms) ? [] : [{ field, reason: 'must be whole milliseconds' }])

function conditionFaults(condition: Condition, field: string): Fault[] {
  if ('all' in condition) return condition.all.flatMap((part, index) => conditionFaults(part, `${field}.all[${index}]`))
  if ('any' in condition) return condition.any.flatMap((part, index) => conditionFaults(part, `${field}.any[${index}]`))
  if ('not' in condition) return conditionFaults(condition.not, `${field}.not`)
  if ('held' in condition) return [...wholeFault(`${field}.for_ms`, condition.forMs), ...conditionFaults(condition.held, `${field}.held`)]
  const { channel, minus, rateOverMs = 0, meanOverMs = 0, exposureOverMs = 0 } = condition
  return [
    ...(minus === channel ? [{ field: `${field}.minus`, reason: 'is the channel itself: the difference is always 0' }] : []),
    ...Object.entries({ rate_over_ms: rateOverMs, mean_over_ms: meanOverMs, exposure_over_ms: exposureOverMs }).flatMap(([name, ms]) =>
      wholeFault(`${field}.${name}`, ms),
    ),
  ]
}
