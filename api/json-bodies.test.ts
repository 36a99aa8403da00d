import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
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

describe('JSON bodies', () => {
  it.each([
    ['PATCH', '/api/v1/devices/ac-1/desired', '{"desired":{"a":1e400}}', 'body.desired.a', 'not finite'],
    ['PUT', '/api/v1/devices/ac-1/desired', '{"desired":{"a":{"b":[1,-1e999]}}}', 'body.desired.a.b[1]', 'not finite'],
    ['POST', '/api/v1/devices', '[{"device":"x","type":"air_conditioner","installed_at_ms":1e400}]', 'body[0].installed_at_ms', 'not finite'],
    ['POST', '/api/v1/devices', '{"device":"x","device":"y","type":"air_conditioner"}', 'body.device', 'more than once'],
    ['PUT', '/api/v1/devices/ac-1/desired', '{"desired":{"a":["\\u0000"]}}', 'body.desired.a[0]', 'U+0000'],
    ['PATCH', '/api/v1/devices/ac-1/desired', '{"desired":{"a":{"c":1,"\\u0063":1}}}', 'body.desired.a.c', 'more than once'],
  ] as const)('%s %s %s is refused, naming %s', async (method, url, body, field, reason) => {
    const answer = await test.request(method, url, { body })
    expect([answer.status, answer.json.code, answer.json.errors]).toEqual([
      400,
      'MDL_API_INVALID',
      [{ field, reason: expect.stringContaining(reason) }],
    ])
    expect(test.calls).toEqual([])
  })
  it('with equal names in different objects, and large numbers, are taken', async () => {
    const body = '{"desired":{"a":{"a":1.7e308},"b":{"a":":","c":"two\\nlines, \\\\u0000"}}}'
    expect((await test.request('PUT', '/api/v1/devices/ac-1/desired', { body })).status).not.toBe(400)
  })
})
