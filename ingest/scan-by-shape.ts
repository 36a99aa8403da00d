/**
 * Reads a payload by a shape that came before: the bytes between the values must stand again, and the values are read by the same readers
 * and held against the same bounds as anywhere. Hot: nearly every message of a fleet goes this way, twice.
 */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { type ChannelPlan, emptyRow } from './decode-channels.ts'
import { NO_KEY } from './decode-envelope.ts'
import { type ScanLimits, type ScanSource, UINT32_MAX } from './scan-fields.ts'
import { BOOT, FIRST_CHANNEL, FW, SEQ, type Shape, TS } from './scan-shape.ts'
import { type ScanTokens, WORD_FALSE, WORD_TRUE } from './scan-tokens.ts'

const NO_TEXTS: Reading['texts'] = []

export class ShapeReader {
  /** Device time of the payload that was read last. */
  ts = 0
  readonly #tokens: ScanTokens
  readonly #plan: ChannelPlan
  readonly #textLength_MAX: number
  readonly #areReused: boolean
  readonly #channels: readonly Channel[]
  /** Bounds of each channel. */
  readonly #least: Float64Array
  readonly #greatest: Float64Array
  /** The row that is used again, and the columns that it holds. */
  readonly #row: Float64Array
  #used: Int32Array = new Int32Array(0)
  /** Values by their place in the shape, until the whole of the payload is known to fit. */
  readonly #values: Float64Array
  #seq = 0
  #boot = 0
  #fw: string | undefined

  constructor(type: ApplianceType, parts: { readonly tokens: ScanTokens; readonly plan: ChannelPlan; readonly limits: ScanLimits }) {
    this.#tokens = parts.tokens
    this.#plan = parts.plan
    this.#textLength_MAX = parts.limits.textLength_MAX
    this.#areReused = parts.limits.areReadingsReused === true
    this.#row = emptyRow(parts.plan.layout)
    this.#channels = type.channels
    this.#least = Float64Array.from(type.channels, ({ min }) => min)
    this.#greatest = Float64Array.from(type.channels, ({ max }) => max)
    this.#values = new Float64Array(type.channels.length + FIRST_CHANNEL)
  }

  /** Reads the values of the payload at the tokens' place; false when it has another shape or a value is wrong. */
  read(shape: Shape): boolean {
    const tokens = this.#tokens
    const { roles, count } = shape
    this.#boot = 0
    this.#fw = undefined
    for (let index = 0; index < count; index++) {
      const role = roles[index] ?? 0
      if (!shape.stands(index, tokens)) return false
      if (role < FIRST_CHANNEL ? !this.#readField(role) : !this.#readValue(role - FIRST_CHANNEL, index)) return false
    }
    return shape.stands(count, tokens) && tokens.at === tokens.end
  }

  /** The reading of the payload that was read last. */
  reading(shape: Shape, source: ScanSource): Reading {
    const { layout } = this.#plan
    const numbers = this.#areReused ? this.#cleared(shape) : emptyRow(layout)
    this.#setNumbers(shape, numbers)
    const { tenant, device, received_at_ms } = source
    // Field by field: a spread of half of them costs as much as all the rest.
    return {
      tenant,
      device,
      type: layout.type,
      boot: shape.hasKey ? this.#boot : NO_KEY.boot,
      seq: shape.hasKey ? this.#seq : NO_KEY.seq,
      observed_at_ms: epochMs(this.ts),
      received_at_ms,
      hist: shape.hist,
      fw: this.#fw,
      numbers,
      texts: NO_TEXTS,
    }
  }

  /** The row that is used again, without what it held. */
  #cleared({ columns }: Shape): Float64Array {
    for (let index = 0; index < this.#used.length; index++) {
      const column = this.#used[index] ?? -1
      if (column >= 0) this.#row[column] = Number.NaN
    }
    this.#used = columns
    return this.#row
  }

  #setNumbers({ count, columns }: Shape, numbers: Float64Array): void {
    const values = this.#values
    for (let index = 0; index < count; index++) {
      const column = columns[index] ?? -1
      if (column >= 0) numbers[column] = values[index] ?? Number.NaN
    }
  }

  #readField(role: number): boolean {
    const tokens = this.#tokens
    if (role === FW) {
      if (!tokens.readText(this.#textLength_MAX)) return false
      this.#fw = tokens.text
      return true
    }
    if (!tokens.readCount()) return false
    const { number } = tokens
    if (role === TS) {
      this.ts = number
      return true
    }
    if (role === SEQ) this.#seq = number
    else if (role === BOOT) this.#boot = number
    return number <= UINT32_MAX
  }

  #readValue(channel: number, index: number): boolean {
    const tokens = this.#tokens
    if (this.#channels[channel]?.kind === 'boolean') {
      const word = tokens.readWord()
      this.#values[index] = word === WORD_TRUE ? 1 : 0
      return word === WORD_TRUE || word === WORD_FALSE
    }
    if (!tokens.readNumber()) return false
    const { number } = tokens
    this.#values[index] = number
    return number >= (this.#least[channel] ?? 0) && number <= (this.#greatest[channel] ?? 0)
  }
}
