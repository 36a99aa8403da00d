/**
 * Shapes of payloads: a device says the same fields in the same order each time, so that one payload differs from the next in its values
 * only. A shape keeps the bytes between the values of a payload that the scanner took; where they stand again, only the values are
 * read, by the same readers, and nothing else can have changed. Some shapes are kept of a type; a payload of none goes the scanner's own way.
 */
import type { ScanTokens } from './scan-tokens.ts'

/** What a value of a shape is: a field of the envelope, or from `FIRST_CHANNEL` on the place of a channel in its type. */
export const TS = 0
export const SEQ = 1
export const BOOT = 2
export const FW = 3
export const FIRST_CHANNEL = 4

const SHAPES_MAX = 4
const VALUES_MAX = 64
/** Bytes that are compared at once. */
const WORD = 8
/** With all places taken one payload of so many without a shape takes the place of the last one, so that learning stays cheap. */
const LEARN_EVERY = 32

/** The values of a payload that is being scanned: what they are and where they stand. White space before a value belongs to it. */
export class ShapeMarks {
  readonly roles = new Int32Array(VALUES_MAX)
  readonly from = new Int32Array(VALUES_MAX)
  readonly to = new Int32Array(VALUES_MAX)
  count = 0
  /** False when the payload has what a shape cannot keep. */
  isKept = true

  begin(): void {
    this.count = 0
    this.isKept = true
  }

  add(role: number, from: number, to: number): void {
    if (this.count === VALUES_MAX) {
      this.isKept = false
      return
    }
    this.roles[this.count] = role
    this.from[this.count] = from
    this.to[this.count++] = to
  }
}

export class Shape {
  readonly count: number
  readonly roles: Int32Array
  /** Bytes before the first value, between the values and behind the last one, in one piece; `ends[i]` is the end of those before value i. */
  readonly bytes: Uint8Array
  readonly ends: Int32Array
  /** `"hist":true` is among the bytes. */
  readonly hist: boolean
  readonly hasFirmware: boolean
  /** Among the values is `seq`. */
  readonly hasKey: boolean
  readonly #words: DataView

  /** Column of each value, -1 for those of the envelope. */
  readonly columns: Int32Array

  /** `columns` are those of the type's channels. */
  constructor(
    marks: ShapeMarks,
    payload: { readonly bytes: Uint8Array; readonly from: number; readonly to: number },
    { hist, columns }: { readonly hist: boolean; readonly columns: Int32Array },
  ) {
    this.count = marks.count
    this.hist = hist
    this.roles = marks.roles.slice(0, marks.count)
    this.columns = this.roles.map((role) => (role < FIRST_CHANNEL ? -1 : (columns[role - FIRST_CHANNEL] ?? -1)))
    this.hasFirmware = this.roles.includes(FW)
    this.hasKey = this.roles.includes(SEQ)
    this.ends = new Int32Array(marks.count)
    const kept: number[] = []
    let at = payload.from
    const keep = (end: number): void => {
      for (; at < end; at++) kept.push(payload.bytes[at] ?? 0)
    }
    for (let index = 0; index < marks.count; index++) {
      keep(marks.from[index] ?? 0)
      this.ends[index] = kept.length
      at = marks.to[index] ?? 0
    }
    keep(payload.to)
    this.bytes = Uint8Array.from(kept)
    this.#words = new DataView(this.bytes.buffer)
  }

  /**
   * Whether the bytes before value `index` (behind the last one: `count`) stand at the place, which is moved behind them. Hot: eight at a time,
   * which costs a fifth of one at a time. They are compared as doubles: what a shape has is JSON, and no eight bytes of it are 0 or no number.
   */
  stands(index: number, tokens: ScanTokens): boolean {
    const own = this.bytes
    const { bytes, end, at } = tokens
    const from = index === 0 ? 0 : (this.ends[index - 1] ?? 0)
    const length = (index === this.count ? own.length : (this.ends[index] ?? 0)) - from
    if (at + length > end) return false
    tokens.at = at + length
    if (length < WORD) {
      for (let offset = 0; offset < length; offset++) if (own[from + offset] !== bytes[at + offset]) return false
      return true
    }
    const { view } = tokens
    const place = tokens.viewFrom + at
    for (let offset = 0; offset < length - WORD; offset += WORD) {
      if (this.#words.getFloat64(from + offset) !== view.getFloat64(place + offset)) return false
    }
    return this.#words.getFloat64(from + length - WORD) === view.getFloat64(place + length - WORD)
  }
}

/** The shapes of a type, the one that stood last first. */
export class Shapes {
  readonly list: Shape[] = []
  #misses = 0

  /** Puts the shape at `index` first. */
  toFront(index: number): void {
    const [shape] = this.list.splice(index, 1)
    if (shape !== undefined) this.list.unshift(shape)
  }

  /** Whether a payload that no shape fitted is to be learned. */
  isLearning(): boolean {
    return this.list.length < SHAPES_MAX || ++this.#misses % LEARN_EVERY === 0
  }

  learn(shape: Shape): void {
    if (this.list.length === SHAPES_MAX) this.list.pop()
    this.list.unshift(shape)
  }
}
