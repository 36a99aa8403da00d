/** Care over HTTP: what is due is listed, done and chosen by those who may, and what has no form of it is refused. */
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

describe('care over HTTP', () => {
  it('is listed by unit and by who does it, and done', async () => {
    expect((await test.request('GET', '/api/v1/devices/ac-1/care')).json.items).toMatchObject([{ task: 'AC-C01', state: 'due' }])
    expect((await test.request('GET', '/api/v1/care?who=engineer&limit=5')).status).toBe(200)
    expect(test.calls).toContainEqual(['careDue', { tenant: 'home', who: 'engineer', limit: 5 }])
    const { next } = (await test.request('GET', '/api/v1/care')).json
    expect((await test.request('GET', `/api/v1/care?limit=5&cursor=${next}`)).json).toMatchObject({ items: [{ task: 'AC-C01' }], next: null })
    expect(test.calls).toContainEqual(['careDue', { tenant: 'home', limit: 5, after: '[2,"care_1"]' }])
    const done = await test.request('POST', '/api/v1/devices/ac-1/care/AC-C01/done', { token: 'dev', body: { actor: 'anna', at_ms: 5 } })
    expect(done).toMatchObject({ status: 200, json: { state: 'counting', done_count: 1 } })
  })

  it('is chosen by the household, and read with the time of the choice', async () => {
    const put = await test.request('PUT', '/api/v1/households/flat-3/care-choices/tip', { token: 'dev', body: { wants: false } })
    expect(put).toMatchObject({ status: 200, json: { household: 'flat-3', kind: 'tip', wants: false, answered_at_ms: 1 } })
    expect((await test.request('GET', '/api/v1/households/flat-3/care-choices')).json.items).toMatchObject([{ kind: 'tip', wants: false }])
  })

  it.each([
    ['GET', '/care?who=nobody', undefined, 400],
    ['GET', '/care?cursor=~', undefined, 400],
    ['POST', '/devices/ac-1/care/AC-C99/done', { actor: 'anna' }, 404],
    ['POST', '/devices/ac-1/care/AC-C01/done', {}, 400],
    ['PUT', '/households/flat-3/care-choices/cake', { wants: true }, 400],
    ['PUT', '/households/flat-3/care-choices/tip', {}, 400],
  ] as const)('%s %s with %j is refused', async (method, path, body, status) => {
    expect((await test.request(method, `/api/v1${path}`, { token: 'dev', ...(body === undefined ? {} : { body }) })).status).toBe(status)
  })

  it('is neither done nor chosen by who may only read', async () => {
    const token = await test.token('read')
    expect((await test.request('POST', '/api/v1/devices/ac-1/care/AC-C01/done', { token, body: { actor: 'anna' } })).status).toBe(403)
    expect((await test.request('PUT', '/api/v1/households/flat-3/care-choices/tip', { token, body: { wants: true } })).status).toBe(403)
  })
})
