/**
 * Front of the hubs: takes what the pipeline found and what people and systems answer, keeps cases, work orders, parts needs,
 * emergencies and labels, and writes what must leave into the outbox. An answer is one transaction; each event has its effect once.
 */
import { setImmediate } from 'node:timers/promises'
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule, Text } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { Clock } from '#kernel/clock.ts'
import type { NewCommand } from '#kernel/command.ts'
import { assertNever } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log } from '#kernel/log.ts'
import type { WorkOrder, WorkOrderEvent } from '#kernel/work-order.ts'
import { type AlarmHandling, createAlarmHandling } from './alarm-handling.ts'
import { applyAnswer } from './answers.ts'
import { type CareDesk, createCareDesk } from './care/care-desk.ts'
import { commandOwed, noteCommand } from './emergency/safe-state.ts'
import { createEventIntake, type EventIntakeStatistics } from './event-intake.ts'
import { createExperience, type ExperienceHub } from './experience/experience.ts'
import { applyAlarm, applyAlarmChanged, applyAlarmCleared, applyDiagnosis } from './findings.ts'
import { endGoneUnits, endUnit, type OfUnit } from './gone-units.ts'
import { groupRaised } from './grouping/alarm-groups.ts'
import type { GroupingPlaces } from './grouping/group-alarms.ts'
import { createHelpDesk, type HelpDesk } from './help/help-desk.ts'
import { type HubPolicy, standardPolicy } from './hub-policy.ts'
import type { HubTables } from './hub-tables.ts'
import { type CancelCommand, emit, type GiveCommand, type HubTransaction } from './hub-transaction.ts'
import { createIntakeDesk, type IntakeDesk, type ReportedUnit } from './intake/intake-desk.ts'
import { createHubLists, type HubLists } from './lists.ts'
import { onOrderMoved } from './order-listeners.ts'
import { createOrderChain, type OrderChain } from './orders/order-chain.ts'
import { setMissingTimers } from './orders/order-timers.ts'
import { createProcessBook } from './orders/process-book.ts'
import { standardProcess } from './orders/standard-process.ts'
import type { CloudEvent } from './outbox-events.ts'
import { createPacketBook, type PacketBook } from './packet/packet-book.ts'
import { noteHeardAgain, noteRemoteWindow } from './remote/remote-answers.ts'
import { createRemoteDesk, type RemoteDesk } from './remote/remote-desk.ts'
import { noteRemoteCommand } from './remote/remote-tests.ts'
import { timerHandlers } from './timer-handlers.ts'
import { createTimerLoop, type TimerStatistics } from './timers.ts'
import { noteWindow } from './verify/verify.ts'
import type { Process } from './work-order-states.ts'

export interface HubsOptions {
  readonly database: Kysely<HubTables>
  readonly catalogue: (type: string) => ApplianceType | undefined
  /** Rules of tenants; absent = the catalogue has all. */
  readonly ruleOf?: (alarm: Alarm) => Rule | undefined
  /** Where units stand; absent = each alarm stands for its unit. */
  readonly places?: GroupingPlaces
  /** When a unit was installed, for its warranty and age; absent = nobody says. */
  readonly installedAt?: (tenant: string, device: string) => number | undefined
  /** The registered unit; absent = no report is taken. */
  readonly unitOf?: (tenant: string, device: string) => ReportedUnit | undefined
  readonly clock: Clock
  readonly log: Log
  /** Carries out commands, such as the safe state of an emergency; absent = none is given (each stays owed and is said at start). */
  readonly commands?: {
    /** Writes the command in the transaction that decided it. */
    readonly give: GiveCommand
    /** Ends one that has not ended, in the transaction that decided it; absent = none is ended. */
    readonly cancel?: CancelCommand
    /** They are committed. */
    readonly given: (commands: readonly NewCommand[]) => void
  }
  /** The emergency hub runs beside and tells of dangers; absent = these hubs do. */
  readonly hasEmergencyPath?: boolean
  /** Told after each commit that enqueued events (wake the outbox, feed the live stream). */
  readonly onCommitted?: (events: readonly CloudEvent[]) => void
  readonly policy?: Partial<HubPolicy>
  readonly process?: Process
  /** Longest sleep of the timers between two looks; a minute when not given, a simulation that leaps gives more. */
  readonly napMs?: number
  readonly locale?: keyof Text
}

