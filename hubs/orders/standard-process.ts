/**
 * The process that ships: down the chain from the service organisation over the outlet to the engineer and back. Times of its timers are
 * chosen (an organisation replaces them with its own); a danger is chased in minutes, an ordinary order in hours. Every state in which an
 * order waits for somebody has a timer, whether a window is promised or not.
 */
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { StateDefinition, StateTimer } from '#kernel/work-order-process.ts'
import type { Process } from '../work-order-states.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

const escalateTo = (to: string): StateTimer['effects'] => [{ kind: 'escalate', to }]

/** Nobody has taken the next step since the order came into the state. */
const idle = (id: string, hours: number, more: Pick<StateTimer, 'reason' | 'effects'>): StateTimer => ({
  id,
  after_ms: hours * HOUR_MS,
  after_ms_by_class: { E0: 5 * MINUTE_MS, E1: 15 * MINUTE_MS },
  ...more,
})

/** No window is promised (any more), and nobody sees to one. */
const unpromised = (id: string, hours: number, reason: string): StateTimer => ({
  ...idle(id, hours, { effects: escalateTo('outlet'), reason }),
  from: 'unpromised',
})

const OFFERED_TIMERS: readonly StateTimer[] = [
  {
    id: 'no_answer',
    after_ms: 15 * MINUTE_MS,
    after_ms_by_class: { E0: 2 * MINUTE_MS, E1: 5 * MINUTE_MS },
    effects: [{ kind: 'open_pool' }],
    reason: 'the engineer did not answer; the offer is open to all',
  },
  {
    id: 'nobody_accepts',
    after_ms: 30 * MINUTE_MS,
    after_ms_by_class: { E0: 5 * MINUTE_MS, E1: 10 * MINUTE_MS },
    effects: [
      { kind: 'escalate', to: 'outlet' },
      { kind: 'move', to: 'returned' },
    ],
    reason: 'no engineer accepted the offer in time',
  },
]

const ACCEPTED_TIMERS: readonly StateTimer[] = [
  {
    id: 'not_there',
    from: 'promised_to',
    after_ms: 0,
    effects: escalateTo('outlet'),
    reason: 'the promised window is over and nobody has arrived',
  },
  unpromised('no_window', 8, 'the order was accepted, no window is promised, and nobody has arrived'),
]

