/**
 * Sparkplug B through the whole platform: edge nodes by mqtt.js with Eclipse Tahu's library for the payloads, and by pysparkplug, an
 * independent implementation in Python, where MENDLINE_PYSPARKPLUG names an interpreter that has it.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import sparkplug from 'sparkplug-payload'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Platform } from '../../main.ts'
import { callApi, startDevPlatform } from './dev-platform.ts'

const codec = sparkplug.get('spBv1.0')
if (codec === null) throw new Error('sparkplug-payload knows no spBv1.0')
type Metric = NonNullable<Parameters<typeof codec.encodePayload>[0]['metrics']>[number]
const encode = (metrics: ReadonlyArray<Partial<Metric>>, seq?: number): Buffer =>
  Buffer.from(codec.encodePayload({ timestamp: Date.now(), metrics: metrics as Metric[], ...(seq === undefined ? {} : { seq }) }))

const python = process.env.MENDLINE_PYSPARKPLUG
if (python === undefined) console.log('skipped: MENDLINE_PYSPARKPLUG names no Python with pysparkplug; the second implementation is not tried')

interface Raw {
  readonly hist: boolean
  readonly v: Readonly<Record<string, unknown>>
}

describe('sparkplug', () => {
  let folder = ''
  let platform: Platform
  let secret = ''
  const clients: MqttClient[] = []

  const start = async (): Promise<void> => {
    platform = await startDevPlatform(folder)
  }
  const call = (method: 'GET' | 'POST', path: string, body?: unknown): Promise<string> => callApi(platform, { method, path, body })
  const connect = async (bdSeq = 0): Promise<MqttClient & { readonly heard: string[] }> => {
    const heard: string[] = []
    const client = await mqtt.connectAsync(platform.mqttUrl, {
      protocolVersion: 4,
      username: 'home:edge-1',
      clientId: 'home:edge-1',
      password: secret,
      reconnectPeriod: 0,
      will: { topic: 'spBv1.0/home/NDEATH/edge-1', payload: encode([{ name: 'bdSeq', type: 'Int64', value: bdSeq }]), qos: 1, retain: false },
    })
    clients.push(client)
    client.on('error', () => {})
    client.on('message', (topic, payload) => {
      const what = topic.includes('STATE')
        ? payload.toString()
        : codec
            .decodePayload(payload)
            .metrics?.map(({ name, value }) => `${name}=${value}`)
            .join()
      heard.push(`${topic} ${what}`)
    })
    const granted = await client.subscribeAsync(['spBv1.0/home/NCMD/edge-1', 'spBv1.0/home/DCMD/edge-1/#', 'spBv1.0/STATE/mendline'], { qos: 1 })
    expect(granted.map(({ qos }) => qos)).toEqual([1, 1, 1])
    return Object.assign(client, { heard })
  }
  const raw = async (device: string): Promise<readonly Raw[]> =>
    (await call('GET', `/readings/raw?device=${device}&from_ms=0&to_ms=4000000000000`))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Raw)
  const quarantine = async (device: string): Promise<readonly string[]> =>
    (JSON.parse(await call('GET', `/quarantine?device=${device}`)) as { items: Array<{ code: string }> }).items.map(({ code }) => code)

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-sparkplug-'))
    await start()
    await call('POST', '/types', { type: 'pump', channels: [{ name: 'power_w' }, { name: 'flow_lpm' }, { name: 'is_running', kind: 'boolean' }] })
    await call('POST', '/devices', [
      { device: 'pump-1', type: 'pump' },
      { device: 'pump-2', type: 'pump' },
    ])
    const created = JSON.parse(await call('POST', '/gateways', { gateway: 'edge-1', devices: ['pump-1'] })) as { secret: string }
    secret = created.secret
  }, 60_000)
  afterEach(async () => {
    for (const client of clients.splice(0)) await client.endAsync(true)
    await platform.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const births = async (edge: MqttClient, bdSeq = 0): Promise<void> => {
    const node = [
      { name: 'bdSeq', type: 'Int64' as const, value: bdSeq },
      { name: 'Node Control/Rebirth', type: 'Boolean' as const, value: false },
    ]
    await edge.publishAsync('spBv1.0/home/NBIRTH/edge-1', encode(node, 0), { qos: 0 })
    const device = [
      { name: 'Outputs/power_w', alias: 10, type: 'Double' as const, value: 100 },
      { name: 'flow_lpm', alias: 11, type: 'Float' as const, value: 1.5 },
      { name: 'is_running', alias: 12, type: 'Boolean' as const, value: true },
    ]
    await edge.publishAsync('spBv1.0/home/DBIRTH/edge-1/pump-1', encode(device, 1), { qos: 0 })
  }
  const data = (edge: MqttClient, seq: number, metric: Partial<Metric>, device = 'pump-1') =>
    edge.publishAsync(`spBv1.0/home/DDATA/edge-1/${device}`, encode([metric], seq), { qos: 1 })

  it('stores births and data by alias, history as such, and keeps out wrong types and strangers', { timeout: 30_000 }, async () => {
    const edge = await connect()
    await births(edge)
    await data(edge, 2, { alias: 10, type: 'Double', value: 120 })
    await data(edge, 3, { alias: 10, type: 'Double', value: 90, timestamp: Date.now() - 60_000, isHistorical: true })
    await data(edge, 4, { alias: 10, type: 'String', value: '90' })
    await data(edge, 5, { alias: 10, type: 'Double', value: 1 }, 'pump-2')
    const stored = (await raw('pump-1')).map(({ hist, v }) => [hist, v] as const)
    expect(stored.sort(([, one], [, other]) => Number(one.power_w) - Number(other.power_w))).toEqual([
      [true, { power_w: 90 }],
      [false, { power_w: 100, flow_lpm: 1.5, is_running: true }],
      [false, { power_w: 120 }],
    ])
    expect(await quarantine('pump-1')).toEqual(['MDL_INGEST_VALUE_TYPE'])
    expect(await raw('pump-2')).toEqual([])
    expect(await quarantine('edge-1')).toEqual(['MDL_INGEST_DEVICE_UNKNOWN'])
  })

  it('asks for a rebirth after a gap of seq and without a birth, and not for a count that wraps', { timeout: 30_000 }, async () => {
    const edge = await connect()
    const rebirth = 'spBv1.0/home/NCMD/edge-1 Node Control/Rebirth=true'
    await births(edge)
    for (let seq = 2; seq < 260; seq++) await data(edge, seq % 256, { alias: 10, type: 'Double', value: seq })
    expect(edge.heard.filter((line) => line === rebirth)).toEqual([])
    await data(edge, 9, { alias: 10, type: 'Double', value: 1 })
    await expect.poll(() => edge.heard.filter((line) => line === rebirth)).toHaveLength(1)
    // The birth of a server that knows nothing: the data is kept and a rebirth asked for.
    await edge.endAsync()
    await platform.stop()
    await start()
    const again = await connect(1)
    await data(again, 10, { alias: 10, type: 'Double', value: 1 })
    await expect.poll(() => again.heard).toContain(rebirth)
    expect(await quarantine('pump-1')).toEqual(['MDL_INGEST_BIRTH_UNKNOWN'])
    await births(again, 1)
    await data(again, 2, { alias: 10, type: 'Double', value: 777 })
    expect((await raw('pump-1')).map(({ v }) => v.power_w)).toContain(777)
  })

  it('reads data of a new connection by its own births only, and asks for them', { timeout: 30_000 }, async () => {
    const edge = await connect()
    await births(edge)
    await data(edge, 2, { alias: 10, type: 'Double', value: 120 })
    // Ends in order, so without its will: nobody says that the session of these births is over.
    await edge.endAsync()
    const again = await connect(1)
    await data(again, 3, { alias: 10, type: 'Double', value: 130 })
    await expect.poll(() => again.heard).toContain('spBv1.0/home/NCMD/edge-1 Node Control/Rebirth=true')
    expect(await quarantine('pump-1')).toEqual(['MDL_INGEST_BIRTH_UNKNOWN'])
    await births(again, 1)
    await data(again, 2, { alias: 10, type: 'Double', value: 140 })
    expect((await raw('pump-1')).map(({ v }) => v.power_w).sort()).toEqual([100, 100, 120, 140])
    expect(await quarantine('pump-1')).toHaveLength(1)
  })

  it('tells its own state, with the time of its birth, also at its death', { timeout: 30_000 }, async () => {
    const edge = await connect()
    await expect.poll(() => edge.heard).toHaveLength(1)
    const [topic, json] = edge.heard[0]?.split(' ') ?? []
    expect(topic).toBe('spBv1.0/STATE/mendline')
    const birth = JSON.parse(json ?? '') as { online: boolean; timestamp: number }
    expect(birth).toEqual({ online: true, timestamp: expect.any(Number) as number })
    await platform.stop()
    await expect.poll(() => edge.heard[1]).toBe(`spBv1.0/STATE/mendline ${JSON.stringify({ online: false, timestamp: birth.timestamp })}`)
    await start()
  })

  it.each([
    ['the birth of another node', 'spBv1.0/home/NBIRTH/edge-2'],
    ['data of another tenant', 'spBv1.0/office/DDATA/edge-1/pump-1'],
    ['a command', 'spBv1.0/home/NCMD/edge-1'],
    ['the state of the host', 'spBv1.0/STATE/mendline'],
    ['a topic of no kind', 'spBv1.0/home/NDATA/edge-1/pump-1'],
  ])('lets an edge node publish nothing but its own: not %s', { timeout: 30_000 }, async (_name, topic) => {
    const edge = await connect()
    const closed = new Promise<void>((resolve) => edge.once('close', () => resolve()))
    edge.publish(topic, encode([], 0), { qos: 1 })
    await closed
  })

  it.skipIf(python === undefined)('takes an edge node of pysparkplug, an independent implementation', { timeout: 60_000 }, async () => {
    const script = join(folder, 'edge.py')
    writeFileSync(
      script,
      `import sys, time, pysparkplug as psp
host, port, secret = "127.0.0.1", int(sys.argv[1]), sys.argv[2]
client = psp.Client(client_id="home:edge-1", username="home:edge-1", password=secret)
node = psp.EdgeNode(group_id="home", edge_node_id="edge-1", metrics=(), client=client)
metrics = (psp.Metric(timestamp=psp.get_current_timestamp(), name="power_w", datatype=psp.DataType.DOUBLE, value=55.5),
           psp.Metric(timestamp=psp.get_current_timestamp(), name="is_running", datatype=psp.DataType.BOOLEAN, value=True))
node.register(psp.Device(device_id="pump-1", metrics=metrics))
node.connect(host, port=port)
time.sleep(1)
node.update_device("pump-1", (psp.Metric(timestamp=psp.get_current_timestamp(), name="power_w", datatype=psp.DataType.DOUBLE, value=66.5),))
time.sleep(1)
node.disconnect()
`,
    )
    const child = spawn(python ?? '', [script, new URL(platform.mqttUrl).port, secret], { stdio: ['ignore', 'pipe', 'pipe'] })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => {
      said += chunk.toString()
    })
    const code = await new Promise((resolve) => child.once('exit', resolve))
    expect(code, said).toBe(0)
    expect((await raw('pump-1')).map(({ v }) => v)).toEqual([{ power_w: 55.5, is_running: true }, { power_w: 66.5 }])
    expect(await quarantine('pump-1')).toEqual([])
  })
})
