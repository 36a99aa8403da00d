/**
 * The journal's record: one accepted message in bytes, its payload raw. Written by `ingest.ts` before the PUBACK, read by the
 * pipeline and by whoever replays the log. The first byte is the version of the layout; a version that this program does not know is
 * refused, never guessed.
 *
 * Version 1, little-endian:
 *
 *     0  u8   version (1)                 18  u8  bytes of tenant
 *     1  u8   kind, index in the list     19  u8  bytes of device
 *     2  f64  received_at_ms              20  u8  bytes of type
 *    10  f64  maxAgeDays                  21  u8  bytes of commandId, 0 = none
 *    22  tenant, device, type, commandId in UTF-8, then the payload up to the end
 *
 * Version 2 is written for payloads of another form than the contract's; between the two parts of version 1 it has
 *
 *    22  u8   form, index in the list    23  u32  bytes of context, 0 = none
 *    27  tenant, device, type, commandId, context in UTF-8, then the payload up to the end
 */
import type { AcceptedMessage, MessageForm, MessageKind } from '#kernel/accepted-message.ts'
import { type EpochMs, epochMs } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { DoorSource } from '#kernel/ingest-door.ts'
import { createByteStrings } from './byte-strings.ts'

const VERSION = 1
const FIXED_BYTES = 22
const FORM_VERSION = 2
const FORM_BYTES = 5
const RECEIVED_AT = 2
const AGE_AT = 10
/** Lengths of the names, and behind them the names. */
const NAMES_AT = 18

/** Ids and types come again with every record of a device; made once, Maps know their hash. */
const idOf = createByteStrings()
const TEXT_BYTES_MAX = 255

/** Kinds by their number in the record; append only. */
const KINDS: readonly MessageKind[] = ['tele', 'event', 'state', 'reported', 'ack']

/** Forms by their number in the record; append only. */
const FORMS: readonly MessageForm[] = ['thingsboard', 'senml', 'mapped', 'sparkplug', 'stray', 'opcua', 'unclaimed']

/** Encodes a message; the bytes are fresh and hold a copy of the payload. */
export function encodeRecord(message: AcceptedMessage): Uint8Array {
  const head = encodeHead(message)
  stampHead(head, message.received_at_ms)
  const body = Buffer.allocUnsafe(head.length + message.payload.length)
  body.set(head, 0)
  body.set(message.payload, head.length)
  return body
}

/** What stands before the payload, for all messages that have it in common; `stampHead` puts the time of receipt in. */
export function encodeHead(source: DoorSource): Buffer {
  const { form } = source
  const texts = [source.tenant, source.device, source.type, source.commandId ?? ''].map((text) => Buffer.from(text))
  const head = Buffer.alloc(form === undefined ? FIXED_BYTES : FIXED_BYTES + FORM_BYTES)
  head[0] = form === undefined ? VERSION : FORM_VERSION
  head[1] = kindNumber(source.kind)
  head.writeDoubleLE(source.maxAgeDays, AGE_AT)
  texts.forEach((text, index) => {
    assert(text.length <= TEXT_BYTES_MAX, 'ids and type names of a message are at most 255 bytes')
    head[18 + index] = text.length
  })
  if (form === undefined) return Buffer.concat([head, ...texts])
  const context = Buffer.from(source.context ?? '')
  head[FIXED_BYTES] = formNumber(form)
  head.writeUInt32LE(context.length, FIXED_BYTES + 1)
  return Buffer.concat([head, ...texts, context])
}

/** Puts the time of receipt into a head. */
export function stampHead(head: Buffer, receivedAtMs: EpochMs): void {
  head.writeDoubleLE(receivedAtMs, RECEIVED_AT)
}

/**
 * Decodes a record; the payload is a view into `body`.
 * @throws MendlineError MDL_JOURNAL_CORRUPT for an unknown version, an unknown kind or lengths that do not fit
 */
export function decodeRecord(body: Uint8Array): AcceptedMessage {
  const known = headOf(body)
  if (known === undefined) return decodeAnew(body)
  const { tenant, device, type, kind, length } = known
  return {
    tenant,
    device,
    type,
    kind,
    payload: new Uint8Array(body.buffer, body.byteOffset + length, body.length - length),
    received_at_ms: epochMs(view.getFloat64(body.byteOffset + RECEIVED_AT, true)),
    maxAgeDays: view.getFloat64(body.byteOffset + AGE_AT, true),
  }
}

/** What stands before the payload of a record of the common kind, and what it says. Devices come again, so it is kept by the device. */
interface KnownHead extends Pick<AcceptedMessage, 'tenant' | 'device' | 'type' | 'kind'> {
  readonly bytes: DataView
  readonly length: number
}

/** Places for heads, a power of two; two of one place push each other out. */
const HEADS = 16_384
const heads: Array<KnownHead | undefined> = new Array(HEADS).fill(undefined)
let view: DataView = new DataView(new ArrayBuffer(0))

