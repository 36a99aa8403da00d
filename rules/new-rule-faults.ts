/**
 * What is refused of a rule that comes in, beyond what makes a rule one: conditions that are always the same answer, and times that no clock of a
 * device tells apart. Not asked of saved versions, which go on as they are: a rule in force must not fall away with an upgrade.
 */
import type { Condition, Rule } from '#catalogue/appliance-type.ts'

interface Fault {
  readonly field: string
  readonly reason: string
}

/** Gaps below it break every hold of a device that reports each second. */
const GAP_MS_MIN = 1_000

export function newRuleFaults({ when, holdMs, clearHoldMs, gapMs_MAX, levels = [] }: Rule): Fault[] {
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
  return [...uneven, ...narrow, ...conditionFaults(when, 'when'), ...ofLevels]
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
