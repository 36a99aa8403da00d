/**
 * The normal of several channels together, learned from rows of one unit: robust principal components after the time of day is taken out.
 * T2 says how far a row lies within the directions in which the unit usually varies, Q how far it lies off them, where a relation
 * between channels is broken; each against a threshold that keeps the alert budget on rows that were held out. A value that is
 * missing is taken as the model expects it. Plain data, so that it can be stored.
 */
import { type AlertBudget, alertThreshold } from './alert-threshold.ts'
import { symmetricEigen } from './symmetric-eigen.ts'

export interface NormalRow {
  readonly atMs: number
  /** One a channel, NaN = not known. */
  readonly values: Float64Array
}

export interface NormalModel {
  readonly centre: readonly number[]
  readonly scale: readonly number[]
  /** Amplitudes of one and two waves a day, four a channel. */
  readonly day: ReadonlyArray<readonly number[]>
  readonly components: ReadonlyArray<readonly number[]>
  readonly variances: readonly number[]
  readonly t2_MAX: number
  readonly q_MAX: number
  /** Spread of what the components do not explain, in spreads of each channel. Absent in what an earlier version learned. */
  readonly restSpread?: readonly number[]
  readonly rows: number
}

export interface NormalScore {
  /** 1 = at the threshold; NaN when too little is known of the row. */
  readonly score: number
  /** Share of each channel in the score, from 0 to 1, in the order of the channels. */
  readonly contributions: Float64Array
}

/** Part of the learned variance that the components explain. */
const EXPLAINED = 0.9
/** Standardised values count no further, and rows beyond the trim are not normal, so that the odd among what is learned do not teach. */
const CLIP = 5
const TRIM = 0.05
/** Every fourth stretch of the learned rows is held out for the thresholds; stretches, since neighbours in time are alike. */
const STRETCHES = 16
const HELD_OUT_EVERY = 4
const DAY_MS = 86_400_000
/** Least threshold: a unit of which nothing moved while it was learned keeps to none, and what moves then must not be divided by 0. */
export const LEVEL_MIN = 1e-6
/** A spread that is less than this part of the value itself is the rounding of means. */
const ROUNDING = 1e-9
/** Least spread of what is not explained, so that what was explained to the last while it was learned is not off at once. */
const REST_MIN = 0.03
/** Rows must hold at least this part of the channels. */
const KNOWN_MIN = 0.5

/** Fits the model. @param rows in order of time, at least a few times as many as channels */
export function learnNormal(rows: readonly NormalRow[], budget: AlertBudget): NormalModel {
  const stretch = Math.max(1, Math.ceil(rows.length / STRETCHES))
  const isHeldOut = (_: NormalRow, index: number): boolean => Math.floor(index / stretch) % HELD_OUT_EVERY === HELD_OUT_EVERY - 1
  const fitted = fitRows(rows.filter((row, index) => !isHeldOut(row, index)))
  const heldOut = rows.filter(isHeldOut).map((row) => statistics(fitted, row))
  const usual = heldOut.filter(({ t2 }) => !Number.isNaN(t2))
  const half = { ...budget, per1000UnitWeeks: budget.per1000UnitWeeks / 2 }
  const whole = fitRows(rows)
  return {
    ...whole,
    t2_MAX: alertThreshold(
      usual.map(({ t2 }) => t2),
      half,
    ),
    q_MAX: alertThreshold(
      usual.map(({ q }) => q),
      half,
    ),
    restSpread: restSpread(whole, rows),
    rows: rows.length,
  }
}

/** What the model does not explain of a row, in spreads of that; NaN = not known. @param farthest spreads that a channel counts at most */
export function unexplained(model: NormalModel, row: NormalRow, farthest: number): Float64Array {
  const rest = restOf(model, bounded(standardised(model, row), farthest))
  const usual = Math.sqrt(1 - EXPLAINED)
  return rest.map((value, channel) => (Number.isNaN(row.values[channel]) ? Number.NaN : value / (model.restSpread?.[channel] ?? usual)))
}

function restSpread(model: Fitted, rows: readonly NormalRow[]): readonly number[] {
  const rests = rows.map((row) => restOf(model, bounded(standardised(model, row), CLIP)))
  return model.centre.map((_, channel) => Math.max(REST_MIN, Math.sqrt(mean(rests.map((rest) => (rest[channel] ?? 0) ** 2)))))
}