/** Place of a record's head by its device; a body is at least as long as the fixed part. */
function placeOfHead(from: number): number {
  const end = from + NAMES_AT + 4 + view.getUint8(from + NAMES_AT) + view.getUint8(from + NAMES_AT + 1)
  return placeOfName(view.getInt32(end - 8, true), view.getInt32(end - 4, true))
}

/** Place by the last eight bytes of a name. The numbers of devices differ in a few bits of each byte, so every bit is spread over all places. */
export function placeOfName(before: number, last: number): number {
  const mixed = Math.imul(Math.imul(before, 0x85eb_ca6b) ^ last, 0x9e37_79b1)
  return Math.imul(mixed ^ (mixed >>> 15), 0x85eb_ca6b) >>> 18
}

/** The head that the record begins with, times aside, when it is known. */
function headOf(body: Uint8Array): KnownHead | undefined {
  if (view.buffer !== body.buffer) view = new DataView(body.buffer)
  const { byteOffset: from, length } = body
  if (length < FIXED_BYTES || length < FIXED_BYTES + view.getUint8(from + NAMES_AT) + view.getUint8(from + NAMES_AT + 1)) return undefined
  const head = heads[placeOfHead(from)]
  if (head === undefined || length < head.length || body[0] !== VERSION || body[1] !== head.bytes.getUint8(1)) return undefined
  const end = head.length - 4
  for (let at = NAMES_AT; at < end; at += 4) if (head.bytes.getInt32(at) !== view.getInt32(from + at)) return undefined
  return head.bytes.getInt32(end) === view.getInt32(from + end) ? head : undefined
}

function keepHead(body: Uint8Array, length: number, { tenant, device, type, kind }: AcceptedMessage): void {
  const own = Uint8Array.from(body.subarray(0, length))
  heads[placeOfHead(body.byteOffset)] = { tenant, device, type, kind, length, bytes: new DataView(own.buffer) }
}

function decodeAnew(body: Uint8Array): AcceptedMessage {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const version = bytes[0]
  if (version !== VERSION && version !== FORM_VERSION) throw corrupt('unknown version of a journal record', { version })
  const fixed = version === VERSION ? FIXED_BYTES : FIXED_BYTES + FORM_BYTES
  if (bytes.length < fixed) throw corrupt('journal record shorter than its fixed part', { bytes: bytes.length })
  const kind = KINDS[bytes[1] ?? KINDS.length]
  if (kind === undefined) throw corrupt('unknown kind in a journal record', { kind: bytes[1] })
  const form = version === VERSION ? undefined : FORMS[bytes[FIXED_BYTES] ?? FORMS.length]
  if (version === FORM_VERSION && form === undefined) throw corrupt('unknown form in a journal record', { form: bytes[FIXED_BYTES] })
  const tenantEnd = fixed + (bytes[18] ?? 0)
  const deviceEnd = tenantEnd + (bytes[19] ?? 0)
  const typeEnd = deviceEnd + (bytes[20] ?? 0)
  const commandEnd = typeEnd + (bytes[21] ?? 0)
  const contextEnd = commandEnd + (form === undefined ? 0 : bytes.readUInt32LE(FIXED_BYTES + 1))
  if (contextEnd > bytes.length) throw corrupt('lengths in a journal record exceed it', { bytes: bytes.length })
  const message: AcceptedMessage = {
    tenant: idOf(bytes, fixed, tenantEnd),
    device: idOf(bytes, tenantEnd, deviceEnd),
    type: idOf(bytes, deviceEnd, typeEnd),
    kind,
    payload: bytes.subarray(contextEnd),
    received_at_ms: epochMs(bytes.readDoubleLE(RECEIVED_AT)),
    maxAgeDays: bytes.readDoubleLE(AGE_AT),
  }
  if (form === undefined && commandEnd === typeEnd) {
    keepHead(body, contextEnd, message)
    return message
  }
  if (form === undefined) return { ...message, commandId: bytes.toString('utf8', typeEnd, commandEnd) }
  return {
    ...message,
    form,
    ...(commandEnd === typeEnd ? {} : { commandId: bytes.toString('utf8', typeEnd, commandEnd) }),
    ...(contextEnd === commandEnd ? {} : { context: bytes.toString('utf8', commandEnd, contextEnd) }),
  }
}

/** Kind of a record without decoding the rest; undefined where `decodeRecord` would refuse it by its first bytes. */
export const kindOfRecord = (body: Uint8Array): MessageKind | undefined =>
  body[0] === VERSION || body[0] === FORM_VERSION ? KINDS[body[1] ?? KINDS.length] : undefined

function kindNumber(kind: MessageKind): number {
  const index = KINDS.indexOf(kind)
  assert(index >= 0, 'every kind of message has a number in the record')
  return index
}

function formNumber(form: MessageForm): number {
  const index = FORMS.indexOf(form)
  assert(index >= 0, 'every form has a number in the record')
  return index
}

const corrupt = (message: string, details: Readonly<Record<string, unknown>>): MendlineError =>
  new MendlineError('MDL_JOURNAL_CORRUPT', message, { details })
