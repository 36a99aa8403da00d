/** What an organisation asks and grants for an appliance type: prices of parts, labour and travel, warranties, and the price of a new one. */
import { type Static, Type } from 'typebox'
import { CurrencySchema } from './service-facts.ts'

const minor = (description: string) => Type.Integer({ minimum: 0, maximum: 1_000_000_000, description })
const months = (description: string) => Type.Integer({ minimum: 0, maximum: 600, description })

export const ServiceTermsSchema = Type.Object(
  {
    currency: CurrencySchema,
    labour_minor_per_hour: minor('Per hour of work'),
    travel_minor: minor('Per visit'),
    parts: Type.Array(
      Type.Object(
        {
          part: Type.String({ minLength: 1, maxLength: 64 }),
          min_minor: minor('Each, of the cheapest model'),
          max_minor: minor('Each, of the dearest model'),
          warranty_months: Type.Optional(months('Other than that of the appliance')),
        },
        { additionalProperties: false },
      ),
      { maxItems: 1_000 },
    ),
    /** For a part that the list does not name. */
    other_part: Type.Object({ min_minor: minor('Each'), max_minor: minor('Each') }, { additionalProperties: false }),
    parts_warranty_months: months('From the installation, for parts'),
    labour_warranty_months: months('From the installation, for labour and travel'),
    repair_warranty_days: Type.Integer({ minimum: 0, maximum: 3_650, description: 'A repeat of a repair so soon costs the household nothing' }),
    replacement_minor: minor('Price of a new appliance, installed'),
    life_years: Type.Number({ minimum: 0.5, maximum: 100, description: 'Years that a new one lasts on average' }),
  },
  { additionalProperties: false },
)

/** A version of the terms of a type; 0 are those that ship. */
export const TermsVersionSchema = Type.Object({ type: Type.String(), version: Type.Integer(), terms: ServiceTermsSchema })

export type ServiceTerms = Static<typeof ServiceTermsSchema>
export type TermsVersion = Static<typeof TermsVersionSchema>
