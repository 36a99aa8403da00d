/** The bytes of the load: CONNECT and PUBLISH of MQTT 3.1.1, and payloads of about 270 bytes that are made once and filled in a message. */

/** Digits that a packet keeps free for its sequence number; JSON allows the spaces that pad it. */
const SEQ_DIGITS = 8
const TIME_DIGITS = 13
export const WAVE_STEPS = 126

/** About 270 bytes: eight readings of an air conditioner that wander with the step; time and sequence number are filled in later. */
function payload(step: number, boot: number): string {
  const wave = Math.sin(step / 20)
  return (
    `{"ts":${' '.repeat(TIME_DIGITS)},"seq":${' '.repeat(SEQ_DIGITS)},"boot":${boot},"fw":"1.4.2","v":{"outdoor_temperature_c":${(31 + wave).toFixed(1)},` +
    `"room_temperature_c":${(25.5 + wave / 4).toFixed(1)},"discharge_temperature_c":${(71.2 + 3 * wave).toFixed(1)},` +
    `"suction_temperature_c":${(11 + wave).toFixed(1)},"compressor_frequency_hz":${Math.round(54 + 8 * wave)},` +
    `"compressor_current_a":${(4.2 + wave / 2).toFixed(2)},"power_w":${Math.round(905 + 60 * wave)},"mains_voltage_v":${(231 + wave).toFixed(1)}}}`
  )
}

/** The payloads of a run, made once: a message then costs the client one copy and some digits. */
export function payloadsOf(boot: number): readonly Buffer[] {
  return Array.from({ length: WAVE_STEPS }, (_, step) => Buffer.from(payload(step, boot)))
}

/** Writes `value` with its last digit before `end`. */
function writeDigits(into: Buffer, value: number, end: number): void {
  let rest = value
  let at = end
  do {
    at--
    const tens = Math.floor(rest / 10)
    into[at] = 0x30 + rest - tens * 10
    rest = tens
  } while (rest > 0)
}

export function connectPacket(name: string, secret: string): Buffer {
  const fields = [name, name, secret].map((field) => Buffer.from(field))
  const [clientId, user, password] = fields.map((field) => Buffer.concat([Buffer.from([field.length >> 8, field.length & 0xff]), field]))
  const header = Buffer.from([0, 4, 0x4d, 0x51, 0x54, 0x54, 4, 0xc2, 0x0e, 0x10])
  const body = Buffer.concat([header, clientId ?? header, user ?? header, password ?? header])
  return Buffer.concat([Buffer.from([0x10]), remainingLength(body.length), body])
}

/** A QoS 1 PUBLISH; packet id, time and sequence number are the message's own, the rest is copied. */
export function publishPacket(topic: Buffer, id: number, body: Buffer, seq: number, observedAtMs: number): Buffer {
  const header = remainingLength(4 + topic.length + body.length)
  const packet = Buffer.allocUnsafe(1 + header.length + 4 + topic.length + body.length)
  packet[0] = 0x32
  packet.set(header, 1)
  let at = 1 + header.length
  at = packet.writeUInt16BE(topic.length, at)
  packet.set(topic, at)
  at = packet.writeUInt16BE(id, at + topic.length)
  packet.set(body, at)
  const timeEnd = at + '{"ts":'.length + TIME_DIGITS
  writeDigits(packet, observedAtMs, timeEnd)
  writeDigits(packet, seq, timeEnd + ',"seq":'.length + SEQ_DIGITS)
  return packet
}

function remainingLength(length: number): Buffer {
  const bytes: number[] = []
  for (let rest = length; ; ) {
    const low = rest % 128
    rest = Math.floor(rest / 128)
    bytes.push(rest > 0 ? low | 0x80 : low)
    if (rest === 0) return Buffer.from(bytes)
  }
}
