/**
 * The diagnosis: what the models (or a rule) say of one unit over one window, and why. It names a fault of the catalogue or
 * abstains; it carries evidence for and against, rivals, parts with probabilities and every version that took part.
 */
import { type Static, Type } from 'typebox'
import { SafetyClassSchema } from './alarm.ts'
import { EVIDENCE_SOURCES } from './report.ts'

export const DIAGNOSIS_ANSWERS = ['fault', 'no_fault', 'unknown_fault', 'not_enough_data'] as const

export const EvidenceSchema = Type.Object({
  feature: Type.String({ description: 'Feature or channel name, unit last' }),
  text: Type.String({ description: 'The sign in the words of the catalogue' }),
  observed: Type.Union([Type.Number(), Type.Null()]),
  expected: Type.Union([Type.Number(), Type.Null()], { description: 'What a unit without fault would show under the same conditions' }),
  unit: Type.String(),
  z_score: Type.Union([Type.Number(), Type.Null()], { description: '(observed - expected) / spread of units without fault' }),
})

export const PartNeedSchema = Type.Object({
  part: Type.String(),
  name: Type.String(),
  quantity: Type.Integer(),
  probability: Type.Number({ minimum: 0, maximum: 1, description: 'Chance that the repair needs it' }),
})

export const DiagnosisSchema = Type.Object({
  diagnosis_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  type: Type.String(),
  source: Type.Enum(['model', 'rule', 'report', 'test']),
  made_at_ms: Type.Integer({ description: 'Device time of the end of the last window' }),
  received_at_ms: Type.Integer({ description: 'Time of receipt of the reading that closed the window' }),
  window_from_ms: Type.Integer(),
  window_to_ms: Type.Integer(),
  answer: Type.Enum([...DIAGNOSIS_ANSWERS]),
  fault: Type.Union([Type.String(), Type.Null()]),
  fault_name: Type.String(),
  probability: Type.Number({ minimum: 0, maximum: 1 }),
  safety_class: SafetyClassSchema,
  evidence_for: Type.Array(EvidenceSchema),
  evidence_against: Type.Array(EvidenceSchema),
  rivals: Type.Array(Type.Object({ fault: Type.String(), fault_name: Type.String(), probability: Type.Number() })),
  next_question: Type.Union([Type.String(), Type.Null()]),
  next_test: Type.Optional(
    Type.Union([Type.Object({ test: Type.String(), name: Type.String(), splits: Type.Array(Type.String()) }), Type.Null()], {
      description: 'Safe test on command whose answers part the fault from its likeliest rivals; null where there is none',
    }),
  ),
  also: Type.Optional(
    Type.Array(Type.Object({ fault: Type.String(), fault_name: Type.String(), signs: Type.Array(Type.String()) }), {
      description: 'Further faults that the unit seems to have at the same time: signs that the named fault does not explain',
    }),
  ),
  residuals: Type.Optional(
    Type.Array(
      Type.Object({
        feature: Type.String(),
        observed: Type.Union([Type.Number(), Type.Null()]),
        expected: Type.Union([Type.Number(), Type.Null()]),
        z_score: Type.Union([Type.Number(), Type.Null()]),
      }),
      { description: 'Mean residuals of every feature over the windows behind the answer; what a repair must bring back to normal' },
    ),
  ),
  rests_on: Type.Optional(Type.Array(Type.Enum([...EVIDENCE_SOURCES]), { description: 'What the diagnosis of a report rests on' })),
  parts: Type.Array(PartNeedSchema),
  skills: Type.Array(Type.String()),
  versions: Type.Object({
    model: Type.Union([Type.String(), Type.Null()]),
    rule: Type.Union([Type.String(), Type.Null()]),
    catalogue: Type.String(),
    schema: Type.Integer(),
    firmware: Type.Union([Type.String(), Type.Null()]),
  }),
})

export type Evidence = Static<typeof EvidenceSchema>
export type PartNeed = Static<typeof PartNeedSchema>
export type Diagnosis = Static<typeof DiagnosisSchema>

/** Version of `DiagnosisSchema`; raised when a field changes its meaning. */
export const DIAGNOSIS_SCHEMA_VERSION = 1
