/**
 * What a model saw and answered in training, in a form that days in the field are held against: the tenths of each input and the shares of
 * the answers. It stands on the card of a model that was trained here.
 */
import { quantileSorted } from 'simple-statistics'
import { type Static, Type } from 'typebox'

export const DriftReferenceSchema = Type.Object({
  /** Rows that it was made of. */
  rows: Type.Integer({ minimum: 1 }),
  /** Inner bounds of the tenths, rising; equal values leave fewer bounds. */
  inputs: Type.Array(
    Type.Object({ name: Type.String(), bounds: Type.Array(Type.Number(), { maxItems: 9 }), shares: Type.Array(Type.Number(), { maxItems: 10 }) }),
  ),
  answers: Type.Optional(Type.Array(Type.Object({ name: Type.String(), share: Type.Number() }))),
})

export type DriftReference = Static<typeof DriftReferenceSchema>

/** Inputs of which drift is measured: what was measured on the unit, not what is worked out of it for the model. */
export const isWatched = (name: string): boolean => !name.includes(':') || name.startsWith('raw:')

/** Makes the reference of rows of inputs, in the order of `names`. */
export function driftReferenceOf(names: readonly string[], rows: readonly Float32Array[]): DriftReference {
  const inputs = names.flatMap((name, position) => {
    if (!isWatched(name)) return []
    const values = rows.map((row) => row[position] ?? 0).sort((a, b) => a - b)
    const bounds = [...new Set([1, 2, 3, 4, 5, 6, 7, 8, 9].map((tenth) => Number(quantileSorted(values, tenth / 10).toPrecision(6))))]
    const counts = new Array<number>(bounds.length + 1).fill(0)
    for (const value of values) {
      const bin = binOf(bounds, value)
      counts[bin] = (counts[bin] ?? 0) + 1
    }
    return [{ name, bounds, shares: counts.map((count) => Number((count / values.length).toFixed(5))) }]
  })
  return { rows: rows.length, inputs }
}

/** Bin of a value: the number of bounds that it lies above. */
export function binOf(bounds: readonly number[], value: number): number {
  let bin = 0
  while (bin < bounds.length && value > (bounds[bin] ?? 0)) bin++
  return bin
}
