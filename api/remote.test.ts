/** Remote first over HTTP: what was offered is read, and an answer is noted once it has the form of one. */
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

const answer = (id: string, body: object, token = 'dev') => test.request('POST', `/api/v1/remote-offers/${id}/answers`, { token, body })

describe('remote first over HTTP', () => {
  it('lists the offers of an order, and knows no other order', async () => {
    expect((await test.request('GET', '/api/v1/work-orders/wo_1/remote-offers')).json.items).toMatchObject([{ offer_id: 'rem_1', kind: 'step' }])
    expect((await test.request('GET', '/api/v1/work-orders/wo_9/remote-offers')).status).toBe(404)
  })

  it('notes what a household says, and refuses what is no answer, an unknown offer and a key that may only read', async () => {
    const said = { answer: 'done', text_version: '1/AC-H01', at_ms: 5, actor: 'anna' }
    expect((await answer('rem_1', said)).json).toMatchObject({ state: 'measuring' })
    expect(test.calls).toContainEqual(['answerRemote', { tenant: 'home', offerId: 'rem_1', answer: said }])
    expect((await answer('rem_1', { ...said, answer: 'perhaps' })).status).toBe(400)
    expect((await answer('rem_9', said)).json.code).toBe('MDL_API_NOT_FOUND')
    expect((await answer('rem_1', said, await test.token('read'))).status).toBe(403)
  })
})
