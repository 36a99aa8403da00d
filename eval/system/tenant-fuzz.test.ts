/**
 * Tenants: every route of the OpenAPI document and every form of topic, asked by one tenant for what belongs to another. Both have real data.
 * No answer holds an id, a name or a value of the other tenant, and what exists there is answered like what exists nowhere. A new route is
 * covered by standing in the document.
 */
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import mqtt, { type MqttClient } from 'mqtt'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { systemClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type ApiTables, apiMigrations } from '../../api/api-tables.ts'
import { createKeyStore } from '../../api/keys.ts'
import { loadConfig } from '../../config.ts'
import { type Platform, startPlatform } from '../../main.ts'
import { openOperations } from '../../operations/open-database.ts'
import { eventually } from '../mqtt-mock/broker-kit.ts'

type Json = Record<string, unknown>
interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly minimum?: number
  readonly minLength?: number
}
interface Operation {
  readonly parameters?: ReadonlyArray<{ readonly in: string; readonly name: string; readonly required?: boolean; readonly schema: Schema }>
  readonly requestBody?: { readonly content: Readonly<Record<string, { readonly schema: Schema }>> }
}

/** In every id, name and text of the other tenant. */
const MARK = 'betamark'
/** A value that only the other tenant measured. */
const VALUE = 424_242
const SCOPES = ['read', 'devices:write', 'orders:write', 'webhooks:write']

let folder = ''
let platform: Platform
let alphaKey = ''
let betaKey = ''
let alphaSecret = ''
/** Ids of the other tenant, of every kind. */
const foreign: string[] = []
let operations: Array<readonly [method: string, path: string, operation: Operation]> = []
const clients: MqttClient[] = []

const send = async (key: string, method: string, path: string, body?: unknown): Promise<{ status: number; text: string }> => {
  const headers = { authorization: `Bearer ${key}`, ...(body === undefined ? {} : { 'content-type': 'application/json' }) }
  const answer = await fetch(`${platform.httpUrl}${path}`, {
    ...{ method, headers, signal: AbortSignal.timeout(5_000) },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  // A stream that stays open is read only in its head.
  const isStream = answer.headers.get('content-type')?.includes('event-stream') === true
  const text = isStream ? '' : await answer.text()
  if (isStream) await answer.body?.cancel()
  return { status: answer.status, text }
}
const post = async (key: string, path: string, body: unknown): Promise<Json> => {
  const { status, text } = await send(key, 'POST', `/api/v1${path}`, body)
  if (status >= 300) throw new Error(`${path}: ${status} ${text}`)
  return JSON.parse(text) as Json
}
const connect = async (name: string, password: string): Promise<MqttClient> => {
  const client = await mqtt.connectAsync(
    platform.mqttUrl,
    { protocolVersion: 4, clientId: name, username: name, password, reconnectPeriod: 0 },
    false,
  )
  client.on('error', () => {})
  clients.push(client)
  return client
}

/** Data of every kind that a tenant can make itself; gives the ids. */
async function fill(key: string, tenant: string, mark: string, value: number): Promise<{ ids: string[]; secret: string }> {
  const device = `${mark}-device`
  await post(key, '/types', { type: `${mark}type`, channels: [{ name: 'power_w', min: 0, max: 1_000_000 }] })
  const unlike = { model: `${mark}-model`, serial: `${mark}-serial`, site: `${mark}-site` }
  const { secret } = await post(key, '/devices', { device, type: `${mark}type`, ...unlike })
  await post(key, '/gateways', { gateway: `${mark}-gateway`, devices: [device] })
  const { endpoint_id } = await post(key, '/webhooks', { url: `http://127.0.0.1:9/${mark}`, types: [], description: `${mark} hook` })
  const { code } = await post(key, `/devices/${device}/claim-code`, undefined)
  const consent = { who: `${mark}-who`, text_version: '1', purposes: ['x'] }
  const { claim_id } = await post(key, '/claims', { code, household: `${mark}-household`, consent })
  const client = await connect(`${tenant}:${device}`, String(secret))
  const topic = `mend/v1/${tenant}/${device}`
  await client.publishAsync(`${topic}/tele`, JSON.stringify({ ts: Date.now(), seq: 1, boot: 1, v: { power_w: value } }), { qos: 1 })
  await client.publishAsync(`${topic}/tele`, `${mark} is no JSON`, { qos: 1 })
  await client.publishAsync(`${topic}/reported`, JSON.stringify({ mode: `${mark}-mode` }), { qos: 1 })
  await client.endAsync()
  const stored = async (): Promise<boolean> => {
    const raw = await send(key, 'GET', `/api/v1/readings/raw?device=${device}`)
    return raw.text.includes(String(value)) && (await send(key, 'GET', '/api/v1/quarantine')).text.includes(mark)
  }
  for (let isStored = await stored(); !isStored; isStored = await stored()) await new Promise((resolve) => setTimeout(resolve, 100))
  return { ids: [device, `${mark}-gateway`, `${mark}type`, String(endpoint_id), String(claim_id), `${mark}-household`], secret: String(secret) }
}

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-tenants-'))
  const flags = { data: join(folder, 'data'), 'mqtt.port': 0, 'http.port': 0, 'webhooks.allow_private_ranges': true }
  const admin = await makeAdmin(flags.data)
  platform = await startPlatform(loadConfig({ environment: {}, flags }), { log: silentLog, clock: systemClock })
  const keyOf = async (tenant: string): Promise<string> =>
    String((await post(admin, `/keys?tenant=${tenant}`, { scopes: SCOPES, label: 'fuzz' })).token)
  alphaKey = await keyOf('alpha')
  betaKey = await keyOf('beta')
  alphaSecret = (await fill(alphaKey, 'alpha', 'alphamark', 111_111)).secret
  foreign.push(...(await fill(betaKey, 'beta', MARK, VALUE)).ids)
  const document = JSON.parse((await send(alphaKey, 'GET', '/openapi.json')).text) as { paths: Record<string, Record<string, Operation>> }
  operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
  )
}, 60_000)
afterAll(async () => {
  for (const client of clients) await client.endAsync(true)
  await platform.stop()
  rmSync(folder, { recursive: true, force: true })
})

