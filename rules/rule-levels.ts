/**
 * Levels of a rule: the graver classes that its alarm takes on and steps down from. Each is decided like a rule of its own that stands behind its
 * rule in the list; here their answers become the class of the alarm, and what is known of a rule is put into words for those who ask why.
 */
import type { Rule } from '#catalogue/appliance-type.ts'
import type { AlarmEvidence } from '#kernel/alarm.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Reading } from '#kernel/reading.ts'
import { makeAlarm } from './alarm-events.ts'
import { type DeviceState, HISTORY_MS } from './device-states.ts'
import { endEpisode, NEVER } from './rule-state.ts'

/** Where a rule stands on a device. Times are device times, null for never. */
export interface Explanation {
  readonly rule_version: number
  readonly safety_class: string
  readonly hold_ms: number
  readonly began_at_ms: number | null
  readonly raised_at_ms: number | null
  readonly known_at_ms: number | null
  /** `holds` is null where nothing was known. */
  readonly conditions: ReadonlyArray<AlarmEvidence & { readonly holds: boolean | null }>
}

/** What shows that a level is reached or left, and since when: a reading, or the hold that the clock has completed. */
interface Witness extends Pick<Reading, 'tenant' | 'device' | 'type' | 'received_at_ms'>, Partial<Pick<Reading, 'hist'>> {
  /** Device time. */
  readonly at_ms: number
  readonly evidence: AlarmEvidence[]
}

/** A level of a rule is reached or left; the alarm of the rule, when it stands, takes on the gravest class that holds. */
export function moveLevel(
  witness: Witness,
  device: DeviceState,
  { index, change }: { index: number; change: 'raised' | 'cleared' },
): HubEvent | undefined {
  const own = device.set.rules[index]
  const state = device.rules[index]
  if (own === undefined || state === undefined) return undefined
  const at = index - own.level
  const base = device.set.rules[at]
  const baseState = device.rules[at]
  const before = classOf(device, at, change === 'cleared' ? -1 : index)
  const { at_ms, evidence } = witness
  if (change === 'cleared') endEpisode(state, at_ms)
  const after = classOf(device, at, -1)
  if (base === undefined || baseState === undefined || baseState.raisedMs === NEVER || before === after) return undefined
  // The alarm may have stood for days: how late the level is told of counts, not how old the alarm is.
  const hist = witness.hist === true && witness.received_at_ms - at_ms > HISTORY_MS
  const alarm = makeAlarm({ ...witness, hist }, base.rule, { beganMs: baseState.beganMs, raisedMs: baseState.raisedMs, evidence })
  return {
    kind: 'alarm_changed',
    key: `alarm_changed:${alarm.alarm_id}:${at_ms}:${after}`,
    alarm: { ...alarm, safety_class: after },
    from: before,
    at_ms,
  }
}

/** Gravest class of the rule at `at` and its levels that are reached, without the one at `but`. */
export function classOf(device: DeviceState, at: number, but: number): Rule['safetyClass'] {
  let gravest = device.set.rules[at]?.rule.safetyClass ?? 'E4'
  for (let index = at + 1; (device.set.rules[index]?.level ?? 0) > 0; index++) {
    const own = device.set.rules[index]?.rule.safetyClass ?? 'E4'
    if (index !== but && device.rules[index]?.raisedMs !== NEVER && own < gravest) gravest = own
  }
  return gravest
}

/** Where a rule of a device stands after the last reading; undefined when it does not hold for it. */
export function explain(reading: Reading, device: DeviceState, id: string): Explanation | undefined {
  const index = device.set.rules.findIndex(({ rule, level }) => rule.id === id && level === 0)
  const compiled = device.set.rules[index]
  const state = device.rules[index]
  if (compiled === undefined || state === undefined) return undefined
  const evidence = compiled.condition.evidence(reading.numbers, reading.observed_at_ms, state.memory)
  const at = (ms: number): number | null => (ms === NEVER ? null : ms)
  return {
    rule_version: compiled.rule.version,
    safety_class: classOf(device, index, -1),
    hold_ms: compiled.rule.holdMs,
    began_at_ms: at(state.beganMs),
    raised_at_ms: at(state.raisedMs),
    known_at_ms: at(state.knownMs),
    conditions: evidence.map((part, place) => ({ ...part, holds: part.value === null ? null : state.memory.latches[place] === true })),
  }
}
