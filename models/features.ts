/**
 * Features of a window by the recipe of the type: what each reading adds to a window's sums, and what the sums give when the window
 * closes. Training and serving run this same code. It keeps sums, never readings; a feature without readings is NaN.
 */
import { type ApplianceType, type Derivation, type FeatureDefinition, type Recipe, readingLayout } from '#catalogue/appliance-type.ts'
import { assert } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'

/** Which readings count for a sum. */
export type Gate = 'always' | 'running' | 'idle'

/** Facts about one reading that open the gates. */
export interface OpenGates {
  readonly running: boolean
  readonly idle: boolean
}

/** A type's recipe, compiled to sums at fixed places of one array per window. */
export interface FeaturePlan {
  readonly type: string
  readonly recipe: Recipe
  readonly definitions: readonly FeatureDefinition[]
  /** Column whose value says that the unit runs. */
  readonly runningColumn: number
  /** Positions of features that come from idle readings and outlive their window (see `IDLE_VALID_MS`). */
  readonly idleFeatures: readonly number[]
  /** Numbers that a window holds. */
  readonly size: number
  readonly sums: readonly Sum[]
  /** Number of records that the recipe asks for, undefined when it asks for none. */
  readonly records: { readonly sum: Sum; readonly count: number } | undefined
  readonly steady: ReadonlyArray<{ readonly sum: Sum; readonly standardDeviation_MAX: number }>
}

interface Sum {
  readonly gate: Gate
  add(cells: Float64Array, numbers: Float64Array, atMs: number): void
  /** The value so far, NaN when nothing was added. */
  value(cells: Float64Array): number
}

/**
 * An equality test while the unit stands still is rare, but sensors drift slowly: the last result counts for this long
 * (chosen: two nights and a day).
 */
export const IDLE_VALID_MS = 60 * 3_600_000

/** Compiles the recipe of `type`; undefined when the type has none. */
export function compileFeatures(type: ApplianceType): FeaturePlan | undefined {
  const { recipe } = type
  if (recipe === undefined) return undefined
  const layout = readingLayout(type)
  const columnOf = (name: string): number => {
    const column = layout.indexOf.get(name)
    assert(column !== undefined, `the recipe of ${type.id} names the column ${name}`)
    return column
  }
  let size = 0
  const place = (cells: number): number => {
    const at = size
    size += cells
    return at
  }
  const sums = recipe.features.map((feature) => makeSum(feature.derive, { columnOf, place, maximumOf: (name) => layout.indexOf.get(`${name}_max`) }))
  const steady = recipe.steady.map(({ channel, standardDeviation_MAX }) => ({
    sum: deviationSum(columnOf(channel), place(3)),
    standardDeviation_MAX,
  }))
  const records =
    recipe.records_MIN === undefined
      ? undefined
      : { sum: totalSum(columnOf(recipe.records_MIN.channel), { place: place(1), isCount: true }), count: recipe.records_MIN.count }
  return {
    type: type.id,
    recipe,
    records,
    definitions: recipe.features,
    runningColumn: columnOf(recipe.running.channel),
    idleFeatures: sums.flatMap((sum, index) => (sum.gate === 'idle' ? [index] : [])),
    size,
    sums,
    steady,
  }
}

/** Adds one reading to the sums of a window. */
export function accumulate(
  plan: FeaturePlan,
  cells: Float64Array,
  { numbers, observed_at_ms: atMs }: Pick<Reading, 'numbers' | 'observed_at_ms'>,
  gates: OpenGates,
): void {
  for (const sum of plan.sums) {
    if (sum.gate === 'always' || gates[sum.gate]) sum.add(cells, numbers, atMs)
  }
  plan.records?.sum.add(cells, numbers, atMs)
  if (!gates.running) return
  for (const { sum } of plan.steady) sum.add(cells, numbers, atMs)
}

/** Whether the window has as many records as the recipe asks for. */
export const hasRecords = ({ records }: FeaturePlan, cells: Float64Array): boolean =>
  records === undefined || records.sum.value(cells) >= records.count

/** Features in the order of the recipe, NaN where the window has no reading for one. */
export const deriveFeatures = (plan: FeaturePlan, cells: Float64Array): Float64Array => Float64Array.from(plan.sums, (sum) => sum.value(cells))

/** Whether every steady-state channel that the window has stays below its bound (after NIST SP 1087). */
export const isSteady = (plan: FeaturePlan, cells: Float64Array): boolean =>
  plan.steady.every(({ sum, standardDeviation_MAX }) => {
    const deviation = sum.value(cells)
    return Number.isNaN(deviation) || deviation <= standardDeviation_MAX
  })

interface Places {
  readonly columnOf: (name: string) => number
  readonly maximumOf: (name: string) => number | undefined
  readonly place: (cells: number) => number
}

