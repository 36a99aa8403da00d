/** Parts demand: what one open work order will probably need, by part, for the stock and the van. */
import { type Static, Type } from 'typebox'

export const PartsDemandSchema = Type.Object({
  work_order_id: Type.String(),
  tenant: Type.String(),
  device: Type.String(),
  part: Type.String(),
  name: Type.String(),
  quantity: Type.Integer({ minimum: 1 }),
  probability: Type.Number({ minimum: 0, maximum: 1 }),
  opened_at_ms: Type.Integer(),
})

export type PartsDemand = Static<typeof PartsDemandSchema>
