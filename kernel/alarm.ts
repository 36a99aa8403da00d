/**
 * The alarm: a rule's condition held for its time on one device, in event time. Its id is made of tenant, device, rule and the
 * instant the condition began, so a replay or a second delivery raises the same alarm.
 */
import { type Static, Type } from 'typebox'

/** E0 life, E1 property, E2 essential function, E3 degraded, E4 advice. */
export const SAFETY_CLASSES = ['E0', 'E1', 'E2', 'E3', 'E4'] as const
export type SafetyClass = (typeof SAFETY_CLASSES)[number]
export const SafetyClassSchema = Type.Enum([...SAFETY_CLASSES])

/** One condition of a rule with the value that it saw. */
export const AlarmEvidenceSchema = Type.Object({
  condition: Type.String({ description: 'The condition in words, with unit' }),
  value: Type.Union([Type.Number(), Type.String(), Type.Null()]),
  unit: Type.String(),
})

export const AlarmSchema = Type.Object({
  alarm_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  type: Type.String(),
  rule: Type.String(),
  rule_version: Type.Integer(),
  safety_class: SafetyClassSchema,
  fault: Type.Union([Type.String(), Type.Null()], { description: 'Fault code of the catalogue the rule points at' }),
  title: Type.String(),
  began_at_ms: Type.Integer({ description: 'Device time at which the condition began to hold' }),
  raised_at_ms: Type.Integer({ description: 'Device time at which the hold time was over' }),
  received_at_ms: Type.Integer({ description: 'Time of receipt of the reading that raised it' }),
  cleared_at_ms: Type.Union([Type.Integer(), Type.Null()]),
  hist: Type.Optional(Type.Literal(true, { description: 'The reading that raised it was marked as stored during an outage' })),
  evidence: Type.Array(AlarmEvidenceSchema),
})

export type Alarm = Static<typeof AlarmSchema>
export type AlarmEvidence = Static<typeof AlarmEvidenceSchema>
