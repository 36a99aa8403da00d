import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

let operations: Operations
let test: TestApi

beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(apiMigrations)
  test = await createTestApi(operations.database as unknown as Kysely<ApiTables>)
})
afterEach(async () => {
  await test[Symbol.asyncDispose]()
  await operations.close()
})

describe('/gateways', () => {
  it('creates, lists, reads, changes, rotates and revokes', async () => {
    const created = await test.request('POST', '/api/v1/gateways', { body: { gateway: 'gw', devices: ['a'] } })
    expect([created.status, created.json]).toMatchObject([201, { tenant: 'home', gateway: 'gw', devices: ['a'], secret: 'secret' }])
    expect((await test.request('POST', '/api/v1/gateways', { body: { gateway: 'gw2' } })).json).toMatchObject({ devices: [] })
    const page = await test.request('GET', '/api/v1/gateways?limit=1')
    expect(page.json).toMatchObject({ items: [{ gateway: 'gw' }], next: expect.any(String) })
    expect((await test.request('GET', `/api/v1/gateways?limit=1&cursor=${page.json.next}`)).json).toMatchObject({
      items: [{ gateway: 'gw2' }],
      next: null,
    })
    expect((await test.request('PUT', '/api/v1/gateways/gw/devices', { body: { devices: ['b', 'c'] } })).json).toMatchObject({ devices: ['b', 'c'] })
    expect((await test.request('GET', '/api/v1/gateways/gw')).json).toMatchObject({ devices: ['b', 'c'] })
    expect((await test.request('POST', '/api/v1/gateways/gw/secret')).json).toEqual({ gateway: 'gw', secret: 'rotated-gw' })
    expect((await test.request('DELETE', '/api/v1/gateways/gw')).status).toBe(204)
  })

  it.each([
    ['an id of other letters', { gateway: 'a b' }, 'body.gateway'],
    ['a device named twice', { gateway: 'gw', devices: ['a', 'a'] }, 'body.devices'],
    ['a field of no meaning', { gateway: 'gw', children: [] }, 'body.children'],
  ])('refuses %s and names the field', async (_name, body, field) => {
    const answer = await test.request('POST', '/api/v1/gateways', { body })
    expect([answer.status, answer.json.code]).toEqual([400, 'MDL_API_INVALID'])
    expect(answer.json.errors.map((error: { field: string }) => error.field)).toContain(field)
  })

  it('needs the scope to write, and an admin for another tenant', async () => {
    const token = await test.token('read')
    expect((await test.request('POST', '/api/v1/gateways', { token, body: { gateway: 'gw' } })).status).toBe(403)
    expect((await test.request('GET', '/api/v1/gateways', { token })).status).toBe(200)
    const writer = await test.token('devices:write')
    expect((await test.request('POST', '/api/v1/gateways', { token: writer, body: { tenant: 'acme', gateway: 'gw' } })).status).toBe(403)
    expect((await test.request('GET', '/api/v1/gateways/none')).status).toBe(404)
    expect((await test.request('PUT', '/api/v1/gateways/none/devices', { body: { devices: [] } })).status).toBe(404)
  })
})
