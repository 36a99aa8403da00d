/** Outlets that serve an organisation's orders, and the engineers who go there. */
import { type Static, Type } from 'typebox'
import { IdSchema } from './ids.ts'

const skills = Type.Array(Type.String({ minLength: 1, maxLength: 16 }), {
  maxItems: 50,
  description: 'Codes as on the packet: REF, ELE, GAS, HYD ...',
})

export const OutletSchema = Type.Object({
  outlet: IdSchema,
  name: Type.String({ maxLength: 128 }),
  areas: Type.Array(Type.String({ minLength: 1, maxLength: 128 }), {
    maxItems: 1_000,
    description: 'Outage areas, buildings or households as the devices name them; empty = everywhere',
  }),
  types: Type.Array(Type.String({ minLength: 1, maxLength: 64 }), { maxItems: 200, description: 'Appliance types; empty = all' }),
  skills: { ...skills, description: 'Skills that it has; empty = all' },
})

export const CrewSchema = Type.Object({
  engineer: IdSchema,
  name: Type.String({ maxLength: 128 }),
  outlet: Type.Union([IdSchema, Type.Null()]),
  skills,
})

export type Outlet = Static<typeof OutletSchema>
/** An engineer. */
export type Crew = Static<typeof CrewSchema>
