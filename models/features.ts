/**
 * Features of a window by the recipe of the type: what each reading adds to a window's sums, and what the sums give when the window
 * closes. Training and serving run this same code. It keeps sums, never readings; a feature without readings is NaN.
 */
import { type ApplianceType, type Derivation, type FeatureDefinition, type Recipe, readingLayout } from '#catalogue/appliance-type.ts'
import { assert } from '#kernel/errors.ts'
import type { Reading } from '#kernel/reading.ts'
import { addToSums, CELLS, compileSums, type Gate, type Sum, type SumProgram, sumValue } from './sums.ts'

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
  /** What a reading adds, by the gate that is open for it; those of the steady state and the records are among them. */
  readonly programs: Readonly<Record<Gate, SumProgram>>
  /** Number of records that the recipe asks for, undefined when it asks for none. */
  readonly records: { readonly sum: Sum; readonly count: number } | undefined
  readonly steady: ReadonlyArray<{ readonly sum: Sum; readonly standardDeviation_MAX: number }>
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
  const places: Places = { columnOf, place, maximumOf: (name) => layout.indexOf.get(`${name}_max`) ?? -1 }
  const sums = recipe.features.map((feature) => makeSum(feature.derive, places))
  const steady = recipe.steady.map(({ channel, standardDeviation_MAX }) => ({
    sum: sumOf(places, 'running', 'deviation', [channel]),
    standardDeviation_MAX,
  }))
  const { records_MIN } = recipe
  const records = records_MIN && { sum: sumOf(places, 'always', 'count', [records_MIN.channel]), count: records_MIN.count }
  const all = [...sums, ...steady.map(({ sum }) => sum), ...(records === undefined ? [] : [records.sum])]
  const program = (own: Gate): SumProgram => compileSums(all.filter(({ gate }) => gate === own))
  return {
    type: type.id,
    recipe,
    records,
    definitions: recipe.features,
    runningColumn: columnOf(recipe.running.channel),
    idleFeatures: sums.flatMap((sum, index) => (sum.gate === 'idle' ? [index] : [])),
    size,
    sums,
    programs: { always: program('always'), running: program('running'), idle: program('idle') },
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
  const { always, running, idle } = plan.programs
  addToSums(always, cells, numbers, atMs)
  if (gates.running) addToSums(running, cells, numbers, atMs)
  if (gates.idle) addToSums(idle, cells, numbers, atMs)
}

/** Whether the window has as many records as the recipe asks for. */
export const hasRecords = ({ records }: FeaturePlan, cells: Float64Array): boolean =>
  records === undefined || sumValue(records.sum, cells) >= records.count

/** Features in the order of the recipe, NaN where the window has no reading for one. */
export const deriveFeatures = (plan: FeaturePlan, cells: Float64Array): Float64Array => Float64Array.from(plan.sums, (sum) => sumValue(sum, cells))

/** Whether every steady-state channel that the window has stays below its bound (after NIST SP 1087). */
export const isSteady = (plan: FeaturePlan, cells: Float64Array): boolean =>
  plan.steady.every(({ sum, standardDeviation_MAX }) => {
    const deviation = sumValue(sum, cells)
    return Number.isNaN(deviation) || deviation <= standardDeviation_MAX
  })

interface Places {
  readonly columnOf: (name: string) => number
  /** Column of an aggregate's maximum, -1 for none. */
  readonly maximumOf: (name: string) => number
  /** The first of so many new cells. */
  readonly place: (cells: number) => number
}

function sumOf({ columnOf, maximumOf, place }: Places, gate: Gate, operation: Sum['operation'], [a, b]: readonly [a: string, b?: string]): Sum {
  const second = b === undefined ? -1 : columnOf(b)
  const isAggregate = operation === 'maximum' && gate === 'running'
  return { gate, operation, a: columnOf(a), b: isAggregate ? maximumOf(a) : second, place: place(CELLS[operation]), bound: 0 }
}

const heatOf = (places: Places, [flow, hot, cold]: readonly [flow: string, hot: string, cold: string]): Sum => ({
  ...sumOf(places, 'always', 'heat', [flow, hot]),
  bound: places.columnOf(cold),
})

function makeSum(derive: Derivation, places: Places): Sum {
  const sum = (gate: Gate, operation: Sum['operation'], ...of: readonly [a: string, b?: string]): Sum => sumOf(places, gate, operation, of)
  if ('mean' in derive) return sum('running', 'mean', derive.mean)
  if ('difference' in derive) return sum('running', 'difference', ...derive.difference)
  if ('idleMean' in derive) return sum('idle', 'mean', derive.idleMean)
  if ('idleDifference' in derive) return sum('idle', 'difference', ...derive.idleDifference)
  if ('overallMean' in derive) return sum('always', 'mean', derive.overallMean)
  if ('overallDifference' in derive) return sum('always', 'difference', ...derive.overallDifference)
  if ('recordMean' in derive) return sum('always', 'mean', derive.recordMean)
  if ('recordDifference' in derive) return sum('always', 'difference', ...derive.recordDifference)
  if ('ratio' in derive) return sum('running', 'ratio', ...derive.ratio)
  if ('recordRatio' in derive) return sum('always', 'ratio', ...derive.recordRatio)
  if ('recordHeat' in derive) return heatOf(places, derive.recordHeat)
  if ('standardDeviation' in derive) return sum('running', 'deviation', derive.standardDeviation)
  if ('maximum' in derive) return sum('running', 'maximum', derive.maximum)
  if ('recordMaximum' in derive) return sum('always', 'maximum', derive.recordMaximum)
  if ('recordLast' in derive) return sum('always', 'last', derive.recordLast)
  if ('recordSum' in derive) return sum('always', 'total', derive.recordSum)
  if ('recordCount' in derive) return sum('always', 'count', derive.recordCount)
  const [channel, bound] = 'shareAbove' in derive ? derive.shareAbove : derive.recordShareAbove
  return { ...sum('always', 'share', channel), bound }
}
