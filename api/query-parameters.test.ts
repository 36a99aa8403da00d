/** Every route of the API refuses a parameter that it does not take, and every document names only parameters that a route takes. */
import { readdirSync, readFileSync } from 'node:fs'
import type { Kysely } from 'kysely'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

interface Described {
  readonly parameters?: ReadonlyArray<{ readonly name: string; readonly in: string }>
}

let operations: Operations
let test: TestApi
let paths: Array<readonly [path: string, methods: Readonly<Record<string, Described>>]>
beforeAll(async () => {
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(apiMigrations)
  test = await createTestApi(operations.database as Kysely<ApiTables>)
  const { json } = await test.request('GET', '/openapi.json')
  paths = Object.entries(json.paths as Record<string, Record<string, Described>>).filter(([path]) => path.startsWith('/api/v1/'))
})
afterAll(async () => {
  await test.api.stop()
  await operations.close()
})

describe('a parameter that a route does not take', () => {
  it('is refused by every route that is read or deleted, which says what it takes', async () => {
    const asked = paths.flatMap(([path, methods]) => Object.entries(methods).map(([method, described]) => ({ path, method, described })))
    const wrong: unknown[] = []
    for (const { path, method, described } of asked.filter(({ method }) => method === 'get' || method === 'delete')) {
      const filled = path
        .replace('{version}', '1')
        .replace('{tag}', 'infant')
        .replace('{kind}', 'accessory')
        .replace(/\{\w+\}/g, 'a1')
      const answer = await test.request(method.toUpperCase() as 'GET', `${filled}?no_such_parameter=1`)
      const names = described.parameters?.filter((parameter) => parameter.in === 'query').map(({ name }) => name) ?? []
      const [error] = (answer.json?.errors ?? []) as Array<{ field: string; reason: string }>
      if (error?.field !== 'querystring.no_such_parameter' || !names.every((name) => error.reason.includes(name)))
        wrong.push([method, path, answer.status, error])
    }
    expect(wrong).toEqual([])
    expect(asked.length).toBeGreaterThan(100)
  })

  it('is named with the others that the route takes, and nothing is done', async () => {
    const answer = await test.request('POST', '/api/v1/devices?tenat=acme', { body: { device: 'ac-1', type: 'air_conditioner' } })
    expect([answer.status, answer.json.code, answer.json.errors]).toEqual([
      400,
      'MDL_API_INVALID',
      [{ field: 'querystring.tenat', reason: 'the route takes no parameters' }],
    ])
    const listed = await test.request('GET', '/api/v1/devices?typ=fridge&__proto__=1')
    const reason = 'is no parameter of the route; it takes tenant, limit, cursor, type'
    expect(listed.json.errors).toEqual(['typ', '__proto__'].map((name) => ({ field: `querystring.${name}`, reason })))
    expect((await test.request('GET', '/api/v1/devices')).json.items).toEqual([])
  })

  it('stays without effect on pages whose address a mail or a chat has changed', async () => {
    expect((await test.request('GET', '/livez?fbclid=1', { token: '' })).status).toBe(200)
  })
})

describe('a second rotation of a secret', () => {
  it('is refused with the time until which the older one is valid, unless the query says which ends', async () => {
    await test.request('POST', '/api/v1/devices', { body: { device: 'rotated', type: 'washing_machine' } })
    const rotate = (query: string) => test.request('POST', `/api/v1/devices/rotated/secret${query}`)
    expect((await rotate('')).json).toEqual({ device: 'rotated', secret: 'rotated-rotated' })
    expect((await rotate('')).json).toMatchObject({ status: 409, code: 'MDL_API_CONFLICT', details: { previous_until_ms: 5 } })
    expect((await rotate('?end=newer')).json).toEqual({ device: 'rotated', secret: 'rotated-rotatednewer' })
    expect((await rotate('?end=both')).json.errors).toMatchObject([{ field: 'querystring.end' }])
    await test.request('DELETE', '/api/v1/devices/rotated')
  })
})

describe('the list of devices', () => {
  it('is of one type where the query names it', async () => {
    const types = { a: 'air_conditioner', b: 'fridge', c: 'air_conditioner' }
    await test.request('POST', '/api/v1/devices', { body: Object.entries(types).map(([device, type]) => ({ device, type })) })
    const listed = async (type: string) =>
      (await test.request('GET', `/api/v1/devices?type=${type}`)).json.items.map((item: { device: string }) => item.device)
    expect([await listed('fridge'), await listed('air_conditioner'), await listed('kettle')]).toEqual([['b'], ['a', 'c'], []])
  })
})

describe('the documents', () => {
  const docs = new URL('../docs/', import.meta.url)
  const files = readdirSync(docs, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.md'))
  const named = files.flatMap((file) =>
    [
      ...readFileSync(new URL(file, docs), 'utf8').matchAll(
        /(?:\b(?:GET|POST|PUT|DELETE) (?:\/api\/v1)?|\/api\/v1)(\/(?!api\/)[\w{}/.-]+)\?([\w&=|.,%{}<>-]+)/g,
      ),
    ].map(([, path = '', query = '']) => ({ file, path, names: query.split('&').map((part) => part.replace(/=.*/, '')) })),
  )

  it('name parameters that a route of the path takes', () => {
    const wrong = named.flatMap(({ file, path, names }) => {
      const own = paths.filter(
        ([known]) =>
          new RegExp(`^/api/v1${path.replaceAll(/[.]/g, '\\.').replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(known) ||
          new RegExp(`^${known.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(`/api/v1${path}`),
      )
      const taken = new Set(own.flatMap(([, methods]) => Object.values(methods).flatMap(({ parameters = [] }) => parameters.map(({ name }) => name))))
      return names.filter((name) => /^\w+$/.test(name) && !taken.has(name)).map((name) => [file, path, name])
    })
    expect(wrong).toEqual([])
    expect(named.length).toBeGreaterThan(20)
  })
})
