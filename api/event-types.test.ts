/** Event types by the API: what is given, and what is refused. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { EVENT_TYPES } from '#kernel/event-types.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-api-events-'))
let api: TestApi
let close: () => Promise<void>
beforeAll(async () => {
  const operations = await openOperations({ file: join(folder, 'operations.sqlite'), log: silentLog })
  await operations.migrate(apiMigrations)
  api = await createTestApi(operations.database as unknown as Kysely<ApiTables>)
  close = () => operations.close()
})
afterAll(async () => {
  await api[Symbol.asyncDispose]()
  await close()
  rmSync(folder, { recursive: true, force: true })
})

describe('GET /event-types', () => {
  it('gives each type with a JSON Schema that stands by itself', async () => {
    const { status, json } = await api.request('GET', '/api/v1/event-types')
    expect(status).toBe(200)
    expect(json.items).toEqual(JSON.parse(JSON.stringify(EVENT_TYPES)))
    const { schema } = json.items.find(({ type }: { type: string }) => type === 'mendline.device.silent.v1')
    expect(schema).toMatchObject({
      type: 'object',
      required: expect.arrayContaining(['specversion', 'id', 'type', 'subject', 'data']),
      properties: { type: { const: 'mendline.device.silent.v1' }, data: { required: ['tenant', 'sequence', 'device', 'at_ms'] } },
    })
    expect(JSON.stringify(json)).not.toContain('"$ref"')
  })

  it('gives one, and knows no other', async () => {
    const one = await api.request('GET', '/api/v1/event-types/mendline.test.v1')
    expect(one.json).toMatchObject({ title: 'mendline.test.v1' })
    expect(await api.request('GET', '/api/v1/event-types/mendline.secret.v1')).toMatchObject({ status: 404, json: { code: 'MDL_API_NOT_FOUND' } })
    expect((await api.request('GET', '/api/v1/event-types/A%20b')).status).toBe(400)
  })
})
