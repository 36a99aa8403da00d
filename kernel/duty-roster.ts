/**
 * The duty roster of a tenant, as data: who is called to an emergency, when, by which ways, and up which ladder when nobody answers.
 * It is set over the API and kept in the emergency book. Times of day are local to the roster's time zone.
 */
import { type Static, Type } from 'typebox'
import { IdSchema } from './ids.ts'

const TimeOfDaySchema = Type.String({ pattern: '^([01][0-9]|2[0-3]):[0-5][0-9]$', description: 'HH:MM' })
const LocaleSchema = Type.Enum(['en', 'zh-CN'])

/** A way to a person; `chat` takes a POST of `{text}`. */
const DutyChannelSchema = Type.Union([
  Type.Object(
    { kind: Type.Literal('email'), address: Type.String({ minLength: 3, maxLength: 254, pattern: '^[^\\s@<>,;]+@[^\\s@<>,;]+$' }) },
    { additionalProperties: false },
  ),
  Type.Object(
    { kind: Type.Literal('chat'), url: Type.String({ minLength: 8, maxLength: 2_000, pattern: '^https?://' }) },
    { additionalProperties: false },
  ),
])

const PersonSchema = Type.Object(
  {
    person: IdSchema,
    name: Type.String({ minLength: 1, maxLength: 100 }),
    locale: Type.Optional(LocaleSchema),
    channels: Type.Array(DutyChannelSchema, { minItems: 1, maxItems: 5 }),
  },
  { additionalProperties: false },
)

const ShiftSchema = Type.Object(
  {
    person: IdSchema,
    days: Type.Optional(
      Type.Array(Type.Integer({ minimum: 1, maximum: 7 }), { minItems: 1, maxItems: 7, description: '1 Monday to 7 Sunday; absent = each' }),
    ),
    from: TimeOfDaySchema,
    to: Type.Unsafe<string>({ ...TimeOfDaySchema, description: 'HH:MM; not after `from` = on the next day' }),
  },
  { additionalProperties: false },
)

/** One rung: who is called, and how long it waits for somebody to acknowledge. */
const RungSchema = Type.Object(
  {
    notify: Type.Array(Type.String({ pattern: '^(on_duty|everybody|[A-Za-z0-9_-]{1,64})$' }), {
      maxItems: 10,
      description: '`on_duty`, `everybody`, or persons',
    }),
    ways: Type.Optional(Type.Array(Type.Enum(['email', 'chat']), { maxItems: 2, description: 'Only these ways; absent = all of the person' })),
    wait_s: Type.Integer({ minimum: 10, maximum: 86_400 }),
  },
  { additionalProperties: false },
)

const LadderSchema = Type.Array(RungSchema, { minItems: 1, maxItems: 10, description: 'The last rung is repeated until somebody acknowledges' })

const DrillPlanSchema = Type.Object(
  { every_days: Type.Integer({ minimum: 1, maximum: 366 }), at: TimeOfDaySchema, safety_class: Type.Optional(Type.Enum(['E0', 'E1'])) },
  { additionalProperties: false },
)

export const DutyRosterSchema = Type.Object(
  {
    time_zone: Type.String({ minLength: 1, maxLength: 64 }),
    people: Type.Array(PersonSchema, { maxItems: 200 }),
    shifts: Type.Array(ShiftSchema, { maxItems: 500 }),
    ladders: Type.Optional(Type.Object({ E0: Type.Optional(LadderSchema), E1: Type.Optional(LadderSchema) }, { additionalProperties: false })),
    drill: Type.Optional(DrillPlanSchema),
  },
  { additionalProperties: false },
)

export type DutyRoster = Static<typeof DutyRosterSchema>
export type DutyPerson = Static<typeof PersonSchema>
export type Rung = Static<typeof RungSchema>
