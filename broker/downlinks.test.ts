import { describe, expect, it } from 'vitest'
import { eventually, loginOf, startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'
import { nextMessage } from '../eval/mqtt-mock/test-clients.ts'

const COMMANDS = 'mend/v1/home/ac-1/cmd/#'
const payload = Buffer.from('{"command":"restart"}')

/** Sends a command to ac-1 and tells how many sessions took it and how many acknowledged. */
function send(test: TestBroker, commandId: string): { readonly sessions: number; readonly delivered: () => number } {
  let delivered = 0
  const sessions = test.broker.sendCommand({ tenant: 'home', device: 'ac-1', commandId, payload }, () => delivered++)
  return { sessions, delivered: () => delivered }
}

describe('a command', () => {
  it('goes to the live session that subscribed, and its PUBACK is told', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    expect(send(test, 'c1').sessions).toBe(0)
    await client.subscribeAsync(COMMANDS, { qos: 1 })
    const arrival = nextMessage(client)
    const sent = send(test, 'c2')
    expect(sent.sessions).toBe(1)
    expect(await arrival).toEqual(['mend/v1/home/ac-1/cmd/c2', '{"command":"restart"}'])
    await eventually(() => sent.delivered() === 1, 'PUBACK')
  })

  it('is kept for nobody, also not for a persistent session', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    const client = await test.connect(device, { clean: false })
    await client.subscribeAsync(COMMANDS, { qos: 1 })
    await client.endAsync()
    await eventually(() => test.broker.connectedCount() === 0, 'gone')
    expect(send(test, 'c1').sessions).toBe(0)
    const topics: string[] = []
    const again = test.connectAs({ ...loginOf(device), clean: false })
    ;(await again).on('message', (topic) => topics.push(topic))
    await eventually(() => send(test, 'c2').sessions === 1, 'the session came back with its subscription')
    await eventually(() => topics.length > 0, 'command')
    expect(topics[0]).toBe('mend/v1/home/ac-1/cmd/c2')
  })

  it('of a persistent session in flight is not sent again by the broker', async () => {
    await using test = await startTestBroker()
    const device = await test.createDevice('ac-1')
    const client = await test.connect(device, { clean: false })
    await client.subscribeAsync(COMMANDS, { qos: 1 })
    client.stream.pause()
    expect(send(test, 'lost').sessions).toBe(1)
    client.stream.destroy()
    await eventually(() => test.broker.connectedCount() === 0, 'gone')
    const topics: string[] = []
    ;(await test.connectAs({ ...loginOf(device), clean: false })).on('message', (topic) => topics.push(topic))
    await eventually(() => send(test, 'next').sessions === 1, 'back')
    await eventually(() => topics.length > 0, 'command')
    expect(topics[0]).toBe('mend/v1/home/ac-1/cmd/next')
  })

  it('is told as sent but never as delivered to a subscription of QoS 0', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    await client.subscribeAsync(COMMANDS, { qos: 0 })
    const arrival = nextMessage(client)
    const sent = send(test, 'c1')
    await arrival
    await client.publishAsync('mend/v1/home/ac-1/event', '{}', { qos: 1 })
    expect([sent.sessions, sent.delivered()]).toEqual([1, 0])
  })

  it('reaches nobody who unsubscribed, and never another device', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    const other = await test.connect(await test.createDevice('ac-2'))
    await other.subscribeAsync('mend/v1/home/ac-2/cmd/#', { qos: 1 })
    await client.subscribeAsync(COMMANDS, { qos: 1 })
    await client.unsubscribeAsync(COMMANDS)
    expect(send(test, 'c1').sessions).toBe(0)
  })

  it('goes through with many at once, each with its own packet id', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    await client.subscribeAsync(COMMANDS, { qos: 1 })
    const topics = new Set<string>()
    client.on('message', (topic) => topics.add(topic))
    const sent = Array.from({ length: 300 }, (_, index) => send(test, `c${index}`))
    await eventually(() => sent.every(({ delivered }) => delivered() === 1), 'all PUBACKs')
    expect(topics.size).toBe(300)
  })
})

describe('listening', () => {
  it('is told at SUBSCRIBE, and when a session comes back with its subscriptions', async () => {
    await using test = await startTestBroker()
    const heard: string[] = []
    test.broker.onListening((tenant, device, kind) => heard.push(`${tenant}/${device} ${kind}`))
    const device = await test.createDevice('ac-1')
    const client = await test.connect(device, { clean: false })
    await client.subscribeAsync([COMMANDS, 'mend/v1/home/ac-1/desired'], { qos: 1 })
    await eventually(() => heard.length === 2, 'told')
    await client.endAsync()
    await test.connectAs({ ...loginOf(device), clean: false })
    await eventually(() => heard.length === 4, 'told again')
    expect(heard.sort()).toEqual(['home/ac-1 cmd', 'home/ac-1 cmd', 'home/ac-1 desired', 'home/ac-1 desired'])
  })

  it('is not told for a filter that was refused', async () => {
    await using test = await startTestBroker()
    const heard: string[] = []
    test.broker.onListening((_tenant, device) => heard.push(device))
    const client = await test.connect(await test.createDevice('ac-1'))
    await client.subscribeAsync(['mend/v1/home/ac-2/cmd/#', COMMANDS], { qos: 1 }).catch(() => {})
    await eventually(() => heard.length > 0, 'told')
    expect(heard).toEqual(['ac-1'])
  })
})

describe('settings', () => {
  it('that answer a SUBSCRIBE are marked as retained, those that change are not', async () => {
    await using test = await startTestBroker()
    const client = await test.connect(await test.createDevice('ac-1'))
    await client.subscribeAsync('mend/v1/home/ac-1/desired', { qos: 1 })
    const flags: boolean[] = []
    client.on('message', (_topic, _payload, packet) => flags.push(packet.retain))
    for (const retain of [true, false]) test.broker.sendDesired({ tenant: 'home', device: 'ac-1', payload, retain })
    await eventually(() => flags.length === 2, 'both')
    expect(flags).toEqual([true, false])
  })
})
