/**
 * Decoding: from a journalled message to readings and quarantine, as a pure function of the message and the appliance type. Only the
 * wrong piece is set aside, with its path, a reason and the raw payload; the rest counts, and nothing is converted. Messages that carry
 * no readings (`state`, `reported`, `ack`) give none; a wrong `reported` or `ack` is set aside as well. The payload's bytes are never changed.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import { readAck, readReported } from '#kernel/twin-message.ts'
import { type ChannelPlan, channelPlan } from './decode-channels.ts'
import { type Complain, complainInto, type DecodeLimits } from './decode-complaints.ts'
import { type Envelope, onceOr, readEnvelope, readingOf } from './decode-envelope.ts'
import { isRecord, type JsonRecord, ownField, parsePayload } from './decode-json.ts'
import { decodeValues } from './decode-values.ts'
import { complainAt, type KeyContent, type MappingOf } from './forms/form-items.ts'
import { readForm } from './forms/read-form.ts'
import { scannerOf } from './scan.ts'
import type { ScanLimits } from './scan-fields.ts'

export interface Decoded {
  readonly readings: readonly Reading[]
  readonly quarantine: readonly QuarantineEntry[]
  /** Where they came from, with the raw payload. */
  readonly message: AcceptedMessage
  /** Readings set aside whole, an unreadable payload counting as one: readings.length + refused = readings that came in. */
  readonly refused: number
}

const DAY_MS = 86_400_000

/** Bounds of a payload, and where the mappings of users are found. */
export type DecodeOptions = DecodeLimits & Pick<ScanLimits, 'keyless' | 'areReadingsReused'> & { readonly mappingOf?: MappingOf }

const NO_QUARANTINE: readonly QuarantineEntry[] = []

/** Decodes one message; `type` is undefined when nobody knows the device's type. Hot: the common shape never becomes a JSON object. */
export function decodeMessage(message: AcceptedMessage, type: ApplianceType | undefined, limits: DecodeOptions): Decoded {
  if (type !== undefined && message.form === undefined && (message.kind === 'tele' || message.kind === 'event')) {
    const { payload } = message
    const readings = scannerOf(type, limits).scan(message, { bytes: payload, from: 0, to: payload.length })
    if (readings !== undefined) return { readings, quarantine: NO_QUARANTINE, message, refused: 0 }
  }
  return decodeByJson(message, type, limits)
}

/** Decodes one message through JSON objects: slower, takes every shape, and says what is wrong. `decodeMessage` gives the same. */
export function decodeByJson(message: AcceptedMessage, type: ApplianceType | undefined, limits: DecodeOptions): Decoded {
  if (message.kind === 'reported' || message.kind === 'ack') return refuseForTwin(message, limits)
  if (message.kind === 'state') return { readings: [], quarantine: [], message, refused: 0 }
  const quarantine: QuarantineEntry[] = []
  const complain = complainInto(quarantine, message, limits)
  if (message.form !== undefined) return decodeForm(message, type, { limits, quarantine, complain })
  const items =
    type === undefined ? complain('MDL_INGEST_TYPE_UNKNOWN', '', `nobody described the type ${message.type}`) : readItems(message, limits, complain)
  if (type === undefined || items === undefined) return { readings: [], quarantine, message, refused: 1 }
  const plan = channelPlan(type)
  const readings: Reading[] = []
  for (const [index, item] of items.list.entries()) {
    const reading = decodeReading(item, items.isArray ? `[${index}]` : '', { message, plan, limits, complain })
    if (reading !== undefined) readings.push(reading)
  }
  return { readings, quarantine, message, refused: items.list.length - readings.length }
}

interface FormDecode {
  readonly limits: DecodeOptions
  readonly quarantine: QuarantineEntry[]
  readonly complain: Complain
}

/** A payload of another form: its front gives readings of the contract, which go the same way. */
function decodeForm(message: AcceptedMessage, type: ApplianceType | undefined, { limits, quarantine, complain }: FormDecode): Decoded {
  const items = formItems(message, type, { limits, complain })
  if (type === undefined || items === undefined) return { readings: [], quarantine, message, refused: 1 }
  const plan = channelPlan(type)
  const readings: Reading[] = []
  for (const entry of items) {
    const reading = decodeReading(entry.item, entry.path, { message, plan, limits, complain: complainAt(entry, complain), key: entry.key })
    if (reading !== undefined) readings.push(reading)
  }
  return { readings, quarantine, message, refused: items.length - readings.length }
}

function formItems(message: AcceptedMessage, type: ApplianceType | undefined, { limits, complain }: Omit<FormDecode, 'quarantine'>) {
  // A stray message has no device of its own, so its type does not matter.
  if (message.form === 'stray') return nothing(complain('MDL_INGEST_DEVICE_UNKNOWN', message.context ?? '', STRAY_REASON))
  if (message.form === 'unclaimed') return refuseUnclaimed(message, complain)
  if (type === undefined) return nothing(complain('MDL_INGEST_TYPE_UNKNOWN', '', `nobody described the type ${message.type}`))
  return readForm(message, { type, complain, limits, mappingOf: limits.mappingOf ?? (() => undefined) })
}