const STATES: Readonly<Record<WorkOrderState, StateDefinition>> = {
  opened: {
    phase: 'waiting',
    guards: [],
    next: ['triaged', 'remote_offered', 'scheduled', 'offered', 'accepted', 'refused', 'cancelled', 'returned'],
    timers: [idle('not_triaged', 4, { effects: escalateTo('organisation'), reason: 'nobody has taken the order in hand' })],
  },
  triaged: {
    phase: 'waiting',
    guards: [],
    next: ['remote_offered', 'scheduled', 'offered', 'accepted', 'refused', 'cancelled', 'returned'],
    timers: [idle('not_scheduled', 8, { effects: escalateTo('outlet'), reason: 'no time was agreed with the household' })],
  },
  remote_offered: {
    phase: 'waiting',
    guards: ['not_emergency'],
    next: ['triaged', 'scheduled', 'offered', 'accepted', 'refused', 'done', 'cancelled', 'returned'],
    timers: [idle('not_tried', 96, { effects: [{ kind: 'move', to: 'triaged' }], reason: 'the household did not try the remote step' })],
  },
  scheduled: {
    phase: 'waiting',
    guards: [],
    next: ['offered', 'accepted', 'refused', 'cancelled', 'returned'],
    timers: [
      {
        id: 'nobody_for_it',
        from: 'promised_from',
        after_ms: 0,
        effects: escalateTo('outlet'),
        reason: 'the promised window begins and nobody has it',
      },
      unpromised('no_window', 4, 'a time was to be agreed, and no window is promised'),
    ],
  },
  offered: { phase: 'waiting', guards: [], next: ['scheduled', 'accepted', 'refused', 'cancelled', 'returned'], timers: [...OFFERED_TIMERS] },
  accepted: {
    phase: 'committed',
    guards: ['offered_to_them'],
    next: ['scheduled', 'refused', 'en_route', 'on_site', 'waiting_for_part', 'waiting_for_expert', 'cancelled', 'returned'],
    timers: [...ACCEPTED_TIMERS],
  },
  refused: {
    phase: 'waiting',
    guards: ['reason_given', 'theirs_to_give_back'],
    next: ['triaged', 'scheduled', 'offered', 'accepted', 'cancelled', 'returned'],
    timers: [idle('not_offered_again', 2, { effects: escalateTo('outlet'), reason: 'the refused order was not offered to anybody else' })],
  },
  en_route: {
    phase: 'committed',
    guards: [],
    next: ['accepted', 'scheduled', 'on_site', 'cancelled'],
    timers: [
      ...ACCEPTED_TIMERS,
      {
        ...idle('not_arrived', 4, { effects: escalateTo('outlet'), reason: 'somebody set out and has not arrived' }),
        after_ms_by_class: { E0: 30 * MINUTE_MS, E1: HOUR_MS },
      },
    ],
  },
  on_site: {
    phase: 'committed',
    guards: [],
    next: ['scheduled', 'waiting_for_part', 'waiting_for_expert', 'done', 'cancelled', 'returned'],
    timers: [
      {
        ...idle('not_ended', 8, { effects: escalateTo('outlet'), reason: 'the visit was begun and nobody has said how it ended' }),
        after_ms_by_class: { E0: HOUR_MS, E1: 2 * HOUR_MS },
      },
    ],
  },
  waiting_for_part: {
    phase: 'committed',
    guards: [],
    next: ['scheduled', 'accepted', 'en_route', 'on_site', 'cancelled', 'returned'],
    timers: [idle('part_overdue', 72, { effects: escalateTo('organisation'), reason: 'the part has not come' })],
  },
  waiting_for_expert: {
    phase: 'committed',
    guards: [],
    next: ['scheduled', 'accepted', 'en_route', 'on_site', 'cancelled', 'returned'],
    timers: [idle('expert_overdue', 1, { effects: escalateTo('organisation'), reason: 'no expert has answered' })],
  },
  done: { phase: 'settled', guards: ['outcome_given', 'steps_explained'], next: ['verified', 'reopened', 'closed'] },
  verified: { phase: 'settled', guards: [], next: ['reopened', 'closed'] },
  reopened: {
    phase: 'waiting',
    guards: ['reason_given'],
    next: ['triaged', 'remote_offered', 'scheduled', 'offered', 'accepted', 'cancelled', 'returned'],
    timers: [idle('not_taken_up', 4, { effects: escalateTo('outlet'), reason: 'nobody has taken the reopened order in hand' })],
  },
  returned: {
    phase: 'waiting',
    guards: ['reason_given', 'theirs_to_give_back'],
    next: ['triaged', 'scheduled', 'offered', 'accepted', 'cancelled', 'closed'],
    timers: [idle('not_assigned_again', 4, { effects: escalateTo('organisation'), reason: 'the returned order was given to nobody' })],
  },
  cancelled: { phase: 'final', guards: ['visit_explained'], next: ['reopened', 'closed'] },
  closed: { phase: 'final', guards: [], next: [] },
}

/**
 * The shipped process. Orders opened under it follow it as it grows, so a change of it may add moves and never takes one away. Remote advice is not
 * offered for a danger to life or property, giving an order back or reopening it needs a reason, another engineer cannot give it back, `done` needs the coded outcome, and a visit that was begun is not
 * cancelled without outcome or reason.
 */
export const standardProcess: Process & { readonly states: typeof STATES } = { version: 0, initial: 'opened', states: STATES }
