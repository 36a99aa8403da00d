/**
 * Looks at a process before it is put into force and lists everything that is wrong with it at once: states that no order reaches or leaves,
 * timers that would do what cannot be done, and what Mendline itself relies on (a repair can be verified or reopened, an order cancelled).
 */
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { Guard, NewProcess, Phase, StateTimer } from '#kernel/work-order-process.ts'
import { VISITED_STATES } from '../work-order-states.ts'

export interface ProcessFault {
  /** Where, as a path from the process. */
  readonly field: string
  readonly reason: string
}

/** Phases that a state must be in, whatever the process: other parts read the meaning of these. */
const FIXED_PHASES: Readonly<Partial<Record<WorkOrderState, Phase>>> = {
  accepted: 'committed',
  en_route: 'committed',
  on_site: 'committed',
  done: 'settled',
  verified: 'settled',
  cancelled: 'final',
  closed: 'final',
}
/** Moves that Mendline makes by itself: verification by the sensors, a repair that did not hold. */
const NEEDED_MOVES: ReadonlyArray<readonly [from: WorkOrderState, to: WorkOrderState]> = [
  ['done', 'verified'],
  ['done', 'reopened'],
  ['verified', 'reopened'],
]
/** Guards that no process may leave out. */
const NEEDED_GUARDS = [
  ['done', 'outcome_given'],
  ['remote_offered', 'not_emergency'],
] as const
/** Guards that a timer, which can say nothing but its reason, cannot pass. */
const ASKS_SOMEBODY: ReadonlySet<string> = new Set(['window_given', 'offered_to_them', 'engineer_qualified', 'outcome_given', 'steps_given'])

type States = Array<readonly [WorkOrderState, NonNullable<NewProcess['states'][WorkOrderState]>]>

/** Faults of a process that fits its schema; none = it may be put into force. */
export function checkProcess(process: NewProcess): ProcessFault[] {
  const states = Object.entries(process.states) as States
  return [
    ...checkInitial(process),
    ...states.flatMap(([state, { next }]) =>
      next.filter((to) => process.states[to] === undefined).map((to) => fault(`states.${state}.next`, `${to} is no state of this process`)),
    ),
    ...checkReach(process, states),
    ...checkPhases(states),
    ...states.flatMap(([state, { timers }]) => (timers ?? []).flatMap((timer, index) => checkTimer(process, { state, timer, index }))),
    ...checkNeeds(process),
    ...checkCancelling(process),
  ]
}

/** A visit that was begun does not end in silence. */
const EXPLAINS: readonly Guard[] = ['visit_explained', 'reason_given', 'outcome_given']

function checkCancelling({ states }: NewProcess): ProcessFault[] {
  const leaves = VISITED_STATES.some((state) => states[state]?.next.includes('cancelled') === true)
  const isExplained = states.cancelled?.guards.some((guard) => EXPLAINS.includes(guard)) === true
  return leaves && !isExplained ? [fault('states.cancelled.guards', 'must have visit_explained: somebody may be on site')] : []
}

const fault = (field: string, reason: string): ProcessFault => ({ field, reason })

function checkInitial({ initial, states }: NewProcess): ProcessFault[] {
  const first = states[initial]
  if (first === undefined) return [fault('initial', `${initial} is no state of this process`)]
  return first.phase === 'waiting' && first.guards.length === 0
    ? []
    : [fault('initial', 'an order begins in a state of the phase waiting that has no guards')]
}

function checkReach(process: NewProcess, states: States): ProcessFault[] {
  const reached = closure([process.initial], (state) => process.states[state]?.next ?? [])
  const finals = states.filter(([, { phase }]) => phase === 'final').map(([state]) => state)
  const before = (to: WorkOrderState): WorkOrderState[] => states.filter(([, { next }]) => next.includes(to)).map(([from]) => from)
  const ending = closure(finals, before)
  return states.flatMap(([state]) => [
    ...(reached.has(state) ? [] : [fault(`states.${state}`, 'no order can come into this state')]),
    ...(ending.has(state) ? [] : [fault(`states.${state}`, 'an order in this state can never end')]),
  ])
}

function closure(from: readonly WorkOrderState[], next: (state: WorkOrderState) => readonly WorkOrderState[]): Set<WorkOrderState> {
  const seen = new Set(from)
  for (const state of seen) for (const more of next(state)) seen.add(more)
  return seen
}

function checkPhases(states: States): ProcessFault[] {
  return states.flatMap(([state, { phase }]) => {
    const fixed = FIXED_PHASES[state]
    const isOpenElsewhere = fixed === undefined && (phase === 'settled' || phase === 'final')
    return [
      ...(fixed === undefined || fixed === phase ? [] : [fault(`states.${state}.phase`, `must be ${fixed}`)]),
      ...(isOpenElsewhere ? [fault(`states.${state}.phase`, 'must be waiting or committed')] : []),
    ]
  })
}

function checkTimer(
  { states }: NewProcess,
  { state, timer, index }: { readonly state: WorkOrderState; readonly timer: StateTimer; readonly index: number },
): ProcessFault[] {
  const at = `states.${state}.timers.${index}`
  const isTwice = (states[state]?.timers ?? []).findIndex(({ id }) => id === timer.id) !== index
  const moves = timer.effects.flatMap((effect) => (effect.kind === 'move' ? [effect.to] : []))
  const isAtOnce =
    ['entered', 'unpromised'].includes(timer.from ?? 'entered') &&
    [timer.after_ms, ...Object.values(timer.after_ms_by_class ?? {})].some((ms) => (ms ?? 0) < 1_000)
  return [
    ...(isTwice ? [fault(`${at}.id`, `${timer.id} is another timer of this state`)] : []),
    ...(isAtOnce ? [fault(`${at}.after_ms`, 'must be at least a second')] : []),
    ...(moves.length > 1 ? [fault(`${at}.effects`, 'moves the order more than once')] : []),
    ...(timer.effects.some(({ kind }) => kind === 'open_pool') && state !== 'offered' ? [fault(`${at}.effects`, 'only an offer can be opened')] : []),
    ...moves.flatMap((to) => [
      ...(states[state]?.next.includes(to) === true ? [] : [fault(`${at}.effects`, `${to} does not follow ${state}`)]),
      ...(states[to]?.guards ?? [])
        .filter((guard) => ASKS_SOMEBODY.has(guard))
        .map((guard) => fault(`${at}.effects`, `a timer cannot meet the guard ${guard} of ${to}`)),
    ]),
  ]
}

function checkNeeds({ states }: NewProcess): ProcessFault[] {
  const isMissing = ([from, to]: readonly [WorkOrderState, WorkOrderState]): boolean => states[from]?.next.includes(to) !== true
  const isOpen = ({ phase }: { readonly phase: Phase }): boolean => phase === 'waiting'
  return [
    ...NEEDED_MOVES.filter(isMissing).map(([from, to]) => fault(`states.${from}.next`, `must have ${to}: the sensors decide it`)),
    ...NEEDED_GUARDS.filter(([state, guard]) => states[state] !== undefined && !(states[state]?.guards.includes(guard) ?? false)).map(
      ([state, guard]) => fault(`states.${state}.guards`, `must have ${guard}`),
    ),
    ...(Object.entries(states) as States)
      .filter(([, definition]) => isOpen(definition) && !definition.next.includes('cancelled'))
      .map(([state]) => fault(`states.${state}.next`, 'must have cancelled: a unit may recover while nobody has promised to come')),
  ]
}