/** Scores a row against the model. @param farthest spreads that a channel counts at most */
export function scoreNormal(model: NormalModel, row: NormalRow, farthest = Number.POSITIVE_INFINITY): NormalScore {
  const { t2, q, byT2, byQ } = statistics(model, row, farthest)
  if (Number.isNaN(t2)) return { score: Number.NaN, contributions: new Float64Array(model.centre.length) }
  const [ofT2, ofQ] = [t2 / Math.max(LEVEL_MIN, model.t2_MAX), q / Math.max(LEVEL_MIN, model.q_MAX)]
  const shares = ofQ >= ofT2 ? byQ : byT2
  const sum = shares.reduce((total, share) => total + share, 0)
  return { score: Math.max(ofT2, ofQ), contributions: shares.map((share) => (sum > 0 ? share / sum : 0)) }
}

type Fitted = Omit<NormalModel, 't2_MAX' | 'q_MAX' | 'restSpread' | 'rows'>

function fitRows(rows: readonly NormalRow[]): Fitted {
  const channels = rows[0]?.values.length ?? 0
  const columns = Array.from({ length: channels }, (_, channel) => robustColumn(rows, channel))
  const centre = columns.map((column) => column.centre)
  const scale = columns.map((column) => column.scale)
  const day = columns.map((column) => column.day)
  let kept: readonly NormalRow[] = rows
  let found = components(kept.map((row) => standardised({ centre, scale, day }, row)))
  for (let round = 0; round < 2; round++) {
    const distances = kept.map((row) => ({ row, ...statistics({ centre, scale, day, ...found }, row) }))
    kept = trimmed(distances.filter(({ t2 }) => !Number.isNaN(t2))).map(({ row }) => row)
    found = components(kept.map((row) => standardised({ centre, scale, day }, row)))
  }
  return { centre, scale, day, ...found }
}

/** All but the oddest part by the sum of both statistics, in the order given. */
function trimmed<Row extends { readonly t2: number; readonly q: number }>(rows: readonly Row[]): readonly Row[] {
  const mean = (pick: (row: Row) => number): number => rows.reduce((sum, row) => sum + pick(row), 0) / Math.max(1, rows.length) || 1
  const [t2, q] = [mean((row) => row.t2), mean((row) => row.q)]
  const oddness = (row: Row): number => row.t2 / t2 + row.q / q
  const bound = rows.map(oddness).sort((a, b) => a - b)[Math.ceil((1 - TRIM) * rows.length) - 1] ?? Number.POSITIVE_INFINITY
  return rows.filter((row) => oddness(row) <= bound)
}

const waves = (atMs: number): readonly number[] => {
  const angle = (2 * Math.PI * (atMs % DAY_MS)) / DAY_MS
  return [Math.cos(angle), Math.sin(angle), Math.cos(2 * angle), Math.sin(2 * angle)]
}

/** Median and spread of a channel, and its waves over the day when there are two days or more of it. */
function robustColumn(
  rows: readonly NormalRow[],
  channel: number,
): { readonly centre: number; readonly scale: number; readonly day: readonly number[] } {
  const known = rows.flatMap(({ atMs, values }) => (Number.isNaN(values[channel]) ? [] : [{ atMs, value: values[channel] ?? 0 }]))
  const centre = median(known.map(({ value }) => value))
  const least = ROUNDING * Math.abs(centre)
  const before = Math.max(least, spread(known.map(({ value }) => value - centre)))
  const isLong = (known.at(-1)?.atMs ?? 0) - (known[0]?.atMs ?? 0) >= 2 * DAY_MS
  const day = isLong
    ? [0, 1, 2, 3].map((wave) => 2 * mean(known.map(({ atMs, value }) => clip((value - centre) / before) * before * (waves(atMs)[wave] ?? 0))))
    : [0, 0, 0, 0]
  const left = known.map(({ atMs, value }) => value - centre - dot(day, waves(atMs)))
  const after = Math.max(least, spread(left))
  // Waves that do not make the channel quieter are chance.
  return after < 0.9 * before ? { centre, scale: after, day } : { centre, scale: before, day: [0, 0, 0, 0] }
}

