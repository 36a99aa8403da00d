/**
 * Care of a unit by its use: what is due, since when and why, what the household was told, and what it wants to hear of. Use is counted from the
 * windows that the pipeline stored; a task of an engineer is a suggestion with its price and opens no visit.
 */
import { type Static, Type } from 'typebox'
import { CurrencySchema } from './service-facts.ts'

export const CARE_KINDS = ['maintenance', 'tip'] as const
export const CARE_STATES = ['counting', 'due'] as const
export const CARE_REASONS = ['running_h', 'cycles', 'litres', 'days', 'sign'] as const

const at = Type.Integer({ minimum: 0, maximum: 4_102_444_800_000 })
const orNull = <Schema extends Parameters<typeof Type.Union>[0][number]>(schema: Schema) => Type.Union([schema, Type.Null()])
const localText = Type.Object({ en: Type.String(), 'zh-CN': Type.String() })
const counted = { running_h: Type.Number(), cycles: Type.Number(), litres: Type.Number(), days: Type.Number() }

export const CareSchema = Type.Object({
  care_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  household: orNull(Type.String()),
  type: Type.String(),
  task: Type.String({ description: 'Id in the catalogue' }),
  kind: Type.Enum([...CARE_KINDS]),
  who: Type.Enum(['household', 'engineer']),
  name: localText,
  text: Type.Object(localText.properties, { description: 'What is to be done' }),
  minutes: Type.Integer(),
  state: Type.Enum([...CARE_STATES]),
  since_ms: Type.Integer({ description: 'It was done then, or is counted from then' }),
  use: Type.Object(counted, { description: 'Since then' }),
  every: Type.Partial(Type.Object(counted), { description: 'What is reached first makes it due' }),
  due_at_ms: orNull(Type.Integer()),
  reason: orNull(
    Type.Object({
      by: Type.Enum([...CARE_REASONS]),
      value: Type.Number({ description: 'What was reached' }),
      limit: Type.Number(),
      feature: Type.Optional(Type.String({ description: 'Whose average over the last windows it is' })),
    }),
  ),
  suggestion: orNull(
    Type.Object(
      { currency: CurrencySchema, min_minor: Type.Integer(), max_minor: Type.Integer(), minutes: Type.Integer(), terms_version: Type.Integer() },
      { description: 'What a visit of an engineer for it would cost; nobody is sent by it' },
    ),
  ),
  told_at_ms: orNull(Type.Integer({ description: 'When the household was told last; null = not since it was done' })),
  told_count: Type.Integer(),
  is_opted_out: Type.Boolean({ description: 'The household does not want to hear of the kind' }),
  last_done_ms: orNull(Type.Integer()),
  done_count: Type.Integer(),
})

export const CareDoneSchema = Type.Object(
  {
    at_ms: Type.Optional(at),
    actor: Type.String({ minLength: 1, maxLength: 128, description: 'Who did it' }),
    note: Type.Optional(Type.String({ maxLength: 500 })),
  },
  { additionalProperties: false },
)

export const CareChoiceSchema = Type.Object({
  household: Type.String(),
  kind: Type.Enum([...CARE_KINDS]),
  wants: Type.Boolean({ description: 'Wants to be told of the kind; without any choice it is told' }),
  answered_at_ms: Type.Integer({ description: 'When the household said so' }),
  set_at_ms: Type.Integer(),
  actor: Type.String(),
})

export const NewCareChoiceSchema = Type.Object(
  { wants: Type.Boolean(), answered_at_ms: Type.Optional(at) },
  { additionalProperties: false, description: 'What the household says' },
)

export type Care = Static<typeof CareSchema>
export type CareDone = Static<typeof CareDoneSchema>
export type CareChoice = Static<typeof CareChoiceSchema>
export type NewCareChoice = Static<typeof NewCareChoiceSchema>
export type CareKind = (typeof CARE_KINDS)[number]
