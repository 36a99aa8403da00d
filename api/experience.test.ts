/** The experience hub over HTTP: what is noted with whose name, and what is refused by its form before the hub sees it. */
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

const send = (method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown) =>
  test.request(method, `/api/v1/experience${path}`, { token: 'dev', ...(body === undefined ? {} : { body }) })

describe('the experience hub over HTTP', () => {
  it('notes the result of an intervention with the key that said it, and refuses one that is not on the list', async () => {
    const { json } = await send('POST', '/interventions/int_1/result', { result: 'done', note: 'spoke with them' })
    expect(json).toMatchObject({ intervention_id: 'int_1', result: 'done', actor: 'key:dev' })
    expect((await send('POST', '/interventions/int_1/result', { result: 'perhaps' })).status).toBe(400)
  })

  it('keeps a tag of the closed list, refuses another, and knows no tag to withdraw that was never set', async () => {
    const consent = { consent_at_ms: 1, expires_at_ms: 2 }
    expect((await send('PUT', '/households/H%201/tags/elderly', consent)).json).toMatchObject({ household: 'H 1', tag: 'elderly', actor: 'key:dev' })
    expect((await send('PUT', '/households/H%201/tags/grumpy', consent)).status).toBe(400)
    expect((await send('DELETE', '/households/H%201/tags/elderly')).status).toBe(404)
  })

  it('takes a demand signal of the closed lists from a person, never from a rule, and has no consent to withdraw that was never given', async () => {
    const path = '/households/H%201/demand-signals'
    const told = { source: 'engineer', consent: { text_version: 'v1', consent_at_ms: 1, expires_at_ms: 2 } }
    const kept = { household: 'H 1', kind: 'second_unit', source: 'engineer', actor: 'key:dev' }
    expect((await send('PUT', `${path}/second_unit`, told)).json).toMatchObject(kept)
    expect((await send('PUT', `${path}/yacht`, told)).status).toBe(400)
    expect((await send('PUT', `${path}/second_unit`, { ...told, source: 'rule' })).status).toBe(400)
    expect((await send('PUT', `${path}/second_unit`, { ...told, income: 'high' })).status).toBe(400)
    expect((await send('DELETE', `${path}/second_unit`)).status).toBe(404)
    expect((await send('DELETE', '/households/H%201/demand-consent')).status).toBe(404)
    expect((await test.request('GET', '/api/v1/experience/households/H%201/demand-consent', { token: 'dev' })).status).toBe(404)
  })

  it('notes what came of a demand signal with the key that said it, and refuses a result or a filter that is not on the list', async () => {
    expect((await send('POST', '/demand-signals/dem_1/result', { result: 'taken_up' })).json).toMatchObject({
      result: 'taken_up',
      answered_by: 'key:dev',
    })
    expect((await send('POST', '/demand-signals/dem_1/result', { result: 'perhaps' })).status).toBe(400)
    const list = (query: string) => test.request('GET', `/api/v1/experience/demand-signals${query}`, { token: 'dev' })
    expect((await list('?kind=accessory&outlet=north&state=open&limit=5')).json).toEqual({ items: [], next: null })
    expect((await list('?kind=yacht')).status).toBe(400)
  })
})