export interface Hubs extends HubLists, AlarmHandling, OrderChain, ExperienceHub, IntakeDesk, PacketBook, RemoteDesk, HelpDesk, CareDesk {
  /** Gives the safe-state commands still owed from before, sets the timers that open orders lack, and runs the timers. */
  start(): Promise<void>
  stop(): Promise<void>
  /** The unit was revoked: what is open for it is cancelled. Again it changes nothing. @throws MendlineError MDL_STORE_UNAVAILABLE */
  endUnit(of: OfUnit): Promise<void>
  /** Resolves when every timer that is due has been run. */
  timersSettled(): Promise<void>
  /**
   * Applies events in short transactions, dangers first; one whose key was applied before changes nothing, one that fails by itself is
   * set aside. Resolves after the last commit.
   * @throws MendlineError MDL_STORE_UNAVAILABLE (retryable; give all events again)
   */
  apply(events: readonly HubEvent[]): Promise<void>
  statistics(): EventIntakeStatistics & TimerStatistics
  /**
   * Applies an answer of the dispatch system, idempotent by key.
   * @throws MendlineError MDL_API_INVALID, MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_IDEMPOTENCY_MISMATCH, MDL_HUBS_ILLEGAL_MOVE,
   * MDL_HUBS_OUTCOME_REQUIRED
   */
  workOrderEvent(
    tenant: string,
    id: string,
    input: WorkOrderEvent,
    idempotencyKey: string | undefined,
    options?: { readonly expectedRevision?: number | undefined; readonly by?: string | undefined },
  ): Promise<WorkOrder>
}

/** Answers kept for their Idempotency-Key this long; then the key may be used anew. */
const IDEMPOTENCY_KEPT_MS = 7 * 24 * 3_600_000

/** Events applied (about a millisecond each) before the event loop gets its turn. */
const BREATH_EVENTS = 8

/** Joins the hubs over their tables (`hubMigrations`). */
export function createHubs(options: HubsOptions): Hubs {
  const { database, clock, log, catalogue } = options
  const settings = {
    catalogue,
    ruleOf: (alarm: Alarm) => options.ruleOf?.(alarm) ?? catalogue(alarm.type)?.rules.find(({ id }) => id === alarm.rule),
    places: patientPlaces(options.places ?? NO_PLACES, log),
    installedAt: options.installedAt ?? (() => undefined),
    isGone: (tenant: string, device: string) => (options.unitOf?.(tenant, device)?.revoked_at_ms ?? null) !== null,
    policy: { ...standardPolicy, ...options.policy },
    process: options.process ?? standardProcess,
    processes: createProcessBook(),
    locale: options.locale ?? 'en',
    giveCommand: options.commands?.give,
    cancelCommand: options.commands?.cancel,
    onOrderMoved,
    hasEmergencyPath: options.hasEmergencyPath === true,
  }
  const inTransaction = async <T>(action: (hub: HubTransaction) => Promise<T>, by?: string): Promise<T> => {
    const emitted: CloudEvent[] = []
    const given: NewCommand[] = []
    const timersSet: number[] = []
    const result = await database
      .transaction()
      .execute((transaction) => action({ ...settings, database: transaction, nowMs: clock.now(), emitted, given, timersSet, by }))
    if (emitted.length > 0) options.onCommitted?.(emitted)
    if (given.length > 0) options.commands?.given(given)
    if (timersSet.length > 0) timers.wake()
    return result
  }
  const timers = createTimerLoop({ database, inTransaction, handlers: timerHandlers, clock, log, napMs: options.napMs })
  const intake = createEventIntake({
    applyTogether: (events) => inTransaction((hub) => applyEvents(hub, events)),
    prepare: (events) => (events.some(({ kind }) => kind === 'alarm_raised') ? inTransaction((hub) => groupRaised(hub, events)) : Promise.resolve()),
    keepAside: (event, error) => keepAside(database, { event, error, nowMs: clock.now() }),
    log,
  })
  return {
    ...createHubLists(database),
    ...createAlarmHandling({ database, clock, unitOf: options.unitOf }),
    ...createOrderChain(inTransaction),
    ...createPacketBook({ database, catalogue, ruleOf: settings.ruleOf }),
    ...createExperience(inTransaction),
    ...createRemoteDesk(inTransaction),
    ...createHelpDesk(inTransaction),
    ...createCareDesk({ inTransaction, database, clock, catalogue, places: settings.places, unitOf: options.unitOf }),
    ...createIntakeDesk(inTransaction, options.unitOf ?? (() => undefined)),
    async start() {
      await database
        .deleteFrom('hub_idempotency')
        .where('at_ms', '<', clock.now() - IDEMPOTENCY_KEPT_MS)
        .execute()
      if (options.commands === undefined) log.warn('nobody carries out safe-state commands', {})
      else await inTransaction(commandOwed)
      await endGoneUnits(inTransaction, log)
      await setMissingTimers(inTransaction, log)
      timers.start()
    },
    stop: timers.stop,
    async endUnit(of) {
      await inTransaction((hub) => endUnit(hub, of))
    },
    timersSettled: timers.settled,
    ...intake,
    statistics: () => ({ ...intake.statistics(), ...timers.statistics() }),
    workOrderEvent: (tenant, workOrderId, input, idempotencyKey, given = {}) =>
      inTransaction((hub) => applyAnswer(hub, { tenant, workOrderId, input, idempotencyKey, expectedRevision: given.expectedRevision }), given.by),
  }
}

