import { generate, parser } from 'mqtt-packet'
import { describe, expect, it } from 'vitest'
import { eventually, startTestBroker, type TestBroker } from '../eval/mqtt-mock/broker-kit.ts'

type QoS = 0 | 1 | 2
type Filters = Record<string, { qos: QoS }>
const granted = (filters: Readonly<Record<string, QoS>>): Filters =>
  Object.fromEntries(Object.entries(filters).map(([filter, qos]) => [filter, { qos }]))

interface Heard {
  readonly text: string
  readonly qos: number
  readonly retain: boolean
}

/** The state of the platform as Sparkplug's host is retained, and `#` hears it. */
const isOfHost = (topic: string): boolean => topic.startsWith('spBv1.0/')

/** A connection to a session that outlives it; it acknowledges what it is told to. */
function session(broker: TestBroker, clientId: string) {
  const socket = broker.socket()
  const reader = parser()
  const packets: Array<{ cmd?: string; topic?: string; qos?: number; payload?: Buffer; messageId?: number }> = []
  reader.on('packet', (packet) => {
    const read = packet as (typeof packets)[number]
    if (!isOfHost(read.topic ?? '')) packets.push(read)
  })
  socket.on('data', (chunk) => reader.parse(chunk))
  const send = (packet: Parameters<typeof generate>[0]): boolean => socket.write(generate(packet))
  socket.once('connect', () => send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: false, clientId, keepalive: 30 }))
  const heard = (): Array<[string, number]> => packets.filter(({ cmd }) => cmd === 'publish').map(({ payload, qos }) => [String(payload), qos ?? -1])
  const until = (cmd: string, count = 1): Promise<void> =>
    eventually(() => packets.filter((packet) => packet.cmd === cmd).length >= count, `${count} ${cmd}`)
  return {
    send,
    heard,
    until,
    acknowledge: () => {
      for (const { cmd, messageId } of packets) if (cmd === 'publish' && messageId !== undefined) send({ cmd: 'puback', messageId })
    },
    close: () => new Promise<void>((resolve) => socket.end(() => resolve())),
    isClosed: () => socket.destroyed,
  }
}

async function listener(broker: TestBroker, filters: Readonly<Record<string, QoS>>) {
  const heard: Heard[] = []
  const client = await broker.connectAs({ clientId: `listener-${Math.random()}`, clean: true })
  client.on('message', (topic, payload, { qos, retain }) => {
    if (!isOfHost(topic)) heard.push({ text: payload.toString(), qos, retain })
  })
  for (const [filter, options] of Object.entries(granted(filters))) await client.subscribeAsync({ [filter]: options })
  return { client, heard }
}

// Filters in the order of their subscription, level of the publish, level of the delivery.
const levels: ReadonlyArray<readonly [filters: Record<string, QoS>, published: QoS, delivered: QoS]> = [
  [{ 'a/b': 0 }, 2, 0],
  [{ 'a/b': 1 }, 2, 1],
  [{ 'a/#': 1 }, 2, 1],
  [{ '+/b': 1 }, 2, 1],
  [{ '#': 0 }, 1, 0],
  [{ 'a/#': 2 }, 1, 1],
  [{ 'a/#': 1, 'a/b': 0 }, 1, 1],
  [{ 'a/b': 0, 'a/#': 1 }, 1, 1],
  [{ 'a/#': 0, 'a/b': 1 }, 1, 1],
  [{ 'a/b': 1, 'a/#': 0 }, 1, 1],
  [{ 'a/b': 1, 'a/+': 2, '#': 0 }, 2, 2],
  [{ 'a/+': 1, 'a/#': 0, '+/+': 1 }, 2, 1],
  [{ 'a/b': 0, 'a/c': 2, 'x/#': 2 }, 2, 0],
]

