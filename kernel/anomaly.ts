/**
 * How far a stretch of a device's readings lies from the device's own normal. Found by `models/learn-normal`, kept in the derived store
 * by (tenant, device, begin), amended with it when late readings come.
 */
import { type Static, Type } from 'typebox'

export const AnomalySchema = Type.Object({
  t: Type.Integer({ description: 'Device time at which the stretch begins' }),
  to_ms: Type.Integer({ description: 'Device time at which it ends' }),
  device: Type.String(),
  score: Type.Number({ description: '1 = as far as the alert budget allows' }),
  flagged: Type.Boolean({ description: 'Beyond the alert budget' }),
  contributions: Type.Array(Type.Object({ channel: Type.String(), share: Type.Number({ description: 'Part in the score, from 0 to 1' }) }), {
    description: 'Largest first',
  }),
})

export type Anomaly = Static<typeof AnomalySchema>

/** Rule that alarms of a learned normal name. */
export const LEARNED_NORMAL_RULE = 'learned-normal'
