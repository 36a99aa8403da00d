import type { Kysely } from 'kysely'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { MendlineError } from '#kernel/errors.ts'
import { silentLog } from '#kernel/log.ts'
import { type Operations, openOperations } from '../operations/open-database.ts'
import { createTestApi, type TestApi } from './api-builders.ts'
import { type ApiTables, apiMigrations } from './api-tables.ts'
import { memoryIntake } from './intake-builders.ts'
import { memoryRemote } from './remote-builders.ts'

let operations: Operations
let test: TestApi
/** Details of the refusal that every report meets; undefined = it is taken. */
let refused: Readonly<Record<string, unknown>> | undefined
const calls: Array<readonly [string, unknown]> = []

beforeEach(async () => {
  calls.length = 0
  refused = undefined
  operations = await openOperations({ file: ':memory:', log: silentLog })
  await operations.migrate(apiMigrations)
  const memory = memoryIntake((port, argument) => calls.push([port, argument]))
  const unitOfCode = async (token: string) =>
    token === 'stray' || token === 'other' ? { tenant: 'home', device: token === 'other' ? 'ac-2' : 'gone' } : memory.unitOfCode(token)
  const report: typeof memory.report = async (given, key) => {
    if (refused !== undefined) throw new MendlineError('MDL_API_INVALID', 'the report cannot be taken', { details: refused })
    return memory.report(given, key)
  }
  const intake = { ...memory, report, unitOfCode }
  const types = { list: () => [airConditioner], find: () => airConditioner, register: async () => airConditioner }
  const remote = memoryRemote((port, argument) => calls.push([port, argument]))
  test = await createTestApi(operations.database as Kysely<ApiTables>, { intake, types, remote }, { reportPageReports_MAX: 3 })
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

  it.each([
    ['helped', { answer: 'done', helped: true, text_version: '1/AC-H01' }, 'being checked'],
    ['notHelped', { answer: 'done', helped: false, text_version: '1/AC-H01' }, 'being checked'],
    ['notDone', { answer: 'refuse' }, 'A service order is open'],
  ] as const)('takes what the household says to the step that it was asked to try: %s', async (result, answer, follows) => {
    const page = await post(`work_order_id=wo_1&action=AC-H01&text_version=1%2FAC-H01&result=${result}`)
    expect([page.statusCode, page.body.includes(follows)]).toEqual([200, true])
    const told = expect.objectContaining({ ...answer, actor: 'page' })
    expect(calls).toEqual([['answerRemote', { tenant: 'home', offerId: 'rem_1', answer: told }]])
  })

  it('says of a step that is not offered, or is of another unit, that it was answered, and takes nothing', async () => {
    const page = await post('work_order_id=wo_1&action=AC-H09&text_version=x&result=helped')
    expect([page.statusCode, page.body.includes('answered already')]).toEqual([409, true])
    await test.request('POST', '/api/v1/devices', { body: { device: 'ac-2', type: 'air_conditioner' } })
    expect((await post('work_order_id=wo_1&action=AC-H01&text_version=1%2FAC-H01&result=helped', 'other')).statusCode).toBe(409)
    expect(calls).toEqual([])
  })

  it('shows a step again whose answer came before it was offered, and not one that the order does not name', async () => {
    const early = await post('work_order_id=wo_2&action=AC-H02&text_version=1%2FAC-H02&result=helped')
    expect([early.statusCode, early.body.includes('a moment too early'), early.body.includes('answered already')]).toEqual([200, true, false])
    for (const shown of ['clean the filter', 'name="work_order_id" value="wo_2"', 'name="action" value="AC-H02"', 'name="result" value="notDone"'])
      expect(early.body).toContain(shown)
    expect((await post('work_order_id=wo_2&action=AC-H09&text_version=x&result=helped')).statusCode).toBe(409)
    expect(calls).toEqual([])
  })

  it('says of a refused report that tells a danger what to do first, in its language, and nothing of that of one that tells none', async () => {
    refused = { safety_advice: { en: 'Touch no <switch>', 'zh-CN': '勿动开关' } }
    const english = await post('symptom=gone&text=smells+of+gas')
    expect([english.statusCode, english.body.includes('Touch no &lt;switch&gt;'), english.body.includes('could not be taken')]).toEqual([
      400,
      true,
      true,
    ])
    expect(english.body.indexOf('Touch no')).toBeLessThan(english.body.indexOf('could not be taken'))
    refused = {}
    const plain = await post('symptom=gone')
    expect([plain.statusCode, plain.body.includes('Do this first'), plain.body.includes('could not be taken')]).toEqual([400, false, true])
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
    for (const result of ['helped', 'notHelped', 'notDone']) expect(html).toContain(`name="result" value="${result}"`)
    expect(answerPage('zh-CN', { ...answer, remote_step, service: { ...answer.service, state: 'try_first' } })).toContain('没有解决')
    expect(answerPage('en', answer)).not.toContain('name="result"')
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

describe('the page behind the answer to a step', () => {
  const text = { en: 'Look at the <hose>', 'zh-CN': '检查水管' }

  it('shows the next step with its buttons, escaped, in both languages', async () => {
    const { stepPage } = await import('./report-page-html.ts')
    const next = { work_order_id: 'wo_1', action: 'WM-H02', text, text_version: '1/WM-H02', minutes: 5 }
    expect(stepPage('en', { next })).toContain('Look at the &lt;hose&gt;')
    expect(stepPage('zh-CN', { next })).toMatch(/检查水管.*未操作/s)
  })

  it('says that nobody comes where it is solved, and that an order is open where it is not', async () => {
    const { stepPage } = await import('./report-page-html.ts')
    expect(stepPage('en', { state: 'solved' })).toContain('Nobody comes')
    expect(stepPage('zh-CN', { state: 'order_open' })).toContain('已生成服务单')
  })
})
