/**
 * Decoding for the safety rules, which run before quarantine and must miss nothing: over-range on a safety channel counts as its bound,
 * a clock that cannot be counts as the time of receipt, a reading without a usable key counts all the same, and on a safety channel 1 is
 * true and "15" a number. Of a payload that is nearly JSON it takes what can be understood. What it gives is for deciding only; it is never stored.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import { isRepeated } from '#kernel/json-text.ts'
import { understand } from '#kernel/lenient-json.ts'
import { limits as defaultLimits, type Limits } from '#kernel/limits.ts'
import type { Reading } from '#kernel/reading.ts'
import { type ChannelPlan, channelPlan, emptyRow, type PlannedChannel, widened } from './decode-channels.ts'
import { isInstant, NO_KEY, readEnvelope, readingOf } from './decode-envelope.ts'
import { isRecord, type JsonRecord, ownField, parsePayload } from './decode-json.ts'
import type { MappingOf } from './forms/form-items.ts'
import { readForm } from './forms/read-form.ts'
import { scannerOf } from './scan.ts'
import type { ScanLimits } from './scan-fields.ts'

const DAY_MS = 86_400_000
const silent = (): void => {}

/** Limits that decoding for safety goes by, and where the mappings of users are found. */
export type SafetyLimits = Pick<Limits, 'aheadMs_MAX' | 'textLength_MAX'> & { readonly mappingOf?: MappingOf }

/**
 * The same as `decodeForSafety` for the hot path, by the byte scanner where the payload is of the common shape and all of it right:
 * then there is nothing to clamp and no clock to replace. A test holds the two equal.
 */
export function scanForSafety(message: AcceptedMessage, type: ApplianceType, limits: SafetyLimits & ScanLimits): readonly Reading[] {
  if (message.form === undefined && (message.kind === 'tele' || message.kind === 'event')) {
    const { payload } = message
    const readings = scannerOf(type, limits).scan(message, { bytes: payload, from: 0, to: payload.length })
    if (readings !== undefined) return readings
  }
  return decodeForSafety(message, type, limits)
}

/** Readings of a message as the safety rules see them; none when the payload cannot be read at all. */
export function decodeForSafety(message: AcceptedMessage, type: ApplianceType, limits: SafetyLimits = defaultLimits): readonly Reading[] {
  if (message.kind !== 'tele' && message.kind !== 'event') return []
  const items = message.form === undefined ? contractItems(message) : formItems(message, type, limits)
  const plan = channelPlan(type)
  const readings: Reading[] = []
  for (const item of items) {
    for (const own of eachMeaning(item)) {
      const values = ownField(own, 'v')
      if (isRecord(values)) readings.push(safetyReading({ message, plan, limits }, own, values))
    }
  }
  return readings
}

/** A reading for each of its values where `v` stands twice; of every other name that does, one value is chosen below. */
function eachMeaning(item: unknown): readonly JsonRecord[] {
  if (!isRecord(item)) return []
  const values = ownField(item, 'v')
  return isRepeated(values) ? values.slice(0, MEANINGS_MAX).map((v) => ({ ...item, v })) : [item]
}

const MEANINGS_MAX = 16

/**
 * The worst of a value that stands twice: the highest number, or `true`. Deciding on one after the other would break the hold of a rule with
 * each message. Of a `min` the lowest.
 */
function worstOf(value: unknown, isLeast = false): unknown {
  if (!isRepeated(value)) return value
  const numbers = value.map(meantNumber).filter((sent) => typeof sent === 'number')
  if (numbers.length > 0) return numbers.reduce((worst, sent) => (isLeast ? Math.min(worst, sent) : Math.max(worst, sent)))
  return value.some((sent) => meantClaim(sent) === true) ? true : value.at(-1)
}

/** Of a channel with extremes, values that stand twice are one with all of them between its least and greatest. */
function spanOf(value: unknown): unknown {
  if (!isRepeated(value)) return value
  const sent = value.flatMap((own) => (isRecord(own) ? ['min', 'mean', 'max'].map((name) => worstOf(ownField(own, name), name === 'min')) : [own]))
  const numbers = sent.map(meantNumber).filter((own) => typeof own === 'number')
  return numbers.length === 0 ? undefined : { min: Math.min(...numbers), max: Math.max(...numbers) }
}

