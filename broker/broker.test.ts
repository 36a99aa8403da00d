import { generate } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { eventually, loginOf, startTestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { closed, connectBytes, nextMessage, rawClient, TELE, text } from '../eval/mqtt-mock/test-clients.ts'

describe('publish', () => {
  it('is accepted before it is acknowledged', async () => {
    const durable = Promise.withResolvers<void>()
    await using test = await startTestBroker({ accept: () => durable.promise })
    const client = await test.connect(await test.createDevice('ac-1'))
    let isAcknowledged = false
    const published = client.publishAsync(TELE, '{"ts":1}', { qos: 1 }).then(() => {
      isAcknowledged = true
    })
    await eventually(() => test.broker.statistics().publishes_count === 1, 'publish reached accept')
    // A subscription on the same connection is answered, so the acknowledgement had every chance to come.
    await client.subscribeAsync('mend/v1/home/ac-1/desired', { qos: 1 })
    expect(isAcknowledged).toBe(false)
    durable.resolve()
    await published
    expect(test.accepted).toMatchObject([{ tenant: 'home', device: 'ac-1', type: 'air_conditioner', kind: 'tele', maxAgeDays: 30 }])
    expect(text(test.accepted[0]?.payload ?? Buffer.alloc(0))).toBe('{"ts":1}')
  })

  it('is not acknowledged when the journal cannot write; the connection is closed', async () => {
    await using test = await startTestBroker({ accept: () => Promise.reject(new Error('disk full')) })
    const raw = rawClient(test)
    raw.socket.write(connectBytes(await test.createDevice('ac-1')))
    await eventually(() => raw.packets.length === 1, 'CONNACK')
    raw.socket.write(generate({ cmd: 'publish', topic: TELE, payload: 'x', qos: 1, messageId: 7, dup: false, retain: false }))
    await eventually(raw.isClosed, 'close')
    expect(raw.packets.map(({ cmd }) => cmd)).toEqual(['connack'])
    expect(test.broker.statistics().refusals).toEqual({ MDL_JOURNAL_UNAVAILABLE: 1 })
  })

  it('of 500 at once reaches accept in order and each is acknowledged', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    await Promise.all(Array.from({ length: 500 }, (_, seq) => client.publishAsync(TELE, String(seq), { qos: 1 })))
    expect(test.accepted.map(({ payload }) => Number(text(payload)))).toEqual(Array.from({ length: 500 }, (_, seq) => seq))
  })

  it('at QoS 0 is accepted as well', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    await client.publishAsync(TELE, 'x', { qos: 0 })
    await eventually(() => test.accepted.length === 1, 'accepted')
  })

  it('names its kind, and the command that an ack answers', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    for (const topic of ['event', 'state', 'reported', 'cmd/c-7/ack']) await client.publishAsync(`mend/v1/home/ac-1/${topic}`, '{}', { qos: 1 })
    expect(test.accepted.map(({ kind, commandId }) => [kind, commandId])).toEqual([
      ['event', undefined],
      ['state', undefined],
      ['reported', undefined],
      ['ack', 'c-7'],
    ])
  })

  it.each(['mend/v1/home/ac-2/tele', 'mend/v1/other/ac-1/tele', 'mend/v1/home/ac-1/desired', 'kitchen/light', '$SYS/x'])(
    'to %s closes the connection and is not accepted',
    async (topic) => {
      await using test = await startTestBroker()
      await test.createDevice('ac-2')
      const client = await test.connect(await test.createDevice('ac-1'))
      client.publish(topic, 'x', { qos: 1 }, () => {})
      await closed(client)
      expect(test.accepted).toEqual([])
      expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_TOPIC_REFUSED: 1 })
    },
  )
})

describe('login', () => {
  it('is refused with CONNACK 5 whatever is wrong', async () => {
    await using test = await startTestBroker()
    const one = await test.createDevice('ac-1')
    const two = await test.createDevice('ac-2')
    const will = { topic: 'mend/v1/home/ac-2/state', payload: Buffer.from('x'), qos: 1 as const, retain: true }
    const wrong = [
      { ...loginOf(one), password: two.secret },
      { ...loginOf(one), clientId: 'home:ac-2' },
      { clientId: 'x' },
      { ...loginOf(one), will },
    ]
    for (const options of wrong) await expect(test.connectAs(options)).rejects.toMatchObject({ code: 5 })
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_BAD_CREDENTIALS: 3, MDL_BROKER_TOPIC_REFUSED: 1 })
    expect(test.broker.connectedCount()).toBe(0)
  })

  it('by MQTT 5 is answered with return code 1', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    await expect(test.connectAs({ ...loginOf(device), protocolVersion: 5 })).rejects.toMatchObject({ code: 1 })
  })

  it('cannot take over the session of another principal', async () => {
    await using test = await startTestBroker()
    const victim = await test.connect(await test.createDevice('ac-1'))
    const attacker = await test.createDevice('ac-2')
    await expect(test.connectAs({ ...loginOf(attacker), clientId: 'home:ac-1' })).rejects.toMatchObject({ code: 5 })
    await victim.publishAsync(TELE, 'x', { qos: 1 })
    expect(test.accepted).toHaveLength(1)
  })

  it('of the same principal takes its own session over', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    const first = await test.connect(device)
    const isClosed = closed(first)
    await test.connect(device)
    await isClosed
    await eventually(() => test.broker.connectedCount() === 1, 'one session')
    expect(test.states).toEqual(['home:ac-1 on'])
  })

  it('ends at once when the device is revoked', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    const client = await test.connect(device)
    const isClosed = closed(client)
    const fromMs = performance.now()
    await test.registry.revoke('home', 'ac-1')
    await isClosed
    expect(performance.now() - fromMs).toBeLessThan(1_000)
    await expect(test.connect(device)).rejects.toMatchObject({ code: 5 })
  })
})

