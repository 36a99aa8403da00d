/** Something that household or appliance can do before anybody travels: an offer of a remote step or an active test, and what came of it. */
import { type Static, Type } from 'typebox'

export const REMOTE_STATES = [
  'offered',
  'accepted',
  'running',
  'measuring',
  'helped',
  'not_helped',
  'not_measured',
  'answered',
  'refused',
  'expired',
  'blocked',
  'failed',
  'withdrawn',
] as const
export type RemoteState = (typeof REMOTE_STATES)[number]

const TextSchema = Type.Object({ en: Type.String(), 'zh-CN': Type.String() })
const instantOrNull = Type.Union([Type.Integer(), Type.Null()])

export const RemoteOfferSchema = Type.Object({
  offer_id: Type.String(),
  work_order_id: Type.String(),
  case_id: Type.String(),
  device: Type.String(),
  kind: Type.Enum(['step', 'test'], { description: 'A step is done by the household, a test by the appliance on command' }),
  action: Type.String({ description: 'Id in the catalogue' }),
  text: TextSchema,
  text_version: Type.String({ description: 'Version of the text; a consent names the one that was read' }),
  minutes: Type.Integer(),
  wants_photo: Type.Boolean(),
  needs_consent: Type.Boolean(),
  state: Type.Enum([...REMOTE_STATES]),
  offered_at_ms: Type.Integer(),
  expires_at_ms: Type.Integer({ description: 'Unanswered by then, the visit goes on' }),
  consent: Type.Union([
    Type.Object({
      at_ms: Type.Integer(),
      actor: Type.String(),
      text_version: Type.String(),
      told_by: Type.Optional(Type.String({ description: 'Key by which it was told, `key:<id>`' })),
    }),
    Type.Null(),
  ]),
  started_at_ms: instantOrNull,
  due_at_ms: { ...instantOrNull, description: 'When the result is read from the sensors' },
  result: Type.Union([
    Type.Object({
      reason: Type.String(),
      values: Type.Record(Type.String(), Type.Union([Type.Number(), Type.Null()]), { description: 'What was measured' }),
    }),
    Type.Null(),
  ]),
})
export type RemoteOffer = Static<typeof RemoteOfferSchema>

/** A step that is to be tried, as a household reads it. */
export type NamedStep = Pick<RemoteOffer, 'work_order_id' | 'action' | 'text' | 'text_version' | 'minutes'>

export const RemoteAnswerSchema = Type.Object(
  {
    answer: Type.Enum(['accept', 'done', 'refuse'], { description: '`accept` consents to a test, `done` says that a step was done' }),
    text_version: Type.Optional(Type.String({ maxLength: 128, description: 'Of the text that was read; needed for `accept` and `done`' })),
    at_ms: Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 }),
    actor: Type.String({ minLength: 1, maxLength: 128, description: 'Who said it, or took it down' }),
    helped: Type.Optional(
      Type.Boolean({ description: 'What the household says; counts only for a unit that cannot be measured, and is needed there with `done`' }),
    ),
    reason: Type.Optional(Type.String({ maxLength: 500 })),
    photos: Type.Optional(Type.Array(Type.String({ maxLength: 500 }), { maxItems: 20 })),
  },
  { additionalProperties: false },
)
export type RemoteAnswer = Static<typeof RemoteAnswerSchema>
