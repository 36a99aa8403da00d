/**
 * The byte scanner: from the bytes of a payload straight into columns, for the shape that nearly every device sends: readings of the
 * contract with known channels, numbers, claims, short ASCII texts and aggregates, all of it right. Anything else (escapes, a field it
 * does not know, a key twice, a value out of range, no `seq`, broken JSON ...) it does not judge: it gives the message back, and
 * `decode.ts` says what is wrong. So the two may differ in cost only, which `scan.test.ts` holds.
 */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { createByteStrings } from './byte-strings.ts'
import { channelPlan, emptyRow } from './decode-channels.ts'
import { NO_CHANNEL, ScanNames } from './scan-names.ts'
import { CLOSE, CLOSE_LIST, COLON, COMMA, OPEN, OPEN_LIST, QUOTE, ScanTokens, WORD_FALSE, WORD_NULL, WORD_TRUE } from './scan-tokens.ts'

export type ScanLimits = Pick<Limits, 'readingsPerPayload_MAX' | 'jsonDepth_MAX' | 'channelsPerReading_MAX' | 'textLength_MAX' | 'aheadMs_MAX'>

/** What a scanner needs to know of a message beside its payload. */
export type ScanSource = Pick<AcceptedMessage, 'tenant' | 'device' | 'received_at_ms' | 'maxAgeDays'>

export interface ByteRange {
  readonly bytes: Uint8Array
  readonly from: number
  readonly to: number
}

export interface Scanner {
  /** The readings of a `tele` or `event` payload, or undefined when it is not of the common shape or anything in it is wrong. */
  scan(source: ScanSource, payload: ByteRange): Reading[] | undefined
}

const scanners = new WeakMap<ApplianceType, { readonly limits: ScanLimits; readonly scanner: Scanner }>()

/** Scanner of a type; kept as long as the type's record is. */
export function scannerOf(type: ApplianceType, limits: ScanLimits): Scanner {
  const known = scanners.get(type)
  if (known !== undefined && known.limits === limits) return known.scanner
  const scanner = limits.jsonDepth_MAX < DEPTH ? { scan: () => undefined } : new ByteScanner(type, limits)
  scanners.set(type, { limits, scanner })
  return scanner
}

/** Deepest nesting that the scanner takes: list, reading, v, aggregate. */
const DEPTH = 4
const DAY_MS = 86_400_000
const UINT32_MAX = 0xffff_ffff
const NO_TEXTS: Reading['texts'] = []

const stringOf = createByteStrings()

/** Fields of the envelope as bits, to find one that comes twice. */
const TS = 1
const SEQ = 2
const BOOT = 4
const HIST = 8
const FW = 16
const V = 32
const NEEDED = TS | SEQ | V

class ByteScanner implements Scanner {
  readonly #limits: ScanLimits
  readonly #plan: ReturnType<typeof channelPlan>
  readonly #names: ScanNames
  readonly #channels: readonly Channel[]
  readonly #columns: Int32Array
  readonly #tokens = new ScanTokens(stringOf)
  /** Number of the reading in which a channel came last, to find one that comes twice. */
  readonly #cameIn: Float64Array
  #count = 0
  // The reading in hand.
  #ts = 0
  #seq = 0
  #boot = 0
  #hist = false
  #fw: string | undefined
  #numbers: Float64Array = new Float64Array(0)
  #texts: Array<readonly [string, string]> | undefined

  constructor(type: ApplianceType, limits: ScanLimits) {
    this.#limits = limits
    this.#plan = channelPlan(type)
    this.#channels = type.channels
    this.#names = new ScanNames(type.channels.map(({ name }) => name))
    this.#columns = Int32Array.from(type.channels, ({ name }) => this.#plan.byName.get(name)?.column ?? NO_CHANNEL)
    this.#cameIn = new Float64Array(type.channels.length).fill(-1)
  }

