/**
 * Readings of one device that wait for their watermark, in order of device time, boot and sequence number. They lie as numbers in one array a
 * device, for under load a fleet has hundreds of thousands of them waiting, and as objects they were what the garbage collector walked
 * through over and over. What comes in order is written behind the last; the reading is made again when it leaves.
 */
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import type { PackedReadings } from './held-readings.ts'

/** Whose they are. */
export type Owner = Pick<Reading, 'tenant' | 'device' | 'type'>

/** Places of a row; its values begin behind them. */
const OBSERVED = 0
const BOOT = 1
const SEQ = 2
const RECEIVED = 3
const HIST = 4
/** Place of the firmware in the list, -1 for none. */
const FIRMWARE = 5
/** Key of the texts, 0 for none. */
const TEXTS = 6
const WIDTH = 7
const VALUES = 8

const FIRST_ROWS = 4
/** Places in the order in which a packed reading has them; behind them stands the count of its values. */
const PACKED_PLACES = [BOOT, SEQ, OBSERVED, RECEIVED, HIST, FIRMWARE, WIDTH] as const
const PACKED = PACKED_PLACES.length + 1
const NOTHING = new Float64Array(0)
const NO_TEXTS: Reading['texts'] = []

export class WaitingRows {
  /** Rows of `#stride` numbers, of which `#count` from the `#first` on are in use. */
  #memory: Float64Array = NOTHING
  #stride = 0
  #first = 0
  #count = 0
  readonly #firmwares: string[] = []
  readonly #texts = new Map<number, Reading['texts']>()
  #textKey = 0

  get length(): number {
    return this.#count
  }

  /** Device time of the row at a place of the order, infinite behind the last. */
  observedAtMs(index: number): number {
    return index < this.#count ? (this.#memory[(this.#first + index) * this.#stride + OBSERVED] ?? 0) : Number.POSITIVE_INFINITY
  }

