import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'
import { NOW_MS } from './memory-truth.ts'

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

const device = { device: 'ac-1', type: 'air_conditioner' }

describe('API keys', () => {
  it.each([
    ['no key', '', 401, 'MDL_API_UNAUTHORISED'],
    ['a key of another form', 'abc', 401, 'MDL_API_UNAUTHORISED'],
    ['an unknown key', `mdl_0123456789ab_${'a'.repeat(43)}`, 401, 'MDL_API_UNAUTHORISED'],
  ])('refuse a request with %s', async (_name, token, status, code) => {
    const answer = await test.request('GET', '/api/v1/devices', { token })
    expect([answer.status, answer.json.code]).toEqual([status, code])
    expect(answer.headers['content-type']).toContain('application/problem+json')
    expect(answer.json.request_id).toBe(answer.headers['x-request-id'])
  })
  it('let a key do what its scopes say and nothing else', async () => {
    const token = await test.token('read')
    expect((await test.request('GET', '/api/v1/devices', { token })).status).toBe(200)
    const refused = await test.request('POST', '/api/v1/devices', { token, body: device })
    expect([refused.status, refused.json.code]).toEqual([403, 'MDL_API_FORBIDDEN'])
    const writer = await test.token('devices:write')
    expect((await test.request('POST', '/api/v1/devices', { token: writer, body: device })).status).toBe(201)
  })
  it('refuse a revoked key with the next request', async () => {
    const { id, token } = await test.keys.create({ tenant: 'home', scopes: ['read'], label: '' })
    expect((await test.request('GET', '/api/v1/types', { token })).status).toBe(200)
    await test.keys.revoke('home', id)
    expect((await test.request('GET', '/api/v1/types', { token })).status).toBe(401)
  })
  it('bind a key to its tenant, and let only an admin name another', async () => {
    const token = await test.token('devices:write')
    const body = { ...device, tenant: 'other' }
    expect((await test.request('POST', '/api/v1/devices', { token, body })).json.code).toBe('MDL_API_FORBIDDEN')
    expect((await test.request('GET', '/api/v1/devices?tenant=other', { token })).status).toBe(403)
    expect((await test.request('POST', '/api/v1/devices', { body })).json.tenant).toBe('other')
  })
  it('keep no secret in the table', async () => {
    const token = await test.token('admin')
    const rows = JSON.stringify(await database.selectFrom('api_keys').selectAll().execute())
    expect(rows).not.toContain(token.slice(-43))
  })
})

describe('devices', () => {
  it('are created one at a time or as an array, each with its secret', async () => {
    const one = await test.request('POST', '/api/v1/devices', { body: device })
    expect(one.json).toMatchObject({ device: 'ac-1', tenant: 'home', secret: 'secret-1' })
    const many = await test.request('POST', '/api/v1/devices', {
      body: [
        { ...device, device: 'b' },
        { ...device, device: 'c' },
      ],
    })
    expect(many.json.map((created: { device: string }) => created.device)).toEqual(['b', 'c'])
  })
  it.each([
    ['a bad id', { ...device, device: 'a/b' }, 'body.device'],
    ['a missing type', { device: 'a' }, 'body.type'],
    ['a text for a number', { ...device, max_age_days: '30' }, 'body.max_age_days'],
    ['an unknown field', { ...device, colour: 'red' }, 'body.colour'],
  ])('are refused with %s, and the field is named', async (_name, body, field) => {
    const answer = await test.request('POST', '/api/v1/devices', { body })
    expect([answer.status, answer.json.code]).toEqual([400, 'MDL_API_INVALID'])
    expect(answer.json.errors.map((error: { field: string }) => error.field)).toContain(field)
  })
  it('are listed in pages that miss and repeat nothing', async () => {
    await test.request('POST', '/api/v1/devices', { body: ['a', 'b', 'c', 'd', 'e'].map((id) => ({ ...device, device: id })) })
    const seen: string[] = []
    let cursor: string | null = ''
    while (cursor !== null) {
      const url: string = `/api/v1/devices?limit=2${cursor === '' ? '' : `&cursor=${cursor}`}`
      const { json } = await test.request('GET', url)
      seen.push(...json.items.map((item: { device: string }) => item.device))
      cursor = json.next
    }
    expect(seen).toEqual(['a', 'b', 'c', 'd', 'e'])
    expect((await test.request('GET', '/api/v1/devices?cursor=%21%21')).status).toBe(400)
    expect((await test.request('GET', '/api/v1/devices?limit=100000')).status).toBe(400)
  })
  it('are read, rotated and revoked by id; an unknown one is 404', async () => {
    await test.request('POST', '/api/v1/devices', { body: device })
    expect((await test.request('GET', '/api/v1/devices/ac-1')).json.device).toBe('ac-1')
    expect((await test.request('POST', '/api/v1/devices/ac-1/secret')).json.secret).toBe('rotated-ac-1')
    expect((await test.request('DELETE', '/api/v1/devices/ac-1')).status).toBe(204)
    for (const [method, path] of [
      ['GET', ''],
      ['POST', '/secret'],
      ['DELETE', ''],
    ] as const) {
      expect((await test.request(method, `/api/v1/devices/none${path}`)).json.code).toBe('MDL_API_NOT_FOUND')
    }
  })
})