function makeSum(derive: Derivation, { columnOf, maximumOf, place }: Places): Sum {
  const mean = (gate: Gate, channel: string): Sum => meanSum(gate, columnOf(channel), -1, place(2))
  const difference = (gate: Gate, [a, b]: readonly [string, string]): Sum => meanSum(gate, columnOf(a), columnOf(b), place(2))
  if ('mean' in derive) return mean('running', derive.mean)
  if ('difference' in derive) return difference('running', derive.difference)
  if ('idleMean' in derive) return mean('idle', derive.idleMean)
  if ('idleDifference' in derive) return difference('idle', derive.idleDifference)
  if ('overallMean' in derive) return mean('always', derive.overallMean)
  if ('overallDifference' in derive) return difference('always', derive.overallDifference)
  if ('recordMean' in derive) return mean('always', derive.recordMean)
  if ('recordDifference' in derive) return difference('always', derive.recordDifference)
  if ('ratio' in derive) return ratioSum('running', columnOf(derive.ratio[0]), columnOf(derive.ratio[1]), place(2))
  if ('recordRatio' in derive) return ratioSum('always', columnOf(derive.recordRatio[0]), columnOf(derive.recordRatio[1]), place(2))
  if ('standardDeviation' in derive) return deviationSum(columnOf(derive.standardDeviation), place(3))
  if ('maximum' in derive) return maximumSum('running', columnOf(derive.maximum), maximumOf(derive.maximum) ?? -1, place(2))
  if ('recordMaximum' in derive) return maximumSum('always', columnOf(derive.recordMaximum), -1, place(2))
  if ('recordLast' in derive) return lastSum(columnOf(derive.recordLast), place(3))
  if ('recordSum' in derive) return totalSum(columnOf(derive.recordSum), { place: place(1), isCount: false })
  if ('recordCount' in derive) return totalSum(columnOf(derive.recordCount), { place: place(1), isCount: true })
  const [channel, above] = 'shareAbove' in derive ? derive.shareAbove : derive.recordShareAbove
  return shareSum(columnOf(channel), above, place(2))
}

const at = (values: Float64Array, index: number): number => values[index] ?? Number.NaN
const increase = (cells: Float64Array, index: number, by: number): void => {
  cells[index] = at(cells, index) + by
}

/** Cells: count, total of a (or of a - b over the readings that have both). */
function meanSum(gate: Gate, a: number, b: number, place: number): Sum {
  return {
    gate,
    add(cells, numbers) {
      const value = b < 0 ? at(numbers, a) : at(numbers, a) - at(numbers, b)
      if (Number.isNaN(value)) return
      increase(cells, place, 1)
      increase(cells, place + 1, value)
    },
    value: (cells) => at(cells, place + 1) / at(cells, place),
  }
}

/** Cells: total of a, total of b; the ratio of the totals does not suffer from a single small b. */
function ratioSum(gate: Gate, a: number, b: number, place: number): Sum {
  return {
    gate,
    add(cells, numbers) {
      const top = at(numbers, a)
      const bottom = at(numbers, b)
      if (Number.isNaN(top) || Number.isNaN(bottom)) return
      increase(cells, place, top)
      increase(cells, place + 1, bottom)
    },
    value: (cells) => (at(cells, place + 1) === 0 ? Number.NaN : at(cells, place) / at(cells, place + 1)),
  }
}

/** Cells: count, mean, sum of squared deviations (Welford). */
function deviationSum(a: number, place: number): Sum {
  return {
    gate: 'running',
    add(cells, numbers) {
      const value = at(numbers, a)
      if (Number.isNaN(value)) return
      increase(cells, place, 1)
      const delta = value - at(cells, place + 1)
      increase(cells, place + 1, delta / at(cells, place))
      increase(cells, place + 2, delta * (value - at(cells, place + 1)))
    },
    value: (cells) => (at(cells, place) === 0 ? Number.NaN : Math.sqrt(at(cells, place + 2) / at(cells, place))),
  }
}

/** Cells: count, largest; takes the `_max` column of an aggregated reading where it has one. */
function maximumSum(gate: Gate, a: number, aMaximum: number, place: number): Sum {
  return {
    gate,
    add(cells, numbers) {
      const maximum = at(numbers, aMaximum)
      const value = Number.isNaN(maximum) ? at(numbers, a) : maximum
      if (Number.isNaN(value)) return
      cells[place + 1] = at(cells, place) === 0 ? value : Math.max(at(cells, place + 1), value)
      increase(cells, place, 1)
    },
    value: (cells) => (at(cells, place) === 0 ? Number.NaN : at(cells, place + 1)),
  }
}

/** Cells: count of readings, count of those above. */
function shareSum(a: number, above: number, place: number): Sum {
  return {
    gate: 'always',
    add(cells, numbers) {
      const value = at(numbers, a)
      if (Number.isNaN(value)) return
      increase(cells, place, 1)
      if (value > above) increase(cells, place + 1, 1)
    },
    value: (cells) => at(cells, place + 1) / at(cells, place),
  }
}

/** Cells: total of the values, or their number; nothing is 0 and not unknown, since what was not told did not happen. */
function totalSum(a: number, { place, isCount }: { readonly place: number; readonly isCount: boolean }): Sum {
  return {
    gate: 'always',
    add(cells, numbers) {
      const value = at(numbers, a)
      if (!Number.isNaN(value)) increase(cells, place, isCount ? 1 : value)
    },
    value: (cells) => at(cells, place),
  }
}

/** Cells: count, latest device time, its value; of two at one time the larger counts, so that their order does not matter. */
function lastSum(a: number, place: number): Sum {
  return {
    gate: 'always',
    add(cells, numbers, atMs) {
      const value = at(numbers, a)
      if (Number.isNaN(value)) return
      const isLater = at(cells, place) === 0 || atMs > at(cells, place + 1) || (atMs === at(cells, place + 1) && value > at(cells, place + 2))
      increase(cells, place, 1)
      if (!isLater) return
      cells[place + 1] = atMs
      cells[place + 2] = value
    },
    value: (cells) => (at(cells, place) === 0 ? Number.NaN : at(cells, place + 2)),
  }
}
