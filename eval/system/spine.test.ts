/** The whole way in one process: from a PUBLISH to a signed webhook, and the outcome back to a label. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import mqtt, { type MqttClient } from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import { loadConfig } from '../../config.ts'
import { type Platform, startPlatform } from '../../main.ts'
import { createServiceDesk, type ServiceDesk } from '../../simulators/service-desk.ts'
import { createStreet } from '../../simulators/street.ts'

const WAIT_MS = 60_000
const ports = { log: silentLog, clock: systemClock }

describe('from a PUBLISH to a signed webhook', () => {
  let folder = ''
  let platform: Platform
  const stops: Array<() => Promise<unknown>> = []

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'mendline-spine-'))
    platform = await startPlatform(
      loadConfig({ environment: {}, flags: { data: join(folder, 'data'), dev: true, 'mqtt.port': 0, 'http.port': 0 } }),
      ports,
    )
  })
  afterEach(async () => {
    for (const stop of stops.splice(0).reverse()) await stop()
    await platform.stop()
    rmSync(folder, { recursive: true, force: true })
  })

  const post = async <Answer>(path: string, body: unknown): Promise<Answer> => {
    const response = await fetch(`${platform.httpUrl}/api/v1${path}`, {
      method: 'POST',
      headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
    expect(response.ok).toBe(true)
    return (await response.json()) as Answer
  }
  const get = async <Answer>(path: string): Promise<Answer> => {
    const response = await fetch(`${platform.httpUrl}/api/v1${path}`, { headers: { authorization: 'Bearer dev' } })
    return (await response.json()) as Answer
  }
  const openDesk = async (): Promise<ServiceDesk> => {
    const desk = createServiceDesk({ ...ports, truth: () => 'XX-01', delaysMs: { accept: 1, travel: 1, arrive: 1, repair: 1 } })
    stops.push(() => desk.stop())
    const { url } = await desk.start()
    const { secret } = await post<{ secret: string }>('/webhooks', { url })
    desk.connect({ url: platform.httpUrl, apiKey: 'dev', secret })
    return desk
  }
  const connect = async (): Promise<MqttClient> => {
    const { secret } = await post<{ secret: string }>('/devices', { device: 'ac-1', type: 'air_conditioner' })
    const client = await mqtt.connectAsync(platform.mqttUrl, { protocolVersion: 4, username: 'home:ac-1', clientId: 'home:ac-1', password: secret })
    stops.push(() => client.endAsync(true))
    return client
  }

  it('tells a danger in seconds, sends the safe-state command, and takes the outcome back', { timeout: WAIT_MS }, async () => {
    const desk = await openDesk()
    const device = await connect()
    const commands: string[] = []
    device.on('message', (topic, payload) =>
      commands.push(`${topic.split('/').at(-2)} ${(JSON.parse(payload.toString()) as { command: string }).command}`),
    )
    await device.subscribeAsync('mend/v1/home/ac-1/cmd/#', { qos: 1 })

    const v = { board_temperature_c: 110, outdoor_temperature_c: 32, compressor_current_a: 6 }
    await device.publishAsync('mend/v1/home/ac-1/tele', JSON.stringify({ ts: Date.now(), seq: 1, boot: 1, v }), { qos: 1 })

    await expect.poll(() => desk.events.map(({ type }) => type), { timeout: 10_000 }).toContain('mendline.emergency.raised.v1')
    await expect.poll(() => commands, { timeout: 10_000 }).toEqual(['cmd safe_state'])
    await expect.poll(() => desk.events.map(({ type }) => type), { timeout: 10_000 }).toContain('mendline.work_order.done.v1')
    const { items } = await get<{ items: WorkOrder[] }>('/work-orders')
    expect(items).toMatchObject([{ device: 'ac-1', fault: 'XX-01', safety_class: 'E0', state: 'done', outcome: { cause: 'XX-01' } }])
    expect(desk.counts.refused).toBe(0)
  })

  it('names a growing fault of a street with its evidence, and opens one order for it', { timeout: 2 * WAIT_MS }, async () => {
    const street = createStreet({
      shares: [{ type: airConditioner, units: 16, samplePeriodMs: 600_000 }],
      seed: 'spine',
      weeksBack: 2,
      faultShare: 0.6,
      mqttUrl: platform.mqttUrl,
      httpUrl: platform.httpUrl,
      apiKey: 'dev',
      tenant: 'home',
      ...ports,
    })
    stops.push(() => street.stop())
    await street.start()
    await expect.poll(() => street.status().isLive, { timeout: WAIT_MS, interval: 200 }).toBe(true)
    await expect
      .poll(
        async () => (await get<{ items: WorkOrder[] }>('/work-orders?limit=100')).items.filter(({ diagnosis_id }) => diagnosis_id !== null).length,
        { timeout: 10_000 },
      )
      .toBeGreaterThan(0)

    const { items } = await get<{ items: WorkOrder[] }>('/work-orders?limit=100')
    const diagnosed = items.filter(({ diagnosis_id }) => diagnosis_id !== null)
    for (const { packet } of diagnosed) {
      expect(packet.evidence_for.length).toBeGreaterThan(0)
      expect(packet.steps.length).toBeGreaterThan(0)
    }
    const unfinished = items
      .filter(({ state }) => !['done', 'verified', 'closed', 'cancelled'].includes(state))
      .map(({ device, fault }) => `${device} ${fault}`)
    expect(new Set(unfinished).size).toBe(unfinished.length)
    expect(street.status().webhooks).toMatchObject({ refused: 0, duplicates: 0 })
    const readCounts = async () => (await get<{ counts: Record<string, number> }>('/status')).counts
    const lost = async (): Promise<number> => street.status().readings - ((await readCounts()).readings ?? 0)
    await expect.poll(lost, { timeout: 20_000 }).toBe(0)
    expect(await readCounts()).toMatchObject({ quarantined: 0, duplicates: 0 })
  })
})
