import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { startMqttMock } from './mqtt-mock.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mqtt-mock-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

describe('startMqttMock', () => {
  it('records what a client publishes and finds it by topic, filter and part of the payload', async () => {
    await using mock = await startMqttMock()
    const device = await mock.connect({ clientId: 'home:ac-1' })
    await device.publishAsync('mend/v1/home/ac-1/tele', JSON.stringify({ ts: 1, seq: 7, v: { power_w: 12.5, mode: 'cool' } }), { qos: 1 })
    await mock.expectMessage({ topic: 'mend/v1/home/ac-1/tele' })
    await mock.expectMessage({ topic: 'mend/+/home/#', match: { v: { power_w: 12.5 } } })
    await mock.expectMessage({ topic: 'mend/v1/home/ac-1/tele', match: (reading: { seq: number }) => reading.seq === 7 })
    expect(mock.recording.json('mend/v1/home/ac-1/tele')).toEqual([{ ts: 1, seq: 7, v: { power_w: 12.5, mode: 'cool' } }])
  })

  it('waits for a message that comes later', async () => {
    await using mock = await startMqttMock()
    const device = await mock.connect()
    const [message] = await Promise.all([mock.expectMessage({ topic: 'later' }), device.publishAsync('later', 'x', { qos: 1 })])
    expect(Buffer.from(message.payload).toString()).toBe('x')
  })

  it('says what came instead when a message does not come', async () => {
    await using mock = await startMqttMock()
    const device = await mock.connect()
    await device.publishAsync('a/b', JSON.stringify({ seq: 1 }), { qos: 1 })
    await expect(mock.expectMessage({ topic: 'a/b', match: { seq: 2 }, withinMs: 20 })).rejects.toThrow(
      /no message on a\/b.*"seq":2.*came:\s+a\/b \{"seq":1\}/s,
    )
    await expect(mock.expectNoMessage({ topic: 'a/#', withinMs: 20 })).rejects.toThrow('must not')
    await mock.expectNoMessage({ topic: 'c', withinMs: 20 })
  })

  it('replays a saved recording byte by byte and in order', async () => {
    await using first = await startMqttMock()
    const device = await first.connect()
    const payloads = [Buffer.from([0, 255, 1]), Buffer.from('{"ä":1}'), Buffer.alloc(0)]
    for (const payload of payloads) await device.publishAsync('raw', payload, { qos: 1 })
    const file = join(folder, 'recording.ndjson')
    first.recording.save(file)
    await using second = await startMqttMock()
    expect(await second.replay(file)).toBe(3)
    expect(second.recording.messages.map(({ payload }) => Buffer.from(payload))).toEqual(payloads)
  })

  it('refuses a file that is no recording, by line', async () => {
    await using mock = await startMqttMock()
    const file = join(folder, 'bad.ndjson')
    writeFileSync(file, '{"at_ms":1,"topic":"a","qos":1,"retain":false,"payload_base64":""}\n{"topic":"a"}\n')
    await expect(mock.replay(file)).rejects.toThrow('line 2')
  })

  it('lets in only the logins it was given', async () => {
    await using mock = await startMqttMock({ logins: [{ username: 'home:ac-1', password: 'secret' }] })
    await mock.connect({ username: 'home:ac-1', password: 'secret' })
    await expect(mock.connect({ username: 'home:ac-1', password: 'wrong' })).rejects.toThrow('Not authorized')
  })

  it('withholds the PUBACK until onPublish resolves', async () => {
    const durable = Promise.withResolvers<void>()
    await using mock = await startMqttMock({ onPublish: ({ topic }) => (topic === 'held' ? durable.promise : Promise.resolve()) })
    const device = await mock.connect()
    let isAcknowledged = false
    const published = device.publishAsync('held', 'x', { qos: 1 }).then(() => {
      isAcknowledged = true
    })
    await device.publishAsync('other', 'x', { qos: 1 })
    expect(isAcknowledged).toBe(false)
    durable.resolve()
    await published
    expect(isAcknowledged).toBe(true)
  })

  it('sends commands to a device that subscribed', async () => {
    await using mock = await startMqttMock()
    const device = await mock.connect()
    await device.subscribeAsync('mend/v1/home/ac-1/cmd/#', { qos: 1 })
    const command = new Promise<string>((resolve) => device.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`)))
    await mock.publish('mend/v1/home/ac-1/cmd/c1', { action: 'stop' })
    expect(await command).toBe('mend/v1/home/ac-1/cmd/c1 {"action":"stop"}')
  })
})
