/**
 * The byte scanner: from the bytes of a payload straight into columns, for the shape that nearly every device sends: readings of the
 * contract with known channels, numbers, claims, short ASCII texts and aggregates, all of it right. Anything else (escapes, a field it
 * does not know, a key twice, a value out of range, no `seq` where a key is needed, broken JSON ...) it does not judge: it gives the message back, and
 * `decode.ts` says what is wrong. So the two may differ in cost only, which `scan.test.ts` holds. A payload of a shape that came before is
 * read by it (`scan-shape.ts`), which costs half.
 */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import { epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { createByteStrings } from './byte-strings.ts'
import { channelPlan, emptyRow, widened } from './decode-channels.ts'
import { ContentText, keyOfContent, NO_KEY } from './decode-envelope.ts'
import { ShapeReader } from './scan-by-shape.ts'
import { boundAt, FW, fieldAt, HIST, NEEDED, type ScanLimits, type ScanSource, SEQ, TS, UINT32_MAX, V } from './scan-fields.ts'
import { NO_CHANNEL, ScanNames } from './scan-names.ts'
import { FIRST_CHANNEL, BOOT as SHAPE_BOOT, FW as SHAPE_FW, SEQ as SHAPE_SEQ, TS as SHAPE_TS, Shape, ShapeMarks, Shapes } from './scan-shape.ts'
import { CLOSE, CLOSE_LIST, COLON, COMMA, OPEN, OPEN_LIST, QUOTE, ScanTokens, WORD_FALSE, WORD_NULL, WORD_TRUE } from './scan-tokens.ts'

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
const NO_TEXTS: Reading['texts'] = []

const stringOf = createByteStrings()

class ByteScanner implements Scanner {
  readonly #limits: ScanLimits
  readonly #plan: ReturnType<typeof channelPlan>
  readonly #names: ScanNames
  readonly #channels: readonly Channel[]
  readonly #columns: Int32Array
  /** Column of each channel's min, behind which lies that of its max. */
  readonly #minimums: Int32Array
  readonly #tokens = new ScanTokens(stringOf)
  /** Number of the reading in which a channel came last, to find one that comes twice. */
  readonly #cameIn: Float64Array
  #count = 0
  readonly #shapes = new Shapes()
  readonly #byShape: ShapeReader
  readonly #marks = new ShapeMarks()
  // The reading in hand.
  #ts = 0
  #seq = 0
  #formerSeq: number | undefined
  /** Channels by name, for keys of content. */
  #order: readonly number[] | undefined
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
    this.#minimums = Int32Array.from(type.channels, ({ name }) => this.#plan.byName.get(name)?.minimum ?? NO_CHANNEL)
    this.#byShape = new ShapeReader(type, { tokens: this.#tokens, plan: this.#plan, limits })
    this.#cameIn = new Float64Array(type.channels.length).fill(-1)
  }

  scan(source: ScanSource, { bytes, from, to }: ByteRange): Reading[] | undefined {
    const tokens = this.#tokens
    tokens.begin(bytes, to)
    const shapes = this.#shapes.list
    for (let index = 0; index < shapes.length; index++) {
      const shape = shapes[index]
      if (shape === undefined) break
      tokens.at = from
      if (!this.#byShape.read(shape)) continue
      if (index > 0) this.#shapes.toFront(index)
      return this.#isTimely(source, this.#byShape.ts) ? [this.#byShape.reading(shape, source)] : undefined
    }
    tokens.at = from
    const isOne = tokens.peek() === OPEN
    const readings = isOne ? this.#readOne(source) : this.#readList(source)
    if (readings === undefined || tokens.peek() !== -1) return undefined
    const marks = this.#marks
    if (isOne && marks.isKept && this.#shapes.isLearning())
      this.#shapes.learn(new Shape(marks, { bytes, from, to }, { hist: this.#hist, columns: this.#columns }))
    return readings
  }

  #readOne(source: ScanSource): Reading[] | undefined {
    this.#marks.begin()
    const readings: Reading[] = []
    return this.#readReading(source, readings) ? readings : undefined
  }

  #readList(source: ScanSource): Reading[] | undefined {
    const tokens = this.#tokens
    const readings: Reading[] = []
    if (!tokens.take(OPEN_LIST)) return undefined
    do {
      this.#marks.begin()
      if (readings.length === this.#limits.readingsPerPayload_MAX || !this.#readReading(source, readings)) return undefined
    } while (tokens.take(COMMA))
    return tokens.take(CLOSE_LIST) ? readings : undefined
  }

  #isTimely({ received_at_ms, maxAgeDays }: ScanSource, ts: number): boolean {
    const aheadMs = ts - received_at_ms
    return aheadMs <= this.#limits.aheadMs_MAX && -aheadMs <= maxAgeDays * DAY_MS
  }

  #readReading(source: ScanSource, into: Reading[]): boolean {
    const tokens = this.#tokens
    this.#boot = 0
    this.#formerSeq = undefined
    this.#hist = false
    this.#fw = undefined
    this.#texts = undefined
    const from = tokens.at
    if (!tokens.take(OPEN)) return false
    let seen = 0
    do {
      if (!tokens.take(QUOTE)) return false
      const field = this.#readField()
      if (field === 0 || (seen & field) !== 0 || !tokens.take(COLON) || !this.#readFieldValue(field)) return false
      seen |= field
    } while (tokens.take(COMMA))
    if (!tokens.take(CLOSE) || (seen & NEEDED) !== NEEDED) return false
    if ((seen & SEQ) === 0 && !this.#setKeyless(from)) return false
    if (!this.#isTimely(source, this.#ts)) return false
    const reading = this.#reading(source)
    into.push(this.#formerSeq === undefined ? reading : { ...reading, former_seq: this.#formerSeq })
    return true
  }

  /** Key of a reading without `seq` that began at `from` and ends here; false where it is not to be taken. */
  #setKeyless(from: number): boolean {
    const { keyless } = this.#limits
    if (keyless === undefined) return false
    const { bytes, at } = this.#tokens
    const isOfBytes = keyless === 'of bytes'
    // A shape knows no key that is made of all bytes.
    if (isOfBytes) this.#marks.isKept = false
    const { boot, seq } = isOfBytes ? keyOfContent(this.#contentText(), this.#ts) : NO_KEY
    this.#boot = boot
    this.#seq = seq
    this.#formerSeq = isOfBytes ? keyOfContent(bytes.subarray(from, at), this.#ts).seq : undefined
    return true
  }

  /** The reading in hand in the spelling of which decoding makes its key. */
  #contentText(): string {
    this.#order ??= this.#channels.map((_, index) => index).sort((a, b) => (nameAt(this.#channels, a) < nameAt(this.#channels, b) ? -1 : 1))
    const content = new ContentText(this.#fw)
    const numbers = this.#numbers
    for (const index of this.#order) {
      const channel = this.#channels[index]
      if (channel === undefined) continue
      if (channel.kind === 'text') content.add(channel.name, this.#texts?.find(([name]) => name === channel.name)?.[1])
      else {
        const value = numbers[this.#columns[index] ?? NO_CHANNEL]
        const minimum = this.#minimums[index] ?? NO_CHANNEL
        const min = numbers[minimum]
        if (value === undefined || Number.isNaN(value)) continue
        if (channel.kind === 'boolean') content.add(channel.name, value === 1)
        else if (min === undefined || Number.isNaN(min)) content.add(channel.name, value)
        else content.add(channel.name, { min, mean: value, max: numbers[minimum + 1] })
      }
    }
    return content.text
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
    const { at } = tokens
    if (field === FW) {
      if (!tokens.readText(this.#limits.textLength_MAX)) return false
      this.#fw = tokens.text
      this.#marks.add(SHAPE_FW, at, tokens.at)
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
    this.#marks.add(field === TS ? SHAPE_TS : field === SEQ ? SHAPE_SEQ : SHAPE_BOOT, at, tokens.at)
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
    const { at } = tokens
    const first = tokens.peek()
    if (first === WORD_NULL) return tokens.readWord() === WORD_NULL
    const column = this.#columns[index] ?? NO_CHANNEL
    if (channel.kind === 'number') {
      if (first === OPEN) return channel.isAggregated && this.#readAggregate(channel, column, this.#minimums[index] ?? NO_CHANNEL)
      if (!tokens.readNumber()) return false
      const { number } = tokens
      this.#numbers[column] = number
      this.#marks.add(FIRST_CHANNEL + index, at, tokens.at)
      return number >= channel.min && number <= channel.max
    }
    if (channel.kind === 'boolean') {
      const word = tokens.readWord()
      this.#numbers[column] = word === WORD_TRUE ? 1 : 0
      this.#marks.add(FIRST_CHANNEL + index, at, tokens.at)
      return word === WORD_TRUE || word === WORD_FALSE
    }
    this.#marks.isKept = false
    if (!tokens.readText(this.#limits.textLength_MAX)) return false
    this.#texts ??= []
    this.#texts.push([channel.name, tokens.text])
    return true
  }

  /** {"min","mean","max"} in any order, each once. */
  #readAggregate(channel: Channel, column: number, minimum: number): boolean {
    const tokens = this.#tokens
    const numbers = widened(this.#plan.layout, this.#numbers)
    this.#numbers = numbers
    this.#marks.isKept = false
    if (!tokens.take(OPEN)) return false
    for (let part = 0; part < 3; part++) {
      if (part > 0 && !tokens.take(COMMA)) return false
      if (!tokens.take(QUOTE)) return false
      const offset = boundAt(tokens.bytes, tokens.at)
      const place = offset === 0 ? column : minimum + offset - 1
      if (offset < 0 || !Number.isNaN(numbers[place])) return false
      tokens.at += offset === 0 ? 5 : 4
      if (!tokens.take(COLON) || !tokens.readNumber()) return false
      numbers[place] = tokens.number
    }
    if (!tokens.take(CLOSE)) return false
    const mean = numbers[column] ?? Number.NaN
    const min = numbers[minimum] ?? Number.NaN
    const max = numbers[minimum + 1] ?? Number.NaN
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

const nameAt = (channels: readonly Channel[], index: number): string => channels[index]?.name ?? ''
