/** What the API needs of remaining life: the outlook of a unit's parts, with what it rests on. Fields are those of the wire. */
import { type Static, Type } from 'typebox'

const EstimateSchema = Type.Object({
  value: Type.Number(),
  low: Type.Number({ description: 'Lower end of the 90 % interval of the parameters' }),
  high: Type.Number(),
})

export const RemainingLifeSchema = Type.Object({
  device: Type.String(),
  type: Type.String(),
  at_ms: Type.Integer(),
  age_years: Type.Union([Type.Number(), Type.Null()], { description: 'null: no installed_at_ms; parts are taken to be as old as those of any unit' }),
  usage: Type.Record(Type.String(), Type.Number(), { description: 'Covariates that are known, measured or given' }),
  diagnosis_id: Type.Union([Type.String(), Type.Null()], { description: 'Standing diagnosis that takes part' }),
  method: Type.String(),
  faults: Type.Array(
    Type.Object({
      fault: Type.String(),
      fault_name: Type.String(),
      parts: Type.Array(Type.String()),
      hazard_per_year: EstimateSchema,
      failure_30d_probability: EstimateSchema,
      failure_90d_probability: EstimateSchema,
      remaining_life_days: Type.Union([EstimateSchema, Type.Null()], { description: 'Median; null: beyond 40 years' }),
      begun_probability: Type.Number({ description: 'Chance by the standing diagnosis that the fault has begun; 0 without one' }),
      site_failures: Type.Integer({ description: 'Failures of this site that refined the life; 0: design values of the catalogue' }),
      usage_known: Type.Array(Type.String()),
      usage_unknown: Type.Array(Type.String(), { description: 'Stand at their reference and widen the interval' }),
    }),
    { description: 'Likeliest to fail within 90 days first' },
  ),
})

export type RemainingLife = Static<typeof RemainingLifeSchema>

export interface RemainingLifePort {
  /** Undefined for a device that is not registered, or of a type without lives. */
  outlook(tenant: string, device: string, given: Readonly<Record<string, number>>): Promise<RemainingLife | undefined>
}
