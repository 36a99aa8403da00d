import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed, raised } from '../hub-builders.ts'
import { isHeldOut } from './intervention-rules.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS
const benches: HubBench[] = []

/** Units stand in a household of their own name, but those of `together`. */
const bench = async (together: readonly string[] = []): Promise<HubBench> => {
  const placeOf = (_tenant: string, device: string) => ({ household: together.includes(device) ? 'together' : `h-${device}` })
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { places: { placeOf, populationOf: () => 0 } })
  benches.push(b)
  return b
}

/** Opens orders until one is (or is not) held out, and gives its unit. */
const openOne = async (b: HubBench, heldOut: boolean): Promise<string> => {
  for (let n = 1; n < 200; n++) {
    await b.apply(diagnosed({ device: `unit-${n}` }))
    if (isHeldOut(await b.order(`unit-${n}`), 0.1) === heldOut) return `unit-${n}`
  }
  throw new Error('no such order among 200')
}

const schedule = async (b: HubBench, device: string, inMs: number): Promise<string> => {
  const { work_order_id: id } = await b.order(device)
  await b.answer('scheduled', { window_from_ms: b.clock.now() + inMs, window_to_ms: b.clock.now() + inMs + HOUR_MS }, { id })
  await b.answer('accepted', { engineer: 'eva' }, { id })
  return id
}

const finish = async (b: HubBench, id: string, rating?: Record<string, unknown>): Promise<void> => {
  for (const state of ['en_route', 'on_site'] as const) await b.answer(state, undefined, { id })
  const steps = ['find-leak', 'charge'].map((step) => ({ step, done: true }))
  await b.answer('done', { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 30, steps } }, { id })
  if (rating !== undefined) await b.answer('rated', rating, { id })
}

const contact = (b: HubBench, caseId: string, kind: string) => {
  const at_ms = b.clock.now()
  const said = { source: 'household', kind, text: '', said: '{}', at_ms, actor: 'household', created_at_ms: at_ms, updated_at_ms: at_ms }
  const row = { contact_id: `${caseId}/${kind}/${at_ms}`, tenant: 'home', device: 'unit', household: null, case_id: caseId, ...said }
  return b.database.insertInto('hub_contacts').values(row).execute()
}

const risksOf = (b: HubBench) => b.hubs.risks({ tenant: 'home', limit: 100 })
const riskOf = async (b: HubBench, id: string) => (await risksOf(b)).find(({ work_order_id }) => work_order_id === id)
const interventionsOf = (b: HubBench, workOrderId: string) => b.hubs.interventions({ tenant: 'home', limit: 100, workOrderId })
const sent = (b: HubBench, name: string) => b.events.filter(({ type }) => type === `mendline.experience.${name}.v1`).map(({ data }) => data)

afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

