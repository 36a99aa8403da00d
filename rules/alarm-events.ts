/** Makes alarms of rules and the events of them; ids are made of content, so a replay tells the same. */
import type { Rule } from '#catalogue/appliance-type.ts'
import type { Alarm, AlarmEvidence } from '#kernel/alarm.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { contentId } from '#kernel/ids.ts'
import type { Reading } from '#kernel/reading.ts'

/** The alarm of a rule that began and was raised at these device times. */
export function makeAlarm(
  reading: Pick<Reading, 'tenant' | 'device' | 'type' | 'received_at_ms'> & Partial<Pick<Reading, 'hist'>>,
  rule: Rule,
  at: { beganMs: number; raisedMs: number; evidence: AlarmEvidence[] },
): Alarm {
  const { tenant, device, type } = reading
  return {
    alarm_id: contentId('alarm', tenant, device, rule.id, at.beganMs),
    tenant,
    device,
    type,
    rule: rule.id,
    rule_version: rule.version,
    safety_class: rule.safetyClass,
    fault: rule.fault,
    title: rule.title.en,
    began_at_ms: at.beganMs,
    raised_at_ms: at.raisedMs,
    received_at_ms: reading.received_at_ms,
    cleared_at_ms: null,
    evidence: at.evidence,
    ...(reading.hist === true && { hist: true }),
  }
}

export type AlarmEvent = Extract<HubEvent, { kind: 'alarm_raised' | 'alarm_cleared' }>

export const raised = (alarm: Alarm): AlarmEvent => ({ kind: 'alarm_raised', key: `alarm_raised:${alarm.alarm_id}`, alarm })
export const cleared = (alarm: Alarm, clearedMs: number): HubEvent => ({
  kind: 'alarm_cleared',
  key: `alarm_cleared:${alarm.alarm_id}`,
  alarm: { ...alarm, cleared_at_ms: clearedMs },
})

/** An alarm that is raised when a level of it is reached already has its class at once. */
export const withClass = (event: AlarmEvent, safety_class: Rule['safetyClass']): AlarmEvent => ({ ...event, alarm: { ...event.alarm, safety_class } })
