import type { Kysely } from 'kysely'
import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { ManualClock } from '#kernel/clock.ts'
import { silentLog } from '#kernel/log.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { type Operations, openOperations } from '../../operations/open-database.ts'
import { diagnosed, STORY_MS } from '../hub-builders.ts'
import { type HubTables, hubMigrations } from '../hub-tables.ts'
import { createHubs } from '../hubs.ts'
import type { CloudEvent } from '../outbox-events.ts'

const HOUR_MS = 3_600_000
const opened: Operations[] = []
afterEach(async () => {
  for (const operations of opened.splice(0)) await operations.close()
})

async function bench() {
  const operations = await openOperations({ file: ':memory:', log: silentLog })
  opened.push(operations)
  await operations.migrate(hubMigrations)
  const database = operations.database as unknown as Kysely<HubTables>
  const clock = new ManualClock(STORY_MS + 5 * HOUR_MS)
  const events: CloudEvent[] = []
  const types: Record<string, string> = { washer: 'washing_machine', heater: 'gas_water_heater', odd: 'own_type' }
  const hubs = createHubs({
    database,
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: (tenant, device) => {
      const type = tenant === 'home' ? types[device] : undefined
      return type === undefined ? undefined : { type, household: 'flat-3', installed_at_ms: null }
    },
    onCommitted: (committed) => events.push(...committed),
    clock,
    log: silentLog,
  })
  const say = (given: Partial<HouseholdReport>, key?: string) =>
    hubs.report({ tenant: 'home', actor: 'desk', source: 'household', device: 'washer', at_ms: clock.now(), ...given }, key)
  const orders = async () => (await hubs.workOrders({ tenant: 'home', limit: 50 })).items
  const measured = (fault: string, given: object = {}) =>
    hubs.apply([diagnosed({ device: 'washer', type: 'washing_machine', fault, hour: 4, ...given })])
  return { hubs, database, clock, events, say, orders, measured }
}

/** A report that says nothing, whose questions nobody can answer. */
async function unnamed(say: Awaited<ReturnType<typeof bench>>['say']) {
  let answer = await say({ text: 'it does not work' })
  while (answer.next_question !== null)
    answer = await say({ contact_id: answer.contact_id, answers: [{ question: answer.next_question.question, answer: 'dont_know' }] })
  return answer
}

const BEARING = { fault_code: 'none', symptom: 'noisy_spin', answers: [{ question: 'WM-Q05', answer: 'roars' }] }