describe('Idempotency-Key', () => {
  const headers = { 'idempotency-key': 'k1' }
  it('gives the same answer again, secret included, and creates once', async () => {
    const first = await test.request('POST', '/api/v1/devices', { body: device, headers })
    const again = await test.request('POST', '/api/v1/devices', { body: device, headers })
    expect(again.json).toEqual(first.json)
    expect((await test.request('POST', '/api/v1/devices', { body: device })).status).toBe(409)
  })
  it('holds for a POST without a body, too', async () => {
    const post = (key?: string) =>
      test.request('POST', '/api/v1/webhooks/wh_1/test', key === undefined ? {} : { headers: { 'idempotency-key': key } })
    const answers = [await post('k1'), await post('k1'), await post()]
    expect(answers.map(({ json }) => json.event_id)).toEqual(['event_1', 'event_1', 'event_2'])
    await test.request('POST', '/api/v1/devices', { body: device })
    const rotated = await test.request('POST', '/api/v1/devices/ac-1/secret', { headers: { 'idempotency-key': 'k2' } })
    expect([rotated.status, rotated.json.secret]).toEqual([200, 'rotated-ac-1'])
  })
  it('is refused with another body', async () => {
    await test.request('POST', '/api/v1/devices', { body: device, headers })
    const answer = await test.request('POST', '/api/v1/devices', { body: { ...device, device: 'ac-2' }, headers })
    expect([answer.status, answer.json.code]).toEqual([422, 'MDL_API_IDEMPOTENCY_MISMATCH'])
  })
  it('belongs to the key that used it, and a failed request may be sent again', async () => {
    await test.request('POST', '/api/v1/devices', { body: device })
    expect((await test.request('POST', '/api/v1/devices', { body: device, headers })).status).toBe(409)
    await test.request('POST', '/api/v1/devices', { body: { ...device, device: 'ac-2' }, headers })
    const token = await test.token('devices:write')
    expect((await test.request('POST', '/api/v1/devices', { token, body: { ...device, device: 'ac-3' }, headers })).status).toBe(201)
  })
  it('leaves no readable secret in the table and is forgotten after a day', async () => {
    await test.request('POST', '/api/v1/devices', { body: device, headers })
    expect(JSON.stringify(await database.selectFrom('api_idempotency').selectAll().execute())).not.toContain('secret-1')
    test.clock.advance(86_400_001)
    expect((await test.request('POST', '/api/v1/devices', { body: { ...device, device: 'ac-9' }, headers })).status).toBe(201)
  })
})

