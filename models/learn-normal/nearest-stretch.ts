/**
 * How far the last readings of a signal are from the nearest stretch like them that is remembered. The sums of squared differences of
 * every lag are carried from reading to reading and made anew from the values every 64th, so that a reading costs a few operations a
 * lag and rounding does not pile up. The values alone are the state: the sums follow from them, digit for digit.
 */

export interface Stretch {
  /** Readings in it. */
  readonly length: number
  /** Which nearest neighbour counts: with 2 one odd stretch before does not make the next one usual. */
  readonly neighbour: 1 | 2
}

/** Readings between two times that the sums are made anew. */
const RENEWED_EVERY = 64

export interface StretchState {
  /** The remembered values, oldest first. */
  readonly values: Float64Array
  readonly count: number
}

export class NearestStretch {
  readonly #stretches: readonly Stretch[]
  readonly #memory: number
  readonly #size: number
  /** The remembered values twice beside each other, so that the last ones always lie in one piece. */
  readonly #values: Float64Array
  readonly #sums: readonly Float64Array[]
  #count = 0

  /** @param memory longest lag in readings */
  constructor(stretches: readonly Stretch[], memory: number) {
    this.#stretches = stretches
    this.#memory = memory
    this.#size = memory + Math.max(...stretches.map(({ length }) => length)) + RENEWED_EVERY + 1
    this.#values = new Float64Array(2 * this.#size)
    this.#sums = stretches.map(() => new Float64Array(memory + 1))
  }

  get count(): number {
    return this.#count
  }

  /** Takes the next value. */
  add(value: number): void {
    const place = this.#count % this.#size
    this.#values[place] = value
    this.#values[place + this.#size] = value
    this.#count++
    if (this.#count % RENEWED_EVERY === 0) this.#renew(this.#count)
    else this.#carry(this.#count)
  }

  /** Root mean square distance of the last values to their nearest neighbour among earlier ones; NaN while there is none. */
  distance(index: number): number {
    const stretch = this.#stretches[index]
    const sums = this.#sums[index]
    if (stretch === undefined || sums === undefined) return Number.NaN
    const { length, neighbour } = stretch
    const lag_MAX = Math.min(this.#memory, this.#count - length)
    let best = Number.POSITIVE_INFINITY
    let second = Number.POSITIVE_INFINITY
    for (let lag = length; lag <= lag_MAX; lag++) {
      const sum = sums[lag] ?? 0
      if (sum >= second) continue
      if (sum < best) {
        second = best
        best = sum
      } else second = sum
    }
    const sum = neighbour === 1 ? best : second
    return sum === Number.POSITIVE_INFINITY ? Number.NaN : Math.sqrt(Math.max(0, sum) / length)
  }

  state(): StretchState {
    const kept = Math.min(this.#count, this.#size)
    const values = new Float64Array(kept)
    for (let index = 0; index < kept; index++) values[index] = this.#values[(this.#count - kept + index) % this.#size] ?? 0
    return { values, count: this.#count }
  }

  load({ values, count }: StretchState): void {
    this.#count = count
    values.forEach((value, index) => {
      const place = (count - values.length + index) % this.#size
      this.#values[place] = value
      this.#values[place + this.#size] = value
    })
    const renewed = count - (count % RENEWED_EVERY)
    if (renewed > 0) this.#renew(renewed)
    for (let at = renewed + 1; at <= count; at++) this.#carry(at)
  }

  /** Sums as they are behind the value number `count`, from the values. */
  #renew(count: number): void {
    const end = ((count - 1) % this.#size) + this.#size
    this.#stretches.forEach(({ length }, index) => {
      const sums = this.#sums[index]
      if (sums === undefined) return
      const lag_MAX = Math.min(this.#memory, count - 1)
      for (let lag = 1; lag <= lag_MAX; lag++) {
        const pairs = Math.min(length, count - lag)
        let sum = 0
        for (let back = 0; back < pairs; back++) sum += squared(this.#values[end - back], this.#values[end - back - lag])
        sums[lag] = sum
      }
    })
  }

  /** Sums behind the value number `count`, from those before it: one pair comes in, one falls out. */
  #carry(count: number): void {
    const values = this.#values
    const end = ((count - 1) % this.#size) + this.#size
    const lag_MAX = Math.min(this.#memory, count - 1)
    this.#stretches.forEach(({ length }, index) => {
      const sums = this.#sums[index]
      if (sums !== undefined) carry(sums, values, { end, length, lag_MAX, whole: Math.min(lag_MAX, count - 1 - length) })
    })
  }
}

interface Carried {
  readonly end: number
  readonly length: number
  readonly lag_MAX: number
  /** Longest lag at which a whole stretch lay there before, so that a pair falls out. */
  readonly whole: number
}

function carry(sums: Float64Array, values: Float64Array, { end, length, lag_MAX, whole }: Carried): void {
  const newest = values[end] as number
  const gone = values[end - length] as number
  let lag = 1
  for (; lag <= whole; lag++) {
    const comes = newest - (values[end - lag] as number)
    const goes = gone - (values[end - length - lag] as number)
    sums[lag] = (sums[lag] as number) + (comes * comes - goes * goes)
  }
  for (; lag <= lag_MAX; lag++) {
    const comes = newest - (values[end - lag] as number)
    sums[lag] = (sums[lag] as number) + comes * comes
  }
}

function squared(a: number | undefined, b: number | undefined): number {
  const difference = (a ?? 0) - (b ?? 0)
  return difference * difference
}