/** The first key, as `mendline init` makes it. */
async function makeAdmin(data: string): Promise<string> {
  mkdirSync(data)
  const operations = await openOperations({ file: join(data, 'operations.sqlite'), log: silentLog })
  await operations.migrate(apiMigrations)
  const keys = createKeyStore({ database: operations.database as unknown as Kysely<ApiTables>, clock: systemClock, dev: false })
  const { token } = await keys.create({ tenant: 'home', scopes: ['admin'], label: 'first' })
  await operations.close()
  return token
}

/** An id of the same form that exists nowhere. */
const absentOf = (id: string): string => (id.includes(MARK) ? id.replace(MARK, 'zetamark') : id.replace(/.$/, (last) => (last === '0' ? '1' : '0')))

/** The least value of a schema; texts are the id. */
function sample(schema: Schema, id: string): unknown {
  if (schema.const !== undefined) return schema.const
  if (schema.enum !== undefined) return schema.enum[0]
  if (schema.anyOf !== undefined) return sample(schema.anyOf[0] ?? {}, id)
  if (schema.type === 'object') {
    const properties = Object.entries(schema.properties ?? {})
    return Object.fromEntries(properties.filter(([name]) => schema.required?.includes(name)).map(([name, of]) => [name, sample(of, id)]))
  }
  if (schema.type === 'array') return schema.items === undefined ? [] : [sample(schema.items, id)]
  if (schema.type === 'integer' || schema.type === 'number') return schema.minimum ?? 0
  if (schema.type === 'boolean') return true
  return id.padEnd(schema.minLength ?? 0, 'x')
}

/** The request of an operation in which `id` stands wherever an id may stand. */
function requestOf([, path, { parameters = [], requestBody }]: (typeof operations)[number], id: string) {
  const query = new URLSearchParams()
  for (const { in: place, name, required, schema } of parameters) {
    if (place === 'query' && (required === true || ['device', 'household', 'subject', 'type'].includes(name)))
      query.set(name, String(sample(schema, id)))
  }
  const body = requestBody?.content['application/json']?.schema
  const url = `${path.replaceAll(/\{[^}]+\}/g, encodeURIComponent(id))}${query.size === 0 ? '' : `?${query}`}`
  return { url, body: body === undefined ? undefined : sample(body, id) }
}

/** What an answer says, without what differs in each. */
const said = ({ status, text }: { status: number; text: string }, id: string): string =>
  `${status} ${status < 300 ? '' : text.replaceAll(id, 'ID').replaceAll(/"request_id":"[^"]*"/g, '')}`