describe('types and readings', () => {
  it('show own types under the name they were registered with', async () => {
    expect((await test.request('GET', '/api/v1/types')).json.items[0]).toMatchObject({
      type: 'plug',
      channels: [{ name: 'power_w', unit: 'w', ucum: 'W' }],
    })
    expect((await test.request('GET', '/api/v1/types/none')).status).toBe(404)
    const made = await test.request('POST', '/api/v1/types', { body: { type: 'plug', channels: [{ name: 'power_w' }] } })
    expect([made.status, made.json.type]).toEqual([201, 'plug'])
    const refused = await test.request('POST', '/api/v1/types', { body: { type: 'plug', channels: [{ name: 'Power W' }] } })
    expect(refused.json.errors[0].field).toBe('body.channels[0].name')
  })
  it('ask for a day by default and split the channels', async () => {
    const answer = await test.request('GET', '/api/v1/readings?device=ac-1&channels=power_w,room_temperature_c')
    expect(answer.json.items[0]).toEqual({ t: NOW_MS, device: 'ac-1', channel: 'power_w', mean: 5, min: 1, max: 9, n: 3 })
    const [, query] = test.calls[0] ?? []
    expect(query).toMatchObject({
      tenant: 'home',
      channels: ['power_w', 'room_temperature_c'],
      maxPoints: 500,
      maxBuckets: limits.apiBuckets_MAX,
      tier: 'auto',
    })
    const { from_ms, to_ms } = query as { from_ms: number; to_ms: number }
    expect(to_ms - from_ms).toBe(86_400_000)
  })
  it.each([
    '/api/v1/readings',
    '/api/v1/readings?device=a&from_ms=5&to_ms=5',
    '/api/v1/readings?device=a&max_points=0',
    '/api/v1/readings?device=a&from_ms=x',
    '/api/v1/readings?device=a&tier=weekly',
  ])('refuse %s', async (url) => {
    expect((await test.request('GET', url)).json.code).toBe('MDL_API_INVALID')
  })
  it('ask for the tier that is named', async () => {
    await test.request('GET', '/api/v1/readings?device=ac-1&tier=daily')
    expect(test.calls[0]?.[1]).toMatchObject({ tier: 'daily' })
  })
  it('tell an admin what the store holds, and nobody else', async () => {
    expect((await test.request('GET', '/api/v1/storage')).json.items).toMatchObject([{ tier: 'hot', rows: 2 }])
    expect((await test.request('GET', '/api/v1/storage', { token: await test.token('read') })).status).toBe(403)
  })
  it('stream every stored reading as one JSON record a line', async () => {
    const answer = await test.request('GET', '/api/v1/readings/raw')
    expect(answer.headers['content-type']).toBe('application/x-ndjson')
    expect(
      answer.text
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).seq),
    ).toEqual([0, 1, 2])
    expect(test.calls[0]?.[1]).not.toHaveProperty('device')
  })
})

