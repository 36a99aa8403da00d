/**
 * Which faults are those of a sensor, and which sensors a rule that judges sensors speaks of. A fault says by itself that it is of a sensor
 * (`isOfSensor`); what states, identities and sensor rules name is held to say so by `checkQuality`.
 */
import type { ApplianceType, Rule } from './appliance-type.ts'
import { leavesOf } from './check-condition.ts'

/** Whether a fault of the catalogue is one of a sensor; false for what it does not know. */
export const isFaultOfSensor = (type: Pick<ApplianceType, 'faults'>, code: string | null): boolean =>
  type.faults.some((fault) => fault.code === code && fault.isOfSensor === true)

/**
 * Sensors that a rule with `judgesSensor` holds against each other or watches for movement, without the channels that only say when; all
 * channels of a condition that does neither. Empty for other rules.
 */
export function judgedSensors({ when, judgesSensor }: Pick<Rule, 'when' | 'judgesSensor'>): readonly string[] {
  if (judgesSensor !== true) return []
  const leaves = leavesOf(when)
  const telling = leaves.filter(({ minus, rateOverMs }) => minus !== undefined || rateOverMs !== undefined)
  const judged = (telling.length > 0 ? telling : leaves).flatMap(({ channel, minus }) => (minus === undefined ? [channel] : [channel, minus]))
  return [...new Set(judged)]
}
