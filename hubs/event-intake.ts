/**
 * Way of events into the hubs: cuts what callers hand over into short transactions and lets dangers go first, since all share one
 * connection of the store. The events of one device in one call keep their order. A transaction that fails for a reason of its own is
 * taken again event by event, and an event that fails by itself is set aside, so that none stands in the way of the others.
 */
import { setImmediate } from 'node:timers/promises'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log } from '#kernel/log.ts'

export interface EventIntakeOptions {
  /** Applies events in one transaction; those that were applied before change nothing. */
  readonly applyTogether: (events: readonly HubEvent[]) => Promise<void>
  /** Done once for the events of a call, in a transaction of its own: before ordinary events are applied, behind those of a danger, which wait for nothing. */
  readonly prepare?: (events: readonly HubEvent[]) => Promise<void>
  /** Keeps an event that cannot be applied; says whether it was not kept before. */
  readonly keepAside: (event: HubEvent, error: unknown) => Promise<boolean>
  readonly log: Log
}

export interface EventIntake {
  /**
   * Resolves when each event is applied or set aside.
   * @throws MendlineError when the store is away; some events may be applied, give all of them again
   */
  apply(events: readonly HubEvent[]): Promise<void>
  statistics(): EventIntakeStatistics
}

export interface EventIntakeStatistics {
  /** Events that failed by themselves since the start. */
  readonly eventsSetAside: number
}

/** Events (about a millisecond each) of one transaction, behind which a danger may have to wait. */
const TRANSACTION_EVENTS_MAX = 32

/** Times that a single event may fail. */
const ATTEMPTS_MAX = 2

interface Call {
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
  /** Events neither applied nor set aside, and preparations. */
  left: number
  isRefused: boolean
}

interface Batch {
  readonly call: Call
  readonly lane: Batch[]
  readonly events: readonly HubEvent[]
  /** To be prepared, not applied. */
  readonly isPreparation: boolean
}

/** Creates the intake; it runs one transaction at a time. */
export function createEventIntake({ applyTogether, prepare, keepAside, log }: EventIntakeOptions): EventIntake {
  const urgent: Batch[] = []
  const ordinary: Batch[] = []
  const counts = { eventsSetAside: 0 }
  let isRunning = false

  const take = async (batch: Batch): Promise<void> => {
    const [first, second] = batch.events
    if (first === undefined) return
    for (let attempt = 1; ; attempt++) {
      try {
        return await applyTogether(batch.events)
      } catch (error) {
        if (error instanceof MendlineError && error.retryable) throw error
        if (second === undefined && attempt < ATTEMPTS_MAX) continue
        if (second === undefined) return setAside(first, error)
        log.warn('hub events failed together and are taken one by one', { count: batch.events.length, cause: String(error) })
        batch.lane.unshift(...batch.events.map((event) => ({ ...batch, events: [event] })))
        batch.call.left += batch.events.length
        return
      }
    }
  }

  const setAside = async (event: HubEvent, error: unknown): Promise<void> => {
    if (await keepAside(event, error)) counts.eventsSetAside++
    const cause = error instanceof Error ? (error.stack ?? error.message) : String(error)
    log.error('hub event set aside', { event_key: event.key, kind: event.kind, cause })
  }

  /** Whoever fails here stands for itself; its events are applied all the same. */
  const prepared = async (events: readonly HubEvent[]): Promise<void> => {
    try {
      await prepare?.(events)
    } catch (error) {
      if (error instanceof MendlineError && error.retryable) throw error
      log.error('hub events could not be prepared', { count: events.length, cause: String(error) })
    }
  }

  const run = async (): Promise<void> => {
    if (isRunning) return
    isRunning = true
    for (let batch = urgent.shift() ?? ordinary.shift(); batch !== undefined; batch = urgent.shift() ?? ordinary.shift()) {
      const { call, events } = batch
      if (call.isRefused) continue
      try {
        if (batch.isPreparation) await prepared(events)
        else await take(batch)
        call.left -= batch.isPreparation ? 1 : events.length
        if (call.left === 0) call.resolve()
      } catch (error) {
        call.isRefused = true
        call.reject(error)
      }
      // The store answers synchronously: without this breath neither the sockets nor a danger would get between two transactions.
      await setImmediate()
    }
    isRunning = false
  }

  return {
    apply(events) {
      if (events.length === 0) return Promise.resolve()
      return new Promise((resolve, reject) => {
        const call: Call = { resolve, reject, left: events.length, isRefused: false }
        const devices = new Set(events.filter(isUrgent).map(deviceOf))
        const add = (lane: Batch[], chosen: readonly HubEvent[]): void => {
          for (let from = 0; from < chosen.length; from += TRANSACTION_EVENTS_MAX) {
            lane.push({ call, lane, events: chosen.slice(from, from + TRANSACTION_EVENTS_MAX), isPreparation: false })
          }
        }
        // All events of a device with a danger go ahead, so that their order stays.
        const isAhead = (event: HubEvent): boolean => devices.has(deviceOf(event))
        const ahead = events.filter(isAhead)
        const rest = events.filter((event) => !isAhead(event))
        add(urgent, ahead)
        for (const chosen of [ahead, rest]) {
          if (prepare === undefined || chosen.length === 0) continue
          ordinary.push({ call, lane: ordinary, events: chosen, isPreparation: true })
          call.left++
        }
        add(ordinary, rest)
        void run()
      })
    },
    statistics: () => ({ ...counts }),
  }
}

const isUrgent = (event: HubEvent): boolean => 'alarm' in event && (event.alarm.safety_class === 'E0' || event.alarm.safety_class === 'E1')

function deviceOf(event: HubEvent): string {
  if (event.kind === 'system_alarm') return `${event.tenant}/`
  const { tenant, device } = subjectOf(event)
  return `${tenant}/${device}`
}

function subjectOf(event: Exclude<HubEvent, { readonly kind: 'system_alarm' }>): { readonly tenant: string; readonly device: string } {
  if ('alarm' in event) return event.alarm
  if ('diagnosis' in event) return event.diagnosis
  if ('window' in event) return event.window
  return 'note' in event ? event.note : event
}