  scan(source: ScanSource, { bytes, from, to }: ByteRange): Reading[] | undefined {
    const tokens = this.#tokens
    tokens.bytes = bytes
    tokens.at = from
    tokens.end = to
    const readings: Reading[] = []
    if (tokens.peek() === OPEN) {
      if (!this.#readReading(source, readings)) return undefined
    } else {
      if (!tokens.take(OPEN_LIST)) return undefined
      do {
        if (readings.length === this.#limits.readingsPerPayload_MAX || !this.#readReading(source, readings)) return undefined
      } while (tokens.take(COMMA))
      if (!tokens.take(CLOSE_LIST)) return undefined
    }
    return tokens.peek() === -1 ? readings : undefined
  }

  #readReading(source: ScanSource, into: Reading[]): boolean {
    const tokens = this.#tokens
    this.#boot = 0
    this.#hist = false
    this.#fw = undefined
    this.#texts = undefined
    if (!tokens.take(OPEN)) return false
    let seen = 0
    do {
      if (!tokens.take(QUOTE)) return false
      const field = this.#readField()
      if (field === 0 || (seen & field) !== 0 || !tokens.take(COLON) || !this.#readFieldValue(field)) return false
      seen |= field
    } while (tokens.take(COMMA))
    if (!tokens.take(CLOSE) || (seen & NEEDED) !== NEEDED) return false
    const aheadMs = this.#ts - source.received_at_ms
    if (aheadMs > this.#limits.aheadMs_MAX || -aheadMs > source.maxAgeDays * DAY_MS) return false
    into.push(this.#reading(source))
    return true
  }

  /** Steps over the name of a field and its closing quote; 0 for one that is none of the contract's. */
  #readField(): number {
    const { bytes, at } = this.#tokens
    const field = fieldAt(bytes, at)
    this.#tokens.at = at + (field === V ? 2 : field === TS || field === FW ? 3 : field === SEQ ? 4 : 5)
    return field
  }

  #readFieldValue(field: number): boolean {
    const tokens = this.#tokens
    if (field === V) return this.#readValues()
    if (field === FW) {
      if (!tokens.readText(this.#limits.textLength_MAX)) return false
      this.#fw = tokens.text
      return true
    }
    if (field === HIST) {
      const word = tokens.readWord()
      this.#hist = word === WORD_TRUE
      return word === WORD_TRUE || word === WORD_FALSE
    }
    if (!tokens.readCount()) return false
    const { number } = tokens
    if (field === TS) this.#ts = number
    else if (number > UINT32_MAX) return false
    else if (field === SEQ) this.#seq = number
    else this.#boot = number
    return true
  }

  #readValues(): boolean {
    const tokens = this.#tokens
    const stamp = ++this.#count
    this.#numbers = emptyRow(this.#plan.layout)
    if (!tokens.take(OPEN)) return false
    if (tokens.take(CLOSE)) return true
    let previous = NO_CHANNEL
    let count = 0
    do {
      if (!tokens.take(QUOTE)) return false
      const channel = this.#names.at(tokens.bytes, tokens.at, previous)
      if (channel < 0 || this.#cameIn[channel] === stamp || ++count > this.#limits.channelsPerReading_MAX) return false
      this.#cameIn[channel] = stamp
      tokens.at += this.#names.lengthOf(channel) + 1
      if (!tokens.take(COLON) || !this.#readValue(channel)) return false
      previous = channel
    } while (tokens.take(COMMA))
    return tokens.take(CLOSE)
  }

  #readValue(index: number): boolean {
    const tokens = this.#tokens
    const channel = this.#channels[index]
    if (channel === undefined) return false
    const first = tokens.peek()
    if (first === WORD_NULL) return tokens.readWord() === WORD_NULL
    const column = this.#columns[index] ?? NO_CHANNEL
    if (channel.kind === 'number') {
      if (first === OPEN) return channel.isAggregated && this.#readAggregate(channel, column)
      if (!tokens.readNumber()) return false
      const { number } = tokens
      this.#numbers[column] = number
      return number >= channel.min && number <= channel.max
    }
    if (channel.kind === 'boolean') {
      const word = tokens.readWord()
      this.#numbers[column] = word === WORD_TRUE ? 1 : 0
      return word === WORD_TRUE || word === WORD_FALSE
    }
    if (!tokens.readText(this.#limits.textLength_MAX)) return false
    this.#texts ??= []
    this.#texts.push([channel.name, tokens.text])
    return true
  }

  /** {"min","mean","max"} in any order, each once. */
  #readAggregate(channel: Channel, column: number): boolean {
    const tokens = this.#tokens
    const numbers = this.#numbers
    if (!tokens.take(OPEN)) return false
    for (let part = 0; part < 3; part++) {
      if (part > 0 && !tokens.take(COMMA)) return false
      if (!tokens.take(QUOTE)) return false
      const offset = boundAt(tokens.bytes, tokens.at)
      if (offset < 0 || !Number.isNaN(numbers[column + offset])) return false
      tokens.at += offset === 0 ? 5 : 4
      if (!tokens.take(COLON) || !tokens.readNumber()) return false
      numbers[column + offset] = tokens.number
    }
    if (!tokens.take(CLOSE)) return false
    const mean = numbers[column] ?? Number.NaN
    const min = numbers[column + 1] ?? Number.NaN
    const max = numbers[column + 2] ?? Number.NaN
    const isWithin = min >= channel.min && min <= channel.max && max >= channel.min && max <= channel.max
    // The same bounds as the decoder's: each of the three may have been rounded to the sensor's step on its own.
    return isWithin && mean >= min - channel.step && mean <= max + channel.step && mean >= channel.min && mean <= channel.max
  }

  #reading(source: ScanSource): Reading {
    return {
      tenant: source.tenant,
      device: source.device,
      type: this.#plan.layout.type,
      boot: this.#boot,
      seq: this.#seq,
      observed_at_ms: epochMs(this.#ts),
      received_at_ms: source.received_at_ms,
      hist: this.#hist,
      fw: this.#fw,
      numbers: this.#numbers,
      texts: this.#texts ?? NO_TEXTS,
    }
  }
}

/** Field whose name and closing quote stand at a place, 0 for none. */
function fieldAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  const second = bytes[at + 1]
  if (first === 0x76) return second === QUOTE ? V : 0
  const third = bytes[at + 2]
  if (first === 0x74) return second === 0x73 && third === QUOTE ? TS : 0
  if (first === 0x66) return second === 0x77 && third === QUOTE ? FW : 0
  const fourth = bytes[at + 3]
  if (first === 0x73) return second === 0x65 && third === 0x71 && fourth === QUOTE ? SEQ : 0
  if (bytes[at + 4] !== QUOTE) return 0
  if (first === 0x62) return second === 0x6f && third === 0x6f && fourth === 0x74 ? BOOT : 0
  if (first === 0x68) return second === 0x69 && third === 0x73 && fourth === 0x74 ? HIST : 0
  return 0
}

/** Which of mean, min and max stands at a place with its closing quote, as offset of its column; -1 for none. */
function boundAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0x6d) return -1
  const second = bytes[at + 1]
  const third = bytes[at + 2]
  const fourth = bytes[at + 3]
  if (second === 0x65) return third === 0x61 && fourth === 0x6e && bytes[at + 4] === QUOTE ? 0 : -1
  if (fourth !== QUOTE) return -1
  if (second === 0x69) return third === 0x6e ? 1 : -1
  return second === 0x61 && third === 0x78 ? 2 : -1
}
