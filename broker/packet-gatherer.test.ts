import fc from 'fast-check'
import { generate, type Packet, parser } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { checkPacket } from './packet-check.ts'
import { PacketGatherer } from './packet-gatherer.ts'

const name = fc.string({ minLength: 1, maxLength: 20, unit: fc.constantFrom('a', 'b', '/', '-', '_', 'ä', '字') })
const id = fc.integer({ min: 1, max: 65_535 })
const payload = fc.uint8Array({ maxLength: 400 }).map((bytes) => Buffer.from(bytes))

const anyPacket: fc.Arbitrary<Packet> = fc.oneof(
  fc
    .record({ topic: name, payload, qos: fc.constantFrom(0, 1, 2), messageId: id, dup: fc.constant(false), retain: fc.boolean() })
    .map((publish): Packet => ({ cmd: 'publish', ...publish }) as Packet),
  fc.tuple(fc.constantFrom('puback', 'pubrec', 'pubrel', 'pubcomp'), id).map(([cmd, messageId]) => ({ cmd, messageId }) as Packet),
  fc.constantFrom({ cmd: 'pingreq' } as Packet, { cmd: 'disconnect' } as Packet),
  fc
    .tuple(id, fc.array(fc.record({ topic: name, qos: fc.constantFrom(0, 1, 2) }), { minLength: 1, maxLength: 5 }))
    .map(([messageId, subscriptions]) => ({ cmd: 'subscribe', messageId, subscriptions }) as Packet),
  fc
    .tuple(id, fc.array(name, { minLength: 1, maxLength: 5 }))
    .map(([messageId, unsubscriptions]) => ({ cmd: 'unsubscribe', messageId, unsubscriptions }) as Packet),
  fc.record({ clientId: name, username: name, password: payload, keepalive: fc.integer({ min: 0, max: 65_535 }), hasWill: fc.boolean() }).map(
    ({ hasWill, ...rest }) =>
      ({
        cmd: 'connect',
        protocolId: 'MQTT',
        protocolVersion: 4,
        clean: true,
        ...rest,
        ...(hasWill ? { will: { topic: 't', payload: Buffer.from('w'), qos: 1, retain: true } } : {}),
      }) as Packet,
  ),
)

/** Cuts a stream at the given places and gathers its packets. */
function gather(stream: Buffer, cuts: readonly number[], limitBytes = 1_000): { packets: string[]; fault: string | undefined } {
  const gatherer = new PacketGatherer(() => limitBytes)
  const packets: string[] = []
  const edges = [0, ...cuts.map((cut) => cut % (stream.length + 1)), stream.length].sort((a, b) => a - b)
  for (const [index, edge] of edges.entries()) {
    const { fault } = gatherer.push(stream.subarray(edges[index - 1] ?? 0, edge), (packet) => packets.push(packet.toString('hex')) > 0)
    if (fault !== undefined) return { packets, fault }
  }
  return { packets, fault: undefined }
}

describe('PacketGatherer', () => {
  it('finds the same packets however the stream is split', () => {
    fc.assert(
      fc.property(fc.array(anyPacket, { minLength: 1, maxLength: 8 }), fc.array(fc.nat(5_000), { maxLength: 30 }), (list, cuts) => {
        const encoded = list.map((packet) => generate(packet))
        expect(gather(Buffer.concat(encoded), cuts)).toEqual({ packets: encoded.map((bytes) => bytes.toString('hex')), fault: undefined })
      }),
      { numRuns: 300, verbose: 1 },
    )
  })

  it('says the same of mutated bytes however they are split', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 1, maxLength: 300 }), fc.array(fc.nat(5_000), { maxLength: 30 }), (bytes, cuts) => {
        const stream = Buffer.from(bytes)
        expect(gather(stream, cuts, 200)).toEqual(gather(stream, [], 200))
      }),
      { numRuns: 500, verbose: 1 },
    )
  })

  it('finds the same packets when it is stopped after each and given the rest', () => {
    const stream = Buffer.concat([generate({ cmd: 'pingreq' }), generate({ cmd: 'pingreq' }), generate({ cmd: 'disconnect' })])
    const gatherer = new PacketGatherer(() => 100)
    const packets: string[] = []
    let left: Buffer | undefined = stream
    while (left !== undefined) left = gatherer.push(left, (packet) => packets.push(packet.toString('hex')) < 0).left
    expect(packets).toEqual(['c000', 'c000', 'e000'])
  })

  it('takes a packet at the limit and refuses one byte more at its header', () => {
    const at = Buffer.concat([Buffer.from([0x30, 98]), Buffer.alloc(98)])
    expect(gather(at, [], 100)).toEqual({ packets: [at.toString('hex')], fault: undefined })
    expect(gather(Buffer.from([0x30, 99]), [], 100).fault).toBe('too_large')
    expect(gather(Buffer.from([0x10, 0xff, 0xff, 0xff, 0x7f]), [1, 2, 3], 100).fault).toBe('too_large')
  })

  it('refuses a remaining length of five bytes', () => {
    expect(gather(Buffer.from([0x30, 0x80, 0x80, 0x80, 0x80, 0x01]), []).fault).toBe('malformed')
  })
})

