/**
 * The tokens of JSON that the byte scanner reads, with a place that moves on. It knows numbers, short ASCII texts, true, false and null;
 * each reader tells by its answer that something else stands there, and then the place means nothing any more. What it takes, it takes
 * exactly as JSON.parse would.
 */
import type { StringOfBytes } from './byte-strings.ts'

export const QUOTE = 0x22
export const COMMA = 0x2c
export const COLON = 0x3a
export const OPEN = 0x7b
export const CLOSE = 0x7d
export const OPEN_LIST = 0x5b
export const CLOSE_LIST = 0x5d

const MINUS = 0x2d
const POINT = 0x2e
const ZERO = 0x30
const BACKSLASH = 0x5c
/** Digits of a mantissa that is surely gathered exactly or found too large. */
const DIGITS_MAX = 16
const EXACT_MAX = 2 ** 53

/** Powers of ten that a double holds exactly: a mantissa below 2^53 by one of them is rounded once, as JSON.parse rounds. */
const POWERS = Float64Array.from({ length: 23 }, (_, exponent) => Number(`1e${exponent}`))

export class ScanTokens {
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  /** The memory in which `bytes` lies, and where in it: to look at several bytes at once. */
  view: DataView = new DataView(new ArrayBuffer(0))
  viewFrom = 0
  /** What `readNumber` and `readCount` read. */
  number = 0
  /** What `readText` read. */
  text = ''
  readonly #stringOf: StringOfBytes

  constructor(stringOf: StringOfBytes) {
    this.#stringOf = stringOf
  }

  /** Turns to other bytes. Payloads come in runs that lie in one piece of memory. */
  begin(bytes: Uint8Array, end: number): void {
    this.bytes = bytes
    this.end = end
    this.viewFrom = bytes.byteOffset
    if (this.view.buffer !== bytes.buffer) this.view = new DataView(bytes.buffer)
  }

  /** Byte at the place behind white space, -1 at the end. */
  peek(): number {
    const { bytes, end } = this
    let at = this.at
    let byte = at < end ? (bytes[at] ?? -1) : -1
    while (byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09) {
      at++
      byte = at < end ? (bytes[at] ?? -1) : -1
    }
    this.at = at
    return byte
  }

  /** Steps over the byte behind white space when it is this one. */
  take(expected: number): boolean {
    if (this.peek() !== expected) return false
    this.at++
    return true
  }

  /** Reads a whole number from 0 to below 10^15, digits only. */
  readCount(): boolean {
    this.peek()
    const { bytes, end } = this
    const from = this.at
    let at = from
    let value = 0
    for (; at < end; at++) {
      const digit = (bytes[at] ?? 0) - ZERO
      if (digit < 0 || digit > 9) break
      value = value * 10 + digit
    }
    const digits = at - from
    if (digits === 0 || digits >= DIGITS_MAX || (digits > 1 && bytes[from] === ZERO) || isMoreOfNumber(bytes[at])) return false
    this.number = value
    this.at = at
    return true
  }

  /** Reads a number of JSON. */
  readNumber(): boolean {
    this.peek()
    const { bytes, end } = this
    const from = this.at
    let at = from
    const isNegative = bytes[at] === MINUS
    if (isNegative) at++
    const firstDigit = at
    let mantissa = 0
    let digit = 0
    for (; at < end; at++) {
      digit = (bytes[at] ?? 0) - ZERO
      if (digit < 0 || digit > 9) break
      mantissa = mantissa * 10 + digit
    }
    let digits = at - firstDigit
    if (digits === 0 || (digits > 1 && bytes[firstDigit] === ZERO)) return false
    let decimals = 0
    if (bytes[at] === POINT && at < end) {
      at++
      const firstDecimal = at
      for (; at < end; at++) {
        digit = (bytes[at] ?? 0) - ZERO
        if (digit < 0 || digit > 9) break
        mantissa = mantissa * 10 + digit
      }
      decimals = at - firstDecimal
      if (decimals === 0) return false
      digits += decimals
    }
    if (digits > DIGITS_MAX || mantissa >= EXACT_MAX || isMoreOfNumber(bytes[at])) return this.#readLongNumber(at)
    const value = decimals === 0 ? mantissa : mantissa / (POWERS[decimals] ?? 1)
    this.number = isNegative ? -value : value
    this.at = at
    return true
  }

  /** Reads a text of at most `length_MAX` ASCII characters without escapes. */
  readText(length_MAX: number): boolean {
    if (!this.take(QUOTE)) return false
    const { bytes, end } = this
    const from = this.at
    for (let at = from; at < end; at++) {
      const byte = bytes[at] ?? 0
      if (byte === QUOTE) {
        if (at - from > length_MAX) return false
        this.text = this.#stringOf(bytes, from, at)
        this.at = at + 1
        return true
      }
      if (byte < 0x20 || byte > 0x7e || byte === BACKSLASH) return false
    }
    return false
  }

  /** Steps over `true`, `false` or `null`; the answer is its first letter, or 0. */
  readWord(): number {
    const first = this.peek()
    const { bytes, at } = this
    const rest = first === 0x74 ? TRUE : first === 0x66 ? FALSE : first === 0x6e ? NULL : undefined
    if (rest === undefined || at + rest.length > this.end) return 0
    for (let index = 1; index < rest.length; index++) if (bytes[at + index] !== rest[index]) return 0
    this.at = at + rest.length
    return first
  }

  /** A number with an exponent or more digits than are surely exact, whose mantissa ends at `mantissaEnd`: the engine's own reading of its text. */
  #readLongNumber(mantissaEnd: number): boolean {
    const { bytes, at: from } = this
    let end = mantissaEnd
    while (end < this.end && isMoreOfNumber(bytes[end])) end++
    const token = Buffer.from(bytes.buffer, bytes.byteOffset + from, end - from).toString('latin1')
    if (!NUMBER.test(token)) return false
    this.number = Number(token)
    this.at = end
    return true
  }
}

export const WORD_TRUE = 0x74
export const WORD_FALSE = 0x66
export const WORD_NULL = 0x6e

const wordOf = (word: string): Uint8Array => new TextEncoder().encode(word)
const TRUE = wordOf('true')
const FALSE = wordOf('false')
const NULL = wordOf('null')

/** A number as JSON writes it. */
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/

/** Digits, point, signs and the letters of an exponent: with one of them behind it a number is not at its end. */
const isMoreOfNumber = (byte: number | undefined): boolean =>
  byte !== undefined && ((byte >= ZERO && byte <= 0x39) || byte === POINT || byte === MINUS || byte === 0x2b || byte === 0x65 || byte === 0x45)