describe('risk of an open order', () => {
  it('is low at first, and rises by itself when the promised window passes without an arrival', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), 2 * HOUR_MS)
    expect(await riskOf(b, id)).toMatchObject({ is_above: false, facts: { late_minutes: 0, silent_h: 0 } })
    await b.wait(3 * HOUR_MS)
    expect((await riskOf(b, id))?.facts.late_minutes).toBe(0)
    await b.wait(4 * HOUR_MS)
    const risk = await riskOf(b, id)
    expect(risk?.facts.late_minutes).toBeGreaterThan(180)
    expect(risk?.reasons[0]?.term).toBe('late')
    expect((await risksOf(b))[0]?.work_order_id).toBe(id)
  })

  it('takes an arrival behind the window from the position before it comes, and forgets it when a new window is promised', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), 2 * HOUR_MS)
    await b.answer('position', { lat: 1, lon: 1, eta_ms: b.clock.now() + 5 * HOUR_MS }, { id })
    expect((await riskOf(b, id))?.facts).toMatchObject({ late_minutes: 120, reschedule_count: 0 })
    await b.answer('rescheduled', { window_from_ms: b.clock.now() + 6 * HOUR_MS, window_to_ms: b.clock.now() + 7 * HOUR_MS, by: 'outlet' }, { id })
    expect((await riskOf(b, id))?.facts).toMatchObject({ late_minutes: 0, reschedule_count: 1 })
  })

  it('counts calls about its own case and never a complaint', async () => {
    const b = await bench()
    const device = await openOne(b, false)
    const { work_order_id: id, case_id } = await b.order(device)
    await b.wait(MINUTE_MS)
    for (const [to, kind] of [
      [case_id, 'chase'],
      [case_id, 'complaint'],
      ['another', 'call'],
    ] as const)
      await contact(b, to, kind)
    await b.wait(HOUR_MS)
    expect((await riskOf(b, id))?.facts.chase_count).toBe(1)
  })

  it('waits, hears nothing and misses a part anew when its order is opened again', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), HOUR_MS)
    await b.answer('note', { kind: 'wrong_part' }, { id })
    expect((await riskOf(b, id))?.facts).toMatchObject({ has_wrong_part: true })
    await finish(b, id)
    await b.wait(20 * 24 * HOUR_MS)
    await b.answer('reopened', { reason: 'it is warm again' }, { id })
    const states = async () => (await interventionsOf(b, id)).filter(({ state }) => state === 'open').map(({ rule }) => rule)
    expect((await riskOf(b, id))?.facts).toMatchObject({ waiting_h: 0, silent_h: 0, has_wrong_part: false, is_repeat: true })
    expect(await states()).toEqual([])
    await b.wait(72 * HOUR_MS)
    expect((await riskOf(b, id))?.facts).toMatchObject({ waiting_h: 72, silent_h: 72 })
    expect(await states()).toContain('no_news')
  })

  it('is told when it crosses the bound up, and once more when the order is settled', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), HOUR_MS)
    await b.answer('position', { lat: 1, lon: 1, eta_ms: b.clock.now() + 10 * HOUR_MS }, { id })
    await b.answer('position', { lat: 1, lon: 1, eta_ms: b.clock.now() + 10 * HOUR_MS }, { id })
    expect(sent(b, 'risk')).toMatchObject([{ risk: { work_order_id: id, is_above: true }, is_open: true }])
    await b.answer('cancelled', { reason: 'the household called it off' }, { id })
    expect(sent(b, 'risk').slice(1)).toMatchObject([{ risk: { work_order_id: id, is_above: false }, is_open: false }])
    expect(await riskOf(b, id)).toBeUndefined()
    const { count } = await b.database
      .selectFrom('hub_timers')
      .select((select) => select.fn.countAll<number>().as('count'))
      .where('subject', '=', id)
      .where('kind', '=', 'order_risk')
      .executeTakeFirstOrThrow()
    expect(count).toBe(0)
  })

  it('falls again when somebody arrives in time against what the position said', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), HOUR_MS)
    await b.answer('position', { lat: 1, lon: 1, eta_ms: b.clock.now() + 10 * HOUR_MS }, { id })
    for (const state of ['en_route', 'on_site'] as const) await b.answer(state, undefined, { id })
    expect(sent(b, 'risk').at(-1)).toMatchObject({ risk: { work_order_id: id, is_above: false, facts: { late_minutes: 0 } }, is_open: true })
  })
})

describe('interventions', () => {
  it('open once for an order and rule, escalate while nobody answers, and end with one result', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), 0)
    await b.wait(2 * HOUR_MS)
    expect((await interventionsOf(b, id)).filter(({ rule }) => rule === 'late')).toMatchObject([{ state: 'open', owner: 'call_centre' }])
    await b.wait(30 * MINUTE_MS)
    const [late] = (await interventionsOf(b, id)).filter(({ rule }) => rule === 'late')
    expect(late).toMatchObject({ state: 'escalated', owner: 'organisation', action: 'call_household', reasons: expect.arrayContaining(['late']) })
    await b.wait(MINUTE_MS * 31)
    const again = (await interventionsOf(b, id)).filter(({ rule }) => rule === 'late')
    expect(again).toHaveLength(1)
    expect(again[0]?.escalations).toBeGreaterThan(late?.escalations ?? 0)
    const key = late?.intervention_id ?? ''
    expect(await b.hubs.answerIntervention('home', key, { result: 'done', actor: 'kim' })).toMatchObject({ state: 'answered', result: 'done' })
    const events = sent(b, 'intervention').length
    await b.wait(HOUR_MS)
    expect((await interventionsOf(b, id)).filter(({ rule }) => rule === 'late')).toMatchObject([{ state: 'answered' }])
    expect(
      sent(b, 'intervention')
        .slice(events)
        .filter((data) => (data.intervention as { rule: string }).rule === 'late'),
    ).toEqual([])
    const twice = b.hubs.answerIntervention('home', key, { result: 'declined', actor: 'kim' })
    await expect(twice).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    await expect(b.hubs.answerIntervention('other', key, { result: 'done', actor: 'kim' })).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
  })

  it('lapse with an event when the order is settled', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, false), 0)
    await b.wait(HOUR_MS + 20 * MINUTE_MS)
    await b.answer('position', { lat: 1, lon: 1, eta_ms: b.clock.now() + HOUR_MS }, { id })
    expect((await interventionsOf(b, id)).map(({ state }) => state)).toContain('open')
    await finish(b, id)
    expect(new Set((await interventionsOf(b, id)).map(({ state }) => state))).toEqual(new Set(['lapsed']))
    expect(sent(b, 'intervention').at(-1)).toMatchObject({ intervention: { state: 'lapsed' } })
  })

  it('are noted and not carried out for an order that is held out', async () => {
    const b = await bench()
    const id = await schedule(b, await openOne(b, true), 0)
    await b.wait(6 * HOUR_MS)
    const noted = await interventionsOf(b, id)
    expect(noted.map(({ state }) => state)).toContain('held_out')
    expect(noted.every(({ state, escalations }) => state === 'held_out' && escalations === 0)).toBe(true)
    expect(sent(b, 'intervention').filter((data) => (data.intervention as { work_order_id: string }).work_order_id === id)).toEqual([])
    const answer = b.hubs.answerIntervention('home', noted[0]?.intervention_id ?? '', { result: 'done', actor: 'kim' })
    await expect(answer).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
  })
})