describe('subscribe', () => {
  it('is granted for own commands at QoS 1 at most and refused for the rest', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    const filters = ['mend/v1/home/ac-1/cmd/#', 'mend/v1/home/ac-1/desired', '#', 'mend/v1/home/ac-2/cmd/#', '$share/g/mend/v1/home/ac-1/cmd/#']
    const raw = rawClient(test)
    raw.socket.write(connectBytes(await test.createDevice('ac-3')))
    await eventually(() => raw.packets.length === 1, 'CONNACK')
    raw.socket.write(
      generate({
        cmd: 'subscribe',
        messageId: 1,
        subscriptions: filters.map((topic) => ({ topic: topic.replace('ac-1', 'ac-3'), qos: 2 as const })),
      }),
    )
    await eventually(() => raw.packets.length === 2, 'SUBACK')
    expect(raw.packets[1]).toMatchObject({ cmd: 'suback', granted: [1, 1, 128, 128, 128] })
    await client.subscribeAsync('mend/v1/home/ac-1/cmd/#', { qos: 1 })
    const arrival = nextMessage(client)
    test.broker.sendCommand({ tenant: 'home', device: 'ac-1', commandId: 'c1', payload: Buffer.from('{"command":"stop"}') }, () => {})
    expect(await arrival).toEqual(['mend/v1/home/ac-1/cmd/c1', '{"command":"stop"}'])
  })

  it('with more than eight filters closes the connection', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    client.subscribe(
      Array.from({ length: 9 }, (_, index) => `mend/v1/home/ac-1/cmd/c${index}`),
      () => {},
    )
    await closed(client)
    expect(test.broker.statistics().refusals).toEqual({ MDL_BROKER_TOO_MANY: 1 })
  })

  it('keeps no refused filter in a persistent session, and bounds what waits for it', async () => {
    await using test = await startTestBroker({ dev: true, limits: { offlineMessages_MAX: 3 } })
    const device = await test.createDevice('ac-1')
    const client = await test.connect(device, { clean: false })
    await client.subscribeAsync(['kitchen/#', 'mend/v1/home/ac-2/cmd/#'], { qos: 1 }).catch(() => {})
    await client.endAsync()
    const other = await test.connectAs({ clientId: 'other' })
    for (let id = 0; id < 5; id++) await other.publishAsync(`kitchen/${id}`, 'x', { qos: 1 })
    const topics: string[] = []
    ;(await test.connectAs({ ...loginOf(device), clean: false })).on('message', (topic) => topics.push(topic))
    await eventually(() => topics.length >= 3, 'queued messages')
    expect(topics).toEqual(['kitchen/0', 'kitchen/1', 'kitchen/2'])
    expect(test.broker.statistics().refusals).toMatchObject({ MDL_BROKER_TOO_MANY: 2 })
  })
})

describe('state', () => {
  it('is accepted from birth and from the last will, and tells who is there', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    const topic = 'mend/v1/home/ac-1/state'
    const client = await test.connect(device, { will: { topic, payload: Buffer.from('{"online":false}'), qos: 1, retain: true } })
    await client.publishAsync(topic, '{"online":true}', { qos: 1 })
    client.stream.destroy()
    await eventually(() => test.accepted.length === 2, 'will accepted')
    expect(test.accepted.map(({ kind, payload }) => `${kind} ${text(payload)}`)).toEqual(['state {"online":true}', 'state {"online":false}'])
    expect(test.states).toEqual(['home:ac-1 on', 'home:ac-1 off'])
  })

  it('is retained for late listeners, telemetry is not', async () => {
    await using test = await startTestBroker({ dev: true })
    const device = await test.connect(await test.createDevice('ac-1'))
    await device.publishAsync('mend/v1/home/ac-1/state', '{"online":true}', { qos: 1, retain: false })
    await device.publishAsync(TELE, '{}', { qos: 1, retain: true })
    const person = await test.connectAs({ clientId: 'person' })
    const topics: string[] = []
    person.on('message', (topic) => topics.push(topic))
    await person.subscribeAsync('mend/#', { qos: 1 })
    await device.publishAsync('mend/v1/home/ac-1/event', '{}', { qos: 1 })
    await eventually(() => topics.includes('mend/v1/home/ac-1/event'), 'event')
    expect(topics).toEqual(['mend/v1/home/ac-1/state', 'mend/v1/home/ac-1/event'])
  })
})

describe('dev', () => {
  it('lets anybody publish, but nobody under the name of a registered device', async () => {
    await using test = await startTestBroker({ dev: true })
    await test.createDevice('ac-1')
    const anybody = await test.connectAs({ clientId: 'anybody' })
    await anybody.publishAsync('mend/v1/home/new/tele', '{}', { qos: 1 })
    await anybody.publishAsync('kitchen/light', 'on', { qos: 2 })
    expect(test.accepted).toMatchObject([{ tenant: 'home', device: 'new', type: 'air_conditioner' }])
    await expect(test.connectAs({ clientId: 'home:ac-1' })).rejects.toMatchObject({ code: 5 })
    await expect(test.connectAs({ clientId: 'home:ac-1', username: 'home:ac-1', password: 'wrong' })).rejects.toMatchObject({ code: 5 })
  })
})
