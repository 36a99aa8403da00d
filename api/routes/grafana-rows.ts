/** What the routes of boards share: the span of time as a board sends it, steps, and the shape of an answer. */
import { type TSchema, Type } from 'typebox'
import type { Limits } from '#kernel/limits.ts'
import { spanRefused } from '../requests.ts'

/** Rows of a list, and points of a line, where a panel does not say. */
export const ROWS_DEFAULT = 100
export const POINTS_DEFAULT = 500
const DAY_MS = 86_400_000

export const flatRows = (row: TSchema): object => Type.Array(row)
export const orNull = (schema: TSchema) => Type.Union([schema, Type.Null()])

const instant = (description: string) => Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER, description }))

/** `from_ms=${__from}&to_ms=${__to}` of a board. */
export const spanQuery = ({ apiPoints_MAX }: Pick<Limits, 'apiPoints_MAX'>) => ({
  from_ms: instant('Device time, included; a day before to_ms when absent'),
  to_ms: instant('Device time, not included; now when absent'),
  max_points: Type.Optional(Type.Integer({ minimum: 1, maximum: apiPoints_MAX, default: POINTS_DEFAULT, description: 'Most points of a line' })),
})

/** @throws MendlineError MDL_API_INVALID */
export function spanOf(
  query: { readonly from_ms?: number; readonly to_ms?: number },
  nowMs: number,
): { readonly from_ms: number; readonly to_ms: number } {
  const to_ms = query.to_ms ?? nowMs
  const from_ms = query.from_ms ?? Math.max(0, to_ms - DAY_MS)
  if (from_ms < to_ms) return { from_ms, to_ms }
  throw spanRefused()
}

/** Width of the steps that cut the span into so many at most, in whole minutes. */
export const stepOf = ({ from_ms, to_ms }: { readonly from_ms: number; readonly to_ms: number }, points = POINTS_DEFAULT): number =>
  Math.max(60_000, Math.ceil((to_ms - from_ms) / points / 60_000) * 60_000)
