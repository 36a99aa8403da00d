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

const get = (path: string, token = 'dev') => test.request('GET', `/api/v1${path}`, { token })

describe('truth in time over HTTP', () => {
  it('gives the latest value of each channel', async () => {
    const { status, json } = await get('/latest?device=ac-1')
    expect([status, json]).toMatchObject([200, { items: [{ channel: 'power_w', value: 5 }], next: null }])
    expect(test.calls).toContainEqual(['latest', { tenant: 'home', device: 'ac-1' }])
  })

  it('pages through the windows of a device', async () => {
    const first = await get('/windows?device=ac-1&limit=2&from_ms=1')
    expect(first.json.items).toMatchObject([{ from_ms: 1, to_ms: 2, features: [1.5, null] }, { from_ms: 2 }])
    await get(`/windows?device=ac-1&limit=2&from_ms=1&cursor=${first.json.next}`)
    expect(test.calls.at(-1)).toMatchObject(['rows', { kind: 'window', from_ms: 1, after: { from_ms: 2 }, limit: 2 }])
  })

  it('gives how far a device was from its own normal', async () => {
    const { json } = await get('/anomalies?device=ac-1&from_ms=5')
    expect(json).toEqual({
      items: [{ t: 600_000, to_ms: 1_200_000, device: 'ac-1', score: 1.5, flagged: true, contributions: [{ channel: 'power_w', share: 1 }] }],
      next: null,
    })
    expect(test.calls.at(-1)).toMatchObject(['rows', { kind: 'anomaly', tenant: 'home', device: 'ac-1', from_ms: 5 }])
  })

  it('gives gaps of a state', async () => {
    const { json } = await get('/gaps?state=open&from_ms=5&to_ms=9')
    expect(json.items).toMatchObject([{ device: 'ac-1', from_seq: 3, to_seq: 4, closed_at_ms: null }])
    expect(test.calls.at(-1)).toEqual(['gaps', { tenant: 'home', isOpen: true, from_ms: 5, to_ms: 9, after: 0, limit: 100 }])
  })

  it.each(['/latest', '/windows', '/anomalies', '/gaps?state=half', '/gaps?cursor=eA', '/windows?device=a&cursor=eA', '/latest?device=a%20b'])(
    'refuses %s',
    async (path) => {
      expect((await get(path)).status).toBe(400)
    },
  )

  it.each(['/windows?device=a&', '/anomalies?device=a&', '/gaps?', '/alarm-groups/compression?'])(
    'refuses %s with an end before its begin, by field',
    async (path) => {
      const { status, json } = await get(`${path}from_ms=9&to_ms=3`)
      expect([status, json]).toMatchObject([400, { errors: [{ field: 'querystring.from_ms', reason: 'must be less than to_ms' }] }])
    },
  )

  it.each(['/latest?device=a', '/windows?device=a', '/anomalies?device=a', '/gaps'])('gives %s of another tenant to an admin only', async (path) => {
    const reader = await test.token('read')
    const other = `${path}${path.includes('?') ? '&' : '?'}tenant=acme`
    expect([(await get(other, reader)).status, (await get(path, reader)).status, (await get(other)).status]).toEqual([403, 200, 200])
  })
})
