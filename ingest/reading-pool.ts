/**
 * Readings that are used again. A reading lives from its decoding until it is stored and folded, which is long enough for the collector to
 * move it twice and short enough that it has to: that was a quarter of the processor time behind the journal. Whoever is through with a reading
 * says so; when the last of them has, it may be another reading from then on. One that somebody never says so of is left to the collector.
 */
import type { EpochMs } from '#kernel/clock.ts'
import type { Reading, ReadingLayout } from '#kernel/reading.ts'
import { emptyRow } from './decode-channels.ts'

/** Who needs a reading: the store until it is written, the fold in device time until it is folded. */
export const STORE = 1
export const FOLD = 2
const EVERYBODY = STORE | FOLD

/** Readings that wait to be used again; what is beyond goes to the collector. About 1 kB each. */
const WAITING_MAX = 32_768

const NO_COLUMNS = new Int32Array(0)
const NO_TEXTS: Reading['texts'] = []

export class PooledReading implements Reading {
  tenant = ''
  device = ''
  type = ''
  boot = 0
  seq = 0
  observed_at_ms = 0.5 as EpochMs
  received_at_ms = 0.5 as EpochMs
  hist = false
  fw: string | undefined = undefined
  readonly numbers: Float64Array
  present: Int32Array = NO_COLUMNS
  readonly texts: Reading['texts'] = NO_TEXTS
  /** Who is not through with it. */
  needed = EVERYBODY
  readonly pool: ReadingPool

  constructor(pool: ReadingPool, layout: ReadingLayout) {
    this.pool = pool
    this.numbers = emptyRow(layout)
  }
}

/** Readings of one layout. */
export class ReadingPool {
  readonly #layout: ReadingLayout
  readonly #waiting: PooledReading[] = []

  constructor(layout: ReadingLayout) {
    this.#layout = layout
  }

  /** A reading without values, whose other fields are to be set; `present` are the columns that will have values. */
  take(present: Int32Array): PooledReading {
    const reading = this.#waiting.pop() ?? new PooledReading(this, this.#layout)
    const { present: before, numbers } = reading
    for (let index = 0; index < before.length; index++) numbers[before[index] ?? 0] = Number.NaN
    reading.present = present
    reading.needed = EVERYBODY
    return reading
  }

  putBack(reading: PooledReading): void {
    if (this.#waiting.length < WAITING_MAX) this.#waiting.push(reading)
  }
}

/** One of those who need the reading is through with it; said twice it counts once. */
export function isThrough(reading: Reading, who: typeof STORE | typeof FOLD): void {
  if (!(reading instanceof PooledReading) || (reading.needed & who) === 0) return
  reading.needed &= ~who
  if (reading.needed === 0) reading.pool.putBack(reading)
}
