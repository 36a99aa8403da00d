/**
 * A report of a person about one unit (household, call centre, engineer) and the answer that is given at once: what is likely wrong and
 * what that rests on, the next question, what the household can do, and which case and order it became. Texts are in en and zh-CN.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { SAFETY_CLASSES, SafetyClassSchema } from './alarm.ts'
import { IdSchema } from './ids.ts'

export const REPORT_SOURCES = ['household', 'call_centre', 'engineer'] as const
export const CONTACT_KINDS = ['report', 'call', 'complaint', 'chase'] as const

/** What a diagnosis can rest on. */
export const EVIDENCE_SOURCES = ['code', 'symptom', 'answers', 'telemetry', 'age'] as const
export type EvidenceSource = (typeof EVIDENCE_SOURCES)[number]

/** Answer of a household that cannot say; it tells nothing. */
export const DONT_KNOW = 'dont_know'
/** Displayed code of a display that shows none. */
export const NO_CODE = 'none'
/** Questions that one contact is asked at most. */
export const QUESTIONS_MAX = 5

const word = Type.String({ minLength: 1, maxLength: 64 })
const name = Type.String({ minLength: 1, maxLength: 128 })
const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])

export const HouseholdReportSchema = Type.Object(
  {
    source: Type.Enum([...REPORT_SOURCES]),
    device: Type.Optional({ ...IdSchema, description: 'Registered unit, connected or not' }),
    household: Type.Optional(name),
    fault_code: Type.Optional({ ...word, description: 'Code that the display shows, `none` when it shows none, or a symptom of the catalogue' }),
    symptom: Type.Optional({ ...word, description: 'Symptom of the catalogue' }),
    answers: Type.Optional(Type.Array(Type.Object({ question: word, answer: word }, { additionalProperties: false }), { maxItems: 20 })),
    text: Type.Optional(Type.String({ maxLength: 2_000 })),
    at_ms: Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 }),
    kind: Type.Optional(Type.Enum([...CONTACT_KINDS])),
    contact_id: Type.Optional({
      ...word,
      description: 'Goes on with this contact: its code and answers count, the same question answered again replaces',
    }),
  },
  { additionalProperties: false },
)

/** A report as the hubs take it: the tenant and who sent it stand beside what was said. */
export type HouseholdReport = Static<typeof HouseholdReportSchema> & { readonly tenant: string; readonly actor: string }

export const LocalTextSchema = Type.Object({ en: Type.String(), 'zh-CN': Type.String() })

export const RankedFaultSchema = Type.Object({
  fault: Type.String(),
  fault_name: LocalTextSchema,
  probability: Type.Number({ minimum: 0, maximum: 1 }),
  safety_class: SafetyClassSchema,
})

export const NextQuestionSchema = Type.Object({
  question: Type.String(),
  text: LocalTextSchema,
  answers: Type.Array(Type.Object({ answer: Type.String(), text: LocalTextSchema })),
  is_safety: Type.Boolean({ description: 'Asked first: its answer may be a danger' }),
  information_bits: Type.Number({ description: 'Expected information about the fault' }),
})

export const ReportAnswerSchema = Type.Object({
  contact_id: Type.String(),
  device: Type.String(),
  household: Type.Optional(orNull(Type.String({ description: 'Of the unit, else the one that was named in the contact' }))),
  case_id: orNull(Type.String({ description: 'Case of the contact; null until one stands' })),
  work_order_id: orNull(Type.String()),
  is_concluded: Type.Boolean({ description: 'It is decided: a case stands, or nothing can be named; only a question of safety may still be open' }),
  joined: Type.Boolean({ description: 'It came into a case that stood already' }),
  diagnosis: Type.Object({
    answer: Type.Enum(['fault', 'no_fault', 'unknown_fault', 'not_enough_data'], {
      description:
        '`no_fault`: it likely works; `unknown_fault`: no fault is likely enough to be named; `not_enough_data`: nothing is known of the type',
    }),
    fault: orNull(Type.String()),
    probability: Type.Number(),
    no_fault_probability: Type.Number({ description: 'That the appliance works; with `ranked` in full it sums to 1' }),
    ranked: Type.Array(RankedFaultSchema),
    rests_on: Type.Array(Type.Enum([...EVIDENCE_SOURCES])),
  }),
  next_question: orNull(NextQuestionSchema),
  safety_advice: orNull(LocalTextSchema),
  remote_step: Type.Optional(
    orNull(
      Type.Object(
        {
          action: Type.String({ description: 'Id in the catalogue' }),
          text: LocalTextSchema,
          text_version: Type.Optional(Type.String({ description: 'Version of the text, which the answer to its offer names' })),
          minutes: Type.Integer(),
          wants_photo: Type.Boolean(),
          otherwise: LocalTextSchema,
        },
        { description: 'What the household can try before anybody travels' },
      ),
    ),
  ),
  hazard: Type.Optional(orNull(Type.String({ description: 'What endangers the home: gas, carbon_monoxide, fire_or_shock, water or scald' }))),
  dangers: Type.Optional(
    Type.Array(
      Type.Object({
        hazard: Type.String(),
        fault: orNull(Type.String({ description: 'Null where it is of the home and not of the appliance' })),
        safety_class: SafetyClassSchema,
        advice: LocalTextSchema,
        // Absent in answers that an earlier version keeps for a repeat.
        case_id: Type.Optional(orNull(Type.String())),
        work_order_id: Type.Optional(orNull(Type.String())),
      }),
      { description: 'Every danger that was said in this contact, one a hazard, gravest first; each is an emergency' },
    ),
  ),
  safety_class: Type.Enum([...SAFETY_CLASSES]),
  service: Type.Object({
    state: Type.Enum(['asking', 'not_known', 'try_first', 'checking', 'order_open', 'appointment', 'on_the_way', 'done'], {
      description: 'How far the help is; `try_first`: nobody comes before `remote_step` was tried, `checking`: sensors tell whether it helped',
    }),
    window_from_ms: Type.Union([Type.Integer(), Type.Null()]),
    window_to_ms: Type.Union([Type.Integer(), Type.Null()]),
  }),
})

/** A contact as it is kept. */
export const ContactSchema = Type.Object({
  contact_id: Type.String(),
  device: Type.String(),
  household: orNull(Type.String()),
  case_id: orNull(Type.String()),
  source: Type.Enum([...REPORT_SOURCES]),
  kind: Type.Enum([...CONTACT_KINDS]),
  text: Type.String(),
  code: orNull(Type.String()),
  symptom: orNull(Type.String()),
  answers: Type.Array(Type.Object({ question: Type.String(), answer: Type.String() })),
  at_ms: Type.Integer(),
  actor: Type.String(),
})

export type Contact = Static<typeof ContactSchema>
export type ReportAnswer = Static<typeof ReportAnswerSchema>
export type ServiceView = ReportAnswer['service']
