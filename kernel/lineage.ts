/**
 * Where a label comes from, from the readings to the belief in it, and how diagnoses did at the visits that followed them. Records as the API
 * gives them; instants are epoch ms.
 */
import { type Static, type TSchema, Type } from 'typebox'
import { OutcomeSchema } from './work-order.ts'

const orNull = <Schema extends TSchema>(schema: Schema) => Type.Union([schema, Type.Null()])
const text = Type.String()
const time = Type.Integer()

const labelFields = {
  label_id: text,
  visit: orNull(Type.Integer({ description: 'Sequence of the move to `done`' })),
  cause: Type.String({ description: 'As it was coded: a fault, `no_fault_found` or `other`' }),
  corrected_cause: orNull(Type.String({ description: 'Fault that the sensors speak for when the code is clearly wrong' })),
  confidence: orNull(Type.Number({ minimum: 0, maximum: 1 })),
  reasons: Type.Array(text),
  origin: orNull(Type.String({ description: 'What brought the order: `household`, `rule` or `model`' })),
  model_version: orNull(text),
  predicted: orNull(text),
  engineer: orNull(text),
  window_from_ms: time,
  window_to_ms: time,
  labelled_at_ms: time,
}
const LineageLabelSchema = Type.Object(labelFields)

export const LabelSchema = Type.Object({
  ...labelFields,
  ...{ device: text, type: text, work_order_id: text, diagnosis_id: orNull(text), source: text },
})
export type Label = Static<typeof LabelSchema>

const MoveSchema = Type.Object({
  ...{ sequence: Type.Integer(), kind: text, type: text, from: text, to: text, actor: text, at_ms: time, recorded_at_ms: time, reason: text },
})

export const LineageSchema = Type.Object({
  readings: orNull(
    Type.Object({ device: text, from_ms: time, to_ms: time }, { description: 'Readings that were diagnosed; null without a diagnosis' }),
  ),
  diagnosis: orNull(
    Type.Object({
      ...{ diagnosis_id: text, source: text, made_at_ms: time, answer: text, fault: orNull(text), probability: Type.Number() },
      versions: Type.Object({}),
    }),
  ),
  alarm: orNull(Type.Object({ alarm_id: text, raised_at_ms: time, cleared_at_ms: orNull(time) })),
  order: Type.Object({
    ...{ work_order_id: text, case_id: text, device: text, type: text, state: text, fault: orNull(text) },
    ...{ opened_at_ms: time, settled_at_ms: orNull(time), moves: Type.Array(MoveSchema) },
  }),
  outcome: orNull(OutcomeSchema),
  repairs: Type.Array(
    Type.Object({
      ...{ verification_id: text, visit: Type.Integer(), method: text, state: text, done_at_ms: time, judged_at_ms: orNull(time) },
      reason: orNull(text),
      windows: Type.Array(Type.Object({ window_from_ms: time, window_to_ms: time }), { description: 'Behind the repair, oldest first' }),
    }),
  ),
  signs: Type.Array(Type.Object({ sign_id: text, sign: text, engineer: text, raised_at_ms: time })),
  labels: Type.Array(LineageLabelSchema),
})
export type Lineage = Static<typeof LineageSchema>

export const RepairSignSchema = Type.Object({
  ...{ sign_id: text, sign: text, device: text, work_order_id: text, verification_id: text, engineer: text, raised_at_ms: time },
  code: Type.String({ description: 'Cause as it was coded' }),
  sensed: Type.Union([Type.String(), Type.Null()], { description: 'Fault that the sensors speak for' }),
  reason: text,
  reopens: Type.Boolean(),
})
export type RepairSignRecord = Static<typeof RepairSignSchema>

const ratio = (description: string) => orNull(Type.Number({ minimum: 0, maximum: 1, description: `${description}; null at a denominator of 0` }))
const count = (description: string) => Type.Integer({ minimum: 0, description })

export const LiveScoreSchema = Type.Object({
  type: text,
  model_version: orNull(Type.String({ description: 'Model of the diagnosis, else of the last one before the visit; null: there was none' })),
  fault: orNull(Type.String({ description: 'Fault of the catalogue; null: visits that nobody foretold a fault for' })),
  origin: text,
  visits: count('Visits to orders for this fault'),
  no_fault_found: count('Of them, coded `no_fault_found`'),
  no_fault_found_rate: ratio('no_fault_found / visits'),
  judged: count('Of the visits, those whose code can be believed'),
  right: count('Of the judged, those that had this fault'),
  precision: ratio('right / judged'),
  had: count('Believed visits of this version and origin that had this fault, whatever was foretold'),
  found: count('Of them, those foretold as this fault'),
  recall: ratio('found / had'),
})
export type LiveScore = Static<typeof LiveScoreSchema>