describe('work orders', () => {
  const event = { type: 'accepted', at_ms: NOW_MS, actor: 'dispatch' }
  const headers = { 'idempotency-key': 'e1' }
  it('are listed by filter and read with their ETag', async () => {
    const listed = await test.request('GET', '/api/v1/work-orders?state=opened&safety_class=E2&limit=1')
    expect(listed.json.items).toHaveLength(1)
    expect(test.calls[0]?.[1]).toEqual({ tenant: 'home', state: 'opened', safetyClass: 'E2', limit: 1 })
    await test.request('GET', `/api/v1/work-orders?cursor=${listed.json.next}`)
    expect(test.calls[1]?.[1]).toMatchObject({ after: 'after-1' })
    const read = await test.request('GET', '/api/v1/work-orders/wo_1')
    expect(read.headers.etag).toBe('"3"')
    expect((await test.request('GET', '/api/v1/work-orders/wo_1', { headers: { 'if-none-match': '"3"' } })).status).toBe(304)
    expect((await test.request('GET', '/api/v1/work-orders?state=lost')).status).toBe(400)
    expect((await test.request('GET', '/api/v1/work-orders/wo_9')).status).toBe(404)
  })
  it('take what the dispatch system says, with its key and the revision it saw', async () => {
    const answer = await test.request('POST', '/api/v1/work-orders/wo_1/events', { body: event, headers: { ...headers, 'if-match': '"3"' } })
    expect([answer.status, answer.json.state, answer.headers.etag]).toEqual([200, 'accepted', '"4"'])
    expect(test.calls[0]?.[1]).toEqual({ tenant: 'home', id: 'wo_1', input: event, key: 'e1', expectedRevision: 3, by: 'key:dev' })
    expect((await test.request('GET', '/api/v1/work-orders/wo_1/events')).json.items).toHaveLength(1)
  })
  it('draw the evidence in the language asked for, and refuse another language and an unknown order', async () => {
    const path = '/api/v1/work-orders/wo_1/evidence.svg'
    const answer = await test.request('GET', `${path}?locale=zh-CN`)
    expect([answer.status, answer.text]).toEqual([200, '<svg lang="zh-CN"/>'])
    expect(answer.headers['content-type']).toBe('image/svg+xml; charset=utf-8')
    expect((await test.request('GET', `${path}?locale=fr`)).status).toBe(400)
    expect((await test.request('GET', '/api/v1/work-orders/wo_9/evidence.svg')).json.code).toBe('MDL_API_NOT_FOUND')
  })
  it('give the packet to an audience as a record or a page, and refuse another audience and an unknown order', async () => {
    const path = '/api/v1/work-orders/wo_1/packet'
    expect((await test.request('GET', path)).json).toMatchObject({ audience: 'engineer', locale: 'en' })
    expect((await test.request('GET', `${path}?audience=household&locale=zh-CN`)).json).toMatchObject({ audience: 'household', locale: 'zh-CN' })
    const page = await test.request('GET', `${path}?audience=agent&format=html`)
    expect([page.status, page.text, page.headers['content-type']]).toEqual([200, '<html lang="en">agent</html>', 'text/html; charset=utf-8'])
    expect((await test.request('GET', path, { headers: { accept: 'text/html,*/*' } })).text).toBe('<html lang="en">engineer</html>')
    expect((await test.request('GET', `${path}?audience=neighbour`)).status).toBe(400)
    expect((await test.request('GET', '/api/v1/work-orders/wo_9/packet?format=html')).json.code).toBe('MDL_API_NOT_FOUND')
  })
  it('refuse an event without key, of an unknown type, a broken ETag and an illegal move', async () => {
    const send = (body: object, given: Record<string, string> = headers) =>
      test.request('POST', '/api/v1/work-orders/wo_1/events', { body, headers: given })
    expect((await send(event, {})).json.errors[0].field).toBe('headers.idempotency-key')
    expect((await send({ ...event, type: 'teleported' })).status).toBe(400)
    expect((await send(event, { ...headers, 'if-match': 'x' })).status).toBe(400)
    const illegal = await send({ ...event, type: 'closed' })
    expect([illegal.status, illegal.json.code]).toEqual([409, 'MDL_HUBS_ILLEGAL_MOVE'])
    expect(illegal.json.details).toEqual({ from: 'opened', to: 'closed', allowed: ['triaged', 'accepted'] })
    const token = await test.token('read', 'devices:write')
    expect((await test.request('POST', '/api/v1/work-orders/wo_1/events', { token, body: event, headers })).status).toBe(403)
  })
})

describe('diagnoses, alarms, cases and parts', () => {
  it.each(['diagnoses', 'alarms', 'cases', 'parts/needs'])('list %s of a device', async (path) => {
    const answer = await test.request('GET', `/api/v1/${path}?device=ac-1`)
    expect(answer.json).toEqual({ items: [], next: null })
    expect(test.calls[0]?.[1]).toEqual({ tenant: 'home', device: 'ac-1', limit: 100 })
    expect((await test.request('GET', `/api/v1/${path}?device=a%20b`)).status).toBe(400)
  })
})

describe('webhooks', () => {
  it('are created, read, changed, tested, replayed and removed', async () => {
    const made = await test.request('POST', '/api/v1/webhooks', { body: { url: 'https://example.org/', types: ['mendline.work_order.*'] } })
    expect([made.status, made.json.secret]).toEqual([201, 'whsec_x'])
    expect((await test.request('GET', '/api/v1/webhooks')).json.items).toHaveLength(1)
    expect((await test.request('GET', '/api/v1/webhooks/wh_1')).status).toBe(200)
    expect((await test.request('PATCH', '/api/v1/webhooks/wh_1', { body: { enabled: false } })).json.enabled).toBe(false)
    expect((await test.request('POST', '/api/v1/webhooks/wh_1/secret')).json.secret).toBe('whsec_y')
    expect((await test.request('GET', '/api/v1/webhooks/wh_1/attempts')).json.items).toEqual([])
    expect((await test.request('GET', '/api/v1/webhooks/wh_9/attempts')).status).toBe(404)
    expect((await test.request('POST', '/api/v1/webhooks/wh_1/test')).status).toBe(202)
    expect((await test.request('POST', '/api/v1/webhooks/wh_1/replay')).json.deliveries).toBe(2)
    expect((await test.request('DELETE', '/api/v1/webhooks/wh_1')).status).toBe(204)
  })
  it('refuse a private target, another scheme, an empty change and an unknown id', async () => {
    const post = async (url: string) => (await test.request('POST', '/api/v1/webhooks', { body: { url } })).json.code
    expect(await post('http://169.254.169.254/')).toBe('MDL_HUBS_WEBHOOK_TARGET_REFUSED')
    expect(await post('file:///etc/passwd')).toBe('MDL_API_INVALID')
    expect((await test.request('PATCH', '/api/v1/webhooks/wh_1', { body: {} })).status).toBe(400)
    for (const [method, path] of [
      ['GET', ''],
      ['DELETE', ''],
      ['POST', '/replay'],
    ] as const) {
      expect((await test.request(method, `/api/v1/webhooks/wh_9${path}`)).status).toBe(404)
    }
  })
})

