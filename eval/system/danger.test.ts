/** A danger from both sides of a real server: a household that smells gas, and people on duty who are called by chat and take it on by the link of the call. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import mqtt from 'mqtt'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type CrashServer, startConfiguredServer } from './crash-server.ts'

const WAIT_MS = 120_000
const SOON = { timeout: 20_000 }

describe('a danger that a household tells of', () => {
  let folder = ''
  let server: CrashServer | undefined
  let chat: Server
  const calls: string[] = []

  const api = async <Answer>(method: string, path: string, body?: object): Promise<Answer> => {
    const response = await fetch(`http://127.0.0.1:${server?.httpPort}/api/v1${path}`, {
      method,
      headers: { authorization: 'Bearer dev', 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    })
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Answer
  }
  interface Emergency {
    readonly emergency_id: string
    readonly state: string
    readonly owner: string | null
    readonly work_order_id: string | null
    readonly command_state: string | null
    readonly acknowledged_by: string | null
  }
  const emergencies = async () => (await api<{ items: Emergency[] }>('GET', '/emergencies')).items

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'danger-'))
    calls.length = 0
    chat = createServer((request, response) => {
      void text(request).then((body) => {
        calls.push((JSON.parse(body) as { text: string }).text)
        response.writeHead(204).end()
      })
    })
    await new Promise<void>((resolve) => chat.listen(0, '127.0.0.1', resolve))
    const config = join(folder, 'mendline.yaml')
    writeFileSync(config, JSON.stringify({ emergencies: { public_url: 'https://mendline.example.com' } }))
    server = await startConfiguredServer(config, join(folder, 'data'))
  }, WAIT_MS)
  afterEach(async () => {
    await server?.kill()
    await new Promise((resolve) => chat.close(resolve))
    rmSync(folder, { recursive: true, force: true })
  })

  it('calls who is on duty, makes the unit safe, and is taken on by the link of the call', { timeout: WAIT_MS }, async () => {
    const { secret } = await api<{ secret: string }>('POST', '/devices', { device: 'gwh-1', type: 'gas_water_heater' })
    const url = `http://127.0.0.1:${(chat.address() as AddressInfo).port}/`
    await api('PUT', '/duty-roster', {
      time_zone: 'UTC',
      people: [{ person: 'li', name: 'Li', channels: [{ kind: 'chat', url }] }],
      shifts: [{ person: 'li', from: '00:00', to: '00:00' }],
    })
    const login = { username: 'home:gwh-1', clientId: 'home:gwh-1', password: secret }
    const heater = await mqtt.connectAsync(`mqtt://127.0.0.1:${server?.mqttPort}`, { ...login, protocolVersion: 4, reconnectPeriod: 0 })
    const commands: Array<{ command: string; payload: { actions: string[] } }> = []
    heater.on('message', (topic, payload) => {
      commands.push(JSON.parse(payload.toString()))
      heater.publish(`${topic}/ack`, '{"state":"done"}', { qos: 1 })
    })
    await heater.subscribeAsync('mend/v1/home/gwh-1/cmd/#', { qos: 1 })

    const said = { source: 'household', device: 'gwh-1', symptom: 'gas_smell', at_ms: Date.now() }
    const answer = await api<{ safety_class: string; work_order_id: string }>('POST', '/reports', said)
    expect(answer.safety_class).toBe('E0')
    expect(await emergencies()).toMatchObject([{ state: 'raised', owner: 'li', work_order_id: answer.work_order_id }])
    await expect
      .poll(() => commands, SOON)
      .toMatchObject([{ command: 'safe_state', payload: { actions: expect.arrayContaining(['close_gas_valve']) } }])
    await expect.poll(async () => (await emergencies())[0]?.command_state, SOON).toBe('done')
    await expect.poll(() => calls.length, SOON).toBe(1)
    expect(calls[0]).toContain('[E0]')

    const link = /https:\/\/mendline\.example\.com(\/emergency-links\/\S+)/.exec(calls[0] ?? '')?.[1] ?? ''
    const page = `http://127.0.0.1:${server?.httpPort}${link}`
    expect((await fetch(page)).status).toBe(200)
    expect((await emergencies())[0]?.state).toBe('raised')
    expect((await fetch(page, { method: 'POST' })).status).toBe(200)
    expect((await emergencies())[0]).toMatchObject({ state: 'acknowledged', acknowledged_by: 'person:li' })
    expect((await fetch(`${page}x`, { method: 'POST' })).status).toBe(404)
    await heater.endAsync()
  })
})