describe('deliveries', () => {
  it.each(levels)('to %j of a publish at QoS %i come once, at QoS %i', async (filters, published, delivered) => {
    await using broker = await startTestBroker({ dev: true })
    const { heard } = await listener(broker, filters)
    const { client: sender } = await listener(broker, {})
    await sender.publishAsync('a/b', 'live', { qos: published })
    await sender.publishAsync('a/b', 'end', { qos: 0 })
    await eventually(() => heard.some(({ text }) => text === 'end'), 'the end')
    await eventually(() => heard.some(({ text }) => text === 'live'), 'the message')
    expect(heard.filter(({ text }) => text === 'live').map(({ qos }) => qos)).toEqual([delivered])
  })

  it.each([
    ['a/b', 1],
    ['a/+', 1],
    ['#', 0],
  ] as const)('of a retained message at QoS 2 to %s are at the granted QoS %i', async (filter, qos) => {
    await using broker = await startTestBroker({ dev: true })
    const { client: sender } = await listener(broker, {})
    await sender.publishAsync('a/b', 'kept', { qos: 2, retain: true })
    const { heard } = await listener(broker, { [filter]: qos })
    await eventually(() => heard.length === 1, 'the retained message')
    expect(heard).toEqual([{ text: 'kept', qos, retain: true }])
  })

  it('follow what is subscribed again, and what is given up', async () => {
    await using broker = await startTestBroker({ dev: true })
    const { client, heard } = await listener(broker, { 'a/b': 0, 'a/#': 2 })
    await client.publishAsync('a/b', 'both', { qos: 2 })
    await client.unsubscribeAsync('a/#')
    await client.publishAsync('a/b', 'exact only', { qos: 2 })
    await client.subscribeAsync('a/b', { qos: 1 })
    await client.publishAsync('a/b', 'raised', { qos: 2 })
    await eventually(() => heard.length === 3, 'three messages')
    expect(heard.map(({ text, qos }) => [text, qos])).toEqual([
      ['both', 2],
      ['exact only', 0],
      ['raised', 1],
    ])
  })

  it('to a session that was away come once for all its filters, at the highest of their levels', async () => {
    await using broker = await startTestBroker({ dev: true })
    const first = session(broker, 'away')
    await first.until('connack')
    first.send({
      cmd: 'subscribe',
      messageId: 1,
      subscriptions: [
        { topic: 'a/#', qos: 1 },
        { topic: 'a/b', qos: 0 },
        { topic: '+/b', qos: 1 },
        { topic: '#', qos: 1 },
      ],
    })
    await first.until('suback')
    const { client: sender } = await listener(broker, {})
    await sender.publishAsync('a/b', 'there', { qos: 2 })
    await first.until('publish')
    first.acknowledge()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect([first.heard(), first.isClosed()]).toEqual([[['there', 1]], false])
    await first.close()
    await eventually(() => broker.broker.connectedCount() === 1, 'the session is away')
    for (const qos of [1, 2] as const) await sender.publishAsync('a/b', `away ${qos}`, { qos })
    const second = session(broker, 'away')
    await second.until('publish', 2)
    await sender.publishAsync('a/b', 'end', { qos: 1 })
    await second.until('publish', 3)
    expect(second.heard()).toEqual([
      ['away 1', 1],
      ['away 2', 1],
      ['end', 1],
    ])
  })
})

describe('a publish to a topic with $', () => {
  it.each(['$foo/bar', '$SYS/x/new/clients'])('(%s) is acknowledged, counted and goes to nobody in the open profile', async (topic) => {
    await using broker = await startTestBroker({ dev: true })
    const { client: victim, heard } = await listener(broker, { '#': 1 })
    const away = session(broker, 'away')
    await away.until('connack')
    away.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: '#', qos: 1 }] })
    await away.until('suback')
    await away.close()
    const { client } = await listener(broker, {})
    for (const qos of [0, 1, 2] as const) await client.publishAsync(topic, victim.options.clientId ?? '', { qos, retain: true })
    await client.publishAsync('a', 'end', { qos: 1 })
    await eventually(() => heard.length > 0, 'the end')
    const back = session(broker, 'away')
    await back.until('publish')
    expect(heard.map(({ text }) => text)).toEqual(['end'])
    expect(back.heard()).toEqual([['end', 1]])
    expect([client.connected, victim.connected]).toEqual([true, true])
    expect(broker.broker.statistics().refusals).toEqual({ MDL_BROKER_TOPIC_REFUSED: 3 })
  })
})
