/**
 * The process of a work order as data: states, moves, guards and timers. The words are fixed here, so that an organisation can write its
 * own process without code and everybody reads it alike; which state may follow which, and after how long something happens, is its own.
 */
import { type Static, Type } from 'typebox'
import { SAFETY_CLASSES } from './alarm.ts'
import { WORK_ORDER_STATES, WorkOrderStateSchema } from './work-order.ts'

/** `waiting` nobody has promised to come, `committed` somebody has, `settled` the work is done and may prove wrong, `final` over. */
export const PHASES = ['waiting', 'committed', 'settled', 'final'] as const

/** What must be given or true for a move into a state, beside the pair of states; in the order in which they are looked at. */
export const GUARDS = {
  not_emergency: 'The order is not of class E0 or E1.',
  reason_given: '`data.reason` says why.',
  window_given: '`data.window_from_ms` and `window_to_ms`, or a promise that stands.',
  offered_to_them: 'An order that was offered to one engineer is accepted by that one; an open offer by anybody.',
  theirs_to_give_back:
    'An order that was offered to or accepted by one engineer is given back by that one, or by whoever is no registered engineer: dispatch or outlet.',
  engineer_qualified: 'The engineer is registered and has the skills of the packet.',
  outcome_given: '`data.outcome` has the cause found, the parts used and returned, and the minutes.',
  visit_explained:
    'Of an order with somebody on site, or that waits for part or expert: `data.outcome` has what was found, or `data.reason` says why.',
  steps_explained: 'Each step of the packet that `outcome.steps` does not show as done has a reason; an outcome without `steps` passes.',
  steps_given: 'As `steps_explained`, and `outcome.steps` must be there when the packet has steps.',
} as const
export type Guard = keyof typeof GUARDS

const count = { minimum: 0, maximum: 366 * 86_400_000 }

export const StateTimerSchema = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z][a-z0-9_]{0,39}$', description: 'Name within the state' }),
    from: Type.Optional(
      Type.Enum(['entered', 'promised_from', 'promised_to', 'unpromised'], {
        description:
          'What the time counts from: the recording of the move into the state (default), the begin or end of the promised window, or, while no window is promised, the move or the visit at which nobody was at home',
      }),
    ),
    after_ms: Type.Integer(count),
    after_ms_by_class: Type.Optional(
      Type.Object(Object.fromEntries(SAFETY_CLASSES.map((name) => [name, Type.Optional(Type.Integer(count))])), {
        additionalProperties: false,
        description: 'Other times for graver orders',
      }),
    ),
    effects: Type.Array(
      Type.Union([
        Type.Object(
          { kind: Type.Literal('escalate'), to: Type.String({ minLength: 1, maxLength: 64, description: 'Role that is told' }) },
          { additionalProperties: false },
        ),
        Type.Object(
          { kind: Type.Literal('open_pool') },
          { additionalProperties: false, description: 'An offer to one engineer becomes open to all' },
        ),
        Type.Object({ kind: Type.Literal('move'), to: WorkOrderStateSchema }, { additionalProperties: false }),
      ]),
      { minItems: 1, maxItems: 5 },
    ),
    reason: Type.String({ minLength: 1, maxLength: 200, description: 'Stands as the reason of what it does' }),
  },
  { additionalProperties: false },
)

const StateSchema = Type.Object(
  {
    phase: Type.Enum([...PHASES]),
    next: Type.Array(WorkOrderStateSchema, { maxItems: WORK_ORDER_STATES.length, uniqueItems: true }),
    guards: Type.Array(Type.Enum(Object.keys(GUARDS) as Guard[]), { maxItems: 20, uniqueItems: true }),
    timers: Type.Optional(Type.Array(StateTimerSchema, { maxItems: 10 })),
  },
  { additionalProperties: false },
)

/** A process as an organisation writes it; states that it does not use are left out. */
export const NewProcessSchema = Type.Object(
  {
    initial: WorkOrderStateSchema,
    states: Type.Object(Object.fromEntries(WORK_ORDER_STATES.map((state) => [state, Type.Optional(StateSchema)])), { additionalProperties: false }),
  },
  { additionalProperties: false },
)

export type Phase = (typeof PHASES)[number]
export type StateTimer = Static<typeof StateTimerSchema>
export type StateDefinition = Static<typeof StateSchema>

export interface NewProcess {
  readonly initial: (typeof WORK_ORDER_STATES)[number]
  readonly states: Readonly<Partial<Record<(typeof WORK_ORDER_STATES)[number], StateDefinition>>>
}

/** A version of a process; 0 is the one that ships. */
export const ProcessVersionSchema = Type.Object({
  version: Type.Integer({ description: '0 is the process that ships' }),
  is_in_force: Type.Boolean({ description: 'New orders are opened under it' }),
  open_orders: Type.Integer({ description: 'Orders under it that are neither settled nor over' }),
  created_at_ms: Type.Integer(),
  actor: Type.String(),
  process: NewProcessSchema,
})
export type ProcessVersion = Omit<Static<typeof ProcessVersionSchema>, 'process'> & { readonly process: NewProcess }
