/**
 * Checks one whole MQTT 3.1.1 packet from a client, byte by byte, before any parser sees it: type and flags, lengths of all fields,
 * UTF-8 and length of all names, quality of service, packet ids. What passes is well formed, so the parser behind it never has to
 * recover. It decides nothing about rights.
 */
import { isUtf8 } from 'node:buffer'
import { limits } from '#kernel/limits.ts'

/** What the guard must know of a packet that passed. */
export type CheckedPacket =
  | { readonly kind: 'connect' }
  | { readonly kind: 'wrong_level' }
  /** An empty client id for a session that shall stay. */
  | { readonly kind: 'no_identifier' }
  | { readonly kind: 'publish' }
  | { readonly kind: 'subscribe'; readonly filters: ReadonlyArray<{ readonly filter: string; readonly qosAt: number }> }
  | { readonly kind: 'other' }
  | { readonly kind: 'malformed'; readonly reason: string }

/** Packet types of MQTT 3.1.1 section 2.2.1 that a client may send. */
const CONNECT = 1
const PUBLISH = 3
const PUBREL = 6
const SUBSCRIBE = 8
const UNSUBSCRIBE = 10
/** Types of two bytes of packet id and nothing else: PUBACK, PUBREC, PUBREL, PUBCOMP. */
const ACKNOWLEDGEMENTS: ReadonlySet<number> = new Set([4, 5, 6, 7])
/** Types without a body: PINGREQ, DISCONNECT. */
const EMPTY: ReadonlySet<number> = new Set([12, 14])

const CLEAN_SESSION = 0x02

const malformed = (reason: string): CheckedPacket => ({ kind: 'malformed', reason })
const OTHER: CheckedPacket = { kind: 'other' }
const PUBLISHED: CheckedPacket = { kind: 'publish' }

/** Checks `packet`, which holds exactly one packet as its fixed header says. */
export function checkPacket(packet: Buffer): CheckedPacket {
  const type = (packet[0] ?? 0) >>> 4
  const flags = (packet[0] ?? 0) & 0x0f
  const bodyAt = headerBytes(packet)
  if (type === PUBLISH) return checkPublish(packet, bodyAt, flags)
  const flagsWanted = type === PUBREL || type === SUBSCRIBE || type === UNSUBSCRIBE ? 2 : 0
  if (flags !== flagsWanted) return malformed('reserved flags')
  if (ACKNOWLEDGEMENTS.has(type)) return packet.length === bodyAt + 2 && packet.readUInt16BE(bodyAt) > 0 ? OTHER : malformed('acknowledgement')
  if (EMPTY.has(type)) return packet.length === bodyAt ? OTHER : malformed('body where none belongs')
  if (type === SUBSCRIBE || type === UNSUBSCRIBE) return checkFilters(packet, bodyAt, type === SUBSCRIBE)
  return type === CONNECT ? checkConnect(packet, bodyAt) : malformed(`type ${type} from a client`)
}

function headerBytes(packet: Buffer): number {
  let at = 1
  while ((packet[at] ?? 0) >= 0x80) at++
  return at + 1
}

function checkPublish(packet: Buffer, bodyAt: number, flags: number): CheckedPacket {
  const qos = (flags >>> 1) & 3
  if (qos === 3) return malformed('quality of service 3')
  const topicEnd = nameEnd(packet, bodyAt)
  if (topicEnd === undefined || topicEnd === bodyAt + 2) return malformed('topic')
  // A wildcard in a topic name is not allowed (section 3.3.2.1).
  for (let at = bodyAt + 2; at < topicEnd; at++) if (packet[at] === 0x23 || packet[at] === 0x2b) return malformed('wildcard in a topic')
  if (qos === 0) return PUBLISHED
  return packet.length >= topicEnd + 2 && packet.readUInt16BE(topicEnd) > 0 ? PUBLISHED : malformed('packet id')
}

function checkFilters(packet: Buffer, bodyAt: number, isSubscribe: boolean): CheckedPacket {
  if (packet.length < bodyAt + 2 || packet.readUInt16BE(bodyAt) === 0) return malformed('packet id')
  const filters: Array<{ filter: string; qosAt: number }> = []
  let at = bodyAt + 2
  while (at < packet.length) {
    const end = nameEnd(packet, at)
    if (end === undefined || end === at + 2) return malformed('filter')
    if (isSubscribe && (end >= packet.length || (packet[end] ?? 3) > 2)) return malformed('quality of service of a filter')
    const filter = packet.toString('utf8', at + 2, end)
    if (!isFilter(filter)) return malformed('wildcards of a filter')
    filters.push({ filter, qosAt: end })
    at = isSubscribe ? end + 1 : end
  }
  return filters.length > 0 ? { kind: 'subscribe', filters } : malformed('no filter')
}

/** `+` fills a level, `#` fills the last (section 4.7.1). */
function isFilter(filter: string): boolean {
  const levels = filter.split('/')
  return levels.every((level, index) => level === '+' || (level === '#' && index === levels.length - 1) || !/[+#]/.test(level))
}

function checkConnect(packet: Buffer, bodyAt: number): CheckedPacket {
  const protocolEnd = nameEnd(packet, bodyAt)
  if (protocolEnd === undefined) return malformed('protocol name')
  const protocol = packet.toString('latin1', bodyAt + 2, protocolEnd)
  const level = packet[protocolEnd] ?? 0
  if (protocol === 'MQIsdp' || (protocol === 'MQTT' && level !== 4)) return { kind: 'wrong_level' }
  if (protocol !== 'MQTT') return malformed('protocol name')
  const flags = packet[protocolEnd + 1] ?? 1
  const has = { will: (flags & 0x04) !== 0, username: (flags & 0x80) !== 0, password: (flags & 0x40) !== 0 }
  const willQos = (flags >>> 3) & 3
  if ((flags & 1) !== 0 || willQos === 3 || (!has.will && (flags & 0x38) !== 0) || (has.password && !has.username)) return malformed('connect flags')
  // Protocol level, flags and two bytes of keepalive stand before the payload.
  let at: number | undefined = protocolEnd + 4
  const identifierAt = at
  at = nameEnd(packet, at)
  const isNameless = at === identifierAt + 2 && (flags & CLEAN_SESSION) === 0
  if (at !== undefined && has.will) at = willEnd(packet, at)
  if (at !== undefined && has.username) at = nameEnd(packet, at)
  if (at !== undefined && has.password) at = bytesEnd(packet, at)
  if (at !== packet.length) return malformed('fields of CONNECT')
  return { kind: isNameless ? 'no_identifier' : 'connect' }
}

function willEnd(packet: Buffer, from: number): number | undefined {
  const topicEnd = nameEnd(packet, from)
  if (topicEnd === undefined || topicEnd === from + 2) return undefined
  return bytesEnd(packet, topicEnd)
}

/** End of a field of two length bytes and that many bytes; undefined when it reaches behind the packet. */
function bytesEnd(packet: Buffer, from: number): number | undefined {
  if (from + 2 > packet.length) return undefined
  const end = from + 2 + packet.readUInt16BE(from)
  return end > packet.length ? undefined : end
}

/** End of a name: a field of UTF-8 without U+0000, of bounded length. */
function nameEnd(packet: Buffer, from: number): number | undefined {
  const end = bytesEnd(packet, from)
  if (end === undefined || end - from - 2 > limits.topicBytes_MAX) return undefined
  const name = packet.subarray(from + 2, end)
  return isUtf8(name) && !name.includes(0) ? end : undefined
}