describe('quarantine', () => {
  it('gives the raw bytes as base64, and as text where they are text', async () => {
    const { json } = await test.request('GET', '/api/v1/quarantine?limit=2&code=MDL_INGEST_UNREADABLE')
    expect(json.items.map((entry: { raw_text: string }) => entry.raw_text)).toEqual([null, '{"a"'])
    expect(json.items[0].raw_base64).toBe('/wA=')
    await test.request('GET', `/api/v1/quarantine?cursor=${json.next}`)
    expect(test.calls[1]?.[1]).toMatchObject({ after: 8 })
    expect((await test.request('GET', '/api/v1/quarantine?code=x')).status).toBe(400)
    const foreign = Buffer.from('seven').toString('base64url')
    expect((await test.request('GET', `/api/v1/quarantine?cursor=${foreign}`)).json.errors[0].field).toBe('querystring.cursor')
  })
})

describe('health and console', () => {
  it('answer without a key', async () => {
    expect((await test.request('GET', '/livez', { token: '' })).status).toBe(200)
    const ready = await test.request('GET', '/readyz', { token: '' })
    expect([ready.status, ready.json.checks]).toEqual([503, { journal: 'cannot write' }])
    expect((await test.request('GET', '/metrics', { token: '' })).text).toBe('mendline_up 1\n')
    expect((await test.request('GET', '/api/v1/status')).json).toEqual({ now_ms: NOW_MS, counts: { devices: 2 } })
  })
  it('serve the page under a policy that allows no inline script, and the page has none', async () => {
    const page = await test.request('GET', '/', { token: '' })
    expect(page.headers['content-security-policy']).toContain("script-src 'self'")
    expect(page.text).not.toMatch(/<script(?![^>]*src=)|style="|\son[a-z]+="/)
    for (const [, file] of page.text.matchAll(/(?:src|href)="(\/console\.[a-z]+)"/g))
      expect((await test.request('GET', String(file), { token: '' })).status).toBe(200)
  })
})

describe('requests that cannot be', () => {
  it.each([
    ['broken JSON', { body: '{"device":' }, 400, 'MDL_API_INVALID'],
    ['a body above the limit', { body: `"${'x'.repeat(5 * 1024 * 1024)}"` }, 413, 'MDL_API_TOO_LARGE'],
    ['another media type', { body: '<a/>', headers: { 'content-type': 'text/xml' } }, 415, 'MDL_API_INVALID'],
    ['a forbidden member', { body: '{"__proto__":{"a":1},"device":"a","type":"b"}' }, 400, 'MDL_API_INVALID'],
  ])('answer %s with a problem', async (_name, options, status, code) => {
    const answer = await test.request('POST', '/api/v1/devices', options)
    expect([answer.status, answer.json.code, answer.json.status]).toEqual([status, code, status])
  })
  it('answer an unknown route with a problem, and say nothing of the inside of a fault', async () => {
    expect((await test.request('GET', '/api/v1/nothing')).json.code).toBe('MDL_API_NOT_FOUND')
    const failing = await createTestApi(database, { quarantine: { quarantined: () => Promise.reject(new Error('SELECT secret FROM table')) } })
    const answer = await failing.request('GET', '/api/v1/quarantine')
    expect([answer.status, answer.json.code]).toEqual([500, 'MDL_API_INTERNAL'])
    expect(answer.text).not.toContain('SELECT')
    await failing.api.stop()
  })
})