// No bound on depth or count here: the packet is bounded, and a danger in the 501st reading is a danger.
function contractItems(message: AcceptedMessage): readonly unknown[] {
  const parsed = parsePayload(message.payload, Number.POSITIVE_INFINITY)
  const values = parsed.kind === 'parsed' ? [parsed.value] : understand(message.payload)
  return values.flatMap((value) => (Array.isArray(value) ? value : [value]))
}

const UNBOUNDED = { readingsPerPayload_MAX: Number.POSITIVE_INFINITY, jsonDepth_MAX: Number.POSITIVE_INFINITY }

function formItems(message: AcceptedMessage, type: ApplianceType, { mappingOf = () => undefined }: SafetyLimits): readonly unknown[] {
  return (readForm(message, { type, complain: silent, limits: UNBOUNDED, mappingOf, isForSafety: true }) ?? []).map(({ item }) => item)
}

interface Context {
  readonly message: AcceptedMessage
  readonly plan: ChannelPlan
  readonly limits: SafetyLimits
}

function safetyReading({ message, plan, limits }: Context, item: JsonRecord, values: JsonRecord): Reading {
  const given = ownField(item, 'ts')
  const isPossible =
    isInstant(given) && given - message.received_at_ms <= limits.aheadMs_MAX && message.received_at_ms - given <= message.maxAgeDays * DAY_MS
  const ts = epochMs(isPossible ? given : message.received_at_ms)
  const { textLength_MAX } = limits
  const envelope = readEnvelope(isPossible ? item : { ...item, ts }, '', { complain: silent, textLength_MAX, key: 'unneeded' })
  let numbers = emptyRow(plan.layout)
  const texts: Array<readonly [string, string]> = []
  for (const name of Object.keys(values)) {
    const planned = plan.byName.get(name)
    if (planned === undefined) continue
    const value = planned.channel.isAggregated ? spanOf(values[name]) : worstOf(values[name])
    if (planned.channel.isAggregated && isRecord(value)) numbers = widened(plan.layout, numbers)
    if (planned.channel.kind !== 'text') setSafely(numbers, planned, value)
    else if (typeof value === 'string') texts.push([name, value.slice(0, textLength_MAX)])
  }
  return readingOf(message, envelope ?? { ts, ...NO_KEY, hist: ownField(item, 'hist') === true, fw: undefined }, {
    type: plan.layout.type,
    numbers,
    texts,
  })
}

function setSafely(numbers: Float64Array, { channel, column, minimum }: PlannedChannel, value: unknown): void {
  if (channel.kind === 'boolean') {
    const claim = channel.isSafety ? meantClaim(value) : value
    if (typeof claim === 'boolean') numbers[column] = claim ? 1 : 0
    return
  }
  const usable = (sent: unknown): number => {
    const given = channel.isSafety ? meantNumber(sent) : sent
    if (typeof given !== 'number') return Number.NaN
    if (given >= channel.min && given <= channel.max) return given
    return channel.isSafety ? Math.min(channel.max, Math.max(channel.min, given)) : Number.NaN
  }
  if (!isRecord(value)) {
    numbers[column] = usable(value)
    return
  }
  if (!channel.isAggregated) return
  const bound = (name: string): number => usable(worstOf(ownField(value, name), name === 'min'))
  const [min, mean, max] = [bound('min'), bound('mean'), bound('max')]
  // A mean that is missing or makes no sense must not hide the extreme beside it.
  numbers[column] = Number.isNaN(mean) ? (Number.isNaN(max) ? min : max) : mean
  numbers[minimum] = min
  numbers[minimum + 1] = max
}

/** A number in text, as some gateways send it; quarantine has it all the same. */
const meantNumber = (value: unknown): unknown => (typeof value === 'string' && /^\s*[-+]?\d+(\.\d+)?\s*$/.test(value) ? Number(value) : value)

const CLAIMS: Readonly<Record<string, boolean>> = { true: true, false: false }

/** Of a number 0 is false and all else true; of a text also the two words. */
function meantClaim(value: unknown): unknown {
  const meant = meantNumber(value)
  if (typeof meant === 'number') return meant !== 0
  return typeof meant === 'string' ? CLAIMS[meant.trim().toLowerCase()] : meant
}
