/** A command to a device that is away survives a kill of the server at any point, and is sent until the device answers: a real process, a real client. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, createDevices, freePort, startCrashServer } from './crash-server.ts'

const WAIT_MS = 120_000
const SOON = { timeout: 15_000 }

describe('a server that is killed', () => {
  let folder = ''
  let server: CrashServer
  let ports = { mqttPort: 0, httpPort: 0 }
  const clients: MqttClient[] = []

  const start = async (): Promise<void> => {
    server = await startCrashServer({ data: join(folder, 'data'), ...ports })
  }
  const api = async <Answer>(method: string, path: string, body?: unknown): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${server.httpPort}/api/v1${path}`, {
      method,
      headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Answer
  }
  /** Connects ac-1 by its secret, listens to commands and settings, and keeps what comes. */
  const connect = async (secret: string, heard: string[], answer?: (client: MqttClient, topic: string) => void): Promise<MqttClient> => {
    const login = { username: 'home:ac-1', clientId: 'home:ac-1', password: secret }
    const client = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, { ...login, protocolVersion: 4, reconnectPeriod: 0 })
    clients.push(client)
    client.on('error', () => {})
    client.on('message', (topic, payload) => {
      heard.push(`${topic.replace('mend/v1/home/ac-1/', '')} ${payload.toString()}`)
      answer?.(client, topic)
    })
    await new Promise((resolve) => client.once('connect', resolve))
    await client.subscribeAsync(['mend/v1/home/ac-1/cmd/#', 'mend/v1/home/ac-1/desired'], { qos: 1 })
    return client
  }
  const done = (client: MqttClient, topic: string): void => {
    if (topic.includes('/cmd/')) client.publish(`${topic}/ack`, '{"state":"done"}', { qos: 1 })
  }

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'twin-crash-'))
    ports = { mqttPort: await freePort(), httpPort: await freePort() }
    await start()
  }, WAIT_MS)
  afterEach(async () => {
    for (const client of clients.splice(0)) client.end(true)
    await server.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  it('still owes the safe-state command of an emergency, and shows the answer of the device', { timeout: WAIT_MS }, async () => {
    const secret = (await createDevices(server.httpPort, ['ac-1'])).get('ac-1') ?? ''
    const raising = mqtt.connect(`mqtt://127.0.0.1:${server.mqttPort}`, {
      ...{ username: 'home:ac-1', clientId: 'home:ac-1', password: secret },
      ...{ protocolVersion: 4, reconnectPeriod: 0 },
    })
    clients.push(raising)
    await new Promise((resolve) => raising.once('connect', resolve))
    // It tells of the danger and never hears the command: it has not subscribed.
    const danger = JSON.stringify({
      ts: Date.now(),
      seq: 1,
      boot: 1,
      v: { board_temperature_c: 110, outdoor_temperature_c: 32, compressor_current_a: 6 },
    })
    await raising.publishAsync('mend/v1/home/ac-1/tele', danger, { qos: 1 })
    type Emergencies = { readonly items: ReadonlyArray<{ readonly emergency_id: string; readonly command_state: string }> }
    await expect.poll(async () => (await api<Emergencies>('GET', '/emergencies')).items[0]?.command_state, SOON).toBe('queued')
    raising.end(true)
    await server.kill()
    await start()
    const heard: string[] = []
    await connect(secret, heard, done)
    await expect.poll(() => heard.some((line) => line.includes('"command":"safe_state"')), SOON).toBe(true)
    await expect.poll(async () => (await api<Emergencies>('GET', '/emergencies')).items[0]?.command_state, SOON).toBe('done')
    const [emergency] = (await api<Emergencies>('GET', '/emergencies')).items
    expect(await api('GET', `/commands/${emergency?.emergency_id}`)).toMatchObject({ state: 'done', name: 'safe_state', actor: 'emergency' })
  })

  it('sends again what was sent but not answered, and the settings of before', { timeout: WAIT_MS }, async () => {
    const secret = (await createDevices(server.httpPort, ['ac-1'])).get('ac-1') ?? ''
    const desired = await api<{ version: number }>('PUT', '/devices/ac-1/desired', { desired: { set_point_temperature_c: 21 } })
    const { command_id } = await api<{ command_id: string }>('POST', '/devices/ac-1/commands', { name: 'restart' })
    const first: string[] = []
    await connect(secret, first)
    await expect.poll(async () => (await api<{ state: string }>('GET', `/commands/${command_id}`)).state, SOON).toBe('delivered')
    await server.kill()
    await start()
    const again: string[] = []
    const client = await connect(secret, again, done)
    await expect.poll(async () => (await api<{ state: string }>('GET', `/commands/${command_id}`)).state, SOON).toBe('done')
    // The settings may come twice at a connection: when the session stands, and for the subscription.
    const distinct = (messages: readonly string[]): string[] => [...new Set(messages)].sort()
    expect(distinct(again)).toEqual(distinct(first))
    expect(distinct(again)[0]).toMatch(new RegExp(`^cmd/${command_id} `))
    const reported = JSON.stringify({ ts: Date.now(), desired_version: desired.version, reported: { set_point_temperature_c: 21 } })
    await client.publishAsync('mend/v1/home/ac-1/reported', reported, { qos: 1 })
    // The PUBACK came, so the report is durable whatever happens now.
    await server.kill()
    await start()
    await expect.poll(() => api('GET', '/devices/ac-1/twin'), SOON).toMatchObject({ is_in_sync: true, reported: { desired_version: 1 } })
  })
})
