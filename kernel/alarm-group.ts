/** A group of alarms that one cause explains: of one unit, or of all that shares a household, building, outage area, site, firmware or batch. */
import { type Static, Type } from 'typebox'
import { SafetyClassSchema } from './alarm.ts'

/** What units share, narrowest first. */
export const GROUP_SCOPES = ['unit', 'household', 'building', 'outage_area', 'site', 'batch', 'firmware'] as const
export type GroupScope = (typeof GROUP_SCOPES)[number]

export const AlarmGroupSchema = Type.Object({
  group_id: Type.String(),
  tenant: Type.String(),
  cause: Type.String({ description: 'Fault code, or the rule where it names none' }),
  scope: Type.Enum([...GROUP_SCOPES]),
  scope_value: Type.String({ description: 'Which unit, household, building ...' }),
  safety_class: SafetyClassSchema,
  from_ms: Type.Integer({ description: 'Device time at which the first of them began' }),
  to_ms: Type.Integer({ description: 'Device time at which the last of them began' }),
  alarms: Type.Integer(),
  units: Type.Integer(),
  population: Type.Integer({ description: 'Registered units of the scope, of the types that raised the alarms' }),
  lead_alarm_id: Type.String({ description: 'The first alarm; an order of the group stands on its unit' }),
})
/** The same with the one order of its cause. */
export const KnownGroupSchema = Type.Object({
  ...AlarmGroupSchema.properties,
  work_order_id: Type.Union([Type.String(), Type.Null()], {
    description: 'The one order of the cause; null for a single unit and while none is open',
  }),
})
export type AlarmGroup = Static<typeof AlarmGroupSchema>

/** Where a unit stands, by scope; what nobody said is absent. */
export type UnitPlace = Readonly<Partial<Record<GroupScope, string>>>
