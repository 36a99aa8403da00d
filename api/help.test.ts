/** Help during visits over HTTP: what is asked, taken and ended reaches the port, and what has no form of it is refused. */
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
const post = (path: string, body: object, token = 'dev') => test.request('POST', `/api/v1${path}`, { token, body })

describe('help during a visit over HTTP', () => {
  it('is asked for, taken and ended', async () => {
    expect(await post('/work-orders/wo_1/help-requests', { kind: 'expert', actor: 'eva', skills: ['gas'] })).toMatchObject({
      status: 201,
      json: { request_id: 'help_1', state: 'waiting' },
    })
    expect((await post('/help-requests/help_1/take', { by: 'mei' })).json).toMatchObject({ state: 'taken', taken_by: 'mei' })
    expect((await post('/help-requests/help_1/end', { by: 'mei', result: 'clean the seat' })).json).toMatchObject({ state: 'done' })
    expect((await test.request('GET', '/api/v1/help-requests/help_1')).json).toMatchObject({ work_order_id: 'wo_1' })
  })

  it('is listed by kind, state and what an expert knows, with figures', async () => {
    expect((await test.request('GET', '/api/v1/help-requests?kind=expert&state=waiting&expert=mei&limit=5')).json.items).toHaveLength(1)
    expect(test.calls).toContainEqual([
      'helpQueue',
      { tenant: 'home', workOrderId: undefined, kind: 'expert', state: 'waiting', expert: 'mei', limit: 5 },
    ])
    expect((await test.request('GET', '/api/v1/help-figures?kind=parts&from_ms=1&to_ms=2')).json).toMatchObject({ requests: 1 })
    expect((await test.request('GET', '/api/v1/help-figures?kind=parts')).status).toBe(400)
    expect((await test.request('GET', '/api/v1/help-requests?kind=cake')).status).toBe(400)
  })

  it.each([
    ['/work-orders/wo_1/help-requests', { kind: 'cake', actor: 'eva' }, 400],
    ['/work-orders/wo_1/help-requests', { kind: 'parts', actor: 'eva', parts: [{ part: 'fan', qty: 0 }] }, 400],
    ['/work-orders/wo_9/help-requests', { kind: 'expert', actor: 'eva' }, 404],
    ['/help-requests/help_9/take', { by: 'mei' }, 404],
    ['/help-requests/help_1/take', {}, 400],
    ['/help-requests/help_1/end', { by: 'mei', result: '' }, 400],
  ])('%s refuses %j', async (path, body, status) => {
    expect((await post(path, body)).status).toBe(status)
  })

  it('is asked for by nobody who may only read', async () => {
    expect((await post('/work-orders/wo_1/help-requests', { kind: 'expert', actor: 'eva' }, await test.token('read'))).status).toBe(403)
  })
})
