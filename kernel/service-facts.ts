/**
 * What stands on a work order beside its packet: what the outlet verified with the household, what is covered by warranty, what the visit will
 * cost and why it is or is not worth it, what was charged, and how it was rated. Money is integer minor units with its currency.
 */
import { type Static, Type } from 'typebox'

const instant = (description: string) => Type.Integer({ minimum: 0, maximum: 4_102_444_800_000, description })
const minor = (description: string) => Type.Integer({ minimum: 0, maximum: 1_000_000_000, description })
export const CurrencySchema = Type.String({ pattern: '^[A-Z]{3}$', description: 'ISO 4217' })

export const WindowSchema = Type.Object(
  { from_ms: instant('Begin'), to_ms: instant('End, behind the begin') },
  { additionalProperties: false, description: 'A span in which the household is at home' },
)

/** What the outlet found out from the household before anybody travels. */
export const VerifiedNeedSchema = Type.Object(
  {
    is_needed: Type.Boolean({ description: 'The household wants the visit' }),
    symptom: Type.Optional(Type.String({ maxLength: 500 })),
    access: Type.Optional(Type.String({ maxLength: 500, description: 'How to get to the appliance' })),
    spoken_with: Type.Optional(Type.String({ maxLength: 128 })),
  },
  { additionalProperties: false },
)

export const ChargesSchema = Type.Object(
  {
    currency: CurrencySchema,
    lines: Type.Array(
      Type.Object(
        {
          kind: Type.Enum(['part', 'labour', 'travel', 'other']),
          part: Type.Optional(Type.String({ maxLength: 64 })),
          quantity: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000 })),
          amount_minor: minor('Of the whole line'),
        },
        { additionalProperties: false },
      ),
      { maxItems: 50 },
    ),
    total_minor: minor('Sum of the lines'),
    is_agreed: Type.Boolean({ description: 'The household agreed to this sum; needed when it is above the range that was shown' }),
  },
  { additionalProperties: false },
)

export const RatingSchema = Type.Object(
  {
    score: Type.Integer({ minimum: 1, maximum: 5 }),
    nps: Type.Optional(Type.Integer({ minimum: 0, maximum: 10 })),
    effort: Type.Optional(Type.Integer({ minimum: 1, maximum: 7 })),
    comment: Type.Optional(Type.String({ maxLength: 2_000 })),
  },
  { additionalProperties: false },
)

const covered = Type.Union([Type.Boolean(), Type.Null()], { description: 'null: nobody said when the appliance was installed' })
const until = Type.Union([Type.Integer(), Type.Null()])

const PriceLineSchema = Type.Object({
  kind: Type.Enum(['part', 'labour', 'travel']),
  part: Type.Optional(Type.String()),
  quantity: Type.Integer(),
  /** Chance that the line comes up. */
  probability: Type.Number(),
  min_minor: minor('Of the whole line, when it comes up'),
  max_minor: minor('Of the whole line, when it comes up'),
  is_covered: covered,
})

export const QuoteSchema = Type.Object(
  {
    installed_at_ms: until,
    warranty: Type.Object({
      is_covered: covered,
      labour_until_ms: until,
      parts: Type.Array(Type.Object({ part: Type.String(), until_ms: until, is_covered: covered })),
    }),
    price: Type.Object({
      currency: CurrencySchema,
      min_minor: minor('What the household pays at least: labour, travel and every part that is sure'),
      max_minor: minor('What it pays at most'),
      expected_minor: minor('What it pays on average'),
      lines: Type.Array(PriceLineSchema),
    }),
    advice: Type.Object({
      advice: Type.Enum(['repair', 'either', 'replace']),
      reasons: Type.Array(Type.Object({ code: Type.String(), values: Type.Record(Type.String(), Type.Number()) })),
    }),
    terms_version: Type.Integer({ description: 'Version of the service terms; 0 = those that ship' }),
  },
  { description: 'Warranty, price range and advice as they were when the packet was made' },
)

export type VisitWindow = Static<typeof WindowSchema>
export type VerifiedNeed = Static<typeof VerifiedNeedSchema>
export type Charges = Static<typeof ChargesSchema>
export type Rating = Static<typeof RatingSchema>
export type PriceLine = Static<typeof PriceLineSchema>
export type Quote = Static<typeof QuoteSchema>
