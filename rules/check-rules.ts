/**
 * Checks the rules of an appliance type against its channels before any of them runs: every channel exists and is a number or a
 * claim, every unit is the one that the comparison has, every bound can be met. Faults are returned as sentences, all at once;
 * an engine refuses a type that has any.
 */
import type { ApplianceType, Channel, Condition, Rule } from '#catalogue/appliance-type.ts'
import type { Unit } from '#kernel/units.ts'

type Comparison = Extract<Condition, { channel: string }>

/** What the check needs of a type. */
export type RuledType = Pick<ApplianceType, 'id' | 'channels' | 'rules' | 'faults'>

/** Faults of the rules of `type` as sentences that name rule and channel; empty when all is well. */
export function checkRules(type: RuledType): string[] {
  const seen = new Set<string>()
  return type.rules.flatMap((rule) => {
    const faults = [...checkRule(rule, type), ...checkCondition(rule.when, type).map((fault) => `rule ${rule.id}: ${fault}`)]
    if (seen.has(rule.id)) faults.push(`rule ${rule.id}: the id is used twice`)
    seen.add(rule.id)
    return faults
  })
}

function checkRule(rule: Rule, type: RuledType): string[] {
  const faults: string[] = []
  const say = (text: string) => faults.push(`rule ${rule.id}: ${text}`)
  if (!Number.isInteger(rule.version) || rule.version < 1) say('version must be a positive integer')
  for (const field of ['holdMs', 'clearHoldMs'] as const) {
    if (!(Number.isFinite(rule[field]) && rule[field] >= 0)) say(`${field} must be zero or more milliseconds`)
    else if (rule[field] > SPAN_MS_MAX) say(`${field} must be at most ${SPAN_MS_MAX} (seven days): an alarm that waits longer is none`)
  }
  if (!(rule.gapMs_MAX > 0)) say('gapMs_MAX must be above zero')
  else if (rule.gapMs_MAX > SPAN_MS_MAX) say(`gapMs_MAX must be at most ${SPAN_MS_MAX} (seven days)`)
  if (rule.fault !== null && !type.faults.some((fault) => fault.code === rule.fault)) say(`fault ${rule.fault} is not in the catalogue of ${type.id}`)
  let before = rule.safetyClass
  for (const [index, level] of (rule.levels ?? []).entries()) {
    const { safetyClass, afterMs, when } = level
    if (safetyClass >= before) say(`level ${index + 1} must be graver than ${before}`)
    if (safetyClass <= 'E1' && rule.safetyClass > 'E1') say(`level ${index + 1}: a rule that is decided beside the models does not become a danger`)
    if (afterMs === undefined && when === undefined) say(`level ${index + 1} needs a time or a condition`)
    for (const span of [afterMs ?? 0, level.holdMs, level.clearHoldMs])
      if (!(Number.isFinite(span) && span >= 0)) say(`level ${index + 1}: times must be zero or more`)
      else if (span > SPAN_MS_MAX) say(`level ${index + 1}: times must be at most ${SPAN_MS_MAX} (seven days)`)
    if (when !== undefined) for (const fault of checkCondition(when, type)) say(`level ${index + 1}: ${fault}`)
    before = safetyClass
  }
  return faults
}

function checkCondition(condition: Condition, type: RuledType): string[] {
  if ('all' in condition) return checkList('all', condition.all, type)
  if ('any' in condition) return checkList('any', condition.any, type)
  if ('not' in condition) return checkCondition(condition.not, type)
  if ('held' in condition) {
    const faults = checkCondition(condition.held, type)
    return condition.forMs > 0 && condition.forMs <= SPAN_MS_MAX ? faults : [...faults, `"held" needs forMs above zero and at most ${SPAN_MS_MAX}`]
  }
  return comparisonFaults(condition, type)
}

function checkList(name: string, list: readonly Condition[], type: RuledType): string[] {
  if (list.length === 0) return [`"${name}" of nothing is always the same answer`]
  return list.flatMap((condition) => checkCondition(condition, type))
}

