/**
 * Readings that wait to be stored, as numbers in one array a type. As objects the readings of a batch live just long enough for the garbage
 * collector to copy each of them twice and to mark them later; as numbers they cost it nothing, and a store of columns takes them as they lie.
 * Who goes through them gets readings that are made again.
 */

import { epochMs } from '#kernel/clock.ts'
import { DeviceMap } from '#kernel/device-map.ts'
import type { Reading } from '#kernel/reading.ts'

/** Places of a row's facts. */
export const OBSERVED = 0
export const RECEIVED = 1
export const BOOT = 2
export const SEQ = 3
export const HIST = 4
/** Place of the device in `devices`. */
export const DEVICE = 5
/** Place of the firmware in `firmwares`, -1 for none. */
export const FIRMWARE = 6
export const FACTS = 7

const FIRST_ROWS = 64
/** Room of a type above which it is given back when its rows are forgotten: a batch of ordinary readings has less. */
const KEPT_BYTES_MAX = 16 * 1024 * 1024
const NO_TEXTS: Reading['texts'] = []

export class ReadingRows implements Iterable<Reading> {
  /** In the order in which they came. */
  readonly types = new Map<string, TypeRows>()
  #length = 0
  #values = 0
  #last: TypeRows | undefined

  static of(readings: Iterable<Reading>): ReadingRows {
    const rows = new ReadingRows()
    for (const reading of readings) rows.push(reading)
    return rows
  }

  get length(): number {
    return this.#length
  }

  /** What their values take; a type with one wide row has all of its rows as wide. */
  get bytes(): number {
    return this.#values * Float64Array.BYTES_PER_ELEMENT
  }

  /** Copies a reading in. Hot. */
  push(reading: Reading): void {
    let rows = this.#last
    if (rows === undefined || rows.type !== reading.type) {
      rows = this.types.get(reading.type) ?? new TypeRows(reading.type)
      this.types.set(reading.type, rows)
      this.#last = rows
    }
    const before = rows.values
    rows.push(reading)
    this.#values += rows.values - before
    this.#length++
  }

  /** Forgets them; the memory of the types that came is kept for those to come, unless it is large. */
  clear(): void {
    for (const [type, rows] of this.types) {
      if (rows.length === 0 || rows.numbers.byteLength > KEPT_BYTES_MAX) this.types.delete(type)
      else rows.clear()
    }
    this.#length = 0
    this.#values = 0
    this.#last = undefined
  }

  /** Type by type, each in the order in which they came. */
  *[Symbol.iterator](): Generator<Reading> {
    for (const rows of this.types.values()) for (let row = 0; row < rows.length; row++) yield rows.reading(row)
  }
}

/** Readings of one type. */
export class TypeRows {
  readonly type: string
  readonly devices: Array<Pick<Reading, 'tenant' | 'device'>> = []
  readonly firmwares: string[] = []
  /** `FACTS` numbers a row. */
  facts = new Float64Array(FACTS * FIRST_ROWS)
  /** `stride` values a row, NaN = absent. */
  numbers = new Float64Array(0)
  stride = 0
  /** 1 for each column that some row has a value for. */
  isUsed = new Uint8Array(0)
  readonly texts = new Map<number, Reading['texts']>()
  readonly #places = new DeviceMap<number>()
  #count = 0

  constructor(type: string) {
    this.type = type
  }

  get length(): number {
    return this.#count
  }

  /** Values that the rows have room for, absent ones among them. */
  get values(): number {
    return this.#count * this.stride
  }

  push(reading: Reading): void {
    const { numbers } = reading
    this.#reserve(numbers.length)
    const row = this.#count++
    const at = row * FACTS
    const { facts } = this
    facts[at + OBSERVED] = reading.observed_at_ms
    facts[at + RECEIVED] = reading.received_at_ms
    facts[at + BOOT] = reading.boot
    facts[at + SEQ] = reading.seq
    facts[at + HIST] = reading.hist ? 1 : 0
    facts[at + DEVICE] = this.#placeOf(reading)
    facts[at + FIRMWARE] = reading.fw === undefined ? -1 : this.#firmwareOf(reading.fw)
    const { numbers: memory, stride, isUsed } = this
    const from = row * stride
    for (let column = 0; column < numbers.length; column++) {
      const value = numbers[column] ?? Number.NaN
      memory[from + column] = value
      if (!Number.isNaN(value)) isUsed[column] = 1
    }
    for (let column = numbers.length; column < stride; column++) memory[from + column] = Number.NaN
    if (reading.texts.length > 0) this.texts.set(row, reading.texts)
  }

  /** The reading of a row, made again with values of its own. */
  reading(row: number): Reading {
    const { facts, stride } = this
    const at = row * FACTS
    const { tenant, device } = this.devices[facts[at + DEVICE] ?? 0] ?? { tenant: '', device: '' }
    return {
      tenant,
      device,
      type: this.type,
      boot: facts[at + BOOT] ?? 0,
      seq: facts[at + SEQ] ?? 0,
      observed_at_ms: epochMs(facts[at + OBSERVED] ?? 0),
      received_at_ms: epochMs(facts[at + RECEIVED] ?? 0),
      hist: facts[at + HIST] === 1,
      fw: this.firmwares[facts[at + FIRMWARE] ?? -1],
      numbers: this.numbers.slice(row * stride, (row + 1) * stride),
      texts: this.texts.get(row) ?? NO_TEXTS,
    }
  }

  clear(): void {
    this.#count = 0
    this.devices.length = 0
    this.firmwares.length = 0
    this.isUsed.fill(0)
    this.texts.clear()
    this.#places.clear()
  }

  #placeOf({ tenant, device }: Reading): number {
    const known = this.#places.get(tenant, device)
    if (known !== undefined) return known
    const place = this.devices.push({ tenant, device }) - 1
    this.#places.set(tenant, device, place)
    return place
  }

  #firmwareOf(fw: string): number {
    const known = this.firmwares.indexOf(fw)
    return known >= 0 ? known : this.firmwares.push(fw) - 1
  }

  /** Room for one more row of so many values. */
  #reserve(width: number): void {
    const rows = this.facts.length / FACTS
    const isFull = this.#count === rows
    if (isFull) {
      const facts = new Float64Array(2 * this.facts.length)
      facts.set(this.facts)
      this.facts = facts
    }
    if (isFull || width > this.stride || this.numbers.length === 0) this.#move(Math.max(width, this.stride), isFull ? 2 * rows : rows)
  }

  #move(stride: number, rows: number): void {
    const moved = new Float64Array(stride * rows)
    if (stride === this.stride) moved.set(this.numbers)
    else {
      moved.fill(Number.NaN)
      for (let row = 0; row < this.#count; row++) moved.set(this.numbers.subarray(row * this.stride, (row + 1) * this.stride), row * stride)
      const isUsed = new Uint8Array(stride)
      isUsed.set(this.isUsed)
      this.isUsed = isUsed
    }
    this.numbers = moved
    this.stride = stride
  }
}