describe('a report of a unit', () => {
  it('opens an order with the packet of the likeliest fault when enough was said, and says what that rests on', async () => {
    const { hubs, say, orders } = await bench()
    const answer = await say(BEARING)
    expect(answer).toMatchObject({
      is_concluded: true,
      joined: false,
      diagnosis: { answer: 'fault', fault: 'WM-03' },
      service: { state: 'order_open' },
    })
    expect(answer.diagnosis.rests_on).toEqual(['code', 'symptom', 'answers'])
    const [order] = await orders()
    expect(order).toMatchObject({ work_order_id: answer.work_order_id, fault: 'WM-03', state: 'opened' })
    expect(order?.packet.parts.length).toBeGreaterThan(0)
    expect(order?.packet.evidence_for.map(({ feature }) => feature)).toEqual(['said_symptom', 'said_WM-Q05'])
    const { items } = await hubs.diagnoses({ tenant: 'home', limit: 5 })
    expect(items[0]).toMatchObject({ source: 'report', fault: 'WM-03', rests_on: ['code', 'symptom', 'answers'] })
    expect(await hubs.caseContacts('home', answer.case_id ?? '')).toMatchObject([
      { contact_id: answer.contact_id, household: 'flat-3', kind: 'report' },
    ])
  })

  it('announces no visit while something can be tried first, also in the moment before it is offered', async () => {
    const { hubs, say, orders, clock } = await bench()
    const filter = { symptom: 'water_left', fault_code: 'E21', answers: [{ question: 'WM-Q04', answer: 'not_cleaned' }] }
    const hum = { question: 'WM-Q03', answer: 'slow' }
    const first = await say({ ...filter, answers: [...filter.answers, hum] })
    expect(first).toMatchObject({ diagnosis: { fault: 'WM-01' }, service: { state: 'try_first' } })
    expect(first.remote_step?.text['zh-CN']).toBeTruthy()
    const id = first.work_order_id ?? ''
    expect(await hubs.remoteOffers('home', id)).toEqual([])
    const { action, text, text_version, minutes } = first.remote_step ?? {}
    expect(await hubs.namedStep({ tenant: 'home', device: 'washer' }, id)).toEqual({ work_order_id: id, action, text, text_version, minutes })
    expect(await hubs.namedStep({ tenant: 'home', device: 'other' }, id)).toBeUndefined()
    expect(await hubs.namedStep({ tenant: 'home', device: 'washer' }, 'wo_none')).toBeUndefined()
    await hubs.start()
    clock.advance(60_000)
    await hubs.timersSettled()
    const [order] = await orders()
    expect(order?.state).toBe('remote_offered')
    const [offer] = (await hubs.remoteOffers('home', order?.work_order_id ?? '')) ?? []
    const again = await say({ kind: 'chase', text: 'when do you come?' })
    expect(again).toMatchObject({ service: { state: 'try_first' }, remote_step: { action: offer?.action, text_version: offer?.text_version } })
    const answer = { answer: 'refuse', at_ms: clock.now(), actor: 'anna' } as const
    await hubs.answerRemote('home', offer?.offer_id ?? '', answer)
    clock.advance(1)
    expect(await say({ kind: 'chase', text: 'and now?' })).toMatchObject({ service: { state: 'order_open' }, remote_step: null })
    expect(await hubs.namedStep({ tenant: 'home', device: 'washer' }, id)).toBeUndefined()
    await hubs.stop()
  })

  it('asks as long as it is not sure, five times at most, and opens an order with a check of the household when nothing can be named', async () => {
    const { hubs, say, orders, database, clock } = await bench()
    let answer = await say({ text: 'it does not work' }, 'first')
    const asked: string[] = []
    while (answer.next_question !== null) {
      const { question } = answer.next_question
      asked.push(question)
      answer = await say({ contact_id: answer.contact_id, answers: [{ question, answer: 'dont_know' }] })
    }
    expect(new Set(asked).size).toBe(5)
    expect(answer).toMatchObject({ is_concluded: true, joined: false, service: { state: 'try_first' } })
    expect(answer.diagnosis).toMatchObject({ answer: 'unknown_fault', fault: null })
    await hubs.start()
    await hubs.timersSettled()
    const [order, ...more] = await orders()
    expect(more).toEqual([])
    expect(order).toMatchObject({ work_order_id: answer.work_order_id, fault: null, state: 'remote_offered', safety_class: 'E3' })
    expect(order?.packet).toMatchObject({ fault_name: 'Cause not known yet' })
    expect(order?.packet.parts.map(({ probability }) => probability).every((probability) => probability >= 0.1 && probability <= 1)).toBe(true)
    expect(await database.selectFrom('hub_contacts').select(['text', 'case_id']).execute()).toEqual([
      { text: 'it does not work', case_id: order?.case_id },
    ])
    const [offer] = await hubs.remoteOffers('home', order?.work_order_id ?? '')
    expect(offer).toMatchObject({ action: 'WM-H90', state: 'offered' })
    const told = { text_version: offer?.text_version ?? '', at_ms: clock.now(), actor: 'household' }
    const done = hubs.answerRemote('home', offer?.offer_id ?? '', { answer: 'done', ...told })
    await expect(done).rejects.toMatchObject({ details: { errors: [{ field: 'body.helped' }] } })
    await hubs.answerRemote('home', offer?.offer_id ?? '', { answer: 'done', helped: true, ...told })
    expect(await orders()).toMatchObject([{ state: 'done', outcome: { cause: 'no_fault_found' } }])
    expect(await database.selectFrom('hub_labels').selectAll().execute()).toEqual([])
    await hubs.stop()
  })

  it.each([
    ['refuse', {}],
    ['done', { helped: false }],
  ] as const)('sends somebody when the household answers the check with %s', async (answer, given) => {
    const { hubs, say, orders, clock } = await bench()
    await unnamed(say)
    await hubs.start()
    await hubs.timersSettled()
    const id = (await orders())[0]?.work_order_id ?? ''
    const [offer] = await hubs.remoteOffers('home', id)
    const said = { text_version: offer?.text_version ?? '', at_ms: clock.now(), actor: 'household' }
    await hubs.answerRemote('home', offer?.offer_id ?? '', { answer, ...given, ...said })
    expect(await orders()).toMatchObject([{ state: 'triaged', fault: null }])
    await hubs.stop()
  })

  it('names no step of the cause that was found behind its check when nothing will offer it', async () => {
    const { hubs, say, orders, measured, clock } = await bench()
    const { work_order_id } = await unnamed(say)
    const id = work_order_id ?? ''
    await hubs.start()
    await hubs.timersSettled()
    const [check] = await hubs.remoteOffers('home', id)
    const told = { text_version: check?.text_version ?? '', actor: 'household' }
    await hubs.answerRemote('home', check?.offer_id ?? '', { answer: 'done', helped: false, at_ms: clock.now(), ...told })
    await measured('WM-01', { hour: 6, probability: 0.9 })
    const visit = (type: string, data: object = {}) =>
      hubs.workOrderEvent('home', id, { type, at_ms: clock.now(), actor: 'x', data } as Parameters<typeof hubs.workOrderEvent>[2], undefined)
    await visit('accepted')
    await visit('on_site')
    await visit('done', { outcome: { cause: 'WM-01', parts_used: [], parts_returned: [], minutes: 5 } })
    await visit('reopened', { reason: 'it is back' })
    await hubs.timersSettled()
    expect(await orders()).toMatchObject([{ fault: 'WM-01', state: 'reopened' }])
    expect(await say({ kind: 'chase', text: 'and now?' })).toMatchObject({ service: { state: 'order_open' }, remote_step: null })
    expect(await hubs.remoteOffers('home', id)).toMatchObject([{ action: 'WM-H90' }])
    await hubs.stop()
  })

  it('leaves a danger that the readings find to an order of its own once somebody is on the way', async () => {
    const { hubs, say, orders, measured, clock } = await bench()
    const { work_order_id } = await unnamed(say)
    await hubs.workOrderEvent('home', work_order_id ?? '', { type: 'accepted', at_ms: clock.now(), actor: 'x' }, undefined)
    await measured('WM-05', { hour: 6, probability: 0.9, safety_class: 'E1' })
    expect((await orders()).map(({ fault }) => fault)).toEqual(expect.arrayContaining([null, 'WM-05']))
  })

  it('takes the check back when the cause is named, and asks what belongs to that', async () => {
    const { hubs, say, orders, measured } = await bench()
    const { work_order_id } = await unnamed(say)
    await hubs.start()
    await hubs.timersSettled()
    await measured('WM-03', { hour: 6, probability: 0.9 })
    await hubs.timersSettled()
    expect(await hubs.remoteOffers('home', work_order_id ?? '')).toMatchObject([{ action: 'WM-H90', state: 'withdrawn' }])
    expect(await orders()).toMatchObject([{ fault: 'WM-03', state: 'triaged' }])
    await hubs.stop()
  })

  it('lets readings open an order behind a check that helped, for nobody was there', async () => {
    const { hubs, say, orders, measured, clock } = await bench()
    const { work_order_id } = await unnamed(say)
    await hubs.start()
    await hubs.timersSettled()
    const [offer] = await hubs.remoteOffers('home', work_order_id ?? '')
    const told = { text_version: offer?.text_version ?? '', at_ms: clock.now(), actor: 'household' }
    await hubs.answerRemote('home', offer?.offer_id ?? '', { answer: 'done', helped: true, ...told })
    await measured('WM-03', { hour: 30, probability: 0.9 })
    expect((await orders()).map(({ fault }) => fault)).toEqual(expect.arrayContaining([null, 'WM-03']))
    await hubs.stop()
  })

  it('names what the readings find later, in the same order, and joins what is reported again meanwhile', async () => {
    const { say, orders, measured } = await bench()
    const { case_id } = await unnamed(say)
    expect(await unnamed(say)).toMatchObject({ case_id, joined: true })
    await measured('WM-03', { hour: 6, probability: 0.9 })
    expect(await orders()).toMatchObject([{ case_id, fault: 'WM-03' }])
  })

  it('believes that it works where nothing that was said speaks for a fault, the more when the readings told of none', async () => {
    const { say, measured } = await bench()
    const fine = { fault_code: 'none', answers: ['WM-Q01', 'WM-Q02', 'WM-Q06', 'WM-Q08'].map((question) => ({ question, answer: 'no' })) }
    const before = (await say(fine)).diagnosis
    expect(before.no_fault_probability).toBeGreaterThan(0.15)
    const broken = (await say(BEARING)).diagnosis
    expect(broken.no_fault_probability).toBeLessThan(0.05)
    await measured('', { answer: 'no_fault', fault: null, probability: 0 })
    const after = (await say({ ...fine, text: 'again' })).diagnosis
    expect(after.no_fault_probability).toBeGreaterThan(before.no_fault_probability)
    expect(after.fault).toBeNull()
  })

  it('joins the case that the readings opened, keeps one order with their evidence, and is told as merged', async () => {
    const { say, orders, measured, events, hubs } = await bench()
    await measured('WM-03', { residuals: [{ feature: 'vibration_g', observed: 2, expected: 1, z_score: 5 }] })
    const first = await say(BEARING)
    const second = await say({ ...BEARING, source: 'call_centre', text: 'second call' })
    expect([first.joined, second.joined, first.case_id]).toEqual([true, true, second.case_id])
    const all = await orders()
    expect(all).toHaveLength(1)
    expect(all[0]?.packet.evidence_for.map(({ feature }) => feature)).toContain('subcooling_k')
    expect(first.diagnosis.rests_on).toContain('telemetry')
    expect(events.filter(({ type }) => type === 'mendline.case.merged.v1')).toHaveLength(2)
    expect(await hubs.caseContacts('home', first.case_id ?? '')).toHaveLength(2)
  })

  it('opens a second case for another fault of the same unit', async () => {
    const { say, orders, measured } = await bench()
    await measured('WM-09')
    await say(BEARING)
    const causes = (await orders()).map(({ fault }) => fault)
    expect(new Set(causes)).toEqual(new Set(['WM-03', 'WM-09']))
  })

  it('gives advice at once and opens an order of its class when a danger is said, and none where it is not', async () => {
    const { say, orders } = await bench()
    const danger = await say({ device: 'heater', answers: [{ question: 'GW-Q01', answer: 'yes' }] })
    expect(danger.safety_advice?.['zh-CN']).toBeTruthy()
    expect(['E0', 'E1']).toContain(danger.safety_class)
    expect((await orders())[0]).toMatchObject({ device: 'heater', safety_class: danger.safety_class })
    expect((await say({ device: 'washer', text: 'hm' })).safety_advice).toBeNull()
    expect(await orders()).toHaveLength(1)
  })

  it.each([
    ['in their own words', { device: 'heater', text: '闻到燃气味' }],
    ['by a code in lower case and full width', { device: 'washer', fault_code: ' ｅc0' }],
  ])('gives advice and opens an order when a danger is said %s', async (_how, report) => {
    const { say, orders } = await bench()
    const answer = await say(report)
    expect(answer.safety_advice?.en).toBeTruthy()
    expect(await orders()).toMatchObject([{ safety_class: answer.safety_class }])
  })

  it('brings a chase and a complaint to the open case and remarks it on the order', async () => {
    const { say, hubs } = await bench()
    const { case_id, work_order_id } = await say(BEARING)
    expect(await say({ kind: 'chase', text: 'when do you come?' })).toMatchObject({ case_id, work_order_id, joined: true, next_question: null })
    const moves = (await hubs.workOrderMoves('home', work_order_id ?? '')) as ReadonlyArray<{ type: string }>
    expect(moves.filter(({ type }) => type === 'contact')).toHaveLength(1)
    const contacts = await hubs.caseContacts('home', case_id ?? '')
    expect(contacts?.map(({ kind }) => kind).sort()).toEqual(['chase', 'report'])
    expect(await hubs.caseContacts('other', case_id ?? '')).toBeUndefined()
  })

  it('is taken once for its key, and refused with another body under it', async () => {
    const { say, database, orders } = await bench()
    const first = await say(BEARING, 'k')
    expect(await say(BEARING, 'k')).toEqual(first)
    expect(await database.selectFrom('hub_contacts').selectAll().execute()).toHaveLength(1)
    expect(await orders()).toHaveLength(1)
    await expect(say({ ...BEARING, text: 'x' }, 'k')).rejects.toMatchObject({ code: 'MDL_API_IDEMPOTENCY_MISMATCH' })
  })

  it('reopens a settled order at once when the household reports the same fault again', async () => {
    const { say, hubs, orders, clock } = await bench()
    const { work_order_id } = await say(BEARING)
    const id = work_order_id ?? ''
    const outcome = { cause: 'WM-03', parts_used: [], parts_returned: [], minutes: 30 }
    for (const type of ['accepted', 'en_route', 'on_site'] as const)
      await hubs.workOrderEvent('home', id, { type, at_ms: clock.now(), actor: 'x' }, undefined)
    const done = await hubs.workOrderEvent('home', id, { type: 'done', at_ms: clock.now(), actor: 'x', data: { outcome } }, undefined)
    expect(done.state).toBe('done')
    await clock.advance(HOUR_MS)
    expect(await say(BEARING)).toMatchObject({ work_order_id, joined: true })
    expect((await orders())[0]?.state).toBe('reopened')
  })

  it('is refused with the name of the field for an unregistered unit, an unknown question, symptom or answer, and a time to come', async () => {
    const { say, database, clock } = await bench()
    const refusals: Array<readonly [string, Partial<HouseholdReport>]> = [
      ['device', { device: 'nobody' }],
      ['device', { tenant: 'other' }],
      ['symptom', { symptom: 'sings' }],
      ['answers', { answers: [{ question: 'GW-Q01', answer: 'yes' }] }],
      ['answers', { answers: [{ question: 'WM-Q05', answer: 'perhaps' }] }],
      ['at_ms', { at_ms: clock.now() + HOUR_MS }],
    ]
    for (const [field, given] of refusals) {
      const details = { errors: [{ field: `body.${field}` }] }
      await expect(say(given), field).rejects.toMatchObject({ code: 'MDL_API_INVALID', details })
    }
    await expect(say({ contact_id: 'contact_of_nobody' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect(await database.selectFrom('hub_contacts').selectAll().execute()).toEqual([])
  })

  it('opens an order of a type that nobody described, and names nothing; a call alone opens none', async () => {
    const { say, orders } = await bench()
    const nothing = { is_concluded: true, diagnosis: { ranked: [], answer: 'not_enough_data', fault: null } }
    expect(await say({ device: 'odd', kind: 'call', text: 'when do you open?' })).toMatchObject({ ...nothing, service: { state: 'not_known' } })
    expect(await say({ device: 'odd', text: 'broken' })).toMatchObject({ ...nothing, service: { state: 'order_open' } })
    expect(await orders()).toMatchObject([{ device: 'odd', fault: null, state: 'opened' }])
  })
})

describe('the code of the reporting page', () => {
  it('opens its unit until a new one is made or it is revoked, and is not kept in the open', async () => {
    const { hubs, database } = await bench()
    const token = await hubs.createIntakeCode('home', 'washer')
    expect(await hubs.unitOfCode(token)).toEqual({ tenant: 'home', device: 'washer' })
    expect(JSON.stringify(await database.selectFrom('hub_intake_codes').selectAll().execute())).not.toContain(token)
    const next = await hubs.createIntakeCode('home', 'washer')
    expect(await hubs.unitOfCode(token)).toBeUndefined()
    expect([await hubs.revokeIntakeCode('home', 'washer'), await hubs.revokeIntakeCode('home', 'washer')]).toEqual([true, false])
    expect(await hubs.unitOfCode(next)).toBeUndefined()
    await expect(hubs.createIntakeCode('other', 'washer')).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })
})
