/**
 * MQTT 3.1.1 as the interoperability suite of Eclipse Paho asks for it, with a real client, in the open profile (`--dev`, loopback), where
 * topics outside `mend/` are plain MQTT. Ten points; bare Aedes and mosquitto pass eight of them.
 */
import type { IClientOptions, MqttClient } from 'mqtt'
import { generate, parser } from 'mqtt-packet'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eventually, startTestBroker, type TestBroker } from '../mqtt-mock/broker-kit.ts'

interface Heard {
  readonly topic: string
  readonly text: string
  readonly qos: number
  readonly retain: boolean
  readonly dup: boolean
}

describe('MQTT 3.1.1 in the open profile', () => {
  let broker: TestBroker
  let names = 0
  beforeAll(async () => {
    broker = await startTestBroker({ dev: true })
  })
  afterAll(() => broker.stop())

  const name = (): string => `interop-${names++}`
  const topicOf = (): string => `interop/${names++}/a`

  async function client(options: IClientOptions = {}): Promise<{ readonly client: MqttClient; readonly heard: Heard[] }> {
    const heard: Heard[] = []
    // Handlers stand before the connection, for what a session brings at once.
    const connected = await broker.connectAs({ clientId: name(), clean: true, ...options })
    connected.on('message', (topic, payload, { qos, retain, dup }) => heard.push({ topic, text: payload.toString(), qos, retain, dup }))
    return { client: connected, heard }
  }

  it('exchanges messages of QoS 0, 1 and 2, and grants each', async () => {
    const topic = topicOf()
    const { client: one, heard } = await client()
    const granted = await one.subscribeAsync({ [`${topic}/0`]: { qos: 0 }, [`${topic}/1`]: { qos: 1 }, [`${topic}/2`]: { qos: 2 } })
    expect(granted.map(({ qos }) => qos)).toEqual([0, 1, 2])
    for (const qos of [0, 1, 2] as const) await one.publishAsync(`${topic}/${qos}`, `level ${qos}`, { qos })
    await eventually(() => heard.length === 3, 'three messages')
    expect(heard.map(({ text, qos }) => [text, qos])).toEqual([
      ['level 0', 0],
      ['level 1', 1],
      ['level 2', 2],
    ])
  })

  it('keeps retained messages for later subscribers, marks them, and clears them with an empty one', async () => {
    const topic = topicOf()
    const { client: one } = await client()
    for (const qos of [0, 1, 2] as const) await one.publishAsync(`${topic}/${qos}`, `kept ${qos}`, { qos, retain: true })
    const later = await client()
    await later.client.subscribeAsync(`${topic}/+`, { qos: 2 })
    await eventually(() => later.heard.length === 3, 'three retained messages')
    expect(later.heard.every(({ retain }) => retain)).toBe(true)
    for (const qos of [0, 1, 2] as const) await one.publishAsync(`${topic}/${qos}`, '', { qos: 1, retain: true })
    const last = await client()
    await last.client.subscribeAsync(`${topic}/+`, { qos: 2 })
    await last.client.publishAsync(`${topic}/end`, 'end', { qos: 1 })
    await eventually(() => last.heard.length === 1, 'only the live message')
    expect(last.heard[0]).toMatchObject({ text: 'end', retain: false })
  })

  it('does not match topics that begin with $ by a wildcard at the first level', async () => {
    const { client: one, heard } = await client()
    await one.subscribeAsync(['#', '+/interop-dollar'], { qos: 1 })
    const own = topicOf()
    await one.publishAsync(own, 'own', { qos: 1 })
    await eventually(() => heard.some(({ topic }) => topic === own), 'a plain message through #')
    // The broker itself says something on $SYS at each connection.
    const { client: other } = await client()
    await other.endAsync()
    await one.publishAsync(own, 'again', { qos: 1 })
    await eventually(() => heard.filter(({ topic }) => topic === own).length >= 2, 'a second plain message')
    expect(heard.filter(({ topic }) => topic.startsWith('$'))).toEqual([])
  })

  it('closes a client that is silent for one and a half keepalives, and sends its will', async () => {
    const topic = topicOf()
    const watcher = await client()
    await watcher.client.subscribeAsync(topic, { qos: 1 })
    const socket = broker.socket()
    await new Promise((resolve) => socket.once('connect', resolve))
    const startedMs = performance.now()
    const gone = new Promise((resolve) => socket.once('close', resolve))
    const will = { topic, payload: Buffer.from('gone'), qos: 1 as const, retain: false }
    socket.write(generate({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean: true, clientId: name(), keepalive: 1, will }))
    socket.resume()
    await gone
    expect(performance.now() - startedMs).toBeGreaterThan(1_000)
    await eventually(() => watcher.heard.length === 1, 'the will', 5_000)
    expect(watcher.heard[0]?.text).toBe('gone')
  })

  it('keeps messages of QoS 1 and 2 for a session that is offline', async () => {
    const topic = topicOf()
    const id = name()
    const first = await client({ clientId: id, clean: false })
    await first.client.subscribeAsync(topic, { qos: 2 })
    await first.client.endAsync()
    const { client: sender } = await client()
    for (const qos of [1, 2] as const) await sender.publishAsync(topic, `queued ${qos}`, { qos })
    const again = await offline(id)
    await eventually(() => again.heard.length === 2, 'both queued messages')
    expect(again.heard.map(({ text }) => text).sort()).toEqual(['queued 1', 'queued 2'])
    expect(again.sessionPresent).toBe(true)
  })

  it('sends again on reconnect what was not acknowledged, marked as a duplicate', async () => {
    const topic = topicOf()
    const id = name()
    const first = bare(id)
    await first.until((packets) => packets.some(({ cmd }) => cmd === 'connack'))
    first.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic, qos: 1 }] })
    await first.until((packets) => packets.some(({ cmd }) => cmd === 'suback'))
    const { client: sender } = await client()
    await sender.publishAsync(topic, 'unacknowledged', { qos: 1 })
    await first.until((packets) => packets.some(({ cmd }) => cmd === 'publish'))
    first.destroy()
    const second = bare(id)
    await second.until((packets) => packets.some(({ cmd }) => cmd === 'publish'))
    const publish = second.packets.find(({ cmd }) => cmd === 'publish') as unknown as { payload: Buffer; dup: boolean }
    expect([publish.payload.toString(), publish.dup]).toEqual(['unacknowledged', true])
    second.destroy()
  })

  it('stops delivering after an UNSUBSCRIBE, to that filter only', async () => {
    const topic = topicOf()
    const { client: one, heard } = await client()
    await one.subscribeAsync([`${topic}/1`, `${topic}/2`], { qos: 1 })
    await one.unsubscribeAsync(`${topic}/1`)
    await one.publishAsync(`${topic}/1`, 'not wanted', { qos: 1 })
    await one.publishAsync(`${topic}/2`, 'wanted', { qos: 1 })
    await eventually(() => heard.length > 0, 'the wanted message')
    expect(heard.map(({ text }) => text)).toEqual(['wanted'])
  })

  it('delivers to overlapping subscriptions once, at the highest QoS, or once for each', async () => {
    const topic = topicOf()
    const { client: one, heard } = await client()
    await one.subscribeAsync({ [`${topic}/#`]: { qos: 2 }, [`${topic}/+`]: { qos: 1 } })
    await one.publishAsync(`${topic}/x`, 'overlap', { qos: 2 })
    await one.publishAsync(`${topic}/end`, 'end', { qos: 0 })
    await eventually(() => heard.some(({ text }) => text === 'end'), 'the end')
    const levels = heard
      .filter(({ text }) => text === 'overlap')
      .map(({ qos }) => qos)
      .sort()
    expect([[2], [1, 2]]).toContainEqual(levels)
  })

  it('takes an empty client id with a clean session, and refuses it without', async () => {
    const clean = bare('', true)
    await clean.until((packets) => packets.length > 0)
    expect(clean.packets[0]).toMatchObject({ cmd: 'connack', returnCode: 0 })
    clean.destroy()
    const kept = bare('', false, Buffer.from('100c00044d5154540400003c0000', 'hex'))
    await kept.until((packets) => packets.length > 0)
    expect(kept.packets[0]).toMatchObject({ cmd: 'connack', returnCode: 2 })
    kept.destroy()
  })

  it('answers 128 to a filter that a rule refuses, and goes on', async () => {
    const socket = bare(name(), true)
    await socket.until((packets) => packets.length > 0)
    const topic = topicOf()
    const subscriptions = [
      { topic: '$share/group/x', qos: 1 as const },
      { topic, qos: 1 as const },
    ]
    socket.send({ cmd: 'subscribe', messageId: 7, subscriptions })
    await socket.until((packets) => packets.some(({ cmd }) => cmd === 'suback'))
    expect(socket.packets.find(({ cmd }) => cmd === 'suback')).toMatchObject({ granted: [128, 1] })
    socket.send({ cmd: 'publish', topic, payload: 'goes on', qos: 0, dup: false, retain: false })
    await socket.until((packets) => packets.some(({ cmd }) => cmd === 'publish'))
    socket.destroy()
  })

  /** Comes back to a persistent session with a handler that hears from the first packet on. */
  async function offline(id: string): Promise<{ readonly heard: readonly Heard[]; readonly sessionPresent: boolean }> {
    const heard: Heard[] = []
    const one = bare(id)
    await one.until((packets) => packets.some(({ cmd }) => cmd === 'connack'))
    const connack = one.packets.find(({ cmd }) => cmd === 'connack') as unknown as { sessionPresent: boolean }
    await one.until((packets) => packets.filter(({ cmd }) => cmd === 'publish').length >= 2)
    for (const packet of one.packets) {
      const { cmd, topic, payload, qos, retain, dup } = packet as unknown as Heard & { cmd: string; payload: Buffer }
      if (cmd === 'publish') heard.push({ topic, text: payload.toString(), qos, retain, dup })
    }
    one.destroy()
    return { heard, sessionPresent: connack.sessionPresent }
  }

  /** A bare connection that acknowledges nothing by itself. */
  function bare(clientId: string, clean = false, first?: Buffer) {
    const socket = broker.socket()
    const reader = parser()
    const packets: Array<{ readonly cmd: string | undefined }> = []
    reader.on('packet', (packet) => packets.push(packet))
    socket.on('data', (chunk) => reader.parse(chunk))
    const send = (packet: Parameters<typeof generate>[0]): boolean => socket.write(generate(packet))
    socket.once('connect', () =>
      first !== undefined ? socket.write(first) : send({ cmd: 'connect', protocolId: 'MQTT', protocolVersion: 4, clean, clientId, keepalive: 30 }),
    )
    return {
      packets,
      send,
      until: (condition: (packets: ReadonlyArray<{ readonly cmd: string | undefined }>) => boolean) =>
        eventually(() => condition(packets), 'the packets that were waited for'),
      destroy: () => socket.destroy(),
    }
  }
})