/** Faults of one comparison. */
export function comparisonFaults(comparison: Comparison, type: RuledType): string[] {
  const faults: string[] = []
  const names = comparison.minus === undefined ? [comparison.channel] : [comparison.channel, comparison.minus]
  const channels = names.map((name) => findChannel(name, type))
  names.forEach((name, index) => {
    const channel = channels[index]
    if (channel === undefined) faults.push(`${type.id} has no channel ${name}`)
    else if (channel.kind === 'text') faults.push(`${name} is text and cannot be compared with a number`)
  })
  const [first, second] = channels
  if (faults.length > 0 || first === undefined) return faults
  if (second !== undefined && second.unit !== first.unit) return [`${names.join(' - ')} mixes ${first.unit} and ${second.unit}`]
  const unit = unitOfComparison(comparison, first.unit)
  if (unit === undefined) return [`${comparisonLeft(comparison)} has no unit in the list: it is made of ${first.unit}`]
  if (unit !== comparison.unit) faults.push(`${comparisonLeft(comparison)} is in ${unit}, not in ${comparison.unit}`)
  return [...faults, ...checkBounds(comparison, first)]
}

function checkBounds(comparison: Comparison, channel: Channel): string[] {
  const faults: string[] = []
  const { op, value, clearValue, rateOverMs } = comparison
  if (!Number.isFinite(value)) faults.push(`${comparison.channel}: the value must be finite`)
  const spans = SPANS.filter((name) => comparison[name] !== undefined)
  for (const name of spans) {
    const span = comparison[name] ?? 0
    if (!(span > 0 && span <= SPAN_MS_MAX)) faults.push(`${comparison.channel}: ${name} must be above zero and at most ${SPAN_MS_MAX}`)
  }
  if (spans.length > 1) faults.push(`${comparison.channel}: ${spans.join(' and ')} exclude each other`)
  if (clearValue !== undefined) {
    if (op === '==' || op === '!=') faults.push(`${comparison.channel}: hysteresis needs an order, not ${op}`)
    else if (op.startsWith('>') ? clearValue > value : clearValue < value)
      faults.push(`${comparison.channel}: clearValue ${clearValue} lies on the alarm's side of ${value}`)
  }
  const isPlain = comparison.minus === undefined && comparison.exposureOverMs === undefined && rateOverMs === undefined
  if (isPlain && (value < channel.min || value > channel.max))
    faults.push(`${comparison.channel}: ${value} lies outside the range ${channel.min} to ${channel.max}`)
  return faults
}

const SPANS = ['rateOverMs', 'meanOverMs', 'exposureOverMs'] as const

/** Longest span of a rate, a mean or an exposure: a week of samples is what a state may have to remember. */
const SPAN_MS_MAX = 7 * 24 * 3_600_000

/** Unit of what is compared: a difference of two `c` is `k`, a rate of `c` or `k` is `k_per_min`, an exposure to `ppm` is `ppm_min`; undefined when there is none. */
function unitOfComparison(comparison: Comparison, unit: Unit): Unit | undefined {
  if (comparison.rateOverMs !== undefined) return unit === 'c' || unit === 'k' ? 'k_per_min' : undefined
  if (comparison.exposureOverMs !== undefined) return unit === 'ppm' ? 'ppm_min' : undefined
  return comparison.minus !== undefined && unit === 'c' ? 'k' : unit
}

/** What stands left of the operator, in words. */
export function comparisonLeft(comparison: Comparison): string {
  const value = comparison.minus === undefined ? comparison.channel : `${comparison.channel} - ${comparison.minus}`
  const { rateOverMs, meanOverMs, exposureOverMs } = comparison
  if (rateOverMs !== undefined) return `rate of ${value} over ${rateOverMs / 60_000} min`
  if (meanOverMs !== undefined) return `mean of ${value} over ${meanOverMs / 60_000} min`
  return exposureOverMs === undefined ? value : `exposure to ${value} over ${exposureOverMs / 60_000} min`
}

/** The channel of a column name: the channel itself, or the aggregated one whose `_min` or `_max` it is. */
function findChannel(name: string, type: RuledType): Channel | undefined {
  return (
    type.channels.find((channel) => channel.name === name) ??
    type.channels.find((channel) => channel.isAggregated && (name === `${channel.name}_min` || name === `${channel.name}_max`))
  )
}
