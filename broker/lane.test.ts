import fc from 'fast-check'
import { generate } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { MendlineError } from '#kernel/errors.ts'
import type { CommitWaiter } from '#kernel/ingest-door.ts'
import { limits } from '#kernel/limits.ts'
import { eventually, laneMode, startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { connectBytes, rawClient, TELE, text } from '../eval/mqtt-mock/test-clients.ts'
import { createFlow } from './flow.ts'
import { createLanes } from './lane.ts'
import { createBrokerCounters } from './statistics.ts'

const publish = (topic: string, messageId: number, payload = 'x', flags = {}): Buffer =>
  generate({ cmd: 'publish', topic, payload, qos: 1, messageId, dup: false, retain: false, ...flags })

/** A lane with doors whose commits the test ends by hand. */
function bench(names: readonly string[], isHeard = false) {
  const waiters: CommitWaiter[] = []
  const taken: string[] = []
  const written: string[] = []
  const events: string[] = []
  const devices = new Map(names.map((name) => [name, { type: 'air_conditioner', maxAgeDays: 30 }]))
  const flow = createFlow(limits)
  const lane = createLanes({
    openDoor: (source, waiter) => ({
      accept(payload) {
        waiters.push(waiter)
        taken.push(`${source.device}/${source.kind} ${text(payload)}`)
        return undefined
      },
    }),
    counters: createBrokerCounters(),
    limits,
    refuse: (code) => events.push(code),
    isHeard: () => isHeard,
  })({
    name: 'home:g-1',
    principal: { kind: 'gateway', tenant: 'home', id: 'g-1', devices },
    flow: flow.open(() => {}),
    acknowledge: (pubacks) => written.push(pubacks.toString('hex')),
    onIdle: () => events.push('idle'),
    abort: () => events.push('abort'),
    keepAlive: () => events.push('alive'),
    onHeard: undefined,
  })
  const settle = (count: number, error?: MendlineError): void => {
    for (const waiter of waiters.splice(0, count)) waiter.settled({ count: 1, payloadBytes: 1, waitedMs: 1, error })
  }
  return { lane, devices, taken, written, events, settle, flow }
}

describe('lane', () => {
  it.each([
    ['telemetry of a listed device', publish(TELE, 1), true],
    ['an event', publish('mend/v1/home/ac-1/event', 1), true],
    ['a repeated publish', publish(TELE, 1, 'x', { dup: true }), true],
    ['a publish that asks to be retained', publish(TELE, 1, 'x', { retain: true }), true],
    ['an empty payload', publish(TELE, 1, ''), true],
    ['QoS 0', publish(TELE, 1, 'x', { qos: 0 }), false],
    ['QoS 2', publish(TELE, 1, 'x', { qos: 2 }), false],
    ['state', publish('mend/v1/home/ac-1/state', 1), false],
    ['another device', publish('mend/v1/home/ac-3/tele', 1), false],
    ['another tenant', publish('mend/v1/office/ac-1/tele', 1), false],
    ['a longer topic', publish(`${TELE}x`, 1), false],
    ['a shorter topic', publish(TELE.slice(0, -1), 1), false],
    ['packet id 0', Buffer.from(publish(TELE, 1).toString('hex').replace('0001', '0000'), 'hex'), false],
    ['a packet that is not whole', publish(TELE, 1, 'long payload').subarray(0, -1), false],
    ['a topic that reaches behind its packet', Buffer.from('3204ffff0001', 'hex'), false],
    ['a remaining length without end', Buffer.from('3280808080', 'hex'), false],
    ['an empty body', Buffer.from('3200', 'hex'), false],
    ['a ping', Buffer.from('c000', 'hex'), false],
  ])('judges %s', (_name, packet, isTaken) => {
    const { lane, taken } = bench(['ac-1', 'ac-2'])
    expect(lane.take(packet, 0)).toBe(isTaken ? packet.length : -1)
    expect(taken).toHaveLength(isTaken ? 1 : 0)
  })

  it('takes nothing else out of mutated packets than what is whole telemetry', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.nat(60), (changes, cut) => {
        const { lane, taken } = bench(['ac-1'])
        const packet = publish(TELE, 7, '{"ts":1}')
        for (const [at, value] of changes) packet[at % packet.length] = value
        const end = lane.take(packet.subarray(0, packet.length - (cut % packet.length)), 0)
        if (end < 0) expect(taken).toEqual([])
        else expect(packet.toString('latin1', 4, 4 + TELE.length).replace(/event$/, 'tele')).toBe(TELE)
      }),
      { numRuns: 2_000 },
    )
  })

  it('writes the PUBACKs of one commit at once, in order, for all devices of a gateway', async () => {
    const { lane, taken, written, settle, events, flow } = bench(['ac-1', 'ac-2'])
    for (const [index, device] of ['ac-1', 'ac-2', 'ac-1'].entries()) lane.take(publish(`mend/v1/home/${device}/tele`, 0x0100 + index), 0)
    settle(2)
    await Promise.resolve()
    expect(written).toEqual(['4002010040020101'])
    expect(lane.isIdle).toBe(false)
    settle(1)
    await Promise.resolve()
    expect(written).toEqual(['4002010040020101', '40020102'])
    expect(events).toEqual(['idle'])
    expect(taken).toEqual(['ac-1/tele x', 'ac-2/tele x', 'ac-1/tele x'])
    expect(flow.inFlightBytes()).toBe(0)
  })

  it('remembers no more than what waits, however long it is never idle', async () => {
    const { lane, settle, written } = bench(['ac-1'])
    lane.take(publish(TELE, 1), 0)
    for (let id = 2; id < 5_000; id++) {
      lane.take(publish(TELE, id), 0)
      settle(1)
      await Promise.resolve()
    }
    settle(1)
    await Promise.resolve()
    expect(written.map((hex) => Number.parseInt(hex.slice(4), 16))).toEqual(Array.from({ length: 4_999 }, (_, index) => index + 1))
  })

  it('asks each time whether the device still belongs to the gateway', () => {
    const { lane, devices } = bench(['ac-1'])
    const packet = publish(TELE, 1)
    expect(lane.take(packet, 0)).toBe(packet.length)
    devices.delete('ac-1')
    expect(lane.take(packet, 0)).toBe(-1)
    devices.set('ac-1', { type: 'other', maxAgeDays: 1 })
    expect(lane.take(packet, 0)).toBe(packet.length)
  })

  it('leaves telemetry to Aedes while it has a publish without PUBACK, and when somebody listens', () => {
    const { lane } = bench(['ac-1'])
    lane.elsewhere = 1
    expect(lane.take(publish(TELE, 1), 0)).toBe(-1)
    lane.elsewhere = 0
    expect(lane.take(publish(TELE, 1), 0)).toBeGreaterThan(0)
    expect(bench(['ac-1'], true).lane.take(publish(TELE, 1), 0)).toBe(-1)
  })

  it('closes the connection without PUBACK when the commit fails', async () => {
    const { lane, settle, written, events, flow } = bench(['ac-1'])
    lane.take(publish(TELE, 1), 0)
    settle(1, new MendlineError('MDL_JOURNAL_UNAVAILABLE', 'disk full'))
    await Promise.resolve()
    expect([written, events, flow.inFlightBytes()]).toEqual([[], ['MDL_JOURNAL_UNAVAILABLE', 'abort'], 0])
  })
})

