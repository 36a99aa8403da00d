import { generate } from 'mqtt-packet'
import { describe, expect, it, vi } from 'vitest'
import { eventually, startTestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { closed, connectBytes, rawClient, TELE, text } from '../eval/mqtt-mock/test-clients.ts'

describe('limits', () => {
  it('close a socket that sends no CONNECT in time', async () => {
    await using test = await startTestBroker({ limits: { connectDeadlineMs: 30 } })
    const raw = rawClient(test)
    raw.socket.write(Buffer.from([0x10]))
    await eventually(raw.isClosed, 'close')
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_TOO_SLOW: 1 })
  })

  it('close a packet that is not whole in time, and let a slow one that is', async () => {
    await using test = await startTestBroker({ limits: { packetDeadlineMs: 150 } })
    const raw = rawClient(test)
    raw.socket.write(connectBytes(await test.createDevice('ac-1')))
    await eventually(() => raw.packets.length === 1, 'CONNACK')
    const publish = generate({ cmd: 'publish', topic: TELE, payload: 'x', qos: 1, messageId: 7, dup: false, retain: false })
    raw.socket.write(publish.subarray(0, 10))
    await new Promise((resolve) => setTimeout(resolve, 20))
    raw.socket.write(publish.subarray(10))
    await eventually(() => raw.packets.length === 2, 'PUBACK')
    raw.socket.write(publish.subarray(0, 10))
    await eventually(raw.isClosed, 'close')
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_TOO_SLOW: 1 })
  })

  it('close a packet above the size, before and after login', async () => {
    await using test = await startTestBroker()
    const before = rawClient(test)
    before.socket.write(Buffer.from([0x10, 0xff, 0xff, 0x7f]))
    await eventually(before.isClosed, 'close')
    const client = await test.connect(await test.createDevice('ac-1'))
    await client.publishAsync(TELE, Buffer.alloc(127 * 1024), { qos: 1 })
    client.publish(TELE, Buffer.alloc(128 * 1024), { qos: 1 }, () => {})
    await closed(client)
    expect(test.accepted).toHaveLength(1)
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_PACKET_TOO_LARGE: 2 })
  })

  it('close half-open sockets above the number for one address and give the places back', async () => {
    await using test = await startTestBroker({ limits: { halfOpenPerAddress_MAX: 3 } })
    const device = await test.createDevice('ac-1')
    const silent = Array.from({ length: 5 }, () => rawClient(test))
    await eventually(() => silent.filter(({ isClosed }) => isClosed()).length === 2, 'two closed')
    for (const { socket } of silent) socket.destroy()
    await eventually(() => test.broker.statistics().connections_open_count === 0, 'places given back')
    await test.connect(device)
    await eventually(() => test.broker.connectedCount() === 1, 'logged in')
    expect(test.broker.statistics()).toMatchObject({
      connections_open_count: 1,
      connections_half_open_count: 0,
      refusals: { MDL_BROKER_TOO_MANY: 2 },
    })
  })

  it('let logins wait in order rather than refuse them', async () => {
    await using test = await startTestBroker({ limits: { loginsInFlight_MAX: 1 } })
    const devices = await test.registry.create(Array.from({ length: 50 }, (_, index) => ({ device: `d${index}`, type: 'air_conditioner' })))
    await Promise.all(devices.map((device) => test.connect(device)))
    await eventually(() => test.broker.connectedCount() === 50, 'all logged in')
    expect(test.broker.statistics().refusals).toEqual({})
  })

  it('do not count the wait for a login against the device', async () => {
    await using test = await startTestBroker({ limits: { loginsInFlight_MAX: 1, connectDeadlineMs: 100 } })
    const authenticate = test.identity.authenticate
    vi.spyOn(test.identity, 'authenticate').mockImplementation(async (login) => {
      await new Promise((resolve) => setTimeout(resolve, 150))
      return authenticate(login)
    })
    const devices = await test.registry.create(['d1', 'd2', 'd3'].map((device) => ({ device, type: 'air_conditioner' })))
    await Promise.all(devices.map((device) => test.connect(device)))
    expect(test.broker.statistics().refusals).toEqual({})
  })

  it('pace a device that sends too fast, without loss', async () => {
    await using test = await startTestBroker({ limits: { devicePublishesPerS_MAX: 100, devicePublishBurst_MAX: 10 } })
    const client = await test.connect(await test.createDevice('ac-1'))
    const fromMs = performance.now()
    await Promise.all(Array.from({ length: 40 }, (_, seq) => client.publishAsync(TELE, String(seq), { qos: 1 })))
    expect(performance.now() - fromMs).toBeGreaterThan(250)
    expect(test.accepted).toHaveLength(40)
  })

  it('stop reading a connection whose messages wait for the journal, and go on when they are durable', async () => {
    const durable = Promise.withResolvers<void>()
    await using test = await startTestBroker({ accept: () => durable.promise, limits: { connectionInFlightBytes_MAX: 100_000 } })
    const client = await test.connect(await test.createDevice('ac-1'))
    const published = Array.from({ length: 60 }, () => client.publishAsync(TELE, Buffer.alloc(50_000), { qos: 1 }))
    await eventually(() => test.broker.statistics().publishes_count >= 2, 'first messages')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(test.broker.statistics().in_flight_bytes).toBeLessThan(500_000)
    durable.resolve()
    await Promise.all(published)
    expect(test.accepted).toHaveLength(60)
  })

  it('hold what a client sends before its CONNACK', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    const raw = rawClient(test)
    const publishes = Array.from({ length: 100 }, (_, id) =>
      generate({ cmd: 'publish', topic: TELE, payload: String(id), qos: 1, messageId: id + 1, dup: false, retain: false }),
    )
    raw.socket.write(Buffer.concat([connectBytes(device), ...publishes]))
    await eventually(() => raw.packets.length === 101, 'CONNACK and 100 PUBACKs')
    expect(raw.packets[0]).toMatchObject({ cmd: 'connack', returnCode: 0 })
    expect(test.accepted.map(({ payload }) => Number(text(payload)))).toEqual(Array.from({ length: 100 }, (_, id) => id))
  })
})

describe('stop', () => {
  it('finishes what is on its way, sends no wills, and may be called twice', async () => {
    const durable = Promise.withResolvers<void>()
    const test = await startTestBroker({ accept: () => durable.promise })
    const topic = 'mend/v1/home/ac-1/state'
    const client = await test.connect(await test.createDevice('ac-1'), {
      will: { topic, payload: Buffer.from('{"online":false}'), qos: 1, retain: true },
    })
    const published = client.publishAsync(TELE, 'x', { qos: 1 })
    await eventually(() => test.broker.statistics().publishes_count === 1, 'publish reached accept')
    const stopped = Promise.all([test.broker.stop(), test.broker.stop()])
    await expect(test.connectAs({ clientId: 'late' })).rejects.toThrow()
    durable.resolve()
    await published
    await stopped
    await test.stop()
    expect(test.accepted.map(({ kind }) => kind)).toEqual(['tele'])
  })
})
