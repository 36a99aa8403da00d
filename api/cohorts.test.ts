/** Cohorts and remaining life by the API: filters, pages, and the rows of boards that need no store. */

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-api-cohorts-'))
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

describe('GET /cohorts', () => {
  it('gives them page by page, and only those that were asked for', async () => {
    const first = await api.request('GET', '/api/v1/cohorts?limit=1')
    expect(first.json.items).toMatchObject([{ cohort: 'B07', state: 'flagged' }])
    const second = await api.request('GET', `/api/v1/cohorts?limit=1&cursor=${first.json.next}`)
    expect(second.json).toMatchObject({ items: [{ cohort: 'B08' }], next: null })
    expect((await api.request('GET', '/api/v1/cohorts?state=watched')).json.items).toHaveLength(1)
    expect((await api.request('GET', '/api/v1/cohorts?scope=firmware')).json.items).toEqual([])
  })

  it('refuses a cursor that is none of ours, and a caller without a key', async () => {
    const foreign = Buffer.from('x').toString('base64url')
    expect((await api.request('GET', `/api/v1/cohorts?cursor=${foreign}`)).status).toBe(400)
    expect((await api.request('GET', '/api/v1/cohorts', { token: '' })).status).toBe(401)
  })
})

describe('GET /devices/:device/remaining-life', () => {
  it('gives the outlook with the usage that was named, and 404 where there is none', async () => {
    const { status, json } = await api.request('GET', '/api/v1/devices/plug-1/remaining-life?dust_level=2')
    expect(status).toBe(200)
    expect(json).toMatchObject({ device: 'plug-1', usage: { dust_level: 2 }, faults: [] })
    expect((await api.request('GET', '/api/v1/devices/plug-9/remaining-life')).status).toBe(404)
  })

  it('refuses a usage that is no number, and a caller without a key', async () => {
    expect((await api.request('GET', '/api/v1/devices/plug-1/remaining-life?dust_level=much')).status).toBe(400)
    expect((await api.request('GET', '/api/v1/devices/plug-1/remaining-life', { token: '' })).status).toBe(401)
  })
})

describe('GET /grafana', () => {
  it('counts units by type and state, of one type or of all', async () => {
    expect((await api.request('GET', '/api/v1/grafana/fleet?type=plug')).json).toEqual([
      { type: 'plug', state: 'fault', units: 1 },
      { type: 'plug', state: 'ok', units: 1 },
    ])
    expect((await api.request('GET', '/api/v1/grafana/fleet?type=*')).json).toHaveLength(3)
    expect((await api.request('GET', '/api/v1/grafana/units?state=fault')).json).toMatchObject([{ device: 'plug-1' }])
  })

  it('cuts a span into steps of whole minutes, no more than were asked for', async () => {
    const { json } = await api.request('GET', '/api/v1/grafana/alarms-over-time?from_ms=0&to_ms=86400000&max_points=7')
    expect(json).toHaveLength(7)
    expect(json[0]).toEqual({ t: 0, e0: 0, e1: 2, e2: 0, e3: 0, e4: 0 })
    expect(json[1].t % 60_000).toBe(0)
  })
})
