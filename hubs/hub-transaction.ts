/** What the steps of one hub transaction share: the open transaction, the instant, the rules of the house, and what will leave after the commit. */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule, Text } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { NewCommand } from '#kernel/command.ts'
import type { GroupingPlaces } from './grouping/group-alarms.ts'
import type { HubPolicy } from './hub-policy.ts'
import type { HubTables } from './hub-tables.ts'
import { type CloudEvent, enqueueEvent, type OutgoingEvent } from './outbox-events.ts'
import type { Process } from './work-order-states.ts'

export interface HubSettings {
  readonly catalogue: (type: string) => ApplianceType | undefined
  /** The version of a rule that raised an alarm; those of tenants are not in the catalogue. */
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
  /** Where units stand, for groups and maintenance. */
  readonly places: GroupingPlaces
  readonly policy: HubPolicy
  readonly process: Process
  /** Language of the texts on packets and advice. */
  readonly locale: keyof Text
  /** Writes a command in the transaction of the decision that asks for it; absent = there is nobody to carry one out. */
  readonly giveCommand: GiveCommand | undefined
}

export type GiveCommand = (database: Kysely<HubTables>, command: NewCommand, nowMs: EpochMs) => Promise<void>

export interface HubTransaction extends HubSettings {
  readonly database: Kysely<HubTables>
  readonly nowMs: EpochMs
  /** Events that were enqueued; handed to listeners after the commit. */
  readonly emitted: CloudEvent[]
  /** Commands that were given; handed on after the commit. */
  readonly given: NewCommand[]
}

/** Writes an event into the outbox, in the transaction that made it true. */
export async function emit(hub: HubTransaction, event: OutgoingEvent): Promise<void> {
  hub.emitted.push(await enqueueEvent(hub.database, event, hub.nowMs))
}
