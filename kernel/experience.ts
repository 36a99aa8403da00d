/** Records of the experience hub as the API gives them: risks of open orders, interventions, their effect, satisfaction, and tags of households. */
import { type Static, Type } from 'typebox'

const instant = (description: string) => Type.Integer({ minimum: 0, maximum: 4_102_444_800_000, description })
const orNull = (schema: ReturnType<typeof Type.Number> | ReturnType<typeof Type.String>, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })
const share = (description: string) => Type.Number({ minimum: 0, maximum: 1, description })

export const OrderRiskSchema = Type.Object({
  work_order_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  score: share('Chance of a complaint'),
  reasons: Type.Array(Type.Object({ term: Type.String(), contribution: Type.Number({ description: 'Log-odds' }) }), {
    description: 'Strongest first',
  }),
  facts: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Boolean(), Type.Null()])),
  weights_version: Type.Integer(),
  is_above: Type.Boolean({ description: 'Above the bound' }),
  first_above_at_ms: orNull(Type.Number()),
  at_ms: Type.Integer({ description: 'When it was reckoned' }),
})

export const InterventionSchema = Type.Object({
  intervention_id: Type.String(),
  tenant: Type.String(),
  work_order_id: Type.String(),
  device: Type.String(),
  rule: Type.String(),
  rules_version: Type.Integer(),
  action: Type.String(),
  owner: Type.String({ description: 'Who owes the result' }),
  state: Type.String({ description: '`open`, `escalated`, `answered`, `lapsed` (its order was settled) or `held_out` (nothing is to be done)' }),
  score: share('Risk when it was opened'),
  reasons: Type.Array(Type.String()),
  opened_at_ms: Type.Integer(),
  due_at_ms: Type.Integer(),
  escalations: Type.Integer(),
  result: orNull(Type.String()),
  note: orNull(Type.String()),
  actor: orNull(Type.String()),
  answered_at_ms: orNull(Type.Number()),
})

export const InterventionResultSchema = Type.Object(
  { result: Type.Enum(['done', 'not_possible', 'declined']), note: Type.Optional(Type.String({ maxLength: 2_000 })) },
  { additionalProperties: false },
)

const GroupSchema = Type.Object({ orders: Type.Integer(), count: Type.Integer(), rate: orNull(Type.Number()) })
const ComparedSchema = Type.Object({
  treated: GroupSchema,
  held_out: GroupSchema,
  difference: orNull(Type.Number(), 'Rate of the treated less that of the held out; null where a group is empty'),
  low: orNull(Type.Number(), 'Lower end of the 95 % interval'),
  high: orNull(Type.Number()),
})
export const EffectSchema = Type.Object({
  hold_out_share: share('Share of the orders that is held out'),
  rules_version: Type.Integer(),
  complaints: Type.Union([ComparedSchema, Type.Null()], {
    description: 'Orders with a complaint behind the first rule that was met; null where no contacts are kept',
  }),
  satisfied: Type.Unsafe<Static<typeof ComparedSchema>>({ ...ComparedSchema, description: 'Ratings of 4 or 5 among those that rated' }),
})

const RespondentsSchema = Type.Object({ orders: Type.Integer(), late: Type.Integer(), late_share: orNull(Type.Number()) })
export const SatisfactionSchema = Type.Object({
  from_ms: Type.Integer(),
  to_ms: Type.Integer(),
  responses: Type.Integer(),
  csat: orNull(Type.Number(), 'Share of ratings of 4 or 5'),
  nps: orNull(Type.Number(), 'Promoters (9, 10) less detractors (0 to 6), -100 to 100'),
  nps_responses: Type.Integer(),
  mean_effort: orNull(Type.Number(), '1 = easy, 7 = hard'),
  effort_responses: Type.Integer(),
  response_rate: orNull(Type.Number(), 'Rated orders among those that were repaired in the span'),
  responders: RespondentsSchema,
  non_responders: Type.Unsafe<Static<typeof RespondentsSchema>>({
    ...RespondentsSchema,
    description: 'Those that did not rate: when more or fewer of them were late, the ratings are not of all',
  }),
})

/** What a household may let be known; all of them ask for care. */
export const CUSTOMER_TAGS = ['elderly', 'infant', 'medical_need', 'reduced_mobility', 'depends_on_appliance', 'past_disappointment'] as const
export const CustomerTagNameSchema = Type.Enum([...CUSTOMER_TAGS])

export const NewCustomerTagSchema = Type.Object(
  {
    consent_at_ms: Type.Optional(instant('When the household consented; a tag without consent is refused')),
    expires_at_ms: Type.Optional(instant('Until when the consent holds, two years at most')),
  },
  { additionalProperties: false },
)

export const CustomerTagSchema = Type.Object({
  tenant: Type.String(),
  household: Type.String(),
  tag: Type.String(),
  consent_at_ms: Type.Integer(),
  expires_at_ms: Type.Integer(),
  actor: Type.String(),
  set_at_ms: Type.Integer(),
  uses: Type.Array(Type.Object({ work_order_id: Type.String(), used_for: Type.String(), at_ms: Type.Integer() })),
})

export type Effect = Static<typeof EffectSchema>
export type Compared = Static<typeof ComparedSchema>
export type Satisfaction = Static<typeof SatisfactionSchema>
export type NewCustomerTag = Static<typeof NewCustomerTagSchema>
export type CustomerTag = Static<typeof CustomerTagSchema>
