import { once } from 'node:events'
import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

let operations: Operations
let database: Kysely<ApiTables>
let test: TestApi

beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(apiMigrations)
  database = operations.database as Kysely<ApiTables>
  test = await createTestApi(database)
})
afterEach(async () => {
  await test.api.stop()
  await operations.close()
})

/** The one route without a key: the claim token is what is proven. */
const CLAIM = '/api/v1/claim'

describe('openapi.json', () => {
  it('is OpenAPI 3.1.0 with every route, each with its tag, its summary, its answers and its parameters', async () => {
    const { json } = await test.request('GET', '/openapi.json', { token: '' })
    expect(json.openapi).toBe('3.1.0')
    expect(Object.keys(json.paths)).toEqual(
      expect.arrayContaining([
        '/api/v1/devices',
        '/api/v1/devices/{device}',
        '/api/v1/readings/raw',
        '/api/v1/work-orders/{id}/events',
        '/api/v1/webhooks/{id}/replay',
        '/readyz',
      ]),
    )
    const ids = Object.values<Record<string, Record<string, unknown>>>(json.paths).flatMap((operations) =>
      Object.values(operations).map(({ operationId }) => operationId),
    )
    expect(ids.every((id) => typeof id === 'string')).toBe(true)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [path, operations] of Object.entries<Record<string, Record<string, unknown>>>(json.paths)) {
      for (const [method, operation] of Object.entries(operations)) {
        const where = `${method} ${path}`
        expect(operation.summary, where).toBeTypeOf('string')
        expect(operation.tags, where).toHaveLength(1)
        const answers = Object.entries(operation.responses as Record<string, { description?: string }>)
        expect(
          answers.every(([status, answer]) => /^(default|[1-5]\d\d)$/.test(status) && typeof answer.description === 'string'),
          where,
        ).toBe(true)
        const parameters = (operation.parameters ?? []) as ReadonlyArray<{ name: string; in: string; required?: boolean; schema: object }>
        const named = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)
        expect(
          parameters.filter((parameter) => parameter.in === 'path' && parameter.required === true).map(({ name }) => name),
          where,
        ).toEqual(named)
        expect(new Set(parameters.map((parameter) => `${parameter.in} ${parameter.name}`)).size, where).toBe(parameters.length)
        expect(operation.security, where).toEqual(path.startsWith('/api/v1') && path !== CLAIM ? [{ key: [] }] : undefined)
      }
    }
  })
})

describe('MQTT over WebSocket', () => {
  it('hands the byte stream of /mqtt to the broker and refuses other paths and protocols', async () => {
    const streams: string[] = []
    const api = await createTestApi(database, {
      mqtt: {
        handleWebSocket(stream, address) {
          streams.push(address)
          stream.on('data', (bytes: Buffer) => stream.write(bytes))
        },
      },
    })
    const { port } = await api.api.start()
    const open = new WebSocket(`ws://127.0.0.1:${port}/mqtt`, 'mqtt')
    await once(open, 'open')
    open.send(Buffer.from([1, 2, 3]))
    const [echo] = await once(open, 'message')
    expect([...(echo as Buffer)]).toEqual([1, 2, 3])
    expect([open.protocol, streams]).toEqual(['mqtt', ['127.0.0.1']])
    for (const [path, protocol, status] of [
      ['/other', 'mqtt', '404'],
      ['/mqtt', 'chat', '400'],
    ] as const) {
      const [error] = await once(new WebSocket(`ws://127.0.0.1:${port}${path}`, protocol), 'error')
      expect(String(error)).toContain(status)
    }
    await api.api.stop()
    if (open.readyState !== WebSocket.CLOSED) await once(open, 'close')
  })
})

describe('keys over the API', () => {
  it('let an admin make a key with scopes for a tenant, list it without its secret, and revoke it', async () => {
    const made = await test.request('POST', '/api/v1/keys?tenant=other', { body: { scopes: ['orders:write'], label: 'desk' } })
    expect([made.status, made.json.tenant, made.json.scopes]).toEqual([201, 'other', ['orders:write']])
    const token = String(made.json.token)
    expect((await test.request('GET', '/api/v1/work-orders', { token })).status).toBe(200)
    expect((await test.request('POST', '/api/v1/devices', { token, body: { device: 'a', type: 'air_conditioner' } })).status).toBe(403)
    const list = await test.request('GET', '/api/v1/keys?tenant=other')
    expect(JSON.stringify(list.json)).not.toContain(token.slice(-43))
    expect((await test.request('DELETE', `/api/v1/keys/${made.json.id}?tenant=other`)).status).toBe(204)
    expect((await test.request('GET', '/api/v1/work-orders', { token })).status).toBe(401)
  })

  it('refuse whoever is no admin, and scopes that do not exist', async () => {
    const token = await test.token('devices:write')
    expect((await test.request('GET', '/api/v1/keys', { token })).status).toBe(403)
    expect((await test.request('POST', '/api/v1/keys', { token, body: { scopes: ['admin'] } })).status).toBe(403)
    const answer = await test.request('POST', '/api/v1/keys', { body: { scopes: ['everything'] } })
    expect([answer.status, answer.json.code]).toEqual([400, 'MDL_API_INVALID'])
  })
})

describe('a body that is named and not sent', () => {
  it('is none: the request is judged by what it is', async () => {
    const headers = { authorization: `Bearer ${await test.token('admin')}`, 'content-type': 'application/json' }
    const answer = await test.api.app.inject({ method: 'DELETE', url: '/api/v1/webhooks/none', headers, payload: '' })
    expect(answer.statusCode).toBe(404)
    const post = await test.api.app.inject({ method: 'POST', url: '/api/v1/webhooks', headers, payload: '' })
    expect(post.statusCode).toBe(400)
  })
})
