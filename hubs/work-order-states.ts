/**
 * The process of a work order as data: which state may follow which, what guards a move, and what phase of the work a state belongs
 * to. An organisation changes its process by another table with another version. What is not in the table cannot happen.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Outcome, WorkOrderState } from '#kernel/work-order.ts'

/**
 * `waiting` nobody has promised to come, `committed` somebody has, `settled` the work is done and may prove wrong, `final` over.
 */
export type Phase = 'waiting' | 'committed' | 'settled' | 'final'

/** What must be given or true beside the pair of states. */
export type Guard = 'outcome_given' | 'not_emergency'

/** What a timer of a state does. */
export type TimerEffect =
  /** Says to a role that nobody did what was due: a remark and the event `mendline.work_order.escalated.v1`. */
  { readonly kind: 'escalate'; readonly to: string } | { readonly kind: 'move'; readonly to: WorkOrderState }

/** What happens when an order has stayed in a state for so long. */
export interface StateTimer {
  /** Name within the state. */
  readonly id: string
  /** Platform time from the recording of the move into the state. */
  readonly after_ms: number
  readonly effects: readonly TimerEffect[]
  readonly reason: string
}

export interface StateDefinition {
  readonly phase: Phase
  readonly next: readonly WorkOrderState[]
  /** Guards of every move into the state. */
  readonly guards: readonly Guard[]
  readonly timers?: readonly StateTimer[]
}

export interface Process {
  readonly version: number
  readonly initial: WorkOrderState
  readonly states: Readonly<Record<WorkOrderState, StateDefinition>>
}

const MINUTE_MS = 60_000

/** The process that ships. Remote advice is not offered for a danger to life or property; `done` needs the coded outcome. */
export const standardProcess: Process = {
  version: 1,
  initial: 'opened',
  states: {
    opened: {
      phase: 'waiting',
      guards: [],
      next: ['triaged', 'remote_offered', 'scheduled', 'offered', 'accepted', 'refused', 'cancelled', 'returned'],
    },
    triaged: { phase: 'waiting', guards: [], next: ['remote_offered', 'scheduled', 'offered', 'accepted', 'refused', 'cancelled', 'returned'] },
    remote_offered: { phase: 'waiting', guards: ['not_emergency'], next: ['triaged', 'scheduled', 'offered', 'done', 'cancelled'] },
    scheduled: { phase: 'waiting', guards: [], next: ['offered', 'accepted', 'refused', 'cancelled', 'returned'] },
    offered: {
      phase: 'waiting',
      guards: [],
      next: ['scheduled', 'accepted', 'refused', 'cancelled', 'returned'],
      timers: [
        {
          id: 'nobody_accepts',
          after_ms: 30 * MINUTE_MS,
          effects: [
            { kind: 'escalate', to: 'outlet' },
            { kind: 'move', to: 'returned' },
          ],
          reason: 'no engineer accepted the offer in time',
        },
      ],
    },
    accepted: {
      phase: 'committed',
      guards: [],
      next: ['scheduled', 'refused', 'en_route', 'on_site', 'waiting_for_part', 'waiting_for_expert', 'cancelled', 'returned'],
    },
    refused: { phase: 'waiting', guards: [], next: ['triaged', 'scheduled', 'offered', 'accepted', 'cancelled', 'returned'] },
    en_route: { phase: 'committed', guards: [], next: ['accepted', 'scheduled', 'on_site', 'cancelled'] },
    on_site: { phase: 'committed', guards: [], next: ['scheduled', 'waiting_for_part', 'waiting_for_expert', 'done', 'cancelled', 'returned'] },
    waiting_for_part: { phase: 'committed', guards: [], next: ['scheduled', 'accepted', 'en_route', 'on_site', 'cancelled', 'returned'] },
    waiting_for_expert: { phase: 'committed', guards: [], next: ['scheduled', 'accepted', 'en_route', 'on_site', 'cancelled', 'returned'] },
    done: { phase: 'settled', guards: ['outcome_given'], next: ['verified', 'reopened', 'closed'] },
    verified: { phase: 'settled', guards: [], next: ['reopened', 'closed'] },
    reopened: { phase: 'waiting', guards: [], next: ['triaged', 'remote_offered', 'scheduled', 'offered', 'accepted', 'cancelled', 'returned'] },
    returned: { phase: 'waiting', guards: [], next: ['triaged', 'scheduled', 'offered', 'accepted', 'cancelled', 'closed'] },
    cancelled: { phase: 'final', guards: [], next: ['reopened', 'closed'] },
    closed: { phase: 'final', guards: [], next: [] },
  },
}

export interface Move {
  readonly from: WorkOrderState
  readonly to: WorkOrderState
  readonly safetyClass: SafetyClass
  readonly outcome: Outcome | undefined
}

/**
 * Passes a legal move and refuses every other.
 * @throws MendlineError MDL_HUBS_ILLEGAL_MOVE, MDL_HUBS_OUTCOME_REQUIRED
 */
export function checkMove(process: Process, move: Move): void {
  const { from, to } = move
  if (!process.states[from].next.includes(to)) {
    const allowed = process.states[from].next
    throw new MendlineError('MDL_HUBS_ILLEGAL_MOVE', `a work order cannot move from ${from} to ${to}`, { details: { from, to, allowed } })
  }
  for (const guard of process.states[to].guards) {
    if (guard === 'outcome_given' && move.outcome === undefined) {
      throw new MendlineError('MDL_HUBS_OUTCOME_REQUIRED', `the move to ${to} needs data.outcome`, { details: { from, to } })
    }
    if (guard === 'not_emergency' && (move.safetyClass === 'E0' || move.safetyClass === 'E1')) {
      throw new MendlineError('MDL_HUBS_ILLEGAL_MOVE', `an order of class ${move.safetyClass} cannot move to ${to}`, { details: { from, to } })
    }
  }
}

/** Phase of a state in the given process. */
export const phaseOf = (process: Process, state: WorkOrderState): Phase => process.states[state].phase