describe('effect', () => {
  it('compares complaints and ratings of settled orders, treated against held out, and says nothing of complaints without contacts', async () => {
    const b = await bench()
    const stories = [
      [await openOne(b, false), { score: 5 }, 0],
      [await openOne(b, true), { score: 2 }, 1],
    ] as const
    const ids = []
    for (const [device] of stories) ids.push(await schedule(b, device, 0))
    await b.wait(5 * HOUR_MS)
    expect((await b.hubs.effect('home')).complaints).toBeNull()
    for (const [index, [device, rating, complaints]] of stories.entries()) {
      if (complaints > 0) await contact(b, (await b.order(device)).case_id, 'complaint')
      await finish(b, ids[index] ?? '', rating)
    }
    expect(await b.hubs.effect('home')).toMatchObject({
      complaints: { treated: { orders: 1, rate: 0 }, held_out: { orders: 1, rate: 1 }, difference: -1 },
      satisfied: { treated: { orders: 1, rate: 1 }, held_out: { orders: 1, rate: 0 }, difference: 1 },
    })
    expect((await b.hubs.effect('other')).satisfied).toMatchObject({ treated: { orders: 0, rate: null }, difference: null })
  })
})

describe('satisfaction', () => {
  it('gives CSAT, NPS, effort and response rate, and says who of the silent was late', async () => {
    const b = await bench(['unit-1', 'unit-2', 'unit-3'])
    for (const device of ['unit-1', 'unit-2', 'unit-3']) await b.apply(diagnosed({ device }))
    const late = await schedule(b, 'unit-1', 0)
    const early = [await schedule(b, 'unit-2', 10 * HOUR_MS), await schedule(b, 'unit-3', 10 * HOUR_MS)]
    await b.wait(3 * HOUR_MS)
    await finish(b, late)
    await finish(b, early[0] ?? '', { score: 5, nps: 10, effort: 1 })
    await finish(b, early[1] ?? '', { score: 2, nps: 8, effort: 4 })
    const span = { tenant: 'home', from_ms: 0, to_ms: b.clock.now() + 1 }
    expect(await b.hubs.satisfaction(span)).toMatchObject({
      ...{ responses: 2, csat: 0.5, nps: 50, mean_effort: 2.5, response_rate: 2 / 3 },
      ...{ responders: { orders: 2, late: 0, late_share: 0 }, non_responders: { orders: 1, late: 1, late_share: 1 } },
    })
    expect(await b.hubs.satisfaction({ ...span, to_ms: 1 })).toMatchObject({ responses: 0, csat: null, response_rate: null })
    await b.apply(diagnosed({ device: 'unit-1', fault: 'T-03', hour: 5 }))
    expect((await riskOf(b, (await b.order('unit-1')).work_order_id))?.facts.lowest_rating).toBe(2)
  })
})

