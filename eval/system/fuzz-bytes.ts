/**
 * Streams of bytes for fuzzing the MQTT door: valid sessions (login, publishes of every kind, subscriptions, pings), mutated as a broken
 * client or a broken network would: bits flipped, pieces lost, doubled, swapped or invented, lengths that lie, cuts anywhere. Seeded.
 */
import { generate } from 'mqtt-packet'
import type { Random } from '../../kernel/random.ts'
import type { HostileLogin } from './hostile-cases.ts'

export interface FuzzStream {
  /** Sent unchanged, so that the rest arrives behind a login. */
  readonly intact: Uint8Array
  /** Pieces in which the mutated rest is sent. */
  readonly chunks: readonly Uint8Array[]
}

/** Makes a stream; half of them begin with a valid login, the others are broken from the first byte. */
export function fuzzStream(login: HostileLogin, random: Random, number: number): FuzzStream {
  const connect = connectPacket(login)
  const packets = Array.from({ length: random.integer(1, 12) }, () => validPacket(login, random, number))
  const hasLogin = random.chance(0.5)
  let bytes: Buffer = Buffer.concat(hasLogin ? packets : [connect, ...packets])
  for (let times = random.integer(1, 8); times > 0; times--) bytes = mutate(bytes, random)
  return { intact: hasLogin ? connect : Buffer.alloc(0), chunks: cut(bytes, random) }
}

const connectPacket = ({ username, clientId, password }: HostileLogin): Buffer =>
  generate({
    ...{ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, keepalive: 60 },
    ...{ clientId, username, password: Buffer.from(password) },
  })

function validPacket({ username }: HostileLogin, random: Random, number: number): Buffer {
  const [tenant, device] = username.split(':')
  const root = `mend/v1/${tenant}/${device}`
  const messageId = random.integer(1, 65_535)
  const reading = { ts: Date.now(), seq: random.integer(0, 1_000_000), boot: number, v: { room_temperature_c: random.integer(15, 30) } }
  const publish = (topic: string, payload: string): Buffer =>
    generate({ cmd: 'publish', topic, payload, qos: random.pick([0, 1, 1, 1] as const), dup: random.chance(0.1), retain: false, messageId })
  return random.pick([
    () => publish(`${root}/tele`, JSON.stringify(reading)),
    () => publish(`${root}/tele`, JSON.stringify(Array.from({ length: random.integer(1, 20) }, (_, index) => ({ ...reading, seq: index })))),
    () => publish(`${root}/event`, JSON.stringify({ ...reading, type: 'start' })),
    () => publish(`${root}/state`, '{"online":true}'),
    () => publish(`${root}/reported`, '{"settings":{"target_temperature_c":24}}'),
    () => publish(`${root}/cmd/c1/ack`, '{"state":"done"}'),
    () => generate({ cmd: 'subscribe', messageId, subscriptions: [{ topic: `${root}/cmd/#`, qos: 1 }] }),
    () => generate({ cmd: 'unsubscribe', messageId, unsubscriptions: [`${root}/desired`] }),
    () => generate({ cmd: 'pingreq' }),
    () => generate({ cmd: 'puback', messageId }),
    () => generate({ cmd: 'disconnect' }),
  ])()
}

function mutate(bytes: Buffer, random: Random): Buffer {
  if (bytes.length === 0) return Buffer.from([random.integer(0, 255)])
  const at = random.integer(0, bytes.length - 1)
  const end = Math.min(bytes.length, at + random.integer(1, 64))
  const noise = (): Buffer => Buffer.from(Array.from({ length: random.integer(1, 32) }, () => random.integer(0, 255)))
  return random.pick([
    () => withByte(bytes, at, (bytes[at] ?? 0) ^ (1 << random.integer(0, 7))),
    () => withByte(bytes, at, random.pick([0, 0x7f, 0x80, 0xff])),
    () => Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]),
    () => Buffer.concat([bytes.subarray(0, end), bytes.subarray(at)]),
    () => Buffer.concat([bytes.subarray(0, at), noise(), bytes.subarray(at)]),
    () => bytes.subarray(0, at),
    () => Buffer.concat([bytes.subarray(at), bytes.subarray(0, at)]),
    // A remaining length that promises more than comes.
    () => Buffer.concat([bytes.subarray(0, 1), Buffer.from([0xff, 0xff, random.integer(0, 255)]), bytes.subarray(2)]),
  ])()
}

function withByte(bytes: Buffer, at: number, value: number): Buffer {
  const changed = Buffer.from(bytes)
  changed[at] = value
  return changed
}

function cut(bytes: Buffer, random: Random): readonly Buffer[] {
  if (random.chance(0.5)) return [bytes]
  const chunks: Buffer[] = []
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + random.integer(1, 40))
    chunks.push(bytes.subarray(at, end))
    at = end
  }
  return chunks
}
