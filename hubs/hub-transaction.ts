/** What the steps of one hub transaction share: the open transaction, the instant, the rules of the house, and what will leave after the commit. */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule, Text } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { NewCommand } from '#kernel/command.ts'
import type { GroupingPlaces } from './grouping/group-alarms.ts'
import type { HubPolicy } from './hub-policy.ts'
import type { HubTables, WorkOrderRow } from './hub-tables.ts'
import { type CloudEvent, enqueueEvent, type OutgoingEvent } from './outbox-events.ts'
import type { Process } from './work-order-states.ts'

export interface HubSettings {
  readonly catalogue: (type: string) => ApplianceType | undefined
  /** The version of a rule that raised an alarm; those of tenants are not in the catalogue. */
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
  /** Where units stand, for groups and maintenance. */
  readonly places: GroupingPlaces
  /** When a unit was installed, epoch ms; undefined = nobody said. */
  readonly installedAt: (tenant: string, device: string) => number | undefined
  /** The unit was revoked: it gets no work any more. */
  readonly isGone: (tenant: string, device: string) => boolean
  readonly policy: HubPolicy
  /** The process that ships; `processOf` gives that of an order. */
  readonly process: Process
  readonly processes: ProcessBook
  /** Language of the texts on packets and advice. */
  readonly locale: keyof Text
  /** Writes a command in the transaction of the decision that asks for it; absent = there is nobody to carry one out. */
  readonly giveCommand: GiveCommand | undefined
  /** Ends a command that nobody needs any more, in the same transaction; one that has ended stays as it is. */
  readonly cancelCommand: CancelCommand | undefined
  /** Tells the listeners of a move or remark. */
  readonly onOrderMoved: OrderListener
  /** The emergency hub tells of dangers by a path of its own; the ordinary hubs only keep the link. */
  readonly hasEmergencyPath: boolean
}

/** A move of a work order, or a remark on it, as it was recorded. */
export interface OrderMove {
  readonly kind: 'move' | 'remark'
  /** State that it moved to, or the remark's type. */
  readonly type: string
  /** State before it; null when the order was opened by it. */
  readonly from: string | null
  readonly to: string
  readonly actor: string
  /** When it happened, as its teller says. */
  readonly atMs: number
  readonly reason: string
  readonly data: unknown
}

/** Hears of a move with the row as it is after it; `order-listeners.ts` says what it may do. */
export type OrderListener = (hub: HubTransaction, order: WorkOrderRow, move: OrderMove) => Promise<void>

/** Stored processes of tenants by version; kept in memory, since a version never changes. */
export interface ProcessBook {
  /** @throws Error when there is no such version */
  read(database: Kysely<HubTables>, tenant: string, version: number): Promise<Process>
}

export type CancelCommand = (
  database: Kysely<HubTables>,
  command: { readonly tenant: string; readonly commandId: string; readonly actor: string },
  nowMs: EpochMs,
) => Promise<void>

export type GiveCommand = (database: Kysely<HubTables>, command: NewCommand, nowMs: EpochMs) => Promise<void>

export interface HubTransaction extends HubSettings {
  /** Who called, as the API knows it (`key:<id>`), beside whoever is said to have acted; undefined = Mendline itself. */
  readonly by?: string | undefined
  readonly database: Kysely<HubTables>
  readonly nowMs: EpochMs
  /** Events that were enqueued; handed to listeners after the commit. */
  readonly emitted: CloudEvent[]
  /** Commands that were given; handed on after the commit. */
  readonly given: NewCommand[]
  /** Due times of timers that were set; the loop is woken after the commit. */
  readonly timersSet: number[]
}

/** Writes an event into the outbox, in the transaction that made it true. */
export async function emit(hub: HubTransaction, event: OutgoingEvent): Promise<void> {
  hub.emitted.push(await enqueueEvent(hub.database, event, hub.nowMs))
}