describe('customer tags', () => {
  const key = { tenant: 'home', household: 'h-unit-1', tag: 'elderly' }

  it('count in the risk of open orders from the moment they are given, and no longer from the moment they are withdrawn', async () => {
    const b = await bench()
    await b.apply(diagnosed())
    const { work_order_id } = await b.order()
    const consent = { consent_at_ms: b.clock.now(), expires_at_ms: b.clock.now() + 24 * HOUR_MS, actor: 'kim' }
    await b.hubs.putCustomerTag(key, consent)
    expect((await riskOf(b, work_order_id))?.facts.is_tagged).toBe(true)
    await b.hubs.deleteCustomerTag(key)
    expect((await riskOf(b, work_order_id))?.facts.is_tagged).toBe(false)
  })

  it('are kept with consent, used for the orders of the household and logged; expired they are neither shown nor used', async () => {
    const b = await bench()
    const now = b.clock.now()
    await b.hubs.putCustomerTag(key, { consent_at_ms: now, expires_at_ms: now + 2 * HOUR_MS, actor: 'kim' })
    await b.apply(diagnosed({ device: 'unit-1' }), diagnosed({ device: 'unit-2' }))
    const { work_order_id } = await b.order('unit-1')
    expect((await riskOf(b, work_order_id))?.facts.is_tagged).toBe(true)
    expect((await riskOf(b, (await b.order('unit-2')).work_order_id))?.facts.is_tagged).toBe(false)
    expect(await b.hubs.customerTags('home', 'h-unit-1')).toMatchObject([{ tag: 'elderly', uses: [{ work_order_id, used_for: 'order_risk' }] }])
    expect(await b.hubs.customerTags('other', 'h-unit-1')).toEqual([])
    await b.wait(2 * HOUR_MS)
    expect((await riskOf(b, work_order_id))?.facts.is_tagged).toBe(false)
    expect(await b.hubs.customerTags('home', 'h-unit-1')).toEqual([])
  })

  it('that expires between two looks counts no longer in the risk of an open order', async () => {
    const b = await bench()
    const now = b.clock.now()
    await b.apply(diagnosed())
    const { work_order_id } = await b.order()
    await b.hubs.putCustomerTag(key, { consent_at_ms: now, expires_at_ms: now + 10 * MINUTE_MS, actor: 'kim' })
    await b.hubs.putCustomerTag({ ...key, tag: 'infant' }, { consent_at_ms: now, expires_at_ms: now + 20 * MINUTE_MS, actor: 'kim' })
    await b.wait(10 * MINUTE_MS)
    expect((await riskOf(b, work_order_id))?.facts.is_tagged).toBe(true)
    await b.wait(10 * MINUTE_MS)
    expect((await riskOf(b, work_order_id))?.facts.is_tagged).toBe(false)
  })

  it('are refused without a consent that was given and holds, and gone once withdrawn', async () => {
    const b = await bench()
    const now = b.clock.now()
    for (const given of [
      { expires_at_ms: now + HOUR_MS },
      { consent_at_ms: now },
      { consent_at_ms: now + 1, expires_at_ms: now + HOUR_MS },
      { consent_at_ms: now - HOUR_MS, expires_at_ms: now },
      { consent_at_ms: now, expires_at_ms: now + 731 * 24 * HOUR_MS },
    ]) {
      await expect(b.hubs.putCustomerTag(key, { ...given, actor: 'kim' })).rejects.toMatchObject({ code: 'MDL_HUBS_CONSENT_REQUIRED' })
    }
    expect(await b.hubs.customerTags('home', 'h-unit-1')).toEqual([])
    await b.hubs.putCustomerTag(key, { consent_at_ms: now, expires_at_ms: now + HOUR_MS, actor: 'kim' })
    expect(await b.hubs.deleteCustomerTag({ ...key, tenant: 'other' })).toBe(false)
    expect(await b.hubs.deleteCustomerTag(key)).toBe(true)
    expect(await b.hubs.deleteCustomerTag(key)).toBe(false)
  })
})

describe('held-out share', () => {
  it('is a tenth of ordinary orders by their id, the same each time, and none of the dangers', async () => {
    const ids = Array.from({ length: 5_000 }, (_, n) => `wo_${n}`)
    const held = ids.filter((work_order_id) => isHeldOut({ work_order_id, safety_class: 'E2' }, 0.1))
    expect(held.length / ids.length).toBeGreaterThan(0.085)
    expect(held.length / ids.length).toBeLessThan(0.115)
    expect(
      held.filter((work_order_id) => isHeldOut({ work_order_id, safety_class: 'E0' }, 1) || isHeldOut({ work_order_id, safety_class: 'E1' }, 1)),
    ).toEqual([])
    const b = await bench()
    await b.apply(raised({ rule: 'fire', safety_class: 'E0', fault: 'T-03' }))
    expect(isHeldOut(await b.order(), 1)).toBe(false)
  })
})
