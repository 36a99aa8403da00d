/**
 * Demand signals as the API gives and takes them: what a household wants or will likely need, from whom that is known, the consent it is kept
 * by, and what came of it. Kinds, sources and results are closed lists; nothing else of a household is kept with a signal but a note.
 */
import { type Static, Type } from 'typebox'

const Instant = { minimum: 0, maximum: 4_102_444_800_000 }
const orNull = <Schema extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: Schema, description?: string) =>
  Type.Union([schema, Type.Null()], description === undefined ? {} : { description })

const DEMAND_KINDS = ['maintenance_plan', 'new_appliance', 'second_unit', 'accessory', 'extended_warranty', 'moving_house'] as const
export const DemandKindSchema = Type.Enum([...DEMAND_KINDS])
export type DemandKind = (typeof DEMAND_KINDS)[number]

/** Who may say it; `rule` is Mendline's own. */
const TOLD_BY = ['household', 'engineer', 'call_centre'] as const

const RESULTS = ['taken_up', 'declined', 'no_answer'] as const

const TextVersion = Type.String({
  ...{ minLength: 1, maxLength: 64, pattern: '^[!-~]+$' },
  description: 'Version of the text that the household read or heard',
})

export const NewDemandConsentSchema = Type.Object(
  {
    text_version: Type.Optional(TextVersion),
    consent_at_ms: Type.Optional(Type.Integer({ ...Instant, description: 'When the household consented' })),
    expires_at_ms: Type.Optional(Type.Integer({ ...Instant, description: 'Until when the consent holds, two years at most' })),
  },
  { additionalProperties: false, description: 'Consent to demand signals; each of the three is needed' },
)

export const DemandConsentSchema = Type.Object({
  tenant: Type.String(),
  household: Type.String(),
  text_version: Type.String(),
  consent_at_ms: Type.Integer(),
  expires_at_ms: Type.Integer(),
  actor: Type.String(),
  set_at_ms: Type.Integer(),
})

export const NewDemandSignalSchema = Type.Object(
  {
    source: Type.Enum([...TOLD_BY], { description: 'From whom it is known' }),
    told_at_ms: Type.Optional(Type.Integer({ ...Instant, description: 'When it was said; now when it is not given' })),
    work_order_id: Type.Optional(
      Type.String({ minLength: 1, maxLength: 128, description: 'Order during which it was said; it must be of a unit of the household' }),
    ),
    note: Type.Optional(Type.String({ maxLength: 500 })),
    expires_at_ms: Type.Optional(
      Type.Integer({ ...Instant, description: 'Until when it is of use; half a year behind `told_at_ms`, or the end of the consent, at most' }),
    ),
    consent: Type.Optional(NewDemandConsentSchema),
  },
  { additionalProperties: false },
)

export const DemandSignalSchema = Type.Object({
  signal_id: Type.String(),
  tenant: Type.String(),
  household: Type.String(),
  kind: Type.String(),
  source: Type.String({ description: '`household`, `engineer`, `call_centre` or `rule`' }),
  device: orNull(Type.String(), 'Unit of the order'),
  work_order_id: orNull(Type.String()),
  outlet: orNull(Type.String(), 'Outlet of the order'),
  note: Type.String({ description: 'Of a rule: `replace_advised` or `near_end_of_life`' }),
  consent_text_version: Type.String(),
  consent_at_ms: Type.Integer(),
  expires_at_ms: Type.Integer(),
  told_at_ms: Type.Integer(),
  actor: Type.String(),
  owner: Type.String({ description: 'Who owes the result' }),
  state: Type.String({ description: '`open` or `answered`' }),
  result: orNull(Type.String(), '`taken_up`, `declined` or `no_answer`'),
  result_note: orNull(Type.String()),
  answered_by: orNull(Type.String()),
  answered_at_ms: orNull(Type.Integer()),
  log: Type.Array(Type.Object({ what: Type.String({ description: '`told`, `shown` or `answered`' }), actor: Type.String(), at_ms: Type.Integer() }), {
    description: 'Who told it, to whom it was shown (the first time), and who answered; oldest first',
  }),
})

export const DemandResultSchema = Type.Object(
  { result: Type.Enum([...RESULTS]), note: Type.Optional(Type.String({ maxLength: 500 })) },
  { additionalProperties: false },
)

export type NewDemandConsent = Static<typeof NewDemandConsentSchema>
export type DemandConsent = Static<typeof DemandConsentSchema>
export type NewDemandSignal = Static<typeof NewDemandSignalSchema>
export type DemandSignal = Static<typeof DemandSignalSchema>
export type DemandResult = Static<typeof DemandResultSchema>
