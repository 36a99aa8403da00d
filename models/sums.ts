/**
 * The sums of a window: numbers at fixed places of one array, to which each reading adds its own. What is added is a program over columns
 * and places in typed arrays: hot, and a closure for each sum costs three times as much. A reading without the value of a sum adds nothing.
 */

/** Which readings count for a sum. */
export type Gate = 'always' | 'running' | 'idle'

/** What is added: the cells that a sum has follow. `b` is -1 where there is none. */
const OPERATIONS = [
  /** Count, total of a. */
  'mean',
  /** Count, total of a - b over the readings that have both. */
  'difference',
  /** Total of a, total of b; the ratio of the totals does not suffer from a single small b. */
  'ratio',
  /** Count, mean, sum of squared deviations (Welford). */
  'deviation',
  /** Count, largest; b is the column of an aggregate's maximum, which counts where it is there. */
  'maximum',
  /** Count of readings, count of those above the bound. */
  'share',
  /** Total of the values; nothing is 0 and not unknown, since what was not told did not happen. */
  'total',
  /** Number of the values. */
  'count',
  /** Count, latest device time, its value; of two at one time the larger counts, so that their order does not matter. */
  'last',
  /** Count, total of flow a x (hot b - cold) over the readings that have all three; the bound is the column of cold. */
  'heat',
] as const

type Operation = (typeof OPERATIONS)[number]

const [MEAN, DIFFERENCE, RATIO, DEVIATION, MAXIMUM, SHARE, TOTAL, COUNT, LAST] = OPERATIONS.map((_, code) => code)

/** Cells that each has. */
export const CELLS: Readonly<Record<Operation, number>> = {
  mean: 2,
  difference: 2,
  ratio: 2,
  deviation: 3,
  maximum: 2,
  share: 2,
  total: 1,
  count: 1,
  last: 3,
  heat: 2,
}

export interface Sum {
  readonly gate: Gate
  readonly operation: Operation
  readonly a: number
  readonly b: number
  /** First of its cells. */
  readonly place: number
  readonly bound: number
}

/** Sums of one gate: [operation, a, b, place] of each, and their bounds. */
export interface SumProgram {
  readonly codes: Int32Array
  readonly bounds: Float64Array
}

const WIDTH = 4

export function compileSums(sums: readonly Sum[]): SumProgram {
  return {
    codes: Int32Array.from(sums.flatMap(({ operation, a, b, place }) => [OPERATIONS.indexOf(operation), a, b, place])),
    bounds: Float64Array.from(sums, ({ bound }) => bound),
  }
}

const at = (values: Float64Array, index: number): number => values[index] ?? Number.NaN
const increase = (cells: Float64Array, index: number, by: number): void => {
  cells[index] = at(cells, index) + by
}

/** Adds the values of one reading. */
export function addToSums({ codes, bounds }: SumProgram, cells: Float64Array, numbers: Float64Array, atMs: number): void {
  for (let step = 0; step < codes.length; step += WIDTH) {
    const operation = codes[step] ?? 0
    const a = at(numbers, codes[step + 1] ?? 0)
    const b = codes[step + 2] ?? -1
    const place = codes[step + 3] ?? 0
    if (operation === MAXIMUM) addMaximum(cells, place, b < 0 || Number.isNaN(at(numbers, b)) ? a : at(numbers, b))
    else if (Number.isNaN(a)) continue
    else if (operation === MEAN) {
      increase(cells, place, 1)
      increase(cells, place + 1, a)
    } else if (operation === DIFFERENCE || operation === RATIO) {
      const other = at(numbers, b)
      if (Number.isNaN(other)) continue
      increase(cells, place, operation === RATIO ? a : 1)
      increase(cells, place + 1, operation === RATIO ? other : a - other)
    } else if (operation === DEVIATION) addDeviation(cells, place, a)
    else if (operation === SHARE) {
      increase(cells, place, 1)
      if (a > (bounds[step / WIDTH] ?? 0)) increase(cells, place + 1, 1)
    } else if (operation === TOTAL || operation === COUNT) increase(cells, place, operation === COUNT ? 1 : a)
    else if (operation === LAST) addLast(cells, place, a, atMs)
    else addHeat(cells, place, a * (at(numbers, b) - at(numbers, bounds[step / WIDTH] ?? -1)))
  }
}

function addDeviation(cells: Float64Array, place: number, value: number): void {
  increase(cells, place, 1)
  const delta = value - at(cells, place + 1)
  increase(cells, place + 1, delta / at(cells, place))
  increase(cells, place + 2, delta * (value - at(cells, place + 1)))
}

function addMaximum(cells: Float64Array, place: number, value: number): void {
  if (Number.isNaN(value)) return
  cells[place + 1] = at(cells, place) === 0 ? value : Math.max(at(cells, place + 1), value)
  increase(cells, place, 1)
}

function addLast(cells: Float64Array, place: number, value: number, atMs: number): void {
  const isLater = at(cells, place) === 0 || atMs > at(cells, place + 1) || (atMs === at(cells, place + 1) && value > at(cells, place + 2))
  increase(cells, place, 1)
  if (!isLater) return
  cells[place + 1] = atMs
  cells[place + 2] = value
}

/** Heat of a litre a minute warmed by one kelvin, W. */
const WATER_W_PER_LPM_K = 69.77

/** The mean of products: short cool draws and long hot ones have another product of means. */
function addHeat(cells: Float64Array, place: number, product: number): void {
  if (Number.isNaN(product)) return
  increase(cells, place, 1)
  increase(cells, place + 1, WATER_W_PER_LPM_K * product)
}

/** The value of a sum so far, NaN when nothing was added. */
export function sumValue({ operation, place }: Sum, cells: Float64Array): number {
  const first = at(cells, place)
  if (operation === 'total' || operation === 'count') return first
  const second = at(cells, place + 1)
  if (operation === 'ratio') return second === 0 ? Number.NaN : first / second
  if (first === 0 && operation !== 'mean' && operation !== 'difference' && operation !== 'share') return Number.NaN
  if (operation === 'deviation') return Math.sqrt(at(cells, place + 2) / first)
  if (operation === 'maximum') return second
  return operation === 'last' ? at(cells, place + 2) : second / first
}
