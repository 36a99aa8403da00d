/**
 * Help during a visit: an engineer on site asks for an expert at a distance, or for a part that is brought to him. A request waits, is taken
 * (by an expert who has the skills, or with a promise of when the part is there), and ends; while nobody takes it, or a promise is broken,
 * that is told again and again.
 */
import { type Static, Type } from 'typebox'
import { SafetyClassSchema } from './alarm.ts'
import { IdSchema } from './ids.ts'

export const HELP_KINDS = ['expert', 'parts'] as const
export const HELP_STATES = ['waiting', 'taken', 'done', 'withdrawn'] as const

const at = Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 })
const actor = Type.String({ minLength: 1, maxLength: 128 })
const skills = Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 20 })
export const WantedPartSchema = Type.Object(
  { part: Type.String({ minLength: 1, maxLength: 128 }), qty: Type.Integer({ minimum: 1, maximum: 100 }) },
  { additionalProperties: false },
)
const orNull = <Schema extends ReturnType<typeof Type.String> | ReturnType<typeof Type.Integer>>(schema: Schema) => Type.Union([schema, Type.Null()])

export const HelpRequestSchema = Type.Object({
  request_id: Type.String(),
  tenant: Type.String(),
  work_order_id: Type.String(),
  device: Type.String(),
  kind: Type.Enum([...HELP_KINDS]),
  state: Type.Enum([...HELP_STATES]),
  safety_class: SafetyClassSchema,
  skills: Type.Array(Type.String(), { description: 'That an expert must have' }),
  parts: Type.Array(Type.Object({ part: Type.String(), qty: Type.Integer() })),
  text: Type.String(),
  asked_by: Type.String(),
  asked_at_ms: Type.Integer(),
  needed_by_ms: orNull(Type.Integer({ description: 'When the engineer would have to leave without it' })),
  taken_by: orNull(Type.String({ description: 'Expert, or who brings the part' })),
  taken_at_ms: orNull(Type.Integer()),
  waited_ms: orNull(Type.Integer({ description: 'From the asking to the taking' })),
  promised_ms: orNull(Type.Integer({ description: 'When the part is there' })),
  from: orNull(Type.String({ description: 'Stock that the part comes from' })),
  saves_visit: Type.Union([Type.Boolean(), Type.Null()], { description: 'Whether the promise keeps `needed_by_ms`; null while either is not known' }),
  escalations: Type.Integer({ description: 'How often it was told that nobody took it, or that the promise was broken' }),
  promises_broken: Type.Integer({ description: 'Promises for it that were over before it was there; a new one takes none of them back' }),
  ended_at_ms: orNull(Type.Integer()),
  result: orNull(Type.String()),
})

/** What a move of an order to a state that asks may say that is needed. */
export const WantedHelpSchema = Type.Object(
  {
    skills: Type.Optional(skills),
    parts: Type.Optional(Type.Array(WantedPartSchema, { minItems: 1, maxItems: 20 })),
    needed_by_ms: Type.Optional(at),
  },
  { additionalProperties: false },
)

export const NewHelpSchema = Type.Object(
  {
    kind: Type.Enum([...HELP_KINDS]),
    actor,
    skills: Type.Optional({ ...skills, description: 'Of an expert; the skills of the packet when absent' }),
    parts: Type.Optional(Type.Array(WantedPartSchema, { minItems: 1, maxItems: 20 })),
    text: Type.Optional(Type.String({ maxLength: 2_000, description: 'What is found, and what is asked' })),
    needed_by_ms: Type.Optional(at),
  },
  { additionalProperties: false },
)

export const TakeHelpSchema = Type.Object(
  {
    by: IdSchema,
    promised_ms: Type.Optional({ ...at, description: 'Needed for parts: when they are there; later again = a new promise' }),
    from: Type.Optional(Type.String({ minLength: 1, maxLength: 128 })),
  },
  { additionalProperties: false },
)

export const EndHelpSchema = Type.Object({ by: actor, result: Type.String({ minLength: 1, maxLength: 2_000 }) }, { additionalProperties: false })

export const HelpFiguresSchema = Type.Object({
  requests: Type.Integer(),
  taken: Type.Integer(),
  waiting: Type.Integer(),
  waited_p50_ms: orNull(Type.Integer()),
  waited_p90_ms: orNull(Type.Integer({ description: 'Of those that were taken' })),
  promised_p50_ms: orNull(Type.Integer({ description: 'From the asking to the promised instant' })),
  promises_kept: Type.Integer({ description: 'Done at the promised instant or before' }),
  promises_broken: Type.Integer({
    description: 'Over before the part was there, each promise by itself, whatever was promised or became of the order behind it',
  }),
})

export type HelpRequest = Static<typeof HelpRequestSchema>
export type NewHelp = Static<typeof NewHelpSchema>
export type TakeHelp = Static<typeof TakeHelpSchema>
export type EndHelp = Static<typeof EndHelpSchema>
export type HelpFigures = Static<typeof HelpFiguresSchema>