describe('a tenant', () => {
  it('sees nothing of another one in any GET without an id', async () => {
    const reads = operations.filter(([method]) => method === 'GET')
    expect(reads.length).toBeGreaterThan(15)
    for (const operation of reads) {
      const { url } = requestOf(operation, 'alphamark-device')
      const { text } = await send(alphaKey, 'GET', url)
      expect(text.includes(MARK) || text.includes(String(VALUE)), url).toBe(false)
    }
  }, 60_000)

  it('is answered the same for what the other one has and for what nobody has, on every route', async () => {
    const before = await Promise.all(['devices', 'gateways', 'webhooks', 'claims', 'types'].map((list) => send(betaKey, 'GET', `/api/v1/${list}`)))
    let compared = 0
    // What changes something comes last, so that no reading route sees what alpha wrote under such an id.
    const ordered = [...operations].sort(([a], [b]) => Number(a !== 'GET') - Number(b !== 'GET'))
    for (const operation of ordered.filter(([, path]) => path.startsWith('/api/v1'))) {
      for (const id of foreign) {
        const absent = absentOf(id)
        const ofOther = requestOf(operation, id)
        const ofNobody = requestOf(operation, absent)
        const where = `${operation[0]} ${ofOther.url}`
        const other = await send(alphaKey, operation[0], ofOther.url, ofOther.body)
        const nobody = await send(alphaKey, operation[0], ofNobody.url, ofNobody.body)
        expect(said(other, id), where).toBe(said(nobody, absent))
        const rest = other.text.replaceAll(id, '')
        expect(rest.includes(String(VALUE)) || rest.includes(`${MARK}-model`) || rest.includes(`${MARK}-who`), where).toBe(false)
        compared++
      }
    }
    expect(compared).toBeGreaterThan(200)
    const after = await Promise.all(['devices', 'gateways', 'webhooks', 'claims', 'types'].map((list) => send(betaKey, 'GET', `/api/v1/${list}`)))
    expect(after.map(({ text }) => text)).toEqual(before.map(({ text }) => text))
  }, 240_000)

  it('cannot name the other one, nor learn whether it exists', async () => {
    for (const operation of operations.filter(([, , { parameters = [] }]) => parameters.some(({ name }) => name === 'tenant'))) {
      const { url, body } = requestOf(operation, 'alphamark-device')
      const join = url.includes('?') ? '&' : '?'
      const other = await send(alphaKey, operation[0], `${url}${join}tenant=beta`, body)
      const nobody = await send(alphaKey, operation[0], `${url}${join}tenant=nobody`, body)
      expect(other.status, url).toBeGreaterThanOrEqual(400)
      expect(said(other, 'beta'), url).toBe(said(nobody, 'nobody'))
    }
  }, 60_000)
})

describe('a device of a tenant', () => {
  const topics = (tenant: string, device: string): string[] =>
    ['tele', 'event', 'state', 'reported', 'desired', 'cmd/1', 'cmd/1/ack', 'anything'].map((rest) => `mend/v1/${tenant}/${device}/${rest}`)
  const filters = (tenant: string, device: string): string[] => [
    ...topics(tenant, device),
    ...['cmd/#', 'cmd/+', '#', '+'].map((rest) => `mend/v1/${tenant}/${device}/${rest}`),
    ...[
      `mend/v1/${tenant}/#`,
      `mend/v1/${tenant}/+/desired`,
      'mend/v1/+/+/tele',
      'mend/#',
      '#',
      '+/#',
      '$SYS/#',
      `$share/x/mend/v1/${tenant}/${device}/desired`,
    ],
  ]

  it('publishes to no topic of another tenant, whether its device exists or not', async () => {
    const own = await connect('alpha:alphamark-device', alphaSecret)
    await own.publishAsync('mend/v1/alpha/alphamark-device/reported', '{}', { qos: 1 })
    const foreignTopics = [...topics('beta', `${MARK}-device`), ...topics('beta', 'nobody'), `spBv1.0/beta/DDATA/${MARK}-gateway/${MARK}-device`]
    for (const topic of foreignTopics) {
      const client = await connect('alpha:alphamark-device', alphaSecret)
      const closed = new Promise((resolve) => client.once('close', () => resolve(true)))
      client.publish(topic, JSON.stringify({ ts: Date.now(), seq: 9, boot: 9, v: { power_w: 7 } }), { qos: 1 })
      await closed
    }
    const raw = await send(betaKey, 'GET', '/api/v1/readings/raw')
    expect(raw.text.trim().split('\n')).toHaveLength(1)
  }, 60_000)

  it('hears nothing of another tenant: each filter is refused', async () => {
    const client = await connect('alpha:alphamark-device', alphaSecret)
    const heard: string[] = []
    client.on('message', (topic) => heard.push(topic))
    for (const filter of new Set([...filters('beta', `${MARK}-device`), ...filters('beta', 'nobody')])) {
      await expect(client.subscribeAsync(filter), filter).rejects.toThrow()
    }
    await client.subscribeAsync('mend/v1/alpha/alphamark-device/desired')
    const other = await connect('beta:probe', 'x').catch((error: unknown) => String(error))
    expect(String(other)).toContain('Not authorized')
    await eventually(() => client.connected, 'still in')
    expect(heard).toEqual([])
  }, 60_000)
})