  /** Puts a reading at its place; false when one with its device time, boot and sequence number waits already. Hot. */
  put(reading: Reading): boolean {
    const index = this.#placeOf(reading)
    if (index < 0) return false
    this.#reserve(VALUES + reading.numbers.length)
    const memory = this.#memory
    const stride = this.#stride
    const at = (this.#first + index) * stride
    if (index < this.#count) memory.copyWithin(at + stride, at, (this.#first + this.#count) * stride)
    this.#count++
    const { numbers } = reading
    memory[at + OBSERVED] = reading.observed_at_ms
    memory[at + BOOT] = reading.boot
    memory[at + SEQ] = reading.seq
    memory[at + RECEIVED] = reading.received_at_ms
    memory[at + HIST] = reading.hist ? 1 : 0
    memory[at + FIRMWARE] = reading.fw === undefined ? -1 : this.#firmwareOf(reading.fw)
    memory[at + TEXTS] = reading.texts.length === 0 ? 0 : this.#keepTexts(reading.texts)
    memory[at + WIDTH] = numbers.length
    for (let column = 0; column < numbers.length; column++) memory[at + VALUES + column] = numbers[column] ?? Number.NaN
    return true
  }

  /** Takes the first out. @throws RangeError when none waits */
  shift(of: Owner): Reading {
    if (this.#count === 0) throw new RangeError('no reading waits')
    const at = this.#first * this.#stride
    const reading = this.#readingAt(at, of)
    const key = this.#memory[at + TEXTS] ?? 0
    if (key !== 0) this.#texts.delete(key)
    this.#first++
    this.#count--
    if (this.#count === 0) this.#empty()
    return reading
  }

  /** All of them to be saved; they stay. */
  pack(): PackedReadings {
    const memory = this.#memory
    const ends = (this.#first + this.#count) * this.#stride
    let size = 0
    for (let at = this.#first * this.#stride; at < ends; at += this.#stride) size += PACKED + 2 * this.#valuesAt(at)
    const numbers = new Float64Array(size)
    const texts: Array<readonly [number, Reading['texts']]> = []
    let to = 0
    for (let at = this.#first * this.#stride, place = 0; at < ends; at += this.#stride, place++) {
      const width = memory[at + WIDTH] ?? 0
      for (let index = 0; index < PACKED_PLACES.length; index++) numbers[to + index] = memory[at + (PACKED_PLACES[index] ?? 0)] ?? 0
      const countAt = to + PACKED_PLACES.length
      to = countAt + 1
      for (let column = 0; column < width; column++) {
        const value = memory[at + VALUES + column] ?? Number.NaN
        if (Number.isNaN(value)) continue
        numbers[to++] = column
        numbers[to++] = value
      }
      numbers[countAt] = (to - countAt - 1) / 2
      const own = this.#texts.get(memory[at + TEXTS] ?? 0)
      if (own !== undefined) texts.push([place, own])
    }
    return { order: 'channels first', numbers, firmwares: [...this.#firmwares], texts }
  }

  #valuesAt(at: number): number {
    const end = at + VALUES + (this.#memory[at + WIDTH] ?? 0)
    let count = 0
    for (let index = at + VALUES; index < end; index++) if (!Number.isNaN(this.#memory[index] ?? Number.NaN)) count++
    return count
  }

  #readingAt(at: number, { tenant, device, type }: Owner): Reading {
    const memory = this.#memory
    const width = memory[at + WIDTH] ?? 0
    const key = memory[at + TEXTS] ?? 0
    const numbers = rowOf(width)
    for (let column = 0; column < width; column++) numbers[column] = memory[at + VALUES + column] ?? Number.NaN
    return {
      tenant,
      device,
      type,
      boot: memory[at + BOOT] ?? 0,
      seq: memory[at + SEQ] ?? 0,
      observed_at_ms: epochMs(memory[at + OBSERVED] ?? 0),
      received_at_ms: epochMs(memory[at + RECEIVED] ?? 0),
      hist: memory[at + HIST] === 1,
      fw: this.#firmwares[memory[at + FIRMWARE] ?? -1],
      numbers,
      texts: key === 0 ? NO_TEXTS : (this.#texts.get(key) ?? NO_TEXTS),
    }
  }

  /** Place in the order, looked for from the end; -1 when it is taken by the same. */
  #placeOf({ observed_at_ms, boot, seq }: Reading): number {
    const memory = this.#memory
    let index = this.#count
    for (; index > 0; index--) {
      const at = (this.#first + index - 1) * this.#stride
      const order = observed_at_ms - (memory[at + OBSERVED] ?? 0) || boot - (memory[at + BOOT] ?? 0) || seq - (memory[at + SEQ] ?? 0)
      if (order === 0) return -1
      if (order > 0) break
    }
    return index
  }

  /** Room for one more row of so many numbers. */
  #reserve(width: number): void {
    const rows = this.#stride === 0 ? 0 : this.#memory.length / this.#stride
    const isWide = width <= this.#stride
    if (isWide && this.#first + this.#count < rows) return
    if (isWide && this.#first > 0 && this.#first >= this.#count)
      this.#memory.copyWithin(0, this.#first * this.#stride, (this.#first + this.#count) * this.#stride)
    else this.#move(Math.max(width, this.#stride), Math.max(FIRST_ROWS, 2 * this.#count))
    this.#first = 0
  }

  #move(stride: number, rows: number): void {
    const moved = new Float64Array(stride * rows)
    for (let index = 0; index < this.#count; index++) {
      const at = (this.#first + index) * this.#stride
      moved.set(this.#memory.subarray(at, at + this.#stride), index * stride)
    }
    this.#memory = moved
    this.#stride = stride
  }

  /** A device that had a backlog gives its room back. */
  #empty(): void {
    this.#first = 0
    if (this.#memory.length <= FIRST_ROWS * this.#stride) return
    this.#memory = NOTHING
    this.#stride = 0
  }

  #firmwareOf(fw: string): number {
    const known = this.#firmwares.indexOf(fw)
    return known >= 0 ? known : this.#firmwares.push(fw) - 1
  }

  #keepTexts(texts: Reading['texts']): number {
    this.#textKey++
    this.#texts.set(this.#textKey, texts)
    return this.#textKey
  }
}

/** Rows are made in one piece of memory for many, as decoding makes them: an array of its own costs five times as much. */
const ROWS_PER_PIECE = 64
const pieces = new Map<number, { readonly memory: Float64Array; used: number }>()

function rowOf(width: number): Float64Array {
  let piece = pieces.get(width)
  if (piece === undefined || piece.used === ROWS_PER_PIECE) {
    piece = { memory: new Float64Array(width * ROWS_PER_PIECE), used: 0 }
    pieces.set(width, piece)
  }
  const from = piece.used++ * width
  return piece.memory.subarray(from, from + width)
}
