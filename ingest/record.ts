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
 */
import type { AcceptedMessage, MessageKind } from '#kernel/accepted-message.ts'
import { epochMs } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'

const VERSION = 1
const FIXED_BYTES = 22
const TEXT_BYTES_MAX = 255

/** Kinds by their number in the record; append only. */
const KINDS: readonly MessageKind[] = ['tele', 'event', 'state', 'reported', 'ack']

/** Encodes a message; the bytes are fresh and hold a copy of the payload. */
export function encodeRecord(message: AcceptedMessage): Uint8Array {
  const { tenant, device, type, payload } = message
  const commandId = message.commandId ?? ''
  const lengths = [Buffer.byteLength(tenant), Buffer.byteLength(device), Buffer.byteLength(type), Buffer.byteLength(commandId)] as const
  assert(Math.max(...lengths) <= TEXT_BYTES_MAX, 'ids and type names of a message are at most 255 bytes')
  const body = Buffer.allocUnsafe(FIXED_BYTES + lengths[0] + lengths[1] + lengths[2] + lengths[3] + payload.length)
  body[0] = VERSION
  body[1] = kindNumber(message.kind)
  body.writeDoubleLE(message.received_at_ms, 2)
  body.writeDoubleLE(message.maxAgeDays, 10)
  body[18] = lengths[0]
  body[19] = lengths[1]
  body[20] = lengths[2]
  body[21] = lengths[3]
  let offset = FIXED_BYTES
  offset += body.write(tenant, offset)
  offset += body.write(device, offset)
  offset += body.write(type, offset)
  if (commandId !== '') offset += body.write(commandId, offset)
  body.set(payload, offset)
  return body
}

/**
 * Decodes a record; the payload is a view into `body`.
 * @throws MendlineError MDL_JOURNAL_CORRUPT for an unknown version, an unknown kind or lengths that do not fit
 */
export function decodeRecord(body: Uint8Array): AcceptedMessage {
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength)
  const version = bytes[0]
  if (version !== VERSION) throw corrupt('unknown version of a journal record', { version })
  if (bytes.length < FIXED_BYTES) throw corrupt('journal record shorter than its fixed part', { bytes: bytes.length })
  const kind = KINDS[bytes[1] ?? KINDS.length]
  if (kind === undefined) throw corrupt('unknown kind in a journal record', { kind: bytes[1] })
  const tenantEnd = FIXED_BYTES + (bytes[18] ?? 0)
  const deviceEnd = tenantEnd + (bytes[19] ?? 0)
  const typeEnd = deviceEnd + (bytes[20] ?? 0)
  const commandEnd = typeEnd + (bytes[21] ?? 0)
  if (commandEnd > bytes.length) throw corrupt('lengths in a journal record exceed it', { bytes: bytes.length })
  const message: AcceptedMessage = {
    tenant: bytes.toString('utf8', FIXED_BYTES, tenantEnd),
    device: bytes.toString('utf8', tenantEnd, deviceEnd),
    type: bytes.toString('utf8', deviceEnd, typeEnd),
    kind,
    payload: bytes.subarray(commandEnd),
    received_at_ms: epochMs(bytes.readDoubleLE(2)),
    maxAgeDays: bytes.readDoubleLE(10),
  }
  return commandEnd === typeEnd ? message : { ...message, commandId: bytes.toString('utf8', typeEnd, commandEnd) }
}

function kindNumber(kind: MessageKind): number {
  const index = KINDS.indexOf(kind)
  assert(index >= 0, 'every kind of message has a number in the record')
  return index
}

const corrupt = (message: string, details: Readonly<Record<string, unknown>>): MendlineError =>
  new MendlineError('MDL_JOURNAL_CORRUPT', message, { details })