/** A message of another broker that is for nobody; its context says its topic, and its length where it is too large to be kept whole. */
function refuseUnclaimed({ context, payload }: AcceptedMessage, complain: Complain): undefined {
  const { topic, bytes } = JSON.parse(context ?? '{}') as { readonly topic?: string; readonly bytes?: number }
  if (bytes === undefined)
    complain('MDL_INGEST_MAPPING_UNKNOWN', topic ?? '', 'neither the contract nor a mapping claims this topic of another broker')
  else complain('MDL_INGEST_UNREADABLE', topic ?? '', `the message has ${bytes} bytes; the first ${payload.length} are kept`)
}

const STRAY_REASON = 'the sender speaks for no device of this name'

/** The twin applies what is right in these messages; what is wrong is kept here like any other payload. */
function refuseForTwin(message: AcceptedMessage, limits: DecodeLimits): Decoded {
  const quarantine: QuarantineEntry[] = []
  const complain = complainInto(quarantine, message, limits)
  const parsed = parsePayload(message.payload, limits.jsonDepth_MAX)
  if (parsed.kind === 'refused') complain('MDL_INGEST_UNREADABLE', '', parsed.reason)
  else {
    const read = message.kind === 'ack' ? readAck(parsed.value, limits) : readReported(parsed.value, message, limits)
    if (read.kind === 'refused') complain(read.code, read.field, read.reason)
  }
  return { readings: [], quarantine, message, refused: quarantine.length }
}

interface Context {
  readonly message: AcceptedMessage
  readonly plan: ChannelPlan
  readonly limits: DecodeLimits
  readonly complain: Complain
  /** What the key of a reading without `seq` is made of, where it is not the item. */
  readonly key?: KeyContent | undefined
}

interface Items {
  readonly list: readonly unknown[]
  readonly isArray: boolean
}

function readItems(message: AcceptedMessage, limits: DecodeLimits, complain: Complain): Items | undefined {
  const parsed = parsePayload(message.payload, limits.jsonDepth_MAX)
  if (parsed.kind === 'refused') return nothing(complain('MDL_INGEST_UNREADABLE', '', parsed.reason))
  if (!Array.isArray(parsed.value)) return { list: [parsed.value], isArray: false }
  if (parsed.value.length <= limits.readingsPerPayload_MAX) return { list: parsed.value, isArray: true }
  const reason = `${parsed.value.length} readings in one payload, the limit is ${limits.readingsPerPayload_MAX}`
  return nothing(complain('MDL_INGEST_TOO_MANY_READINGS', '', reason))
}

function decodeReading(item: unknown, path: string, context: Context): Reading | undefined {
  const { message, plan, limits, complain, key } = context
  if (!isRecord(item)) return nothing(complain('MDL_INGEST_FIELD_INVALID', path, 'a reading is an object'))
  const envelope = readEnvelope(item, path, { complain, textLength_MAX: limits.textLength_MAX, key })
  if (envelope === undefined) return undefined
  if (!isTimely(envelope, path, context)) return undefined
  const values = valuesOf(item, path, envelope, context)
  if (values === undefined) return undefined
  const { numbers, texts } = decodeValues(values, joinPath(path, 'v'), { plan, limits, complain, observedAtMs: envelope.ts })
  return readingOf(message, envelope, { type: plan.layout.type, numbers, texts })
}

function isTimely(envelope: Envelope, path: string, { message, limits, complain }: Context): boolean {
  const aheadMs = envelope.ts - message.received_at_ms
  const field = joinPath(path, 'ts')
  if (aheadMs > limits.aheadMs_MAX) {
    const reason = `device time ${envelope.ts} is ${aheadMs} ms ahead of receipt at ${message.received_at_ms}, the limit is ${limits.aheadMs_MAX} ms`
    complain('MDL_INGEST_TIME_AHEAD', field, reason, envelope.ts)
    return false
  }
  if (-aheadMs > message.maxAgeDays * DAY_MS) {
    const reason = `device time ${envelope.ts} is ${-aheadMs} ms behind receipt at ${message.received_at_ms}, the limit is ${message.maxAgeDays} days`
    complain('MDL_INGEST_TIME_BEHIND', field, reason, envelope.ts)
    return false
  }
  return true
}

const NO_VALUES: JsonRecord = Object.freeze(Object.create(null)) as JsonRecord

function valuesOf(item: JsonRecord, path: string, envelope: Envelope, { message, limits, complain }: Context): JsonRecord | undefined {
  const values = ownField(item, 'v')
  const field = joinPath(path, 'v')
  // An event may say nothing but that it happened.
  if (values === undefined && message.kind === 'event') return NO_VALUES
  if (!isRecord(values)) return nothing(complain('MDL_INGEST_FIELD_INVALID', field, onceOr(values, 'v is an object of channels'), envelope.ts))
  const count = Object.keys(values).length
  if (count <= limits.channelsPerReading_MAX) return values
  const reason = `${count} channels in one reading, the limit is ${limits.channelsPerReading_MAX}`
  return nothing(complain('MDL_INGEST_FIELD_INVALID', field, reason, envelope.ts))
}

/** Path of a field within a reading. */
export const joinPath = (path: string, field: string): string => (path === '' ? field : `${path}.${field}`)

const nothing = (_: unknown): undefined => undefined
