/** Other forms than the contract's, from a real client (mosquitto_pub) through the whole platform to stored readings and quarantine. */
import { execFile, execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Platform } from '../../main.ts'
import { callApi, startDevPlatform } from './dev-platform.ts'

const run = promisify(execFile)
const hasMosquitto = (() => {
  try {
    execFileSync('mosquitto_pub', ['--version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    // `mosquitto_pub --version` ends with 1 on some versions; only its absence matters.
    return (error as { code?: string }).code !== 'ENOENT'
  }
})()
if (!hasMosquitto) console.log('skipped: mosquitto_pub is not here (Debian: mosquitto-clients)')

interface Raw {
  readonly device: string
  readonly boot: number
  readonly observed_at_ms: number
  readonly v: Readonly<Record<string, unknown>>
}

describe.skipIf(!hasMosquitto)('ways in', () => {
  let folder = ''
  let platform: Platform
  const logins = new Map<string, string>()

  const start = async (): Promise<void> => {
    platform = await startDevPlatform(folder)
  }
  const call = (method: 'GET' | 'POST', path: string, body?: unknown): Promise<string> => callApi(platform, { method, path, body })
  const publish = (who: string, topic: string, message: string) =>
    run(
      'mosquitto_pub',
      ['-V', 'mqttv311', '-h', '127.0.0.1', '-p', new URL(platform.mqttUrl).port, '-q', '1', '-i', `home:${who}`, '-u', `home:${who}`].concat([
        '-P',
        logins.get(who) ?? '',
        '-t',
        topic,
        '-m',
        message,
      ]),
      { timeout: 10_000 },
    )
  const raw = async (device: string): Promise<readonly Raw[]> =>
    (await call('GET', `/readings/raw?device=${device}&from_ms=0&to_ms=4000000000000`))
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as Raw)
  const quarantine = async (device: string): Promise<ReadonlyArray<readonly [code: string, field: string]>> =>
    (JSON.parse(await call('GET', `/quarantine?device=${device}`)) as { items: Array<{ code: string; field: string }> }).items.map(
      ({ code, field }) => [code, field] as const,
    )

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-ways-'))
    await start()
    await call('POST', '/types', {
      type: 'plug',
      channels: ['power_w', 'voltage_v', 'current_a', 'power_factor_ratio', 'energy_wh'].map((name) => ({ name })),
    })
    const devices = ['plug-1', 'plug-2', 'plug-3', 'plug001'].map((device) => ({ device, type: 'plug', max_age_days: 36_500 }))
    for (const { device, secret } of JSON.parse(await call('POST', '/devices', devices)) as Array<{ device: string; secret: string }>)
      logins.set(device, secret)
  }, 60_000)
  afterAll(async () => {
    await platform.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  it("stores ThingsBoard's telemetry once however often it is sent, and names what it keeps out", async () => {
    const ts = Date.now() - 1000
    for (let time = 0; time < 2; time++)
      await publish('plug-1', 'v1/devices/me/telemetry', JSON.stringify({ ts, values: { power_w: 820, humidity: 1 } }))
    await publish('plug-1', 'v1/devices/me/telemetry', '[{"voltage_v":230}]')
    const stored = await raw('plug-1')
    expect(stored.map(({ v, boot }) => [v, boot])).toEqual([
      [{ power_w: 820 }, -1],
      [{ voltage_v: 230 }, -1],
    ])
    expect(stored[0]?.observed_at_ms).toBe(ts)
    expect(await quarantine('plug-1')).toContainEqual(['MDL_INGEST_CHANNEL_UNKNOWN', 'values.humidity'])
  })

  it('stores a SenML pack and keeps out a unit of another dimension', async () => {
    const pack = [
      { bn: 'urn:dev:mac:0024befffe804ff1:', bt: Date.now() / 1000 - 2, n: 'power_w', u: 'kW', v: 1.5 },
      { n: 'voltage_v', u: 'Cel', v: 21 },
    ]
    await publish('plug-2', 'mend/v1/home/plug-2/senml', JSON.stringify(pack))
    expect((await raw('plug-2')).map(({ v }) => v)).toEqual([{ power_w: 1500 }])
    expect(await quarantine('plug-2')).toEqual([['MDL_INGEST_UNIT', '[1].v']])
  })

  it('reads a Tasmota plug by a mapping, each record by its version, also after a restart', async () => {
    const examples = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'mappings')
    const yaml = readFileSync(join(examples, 'tasmota-plug.yaml'), 'utf8')
    const sample = readFileSync(join(examples, 'tasmota-plug.json'), 'utf8')
    expect(JSON.parse(await call('POST', '/mappings', { definition: yaml }))).toMatchObject({ mapping: 'tasmota-plug', version: 1 })
    await publish('plug001', 'tele/plug001/SENSOR', sample)
    expect(JSON.parse(await call('POST', '/mappings', { definition: yaml.replace('unit: kWh', 'unit: Wh') }))).toMatchObject({ version: 2 })
    await platform.stop()
    await start()
    await publish('plug001', 'tele/plug001/SENSOR', sample.replace('18:59:50', '19:59:50'))
    expect((await raw('plug001')).map(({ observed_at_ms, v }) => [observed_at_ms, v.energy_wh])).toEqual([
      [Date.UTC(2018, 0, 17, 17, 59, 50), 1956],
      [Date.UTC(2018, 0, 17, 18, 59, 50), 1.956],
    ])
    expect(JSON.parse(await call('GET', '/mappings'))).toMatchObject({ items: [{ mapping: 'tasmota-plug', version: 2 }] })
  })

  it('keeps what a device says on the topic of another under itself, and without a mapping under its own name', async () => {
    await publish('plug-3', 'tele/plug-2/SENSOR', '{}')
    await publish('plug-3', 'mend/v1/home/plug-3/mapped', '{"a":1}')
    expect(await quarantine('plug-3')).toEqual([
      ['MDL_INGEST_DEVICE_UNKNOWN', 'plug-2'],
      ['MDL_INGEST_MAPPING_UNKNOWN', ''],
    ])
    await expect(publish('plug-3', 'mend/v1/home/plug-2/mapped', '{}')).rejects.toThrow()
    await expect(publish('plug-3', 'mend/v1/home/plug-2/senml', '[]')).rejects.toThrow()
  })
})
