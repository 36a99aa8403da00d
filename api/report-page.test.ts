import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'
import { memoryIntake } from './intake-builders.ts'

let operations: Operations
let test: TestApi
const calls: Array<readonly [string, unknown]> = []

beforeEach(async () => {
  calls.length = 0
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(apiMigrations)
  const memory = memoryIntake((port, argument) => calls.push([port, argument]))
  const unitOfCode = async (token: string) => (token === 'stray' ? { tenant: 'home', device: 'gone' } : memory.unitOfCode(token))
  const intake = { ...memory, unitOfCode }
  const types = { list: () => [airConditioner], find: () => airConditioner, register: async () => airConditioner }
  test = await createTestApi(operations.database as Kysely<ApiTables>, { intake, types }, { reportPageReports_MAX: 3 })
  await test.request('POST', '/api/v1/devices', { body: { device: 'ac-1', type: 'air_conditioner', household: 'Familie Secret' } })
})
afterEach(async () => {
  await test.api.stop()
  await operations.close()
})

const open = (token: string, language = 'en') => test.api.app.inject({ method: 'GET', url: `/r/${token}`, headers: { 'accept-language': language } })
const post = (payload: string, token = 'sticker') =>
  test.api.app.inject({ method: 'POST', url: `/r/${token}`, headers: { 'content-type': 'application/x-www-form-urlencoded' }, payload })

describe('the page behind a sticker', () => {
  it('is a form without script in the language of the browser that says nothing of the unit or its household', async () => {
    const english = await open('sticker')
    expect([english.statusCode, english.headers['content-type']]).toEqual([200, 'text/html; charset=utf-8'])
    expect(english.headers['content-security-policy']).toContain("default-src 'none'")
    expect(english.body).toContain('Report a trouble')
    expect((await open('sticker', 'zh-CN,zh;q=0.9,en;q=0.5')).body).toContain('故障报修')
    for (const secret of ['<script', 'Familie', 'ac-1', 'home']) expect(english.body).not.toContain(secret)
  })

  it('hands what was filled in to the intake and says what follows', async () => {
    const answer = await post('code=&symptom=not_cooling&text=%3Cb%3Ewarm%3C%2Fb%3E')
    expect([answer.statusCode, answer.body.includes('A service order is open')]).toEqual([200, true])
    const report = { tenant: 'home', device: 'ac-1', source: 'household', actor: 'page', symptom: 'not_cooling', text: '<b>warm</b>' }
    expect(calls).toEqual([['report', expect.objectContaining({ report: expect.objectContaining(report) })]])
  })

  it('is not there for an unknown token or a unit that is gone, and takes no report then', async () => {
    expect([(await open('guess')).statusCode, (await post('text=x', 'guess')).statusCode]).toEqual([404, 404])
    expect([(await open('stray')).statusCode, (await post('text=x', 'stray')).statusCode]).toEqual([404, 404])
    expect(calls).toEqual([])
  })

  it('refuses more reports of one unit than the limit within a window, and takes them again behind it', async () => {
    const statuses: number[] = []
    for (let n = 0; n < 4; n++) statuses.push((await post(`text=${n}`)).statusCode)
    expect(statuses).toEqual([200, 200, 200, 429])
    await test.clock.advance(11 * 60_000)
    expect((await post('text=again')).statusCode).toBe(200)
  })

  it('is made and revoked through the API with the scope that writes devices', async () => {
    const made = await test.request('POST', '/api/v1/devices/ac-1/intake-code')
    expect([made.status, made.json]).toEqual([201, { device: 'ac-1', token: 'sticker', path: '/r/sticker' }])
    const reader = await test.token('read')
    expect((await test.request('POST', '/api/v1/devices/ac-1/intake-code', { token: reader })).status).toBe(403)
    expect((await test.request('DELETE', '/api/v1/devices/ac-1/intake-code')).status).toBe(204)
    expect((await test.request('DELETE', '/api/v1/devices/ac-2/intake-code')).status).toBe(404)
  })
})

describe('the answer page', () => {
  it('says what to try first, and announces no visit meanwhile', async () => {
    const { answerPage } = await import('./report-page-html.ts')
    const answer = await memoryIntake(() => {}).report({ tenant: 'home', actor: '', source: 'household', at_ms: 0 })
    const text = { en: 'Clean the filter', 'zh-CN': '清洗滤网' }
    const remote_step = { action: 'WM-H01', text, minutes: 10, wants_photo: false, otherwise: text }
    const html = answerPage('en', { ...answer, remote_step, service: { ...answer.service, state: 'try_first' } })
    expect(html).toContain('Clean the filter')
    expect(html).toContain('About 10 minutes')
    expect(html).not.toContain('told when somebody comes')
    expect(answerPage('zh-CN', { ...answer, remote_step, service: { ...answer.service, state: 'try_first' } })).toContain('清洗滤网')
    expect(answerPage('en', { ...answer, remote_step, service: { ...answer.service, state: 'checking' } })).not.toContain('Clean the filter')
  })

  it('escapes what it shows', async () => {
    const { answerPage } = await import('./report-page-html.ts')
    const answer = await memoryIntake(() => {}).report({ tenant: 'home', actor: '', source: 'household', at_ms: 0 })
    const bad = { en: '<img src=x>', 'zh-CN': '<img src=x>' }
    const html = answerPage('en', { ...answer, safety_advice: bad, contact_id: '"><script>' })
    expect(html).toContain('&lt;img src=x&gt;')
    expect(html).not.toMatch(/<img|<script/)
  })
})
