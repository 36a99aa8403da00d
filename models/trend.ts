/**
 * Slow means of a unit's residuals, over about a week and about a month: what grows in weeks is seen before any single day stands out, and
 * what is above the month before is told from what always was. Exponential forgetting by the time between windows, with the mean of few
 * windows drawn to 0. The same windows in the same order give the same means.
 */

/** How long a window counts, days. */
const WEEK_DAYS = 7
const MONTH_DAYS = 28
/** Sound windows that each mean is taken to have seen before the first. */
const PRIOR_WINDOWS = 1.5

const DAY_MS = 86_400_000

/** What was summed of one unit. */
export interface TrendState {
  atMs: number
  /** By scale and response: weight and weighted sum. float32, so that a snapshot is small and exact. */
  readonly cells: Float32Array
}

export interface Trend {
  /** Mean z-scores by response; 0 for what was never seen. */
  readonly week: Float64Array
  readonly month: Float64Array
}

export const createTrend = (responses: number): TrendState => ({ atMs: 0, cells: new Float32Array(4 * responses) })

/** Adds the residuals of a window that ended at `atMs`, and gives the means with it. */
export function followTrend(state: TrendState, zScores: Float64Array, atMs: number): Trend {
  const days = state.atMs === 0 ? 0 : Math.max(0, atMs - state.atMs) / DAY_MS
  state.atMs = atMs
  const count = zScores.length
  const means = [WEEK_DAYS, MONTH_DAYS].map((scale, place) => {
    const kept = Math.exp(-days / scale)
    const from = 2 * place * count
    return Float64Array.from(zScores, (zScore, index) => {
      const known = Number.isNaN(zScore) ? 0 : 1
      const weight = kept * (state.cells[from + index] ?? 0) + known
      const sum = kept * (state.cells[from + count + index] ?? 0) + (known === 0 ? 0 : zScore)
      state.cells[from + index] = weight
      state.cells[from + count + index] = sum
      return sum / (weight + PRIOR_WINDOWS)
    })
  })
  return { week: means[0] ?? new Float64Array(count), month: means[1] ?? new Float64Array(count) }
}

/** Text of the state for a snapshot; the very bytes come back. */
export const packTrend = ({ atMs, cells }: TrendState): { readonly atMs: number; readonly cells: string } => ({
  atMs,
  cells: Buffer.from(cells.buffer, cells.byteOffset, cells.byteLength).toString('base64'),
})

export function unpackTrend(packed: { readonly atMs: number; readonly cells: string }): TrendState {
  const bytes = Uint8Array.from(Buffer.from(packed.cells, 'base64'))
  return { atMs: packed.atMs, cells: new Float32Array(bytes.buffer) }
}
