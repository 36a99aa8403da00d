/** The alarm that a learned normal raises: of the lowest class, without a fault, with the channels that take part in the distance as evidence. */
import { type Anomaly, LEARNED_NORMAL_RULE } from '#kernel/anomaly.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { contentId } from '#kernel/ids.ts'
import type { Reading } from '#kernel/reading.ts'

export type Standing = Extract<HubEvent, { kind: 'alarm_raised' }>['alarm']

interface Unit {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** Device time. */
  readonly firstFlaggedMs: number
}

/** The alarm of a unit whose first flagged step began at `firstFlaggedMs`, by the channels that are farthest off first. */
export function alarmOf({ tenant, device, type, firstFlaggedMs }: Unit, contributions: Anomaly['contributions'], reading: Reading): Standing {
  const first = contributions[0]
  return {
    alarm_id: contentId('alarm', tenant, device, LEARNED_NORMAL_RULE, firstFlaggedMs),
    tenant,
    device,
    type,
    rule: LEARNED_NORMAL_RULE,
    rule_version: 1,
    safety_class: 'E4',
    fault: null,
    title: `Not as usual${first === undefined ? '' : `: ${first.channel}`}`,
    began_at_ms: firstFlaggedMs,
    raised_at_ms: reading.observed_at_ms,
    received_at_ms: reading.received_at_ms,
    cleared_at_ms: null,
    evidence: contributions.map(({ channel, share }) => ({
      condition: `share of ${channel} in the distance from its normal`,
      value: share,
      unit: '',
    })),
  }
}