/** A registry that cannot say where a unit stands holds up no order, least of all a danger's: the unit then stands for itself. */
const patientPlaces = (places: GroupingPlaces, log: Log): GroupingPlaces => ({
  ...places,
  placeOf(tenant, device) {
    try {
      return places.placeOf(tenant, device)
    } catch (cause) {
      log.error('where a unit stands is not known', { tenant, device, cause: String(cause) })
      return {}
    }
  },
})

/** Nobody said where units stand. */
const NO_PLACES: GroupingPlaces = { placeOf: () => ({}), populationOf: () => 0 }

async function applyEvents(hub: HubTransaction, events: readonly HubEvent[]): Promise<void> {
  for (const [index, event] of events.entries()) {
    // The store answers synchronously, so a long batch would keep the thread's sockets waiting without these breaths.
    if (index % BREATH_EVENTS === BREATH_EVENTS - 1) await setImmediate()
    if (await isFirst(hub, event.key)) await applyEvent(hub, event)
  }
}

async function keepAside(
  database: Kysely<HubTables>,
  { event, error, nowMs }: { readonly event: HubEvent; readonly error: unknown; readonly nowMs: number },
): Promise<boolean> {
  const { key, kind } = event
  const result = await database
    .insertInto('hub_events_set_aside')
    .values({ event_key: key, kind, body: JSON.stringify(event), error: String(error), at_ms: nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

async function isFirst(hub: HubTransaction, key: string): Promise<boolean> {
  const result = await hub.database
    .insertInto('hub_applied_events')
    .values({ event_key: key, applied_at_ms: hub.nowMs })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return result.numInsertedOrUpdatedRows === 1n
}

async function applyEvent(hub: HubTransaction, event: HubEvent): Promise<void> {
  switch (event.kind) {
    case 'alarm_raised':
      return applyAlarm(hub, event.alarm)
    case 'alarm_changed':
      return applyAlarmChanged(hub, event.alarm)
    case 'alarm_cleared':
      return applyAlarmCleared(hub, event.alarm)
    case 'diagnosis_made':
      return applyDiagnosis(hub, event.diagnosis)
    case 'residuals_measured':
      await noteWindow(hub, event.window)
      return noteRemoteWindow(hub, event.window)
    case 'system_alarm': {
      const { tenant, at_ms, subject, detail } = event
      const data = { subject, detail, at_ms }
      return emit(hub, { tenant, device: undefined, subject: `system:${subject}`, type: 'mendline.system.alarm.v1', atMs: at_ms, data })
    }
    case 'device_silent':
    case 'device_returned': {
      const { tenant, device, at_ms } = event
      if (event.kind === 'device_returned') await noteHeardAgain(hub, event)
      const type = event.kind === 'device_silent' ? 'mendline.device.silent.v1' : 'mendline.device.returned.v1'
      return emit(hub, { tenant, device, subject: device, type, atMs: at_ms, data: { device, at_ms } })
    }
    case 'command_moved':
      await noteRemoteCommand(hub, event.note)
      return noteCommand(hub, event.note)
    default:
      return assertNever(event)
  }
}