/** Sends bytes after CONNECT and tells what came back. */
async function talk(test: TestBroker, packets: readonly Buffer[]): Promise<ReturnType<typeof rawClient>> {
  const raw = rawClient(test)
  raw.socket.write(Buffer.concat([connectBytes(await test.createDevice('ac-1')), ...packets]))
  await eventually(() => raw.packets.length > 0, 'CONNACK')
  return raw
}

describe('byte guard with a lane', () => {
  it('acknowledges in the order of the publishes, whichever way they took', async () => {
    await using test = await startTestBroker()
    const topics = ['tele', 'state', 'tele', 'event', 'reported', 'tele', 'tele']
    const raw = await talk(
      test,
      topics.map((kind, index) => publish(`mend/v1/home/ac-1/${kind}`, index + 1, `{"n":${index}}`)),
    )
    await eventually(() => raw.packets.length === 8, 'CONNACK and 7 PUBACKs')
    expect(raw.packets.slice(1).map((packet) => packet.messageId)).toEqual([1, 2, 3, 4, 5, 6, 7])
    expect(test.accepted.map(({ kind }) => kind)).toEqual(topics)
    expect(test.broker.statistics()).toMatchObject({ publishes_count: 7, accepted_count: 7, in_flight_bytes: 0 })
  })

  it('writes the PUBACKs before a DISCONNECT that came behind the publishes', async () => {
    const durable = Promise.withResolvers<void>()
    await using test = await startTestBroker({ accept: () => durable.promise })
    const raw = await talk(test, [publish(TELE, 1), publish(TELE, 2), Buffer.from([0xe0, 0])])
    await eventually(() => test.broker.statistics().publishes_count === 2, 'both publishes')
    expect(raw.isClosed()).toBe(false)
    durable.resolve()
    await eventually(raw.isClosed, 'close')
    expect(raw.packets.map(({ cmd }) => cmd)).toEqual(['connack', 'puback', 'puback'])
    expect(test.states).toEqual(['home:ac-1 on', 'home:ac-1 off'])
  })

  it('keeps a client alive that only publishes', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'), {
      keepalive: 1,
      reschedulePings: false,
      timerVariant: { set: () => 0, clear: () => {} },
    } as object)
    let isClosed = false
    client.once('close', () => {
      isClosed = true
    })
    for (let count = 0; count < 4; count++) {
      await client.publishAsync(TELE, 'x', { qos: 1 })
      await new Promise((resolve) => setTimeout(resolve, 800))
    }
    expect(isClosed).toBe(false)
    await eventually(() => isClosed, 'close of a silent client')
  })

  it('cuts packets however the stream is split', async () => {
    await using test = await startTestBroker()
    const bytes = Buffer.concat(Array.from({ length: 6 }, (_, index) => publish(TELE, index + 1, 'y'.repeat(index * 50))))
    const raw = await talk(test, [])
    for (let from = 0; from < bytes.length; from += 37) {
      raw.socket.write(bytes.subarray(from, from + 37))
      await new Promise((resolve) => setImmediate(resolve))
    }
    await eventually(() => raw.packets.length === 7, 'six PUBACKs')
    expect(test.accepted.map(({ payload }) => payload.length)).toEqual([0, 50, 100, 150, 200, 250])
  })

  it('runs in the suites by default', () => {
    expect(laneMode.isOn).toBe(true)
  })
})
