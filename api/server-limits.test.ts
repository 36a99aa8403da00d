import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'
import { NOW_MS } from './memory-truth.ts'
import type { ApiPorts } from './ports.ts'

let operations: Operations
let database: Kysely<ApiTables>

beforeEach(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(apiMigrations)
  database = operations.database as Kysely<ApiTables>
})
afterEach(() => operations.close())

describe('limits of the configuration', () => {
  const given = { apiPage_MAX: 7, apiPoints_MAX: 9, apiDevicesPerRequest_MAX: 1, deviceAgeDays_MAX: 3, channelsPerReading_MAX: 1, aheadMs_MAX: 1_000 }
  it('hold in every route', async () => {
    await using small = await createTestApi(database, {}, given)
    const statusOf = async (method: 'GET' | 'POST', path: string, body?: unknown): Promise<number> =>
      (await small.request(method, `/api/v1${path}`, { body })).status
    for (const list of ['devices', 'work-orders', 'diagnoses', 'alarms', 'cases', 'parts/needs', 'webhooks', 'quarantine'])
      expect([list, await statusOf('GET', `/${list}?limit=7`), await statusOf('GET', `/${list}?limit=8`)]).toEqual([list, 200, 400])
    expect(await statusOf('GET', '/readings?device=a&max_points=9')).toBe(200)
    expect(await statusOf('GET', '/readings?device=a&max_points=10')).toBe(400)
    const device = (name: string, days: number) => ({ device: name, type: 'air_conditioner', max_age_days: days })
    expect(await statusOf('POST', '/devices', [device('a', 3), device('b', 3)])).toBe(400)
    expect(await statusOf('POST', '/devices', device('a', 4))).toBe(400)
    expect(await statusOf('POST', '/devices', device('a', 3))).toBe(201)
    expect(await statusOf('POST', '/types', { type: 'plug', channels: [{ name: 'a' }, { name: 'b' }] })).toBe(400)
    expect(await statusOf('POST', '/types', { type: 'plug', channels: [{ name: 'a' }] })).toBe(201)
  })
  it('hold for what a query leaves out', async () => {
    await using small = await createTestApi(database, {}, given)
    await small.request('GET', '/api/v1/readings?device=a')
    await small.request('GET', '/api/v1/quarantine')
    expect(small.calls.map(([, query]) => query)).toMatchObject([{ maxPoints: 9, to_ms: NOW_MS + 1_000 }, { limit: 7 }])
  })
})

describe('quarantine', () => {
  it('goes on behind a page that the bound of bytes ended, and cuts the text', async () => {
    const text = `${'x'.repeat(999)}\u{1f525} and more`
    const entry = { tenant: 'home', device: 'ac-1', received_at_ms: epochMs(NOW_MS), observed_at_ms: undefined, field: '', reason: '', kind: 'tele' }
    const queries: Array<{ maxRawBytes: number }> = []
    const quarantined: ApiPorts['quarantine']['quarantined'] = async (query) => {
      queries.push(query)
      return [{ ...entry, id: 3, code: 'MDL_INGEST_UNREADABLE', raw: Buffer.from(text) }]
    }
    const bytes = Buffer.byteLength(text)
    for (const [apiQuarantineBytes_MAX, next] of [
      [bytes, Buffer.from('3').toString('base64url')],
      [bytes + 1, null],
    ] as const) {
      await using small = await createTestApi(database, { quarantine: { quarantined } }, { apiQuarantineBytes_MAX })
      const { json } = await small.request('GET', '/api/v1/quarantine')
      expect([json.next, json.items[0].raw_text, Buffer.from(json.items[0].raw_base64, 'base64').toString()]).toEqual([
        next,
        `${'x'.repeat(999)}\ufffd`,
        text,
      ])
    }
    expect(queries.map(({ maxRawBytes }) => maxRawBytes)).toEqual([bytes, bytes + 1])
  })
})

describe('a body that is nested without end', () => {
  const nested = (levels: number): string => `{"type":"note","at_ms":${NOW_MS},"actor":"d","data":${'{"a":'.repeat(levels)}1${'}'.repeat(levels)}}`
  it.each(['work-orders/wo_1/events', 'devices', 'webhooks', 'reports', 'rules'])('is refused at the edge: %s', async (path) => {
    await using test = await createTestApi(database)
    for (const levels of [64, 5_000, 100_000]) {
      const answer = await test.request('POST', `/api/v1/${path}`, { body: nested(levels), headers: { 'idempotency-key': 'deep' } })
      expect([answer.status, answer.json.code]).toEqual([400, 'MDL_API_INVALID'])
      expect(answer.json.errors).toEqual([{ field: 'body', reason: 'is nested deeper than 64 levels' }])
    }
    expect(test.calls).toEqual([])
  })
  it('is taken up to the bound', async () => {
    await using test = await createTestApi(database)
    const headers = { 'idempotency-key': 'deep' }
    expect((await test.request('POST', '/api/v1/work-orders/wo_1/events', { body: nested(63), headers })).status).toBe(200)
  })
})
