/**
 * Alarms that states of channels raise by themselves: a sensor that a safety rule needs and that is not to be trusted (the rule goes on
 * with what the sensor says, people must know), and a state that shows a fault of the catalogue. Ids are made of the state's key, so a
 * replay raises the same alarm.
 */
import type { ApplianceType, Condition } from '#catalogue/appliance-type.ts'
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import { CHANNEL_STATE_RULE, type ChannelState } from '#kernel/channel-state.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { contentId } from '#kernel/ids.ts'
import { unitOfName } from '#kernel/units.ts'
import { isSafetyRule } from './compile-rules.ts'

const NOTHING: readonly HubEvent[] = []

const STATE_WORDS: Readonly<Record<ChannelState['state'], string>> = {
  stuck: 'does not move',
  drift: 'departs from what physics demands',
  missing: 'has stopped to come',
  implausible: 'changes faster than physics allows, or lies out of range',
  unit_jump: 'has changed its scale with the firmware',
}

/** Events of the states that begin or end with a reading received at `receivedAtMs`. */
export function sensorAlarms(type: ApplianceType, changes: readonly ChannelState[], receivedAtMs: EpochMs): readonly HubEvent[] {
  if (changes.length === 0) return NOTHING
  return changes.flatMap((change): HubEvent[] => {
    const safetyClass = classOf(type, change.channel)
    const fault = faultOf(type, change)
    if (safetyClass === undefined && fault === null) return []
    const alarm = makeAlarm(change, { safetyClass: safetyClass ?? 'E3', fault }, receivedAtMs)
    const kind = change.end_ms === null ? 'alarm_raised' : 'alarm_cleared'
    return [{ kind, key: `${kind}:${alarm.alarm_id}`, alarm }]
  })
}

/** Class of the alarm of a channel that a safety rule needs; undefined for other channels. */
function classOf(type: ApplianceType, name: string): SafetyClass | undefined {
  if (!safetyChannels(type).has(name)) return undefined
  return type.channels.find((channel) => channel.name === name)?.quality?.alarmClass ?? 'E2'
}

const known = new WeakMap<ApplianceType, ReadonlySet<string>>()

function safetyChannels(type: ApplianceType): ReadonlySet<string> {
  let names = known.get(type)
  if (names === undefined) {
    const ofRules = type.rules.filter(isSafetyRule).flatMap(({ when }) => conditionChannels(when))
    names = new Set([...ofRules, ...type.channels.filter(({ isSafety }) => isSafety).map(({ name }) => name)])
    known.set(type, names)
  }
  return names
}

function conditionChannels(condition: Condition): readonly string[] {
  if ('all' in condition) return condition.all.flatMap(conditionChannels)
  if ('any' in condition) return condition.any.flatMap(conditionChannels)
  if ('not' in condition) return conditionChannels(condition.not)
  if ('held' in condition) return conditionChannels(condition.held)
  return condition.minus === undefined ? [condition.channel] : [condition.channel, condition.minus]
}

function faultOf(type: ApplianceType, { state, detail }: ChannelState): string | null {
  const identity = type.identities?.find(({ id }) => id === detail.identity)
  return identity?.fault ?? type.sensorFaults?.[state] ?? null
}

function makeAlarm(
  change: ChannelState,
  { safetyClass, fault }: { readonly safetyClass: SafetyClass; readonly fault: string | null },
  receivedAtMs: EpochMs,
): Alarm {
  const { tenant, device, type, channel, state, begin_ms, found_ms, end_ms, detail } = change
  const rule = `${CHANNEL_STATE_RULE}${state}:${channel}`
  return {
    alarm_id: contentId('alarm', tenant, device, rule, begin_ms),
    tenant,
    device,
    type,
    rule,
    rule_version: 1,
    safety_class: safetyClass,
    fault,
    title: `Sensor ${channel} ${STATE_WORDS[state]}`,
    began_at_ms: begin_ms,
    raised_at_ms: found_ms,
    received_at_ms: receivedAtMs,
    cleared_at_ms: end_ms,
    evidence: Object.entries(detail).map(([name, value]) => ({
      condition: `${channel} ${name}`,
      value,
      unit: name === 'value' || name === 'last_value' ? unitOfName(channel) : '',
    })),
  }
}
