/**
 * Tables of the evaluation: a measure with its interval, the baseline beside it, the goal, and the floor that `--check` holds. Simulated
 * and real data have tables of their own. A missed goal stays in its table.
 */

export type Bound = { readonly min: number } | { readonly max: number }

export interface EvalRow {
  readonly measure: string
  /** Undefined when it could not be measured; the note says why. */
  readonly value: number | undefined
  /** Low and high end of the 95 % interval. */
  readonly interval?: readonly [low: number, high: number]
  readonly baselines?: ReadonlyArray<{ readonly name: string; readonly value: number }>
  readonly goal?: Bound
  /** Held by `--check`; without it, `isFloorMissed` says what is. */
  readonly floor?: Bound
  readonly note?: string
}

export interface EvalTable {
  readonly id: string
  readonly title: string
  readonly data: 'simulated' | 'real' | 'load'
  /** The command that prints this table alone. */
  readonly command: string
  readonly rows: readonly EvalRow[]
  /** Sentences under the table: how it was measured, what it does not say. */
  readonly notes?: readonly string[]
}

export interface EvalOptions {
  /** Under a minute in all; fewer units and seeds. */
  readonly isQuick: boolean
  /** Folder of the public data; it may be absent. */
  readonly dataFolder: string
}

/** A part of `npm run eval`; what it needs and does not find it says in a sentence instead of a table. */
export interface EvalSection {
  readonly id: string
  run(options: EvalOptions): Promise<readonly EvalTable[] | string>
}

/** Two-sided 95 % quantiles of Student's t by degrees of freedom; normal beyond. */
const T_95 = [Number.NaN, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]

/** Mean over seeds with its 95 % interval by Student's t; no interval from one seed. */
export function overSeeds(values: readonly number[]): Pick<EvalRow, 'value' | 'interval'> {
  const known = values.filter((value) => !Number.isNaN(value))
  if (known.length === 0) return { value: undefined }
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length
  if (known.length === 1) return { value: mean }
  const variance = known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1)
  const half = (T_95[known.length - 1] ?? 1.96) * Math.sqrt(variance / known.length)
  return { value: mean, interval: [mean - half, mean + half] }
}

const keeps = (value: number, bound: Bound): boolean => ('min' in bound ? value >= bound.min : value <= bound.max)

export const isGoalMissed = ({ value, goal }: EvalRow): boolean => goal !== undefined && (value === undefined || !keeps(value, goal))

/**
 * Whether a row is below its floor: the stated one; else a goal of 0 must be 0, and where seeds give an interval its worse end must be
 * better than every baseline.
 */
export function isFloorMissed({ value, interval, goal, floor, baselines = [] }: EvalRow): boolean {
  if (value === undefined) return false
  if (floor !== undefined) return !keeps(value, floor)
  if (goal === undefined) return false
  if ('max' in goal && goal.max === 0) return value !== 0
  if (interval === undefined) return false
  const [low, high] = interval
  return baselines.some((baseline) => ('min' in goal ? low <= baseline.value : high >= baseline.value))
}

const text = (value: number): string => {
  if (Number.isInteger(value)) return String(value)
  return Math.abs(value) >= 100 ? value.toFixed(0) : Math.abs(value) >= 1 ? value.toFixed(2) : value.toFixed(3)
}
const boundText = (bound: Bound | undefined): string =>
  bound === undefined ? '' : 'min' in bound ? `>= ${text(bound.min)}` : `<= ${text(bound.max)}`

/** No floor, or one that nothing misses: the row's baselines do not decide either. */
const isOpen = (floor: Bound | undefined): boolean => floor === undefined || ('max' in floor && floor.max === Number.POSITIVE_INFINITY)

/** Cells of a row as they stand in the document. */
function cells(row: EvalRow): readonly string[] {
  const { measure, value, interval, baselines = [], goal, floor, note } = row
  const verdict = isFloorMissed(row) ? 'floor missed' : isGoalMissed(row) ? 'missed' : goal === undefined ? '' : 'met'
  return [
    measure,
    value === undefined ? '-' : text(value),
    interval === undefined ? '' : `${text(interval[0])} to ${text(interval[1])}`,
    baselines.map((baseline) => `${baseline.name} ${text(baseline.value)}`).join('; '),
    [boundText(goal), isOpen(floor) ? '' : `floor ${boundText(floor)}`].filter((part) => part !== '').join(', '),
    [verdict, note ?? ''].filter((part) => part !== '').join('; '),
  ]
}

/** The table in Markdown, with its command and notes. */
export function toMarkdown({ title, data, command, rows, notes = [] }: EvalTable): string {
  const source = { simulated: 'Simulated data.', real: 'Real data.', load: 'Measured under load on one machine.' }[data]
  const lines = [
    `## ${title}`,
    '',
    `${source} \`${command}\` prints it.`,
    '',
    '| measure | measured | 95 % interval | baseline | goal | |',
    '|---|---|---|---|---|---|',
    ...rows.map((row) => `| ${cells(row).join(' | ')} |`),
    '',
    ...notes.flatMap((note) => [`- ${note}`]),
  ]
  return `${lines.join('\n').trimEnd()}\n`
}
