/** Emergencies by the API: acknowledging, resolving, the roster, drills and signed links; what is refused, and what reaches the port. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-api-emergencies-'))
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
const lastOf = (port: string): unknown => api.calls.findLast(([name]) => name === port)?.[1]
const page = (method: 'GET' | 'POST', url: string) =>
  api.api.app.inject({
    ...{ method, url, headers: { accept: 'text/html', ...(method === 'POST' ? { 'content-type': 'application/x-www-form-urlencoded' } : {}) } },
    ...(method === 'POST' ? { payload: '' } : {}),
  })

const ROSTER = {
  time_zone: 'Asia/Shanghai',
  people: [{ person: 'li', name: 'Li', locale: 'zh-CN', channels: [{ kind: 'email', address: 'li@example.com' }] }],
  shifts: [{ person: 'li', from: '00:00', to: '00:00' }],
}

describe('an emergency', () => {
  it('is read with its steps', async () => {
    expect((await api.request('GET', '/api/v1/emergencies?state=raised&limit=5')).json).toEqual({ items: [], next: null })
    expect(lastOf('emergencies')).toMatchObject({ tenant: 'home', state: 'raised', limit: 5 })
    expect((await api.request('GET', '/api/v1/emergencies/em_1')).json).toMatchObject({ emergency_id: 'em_1', safety_class: 'E0' })
    expect((await api.request('GET', '/api/v1/emergencies/em_1/steps')).json.items).toMatchObject([{ kind: 'raised', after_ms: 0 }])
    for (const path of ['em_9', 'em_9/steps']) expect((await api.request('GET', `/api/v1/emergencies/${path}`)).status).toBe(404)
  })

  it('is taken on by who says so, or by the key', async () => {
    const named = await api.request('POST', '/api/v1/emergencies/em_1/acknowledge', { body: { by: 'li', note: 'on my way' } })
    expect(named.json).toMatchObject({ state: 'acknowledged', acknowledged_by: 'person:li' })
    expect(lastOf('acknowledge')).toMatchObject({ tenant: 'home', id: 'em_1', via: 'api', note: 'on my way' })
    const byKey = await api.request('POST', '/api/v1/emergencies/em_1/acknowledge')
    expect(byKey.status).toBe(200)
    expect((byKey.json as { acknowledged_by: string }).acknowledged_by).not.toMatch(/^person:/)
    expect((await api.request('POST', '/api/v1/emergencies/em_1/acknowledge', { body: { by: '' } })).status).toBe(400)
  })

  it('is over only with a reason', async () => {
    expect((await api.request('POST', '/api/v1/emergencies/em_1/resolve', { body: { reason: 'valve closed' } })).json).toMatchObject({
      state: 'resolved',
    })
    expect((await api.request('POST', '/api/v1/emergencies/em_1/resolve', { body: {} })).status).toBe(400)
    expect((await api.request('POST', '/api/v1/emergencies/em_1/resolve', { body: { reason: 'x' } })).status).toBe(400)
  })

  it('is handled by nobody who may only read', async () => {
    const authorization = `Bearer ${await api.token('read')}`
    for (const [method, path] of [
      ['POST', '/emergencies/em_1/acknowledge'],
      ['POST', '/emergencies/em_1/resolve'],
      ['PUT', '/duty-roster'],
      ['POST', '/emergency-drills'],
    ] as const) {
      const answer = await api.request(method, `/api/v1${path}`, {
        body: method === 'PUT' ? ROSTER : { reason: 'over now' },
        headers: { authorization },
      })
      expect([path, answer.status]).toEqual([path, 403])
    }
  })
})

describe('the duty roster', () => {
  it('is set whole, and is 404 where the standard ladder is in force', async () => {
    expect((await api.request('GET', '/api/v1/duty-roster')).status).toBe(404)
    expect((await api.request('PUT', '/api/v1/duty-roster', { body: ROSTER })).json).toMatchObject({ roster: ROSTER })
  })

  it.each([
    ['no time of day', { shifts: [{ person: 'li', from: '25:00', to: '06:00' }] }],
    ['no address', { people: [{ person: 'li', name: 'Li', channels: [{ kind: 'email', address: 'li' }] }] }],
    ['two addresses in one', { people: [{ person: 'li', name: 'Li', channels: [{ kind: 'email', address: 'a@b.c,d@e.f' }] }] }],
    ['no way to a person', { people: [{ person: 'li', name: 'Li', channels: [] }] }],
    ['a rung that waits no time', { ladders: { E0: [{ notify: ['on_duty'], wait_s: 0 }] } }],
    ['what nobody knows', { colour: 'red' }],
  ])('is refused with %s', async (_what, change) => {
    expect((await api.request('PUT', '/api/v1/duty-roster', { body: { ...ROSTER, ...change } })).status).toBe(400)
  })
})

describe('a drill', () => {
  it('is raised, once for an Idempotency-Key, and reported', async () => {
    const before = api.calls.filter(([name]) => name === 'drill').length
    const raise = () => api.request('POST', '/api/v1/emergency-drills', { body: { safety_class: 'E1' }, headers: { 'idempotency-key': 'd1' } })
    expect(await raise()).toMatchObject({ status: 202, json: { emergency_id: 'em_2' } })
    await raise()
    expect(api.calls.filter(([name]) => name === 'drill').length).toBe(before + 1)
    expect(lastOf('drill')).toMatchObject({ tenant: 'home', safetyClass: 'E1' })
    expect((await api.request('GET', '/api/v1/emergency-drills/em_1')).status).toBe(200)
    expect((await api.request('POST', '/api/v1/emergency-drills')).status).toBe(202)
    expect((await api.request('POST', '/api/v1/emergency-drills', { body: { safety_class: 'E4' } })).status).toBe(400)
  })
})

describe('a signed link', () => {
  it('shows a page that does nothing by itself, and acknowledges by its button', async () => {
    const shown = await page('GET', '/emergency-links/good')
    expect(shown.statusCode).toBe(200)
    expect(shown.headers['content-security-policy']).toContain("default-src 'none'")
    expect(shown.headers['cache-control']).toBe('no-store')
    expect(shown.body).toContain('Gas &#38; smell')
    expect(shown.body).not.toContain('<script')
    expect(lastOf('acknowledgeByLink')).toBeUndefined()
    expect((await page('POST', '/emergency-links/good')).body).toContain('person:li')
    expect(lastOf('acknowledgeByLink')).toBe('good')
  })

  it('gives a household its advice as JSON or a page, and takes the receipt', async () => {
    const json = await api.api.app.inject({ method: 'GET', url: '/advice/good' })
    expect(json.json()).toMatchObject({ emergency_id: 'em_1', texts: { en: 'Leave the house', 'zh-CN': '请离开' }, read_at_ms: null })
    expect((await page('GET', '/advice/good')).body).toContain('请离开')
    expect(lastOf('adviceRead')).toBeUndefined()
    expect((await api.api.app.inject({ method: 'POST', url: '/advice/good' })).json()).toMatchObject({ emergency_id: 'em_1' })
    expect(lastOf('adviceRead')).toBe('good')
  })

  it.each(['/emergency-links/old', '/advice/old'])('%s is 410 with a page that says so and nothing else, whatever is done with it', async (url) => {
    for (const method of ['GET', 'POST'] as const) {
      const shown = await page(method, url)
      expect(shown.statusCode).toBe(410)
      expect(shown.headers['content-type']).toContain('text/html')
      expect(shown.body).toContain('链接已失效')
      expect(shown.body).not.toContain('Gas')
    }
  })

  it('is a problem with its code for a program', async () => {
    const answer = await api.api.app.inject({ method: 'GET', url: '/advice/old' })
    expect(answer).toMatchObject({ statusCode: 410 })
    expect(answer.json()).toMatchObject({ code: 'MDL_HUBS_LINK_EXPIRED' })
  })

  it.each(['/emergency-links/forged', '/advice/forged'])('%s is 404, whatever is done with it', async (url) => {
    expect((await page('GET', url)).statusCode).toBe(404)
    expect((await page('POST', url)).statusCode).toBe(404)
  })
})
