/**
 * Channels of a type that rules for danger of a tenant ask for and the catalogue's own do not: sensors whose silence must be told though the
 * type does not call them safety channels, as none of a type of one's own can.
 */
import type { ApplianceType, Condition, Rule } from '#catalogue/appliance-type.ts'
import { isSafetyRule } from './compile-rules.ts'
import type { RuleActivation } from './rule-book.ts'

/**
 * Names of the channels and the class of their silence: E1 where a rule of class E0 asks, else E2. What came to be in force last counts. Of a
 * version of a catalogue's rule those that this one asks for are left out, since the type says which of them are safety channels.
 * @param activations those of one tenant
 */
export function channelsAskedFor(type: ApplianceType, activations: readonly RuleActivation[]): Map<string, 'E1' | 'E2'> {
  const latest = new Map<string, RuleActivation>()
  for (const activation of activations) {
    if (activation.type !== type.id) continue
    if ((latest.get(activation.rule_id)?.from_ms ?? Number.NEGATIVE_INFINITY) <= activation.from_ms) latest.set(activation.rule_id, activation)
  }
  const own = new Map(type.rules.filter(isSafetyRule).map((rule) => [rule.id, channelsOfRule(rule)]))
  const asked = new Map<string, 'E1' | 'E2'>()
  for (const { rule_id, live } of latest.values()) {
    if (live === null || !isSafetyRule(live)) continue
    for (const column of channelsOfRule(live)) {
      const channel =
        type.channels.find(({ name }) => name === column) ?? type.channels.find(({ name }) => EXTREMES.some((end) => name + end === column))
      if (channel === undefined || own.get(rule_id)?.includes(column) === true) continue
      if (asked.get(channel.name) !== 'E1') asked.set(channel.name, live.safetyClass === 'E0' ? 'E1' : 'E2')
    }
  }
  return asked
}

const EXTREMES = ['_min', '_max'] as const

const channelsOfRule = ({ when, levels }: Rule): readonly string[] =>
  [when, ...(levels ?? []).flatMap((level) => level.when ?? [])].flatMap(channelsOf)

function channelsOf(condition: Condition): readonly string[] {
  if ('all' in condition) return condition.all.flatMap(channelsOf)
  if ('any' in condition) return condition.any.flatMap(channelsOf)
  if ('not' in condition) return channelsOf(condition.not)
  if ('held' in condition) return channelsOf(condition.held)
  return condition.minus === undefined ? [condition.channel] : [condition.channel, condition.minus]
}