function components(rows: ReadonlyArray<Float64Array>): {
  readonly components: ReadonlyArray<readonly number[]>
  readonly variances: readonly number[]
} {
  const size = rows[0]?.length ?? 0
  const covariance = Array.from({ length: size }, () => new Array<number>(size).fill(0))
  for (const row of rows) {
    for (let i = 0; i < size; i++) {
      const line = covariance[i] ?? []
      for (let j = 0; j < size; j++) line[j] = (line[j] ?? 0) + (clip(row[i] ?? 0) * clip(row[j] ?? 0)) / rows.length
    }
  }
  const { values, vectors } = symmetricEigen(covariance)
  const total = values.reduce((sum, value) => sum + Math.max(0, value), 0)
  let explained = 0
  const count = values.findIndex((value) => {
    explained += Math.max(0, value)
    return explained >= EXPLAINED * total
  })
  // At least one direction stays off, or no relation could be broken.
  const kept = Math.max(1, Math.min(count + 1, size - 1))
  return { components: vectors.slice(0, kept), variances: values.slice(0, kept).map((value) => Math.max(value, 1e-6)) }
}

/** The row in spreads of its channels; NaN becomes 0, the expected. */
function standardised({ centre, scale, day }: Pick<Fitted, 'centre' | 'scale' | 'day'>, { atMs, values }: NormalRow): Float64Array {
  const now = waves(atMs)
  return values.map((value, channel) =>
    Number.isNaN(value) ? 0 : (value - (centre[channel] ?? 0) - dot(day[channel] ?? [], now)) / (scale[channel] ?? 1),
  )
}

interface Statistics {
  readonly t2: number
  readonly q: number
  readonly byT2: Float64Array
  readonly byQ: Float64Array
}

function statistics(model: Fitted, row: NormalRow, farthest = Number.POSITIVE_INFINITY): Statistics {
  const known = row.values.reduce((count, value) => count + (Number.isNaN(value) ? 0 : 1), 0)
  const z = bounded(standardised(model, row), farthest)
  if (known < KNOWN_MIN * z.length || known === 0) return { t2: Number.NaN, q: Number.NaN, byT2: z, byQ: z }
  const rest = z.slice()
  const byT2 = new Float64Array(z.length)
  let t2 = 0
  model.components.forEach((component, index) => {
    const along = component.reduce((sum, weight, channel) => sum + weight * (z[channel] ?? 0), 0)
    const variance = model.variances[index] ?? 1
    t2 += (along * along) / variance
    component.forEach((weight, channel) => {
      rest[channel] = (rest[channel] ?? 0) - along * weight
      byT2[channel] = (byT2[channel] ?? 0) + Math.max(0, (along / variance) * weight * (z[channel] ?? 0))
    })
  })
  const byQ = rest.map((value) => value * value)
  return { t2, q: byQ.reduce((sum, value) => sum + value, 0), byT2, byQ }
}

function restOf({ components }: Fitted, z: Float64Array): Float64Array {
  const rest = z.slice()
  for (const component of components) {
    const along = dot(component, z)
    component.forEach((weight, channel) => {
      rest[channel] = (rest[channel] ?? 0) - along * weight
    })
  }
  return rest
}

const bounded = (z: Float64Array, farthest: number): Float64Array => z.map((value) => Math.max(-farthest, Math.min(farthest, value)))
const clip = (value: number): number => Math.min(CLIP, Math.max(-CLIP, value))
const dot = (a: readonly number[], b: ArrayLike<number>): number => a.reduce((sum, value, index) => sum + value * (b[index] ?? 0), 0)
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}

/**
 * Spread about zero by the median; by what one value in twenty passes where that is more, for a machine that rests most of the time is as usual when
 * it runs; by the mean square where nearly all values are equal; and never zero.
 */
function spread(values: readonly number[]): number {
  const sizes = values.map(Math.abs).sort((a, b) => a - b)
  const robust = 1.4826 * (sizes[sizes.length >> 1] ?? 0)
  const seldom = (sizes[Math.floor(0.95 * sizes.length)] ?? 0) / 1.96
  const plain = Math.sqrt(mean(values.map((value) => value * value)))
  const size = Math.max(robust, seldom, 0.1 * plain)
  return size > 0 ? size : 1e-6
}
