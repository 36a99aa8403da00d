/**
 * Numenta's scoring of the anomaly benchmark, standard profile, after its published sweeper: in a labelled window only the first detection
 * counts, more the earlier it comes; a false alarm costs the less the closer it follows a window; a missed window costs one. The first
 * 15 % of a series (of 5,000 rows at most) are not scored. One threshold holds for all series, the best of those that occur, and the
 * sum is brought on a scale on which no alarm at all is 0 and the beginning of each window and nothing else is 100.
 */

const WEIGHTS = { tp: 1, fp: 0.11, fn: 1 }
const PROBATION = 0.15
const PROBATION_ROWS_MAX = 5_000

export interface NabSeries {
  readonly name: string
  readonly category: string
  readonly timesMs: Float64Array
  readonly values: Float64Array
  /** First and last row of each labelled window, ascending. */
  readonly windows: ReadonlyArray<readonly [first: number, last: number]>
}

/** What a detection in a row is worth; rows of the probation are left out. */
interface Rows {
  readonly worth: Float64Array
  /** Position of the window in which a row lies, -1 outside. */
  readonly windowOf: Int32Array
  readonly probation: number
  readonly windows: number
}

/** Rows at the begin of a series that are not scored. */
export const probationOf = (rows: number): number => Math.min(Math.floor(PROBATION * rows), PROBATION * PROBATION_ROWS_MAX)

/** 1 far before, 0 at, -1 far behind the right edge of a window. */
function sigmoidAt(position: number): number {
  return position >= 3 ? -1 : 2 / (1 + Math.exp(5 * position)) - 1
}

function rowsOf({ values, windows }: NabSeries): Rows {
  const worth = new Float64Array(values.length)
  const windowOf = new Int32Array(values.length).fill(-1)
  const best = sigmoidAt(-1)
  let previous: readonly [number, number] | undefined
  let next = 0
  for (let row = 0; row < values.length; row++) {
    const window = windows[next]
    if (window !== undefined && row >= window[0]) {
      const width = window[1] - window[0] + 1
      worth[row] = (sigmoidAt(-(window[1] - row + 1) / width) * WEIGHTS.tp) / best
      windowOf[row] = next
      if (row < window[1]) continue
      previous = window
      next++
    } else worth[row] = sigmoidAt(previous === undefined ? 3 : (row - previous[1]) / (previous[1] - previous[0])) * WEIGHTS.fp
  }
  return { worth, windowOf, probation: probationOf(values.length), windows: windows.length }
}

export interface NabResult {
  readonly score: number
  readonly threshold: number
  /** Sum of one series at the threshold, by name. */
  readonly bySeries: ReadonlyMap<string, number>
  readonly found: number
  readonly windows: number
  readonly falseAlarms: number
}

const rowsBySeries = new WeakMap<NabSeries, Rows>()

/**
 * Scores what a detector gave for each row of each series.
 * @param threshold absent: the best of those that occur, as the benchmark does it
 */
export function scoreNab(series: readonly NabSeries[], scores: readonly Float64Array[], threshold?: number): NabResult {
  const rows = series.map((entry) => {
    const known = rowsBySeries.get(entry) ?? rowsOf(entry)
    rowsBySeries.set(entry, known)
    return known
  })
  const chosen = threshold ?? bestThreshold(rows, scores)
  const bySeries = new Map<string, number>()
  let [sum, windows, found, falseAlarms] = [0, 0, 0, 0]
  rows.forEach((entry, index) => {
    const one = scoreAt(entry, scores[index] ?? new Float64Array(0), chosen)
    bySeries.set(series[index]?.name ?? '', one.sum)
    sum += one.sum
    found += one.found
    falseAlarms += one.falseAlarms
    windows += entry.windows
  })
  const score = (100 * (sum + windows * WEIGHTS.fn)) / (windows * (WEIGHTS.tp + WEIGHTS.fn))
  return { score, threshold: chosen, bySeries, found, windows, falseAlarms }
}

function scoreAt(
  rows: Rows,
  scores: Float64Array,
  threshold: number,
): { readonly sum: number; readonly found: number; readonly falseAlarms: number } {
  const parts = new Float64Array(rows.windows).fill(-WEIGHTS.fn)
  // A window that lies in the probation as a whole can neither be found nor missed.
  const isScored = new Uint8Array(rows.windows)
  const hit = new Uint8Array(rows.windows)
  let falseSum = 0
  let falseAlarms = 0
  for (let row = Math.ceil(rows.probation); row < scores.length; row++) {
    const window = rows.windowOf[row] ?? -1
    if (window >= 0) isScored[window] = 1
    if ((scores[row] ?? 0) < threshold) continue
    const worth = rows.worth[row] ?? 0
    if (window >= 0) {
      parts[window] = Math.max(parts[window] ?? 0, worth)
      hit[window] = 1
    } else {
      falseSum += worth
      falseAlarms++
    }
  }
  return {
    sum: parts.reduce((sum, part, index) => sum + (isScored[index] === 1 ? part : 0), falseSum),
    found: hit.reduce((sum, one) => sum + one, 0),
    falseAlarms,
  }
}

/** Goes down the scores that occur, keeping the sum as it changes. */
function bestThreshold(rows: readonly Rows[], scores: readonly Float64Array[]): number {
  const points: Array<readonly [score: number, series: number, row: number]> = []
  scores.forEach((entry, series) => {
    for (let row = Math.ceil(rows[series]?.probation ?? 0); row < entry.length; row++) {
      const score = entry[row] ?? 0
      if (score > 0) points.push([score, series, row])
    }
  })
  points.sort((a, b) => b[0] - a[0])
  const parts = rows.map(({ windows }) => new Float64Array(windows).fill(-WEIGHTS.fn))
  let [sum, best, threshold] = [0, 0, 1.1]
  points.forEach(([score, series, row], index) => {
    const worth = rows[series]?.worth[row] ?? 0
    const window = rows[series]?.windowOf[row] ?? -1
    const part = parts[series]
    if (window < 0 || part === undefined) sum += worth
    else if (worth > (part[window] ?? 0)) {
      sum += worth - (part[window] ?? 0)
      part[window] = worth
    }
    if (sum <= best || points[index + 1]?.[0] === score) return
    best = sum
    threshold = score
  })
  return threshold
}
