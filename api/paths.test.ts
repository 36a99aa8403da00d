/** The paths outside `/api/v1` stand in docs/api.md, with what they are for: all of them, and none that is not there. */
import { readFileSync } from 'node:fs'
import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'

let operations: Operations
let test: TestApi
afterEach(async () => {
  await test.api.stop()
  await operations.close()
})

const page = readFileSync(new URL('../docs/api.md', import.meta.url), 'utf8')
const section = /## Outside the prefix\n([\s\S]*?)\n## /.exec(page)?.[1] ?? ''
const documented = section
  .split('\n')
  .filter((line) => line.startsWith('| `/'))
  .flatMap((line) => [...(line.split('|')[1] ?? '').matchAll(/`([^`]+)`/g)].map(([, path = '']) => path))

describe('the paths outside the prefix', () => {
  it('are those of the page, and no other', async () => {
    operations = await openOperations({ file: ':memory:', log: silentLog })
    await operations.migrate(apiMigrations)
    test = await createTestApi(operations.database as Kysely<ApiTables>)
    const described = Object.keys((await test.request('GET', '/openapi.json')).json.paths as object).filter((path) => !path.startsWith('/api/v1'))
    expect(described.length).toBeGreaterThan(3)
    expect(described.filter((path) => !documented.includes(path))).toEqual([])
    // The door of MQTT is no route: it takes the upgrade of the connection.
    const routes = documented.filter((path) => path !== '/mqtt').map((path) => path.replace(/\{(\w+)\}/g, ':$1'))
    expect(routes.filter((url) => !test.api.app.hasRoute({ method: 'GET', url }))).toEqual([])
    expect(test.api.app.hasRoute({ method: 'GET', url: '/of-nobody' })).toBe(false)
  })
})