describe('checkPacket', () => {
  const kinds: Record<string, string> = { publish: 'publish', connect: 'connect', subscribe: 'subscribe', unsubscribe: 'subscribe' }

  it('passes every packet that a client may send', () => {
    fc.assert(
      fc.property(anyPacket, (packet) => {
        expect(checkPacket(generate(packet)).kind).toBe(kinds[packet.cmd] ?? 'other')
      }),
      { numRuns: 300, verbose: 1 },
    )
  })

  it('passes no mutated packet that the parser behind it would fail on or read as another', () => {
    let passed = 0
    let refused = 0
    fc.assert(
      fc.property(anyPacket, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 4 }), (packet, changes) => {
        const bytes = generate(packet)
        for (const [at, value] of changes) bytes[at % bytes.length] = value
        const { packets, fault } = gather(bytes, [])
        const whole = fault === undefined ? packets[0] : undefined
        if (whole === undefined || ['malformed', 'wrong_level'].includes(checkPacket(Buffer.from(whole, 'hex')).kind)) {
          refused++
          return
        }
        passed++
        const parsed: Packet[] = []
        const reader = parser()
        reader.on('packet', (read) => parsed.push(read))
        reader.on('error', (error) => expect.unreachable(`${whole}: ${error.message}`))
        expect(reader.parse(Buffer.from(whole, 'hex'))).toBe(0)
        expect(parsed).toHaveLength(1)
      }),
      { numRuns: 3_000, verbose: 1 },
    )
    expect(passed).toBeGreaterThan(100)
    expect(refused).toBeGreaterThan(100)
  })

  it.each([
    ['a publish with invalid UTF-8', '3005000261ff00', 'malformed'],
    ['a publish with U+0000', '30040002610000', 'malformed'],
    ['a publish with a wildcard', '300400026123', 'malformed'],
    ['a publish with an empty topic', '30020000', 'malformed'],
    ['a publish at QoS 3', '36050001610001', 'malformed'],
    ['a publish at QoS 1 with packet id 0', '32050001610000', 'malformed'],
    ['a publish at QoS 1', '32050001610001', 'publish'],
    ['a subscribe without filter', '82020001', 'malformed'],
    ['a subscribe with wrong flags', '80060001000161' + '00', 'malformed'],
    ['a filter a/#/b', '820a00010005612f232f6200', 'malformed'],
    ['CONNECT of level 5', '100d00044d5154540502003c000000', 'wrong_level'],
    ['CONNECT of MQIsdp', '100e00064d514973647003020000' + '0000', 'wrong_level'],
    ['CONNECT of another protocol', '100c00044d5154580402003c0000', 'malformed'],
    ['CONNECT', '100c00044d5154540402003c0000', 'connect'],
    ['CONNECT with bytes behind its fields', '100d00044d5154540402003c000000', 'malformed'],
    ['CONNACK', '20020000', 'malformed'],
    ['AUTH of MQTT 5', 'f000', 'malformed'],
    ['PINGREQ with a body', 'c00100', 'malformed'],
  ])('judges %s', (_name, hex, expected) => {
    expect(checkPacket(Buffer.from(hex, 'hex')).kind).toBe(expected)
  })
})
