/** Alarms and maintenance windows over HTTP: what is shown, who may change it, what is refused and by which field. */
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
const post = (path: string, body: unknown, token = 'dev') => test.request('POST', `/api/v1${path}`, { token, body })

describe('alarms over HTTP', () => {
  it('gives one with what people did with it', async () => {
    const { json } = await get('/alarms/alarm_1')
    expect(json).toMatchObject({ alarm_id: 'alarm_1', acknowledged_at_ms: 5, acknowledged_by: 'key:dev', snoozed_until_ms: null, quiet_by: null })
    expect((await get('/alarms/alarm_9')).status).toBe(404)
  })

  it('hands on an acknowledgement with who gave it', async () => {
    expect(await post('/alarms/alarm_1/handling', { acknowledge: true, assign_to: null, snooze_until_ms: 9 })).toMatchObject({
      status: 200,
      json: { alarm_id: 'alarm_1' },
    })
    const change = { acknowledge: true, assign_to: null, snooze_until_ms: 9 }
    expect(test.calls.at(-1)).toMatchObject(['handleAlarm', { tenant: 'home', alarmId: 'alarm_1', change, actor: expect.stringMatching(/^key:/) }])
    expect((await post('/alarms/alarm_0/handling', { acknowledge: true })).status).toBe(404)
  })

  it.each([
    ['nothing', {}],
    ['a word', { acknowledge: 'perhaps' }],
    ['an empty name', { assign_to: '' }],
    ['a time before all times', { snooze_until_ms: -1 }],
    ['a field nobody knows', { acknowledge: true, colour: 'red' }],
  ])('refuses %s as handling', async (_what, body) => {
    expect((await post('/alarms/alarm_1/handling', body)).status).toBe(400)
    expect(test.calls).toEqual([])
  })

  it('lets nobody handle or plan who may only read', async () => {
    const reader = await test.token('read')
    expect((await post('/alarms/alarm_1/handling', { acknowledge: true }, reader)).status).toBe(403)
    expect((await post('/maintenance-windows', { scope: 'all', from_ms: 1, to_ms: 2 }, reader)).status).toBe(403)
    expect((await get('/maintenance-windows', reader)).status).toBe(200)
  })
})

describe('maintenance windows over HTTP', () => {
  it('plans, lists and takes back one', async () => {
    const window = { scope: 'building', scope_value: 'Turm', from_ms: 1, to_ms: 2, reason: 'pumps' }
    expect(await post('/maintenance-windows', window)).toMatchObject({ status: 201, json: { window_id: 'mw_1' } })
    expect(test.calls.at(-1)).toMatchObject(['planMaintenance', { tenant: 'home', window }])
    expect((await get('/maintenance-windows')).json).toMatchObject({ items: [{ window_id: 'mw_1' }], next: null })
    expect((await test.request('DELETE', '/api/v1/maintenance-windows/mw_1', { token: 'dev' })).status).toBe(204)
    expect((await test.request('DELETE', '/api/v1/maintenance-windows/mw_2', { token: 'dev' })).status).toBe(404)
  })

  it.each([
    ['scope', { scope: 'planet', from_ms: 1, to_ms: 2 }],
    ['from_ms', { scope: 'all', to_ms: 2 }],
    ['to_ms', { scope: 'all', from_ms: 1, to_ms: 'soon' }],
  ])('refuses a bad %s and names it', async (field, body) => {
    const { status, json } = await post('/maintenance-windows', body)
    expect([status, JSON.stringify(json)]).toEqual([400, expect.stringContaining(field)])
  })
})

describe('attributes of a device over HTTP', () => {
  it('changes what is named, takes away what is null, and refuses what is no attribute', async () => {
    await post('/devices', { device: 'ac-1', type: 'air_conditioner' })
    const patch = (device: string, body: unknown) => test.request('PATCH', `/api/v1/devices/${device}`, { token: 'dev', body })
    expect(await patch('ac-1', { building: 'Turm', batch: null })).toMatchObject({
      status: 200,
      json: { device: 'ac-1', building: 'Turm', batch: null },
    })
    for (const body of [{}, { type: 'fridge' }, { building: '' }]) expect((await patch('ac-1', body)).status).toBe(400)
    expect((await patch('ac-9', { building: 'Turm' })).status).toBe(404)
  })
})
