/** Verified repair by the API: what is found, what is refused, and what reaches the port. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-api-lineage-'))
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

describe('lineage', () => {
  it.each(['/work-orders/wo_1/lineage', '/labels/lab_1/lineage'])('of %s is given', async (path) => {
    expect((await api.request('GET', `/api/v1${path}`)).json).toMatchObject({ order: { work_order_id: 'wo_1' } })
  })

  it.each(['/work-orders/wo_2/lineage', '/labels/wo_1/lineage'])('of %s, which is none, is 404', async (path) => {
    expect(await api.request('GET', `/api/v1${path}`)).toMatchObject({ status: 404, json: { code: 'MDL_API_NOT_FOUND' } })
  })
})

describe('GET /repair-signs', () => {
  it('is paged', async () => {
    const first = await api.request('GET', '/api/v1/repair-signs?sign=phantom_repair&limit=1')
    expect(first.status).toBe(200)
    const second = await api.request('GET', `/api/v1/repair-signs?cursor=${first.json.next}`)
    expect(second.json).toEqual({ items: [], next: null })
  })

  it('refuses a page of no size', async () => {
    expect((await api.request('GET', '/api/v1/repair-signs?limit=0')).status).toBe(400)
  })
})

describe('GET /models/live', () => {
  it('gives rows, and is not taken for a version named live', async () => {
    expect((await api.request('GET', '/api/v1/models/live?from_ms=5')).json).toEqual({ items: [], next: null })
  })

  it('refuses a time that is none', async () => {
    expect((await api.request('GET', '/api/v1/models/live?from_ms=yesterday')).status).toBe(400)
  })
})
