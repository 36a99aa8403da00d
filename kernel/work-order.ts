/** The work order: one per unit and cause, its packet for the visit, and the coded outcome that comes back. */
import { type Static, type TSchema, Type } from 'typebox'
import { SafetyClassSchema } from './alarm.ts'
import { EvidenceSchema, PartNeedSchema } from './diagnosis.ts'
import { ChargesSchema, QuoteSchema, RatingSchema, VerifiedNeedSchema, WindowSchema } from './service-facts.ts'

export const WORK_ORDER_STATES = [
  'opened',
  'triaged',
  'remote_offered',
  'scheduled',
  'offered',
  'accepted',
  'refused',
  'en_route',
  'on_site',
  'waiting_for_part',
  'waiting_for_expert',
  'done',
  'verified',
  'reopened',
  'cancelled',
  'returned',
  'closed',
] as const
export type WorkOrderState = (typeof WORK_ORDER_STATES)[number]
export const WorkOrderStateSchema = Type.Enum([...WORK_ORDER_STATES])

/** Answers of the dispatch system: the states, and remarks that move nothing. */
export const WORK_ORDER_REMARKS = ['position', 'rescheduled', 'rated', 'note'] as const

/** Coded outcome of a visit; a fault code of the catalogue, `no_fault_found` or `other`. */
export const OutcomeSchema = Type.Object(
  {
    cause: Type.String({ minLength: 1, maxLength: 64 }),
    parts_used: Type.Array(
      Type.Object(
        {
          part: Type.String({ maxLength: 64 }),
          qty: Type.Integer({ minimum: 1, maximum: 1000 }),
          serial: Type.Optional(Type.String({ maxLength: 64 })),
          is_unknown: Type.Optional(
            Type.Boolean({
              description: 'Set by Mendline, whatever is told: the catalogue of the type has no such part, and nothing is concluded from it',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      { maxItems: 50 },
    ),
    parts_returned: Type.Array(
      Type.Object(
        {
          part: Type.String({ maxLength: 64 }),
          qty: Type.Integer({ minimum: 1, maximum: 1000 }),
          serial: Type.Optional(Type.String({ maxLength: 64 })),
          is_unknown: Type.Optional(
            Type.Boolean({
              description: 'Set by Mendline, whatever is told: the catalogue of the type has no such part, and nothing is concluded from it',
            }),
          ),
        },
        { additionalProperties: false },
      ),
      { maxItems: 50 },
    ),
    minutes: Type.Integer({ minimum: 0, maximum: 10_000 }),
    note: Type.Optional(Type.String({ maxLength: 2_000 })),
    photos: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 20 })),
    steps: Type.Optional(
      Type.Array(
        Type.Object(
          {
            step: Type.String({ maxLength: 64, description: '`id` of a step of the packet' }),
            done: Type.Boolean(),
            minutes: Type.Optional(Type.Integer({ minimum: 0, maximum: 10_000 })),
            reason: Type.Optional(Type.String({ maxLength: 500, description: 'Why it was left out' })),
          },
          { additionalProperties: false },
        ),
        { maxItems: 100, description: 'The work guide: each step of the packet, done or left out with a reason' },
      ),
    ),
  },
  { additionalProperties: false },
)

/** What the engineer takes along: why, what with, and in which order. */
export const PacketSchema = Type.Object({
  fault: Type.Union([Type.String(), Type.Null()]),
  fault_name: Type.String(),
  probability: Type.Number(),
  customer_sees: Type.String(),
  evidence_for: Type.Array(EvidenceSchema),
  evidence_against: Type.Array(EvidenceSchema),
  rivals: Type.Array(Type.Object({ fault: Type.String(), fault_name: Type.String(), probability: Type.Number() })),
  questions: Type.Array(Type.String()),
  parts: Type.Array(PartNeedSchema),
  skills: Type.Array(Type.String()),
  steps: Type.Array(
    Type.Object({
      id: Type.Optional(Type.String()),
      text: Type.String(),
      tools: Type.Array(Type.String()),
      minutes: Type.Integer(),
      proof: Type.String(),
    }),
  ),
  minutes: Type.Integer({ description: 'Sum of the steps' }),
})

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Optional(Type.Union([schema, Type.Null()]))

/** How far down the chain it is, and what was promised, verified, quoted, charged and rated. */
const ChainFields = {
  process_version: Type.Optional(Type.Integer({ description: 'Version of the process that it is under; 0 = the one that ships' })),
  outlet: orNull(Type.String()),
  engineer: orNull(Type.String({ description: 'Who has accepted it' })),
  offered_to: orNull(Type.String({ description: 'Whom it is offered to; null in the state offered = anybody may take it' })),
  promised_from_ms: orNull(Type.Integer()),
  promised_to_ms: orNull(Type.Integer()),
  repeat_of: orNull(
    Type.String({
      description:
        'Order for the same unit and kind of fault that was repaired at most 30 days before; itself, where it was reopened so soon behind its own repair',
    }),
  ),
  verified_need: orNull(VerifiedNeedSchema),
  preferred_windows: Type.Optional(Type.Array(WindowSchema)),
  reschedule_count: Type.Optional(Type.Integer()),
  no_show_count: Type.Optional(Type.Integer()),
  quote: orNull(QuoteSchema),
  charges: orNull(ChargesSchema),
  earlier_charges: Type.Optional(Type.Array(ChargesSchema, { description: 'For the visits before it was reopened, oldest first' })),
  rating: orNull(RatingSchema),
}

export const WorkOrderSchema = Type.Object({
  work_order_id: Type.String(),
  case_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  type: Type.String(),
  state: WorkOrderStateSchema,
  revision: Type.Integer({ description: 'Rises with each change; the ETag' }),
  safety_class: SafetyClassSchema,
  fault: Type.Union([Type.String(), Type.Null()]),
  diagnosis_id: Type.Union([Type.String(), Type.Null()]),
  alarm_id: Type.Union([Type.String(), Type.Null()]),
  opened_at_ms: Type.Integer({ description: 'Device time of the diagnosis or alarm that opened it' }),
  created_at_ms: Type.Integer({ description: 'Platform time at which it was opened' }),
  updated_at_ms: Type.Integer(),
  packet: PacketSchema,
  outcome: Type.Union([OutcomeSchema, Type.Null()]),
  ...ChainFields,
})

export type Outcome = Static<typeof OutcomeSchema>
export type Packet = Static<typeof PacketSchema>
export type WorkOrder = Static<typeof WorkOrderSchema>

/** What the dispatch system tells of an order: a move to a state, or a remark. `done` carries the outcome as `data.outcome`. */
export const WorkOrderEventSchema = Type.Object(
  {
    type: Type.Enum([...WORK_ORDER_STATES, ...WORK_ORDER_REMARKS]),
    at_ms: Type.Integer({ minimum: 0, maximum: 4_102_444_800_000, description: 'When it happened; before the year 2100' }),
    actor: Type.String({ minLength: 1, maxLength: 128 }),
    data: Type.Optional(Type.Record(Type.String(), Type.Unknown())),
  },
  { additionalProperties: false },
)

export type WorkOrderEvent = Static<typeof WorkOrderEventSchema>
