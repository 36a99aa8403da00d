import { afterEach, describe, expect, it } from 'vitest'
import { serviceTerms } from '#catalogue/service-terms.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { diagnosed, STORY_MS, testType } from '../hub-builders.ts'
import type { HubsOptions } from '../hubs.ts'
import { newApplianceBy } from './demand-rules.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365.25 * DAY_MS
const OF = { tenant: 'home', household: 'h-unit-1' }
const PLAN = { ...OF, kind: 'maintenance_plan' } as const
const benches: HubBench[] = []

/** Units stand in a household of their own name. */
const bench = async (options: Partial<HubsOptions> = {}): Promise<HubBench> => {
  const places = { placeOf: (_tenant: string, device: string) => ({ household: `h-${device}` }), populationOf: () => 0 }
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { places, ...options })
  benches.push(b)
  return b
}
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

const consentOf = (b: HubBench, days = 300) => ({
  text_version: 'demand-3',
  consent_at_ms: b.clock.now(),
  expires_at_ms: b.clock.now() + days * DAY_MS,
})
const told = { source: 'household', actor: 'key:kim' } as const
const queue = (b: HubBench, filters: object = {}) => b.hubs.demandSignals({ tenant: 'home', reader: 'key:desk', limit: 100, ...filters })
const refusal = (field: string, code = 'MDL_HUBS_CONSENT_REQUIRED') => ({ code, details: { errors: [expect.objectContaining({ field })] } })
const rowsOf = async (b: HubBench): Promise<number> => {
  const tables = ['hub_demand_consents', 'hub_demand_signals', 'hub_demand_log'] as const
  const counts = await Promise.all(tables.map(async (table) => (await b.database.selectFrom(table).selectAll().execute()).length))
  return counts.reduce((sum, count) => sum + count, 0)
}

describe('consent to demand signals', () => {
  it('is needed by each of its fields, and without one that holds nothing is kept', async () => {
    const b = await bench()
    await expect(b.hubs.putDemandSignal(PLAN, told)).rejects.toMatchObject(refusal('body.consent'))
    const { text_version, consent_at_ms, expires_at_ms } = consentOf(b)
    for (const [consent, field] of [
      [{ consent_at_ms, expires_at_ms }, 'text_version'],
      [{ text_version, expires_at_ms }, 'consent_at_ms'],
      [{ text_version, consent_at_ms: consent_at_ms + 1, expires_at_ms }, 'consent_at_ms'],
      [{ text_version, consent_at_ms }, 'expires_at_ms'],
      [{ text_version, consent_at_ms, expires_at_ms: consent_at_ms }, 'expires_at_ms'],
      [{ text_version, consent_at_ms, expires_at_ms: consent_at_ms + 731 * DAY_MS }, 'expires_at_ms'],
    ] as const) {
      await expect(b.hubs.putDemandConsent(OF, { ...consent, actor: 'key:kim' })).rejects.toMatchObject(refusal(`body.${field}`))
      await expect(b.hubs.putDemandSignal(PLAN, { ...told, consent })).rejects.toMatchObject(refusal(`body.consent.${field}`))
    }
    expect(await rowsOf(b)).toBe(0)
    expect(await b.hubs.putDemandSignal(PLAN, { ...told, consent: consentOf(b) })).toMatchObject({
      consent_text_version: text_version,
      consent_at_ms,
    })
    expect(await b.hubs.demandConsent(OF)).toMatchObject({ text_version, consent_at_ms, expires_at_ms, actor: 'key:kim' })
    expect(await b.hubs.demandConsent({ ...OF, tenant: 'other' })).toBeUndefined()
  })

  it('takes signals and log with it when it is withdrawn, of that household only, and leaves the time of that', async () => {
    const b = await bench()
    await b.hubs.putDemandSignal(PLAN, { ...told, consent: consentOf(b) })
    await b.hubs.putDemandSignal({ ...PLAN, household: 'h-unit-2' }, { ...told, consent: consentOf(b) })
    await queue(b)
    const before = await rowsOf(b)
    expect(await b.hubs.withdrawDemandConsent({ ...OF, tenant: 'other' })).toBe(false)
    expect(await b.hubs.withdrawDemandConsent(OF)).toBe(true)
    expect(await rowsOf(b)).toBe(before / 2 + 1)
    const left = await b.database.selectFrom('hub_demand_consents').selectAll().where('household', '=', OF.household).execute()
    expect(left).toMatchObject([{ consent_at_ms: b.clock.now(), expires_at_ms: b.clock.now() }])
    expect((await queue(b)).items.map(({ household }) => household)).toEqual(['h-unit-2'])
    await expect(b.hubs.putDemandSignal(PLAN, told)).rejects.toMatchObject(refusal('body.consent'))
    expect(await b.hubs.withdrawDemandConsent(OF)).toBe(false)
  })

  it('that was withdrawn stays so against an older one that is told behind it, by itself or with a signal; a newer one counts', async () => {
    const b = await bench()
    const first = consentOf(b)
    await b.hubs.putDemandConsent(OF, { ...first, actor: 'key:kim' })
    await b.wait(DAY_MS)
    expect(await b.hubs.withdrawDemandConsent(OF)).toBe(true)
    await b.wait(HOUR_MS)
    const late = { ...told, told_at_ms: first.consent_at_ms, consent: first }
    await expect(b.hubs.putDemandSignal(PLAN, late)).rejects.toMatchObject(refusal('body.consent.consent_at_ms'))
    await expect(b.hubs.putDemandConsent(OF, { ...first, actor: 'key:kim' })).rejects.toMatchObject(refusal('body.consent_at_ms'))
    expect(await b.hubs.demandConsent(OF)).toBeUndefined()
    expect((await queue(b)).items).toEqual([])
    const anew = consentOf(b)
    expect(await b.hubs.putDemandSignal(PLAN, { ...told, consent: anew })).toMatchObject({ consent_at_ms: anew.consent_at_ms })
    expect(await b.hubs.demandConsent(OF)).toMatchObject(anew)
  })

  it('that is told late changes nothing of a newer one, and one that ends sooner ends the signals sooner', async () => {
    const b = await bench()
    const first = consentOf(b)
    const { expires_at_ms } = await b.hubs.putDemandSignal(PLAN, { ...told, consent: first })
    expect(expires_at_ms).toBe(b.clock.now() + 182 * DAY_MS)
    await b.wait(DAY_MS)
    const sooner = consentOf(b, 2)
    await b.hubs.putDemandConsent(OF, { ...sooner, actor: 'key:kim' })
    await b.hubs.putDemandConsent(OF, { ...first, actor: 'key:kim' })
    expect((await queue(b)).items).toMatchObject([{ expires_at_ms: sooner.expires_at_ms }])
    await b.wait(2 * DAY_MS)
    expect((await queue(b)).items).toEqual([])
    expect(await b.hubs.demandOf(OF, 'key:desk')).toEqual([])
    expect(await b.hubs.demandConsent(OF)).toBeUndefined()
  })
})

describe('a demand signal', () => {
  it('is one of its kind, changes nothing when told twice, and ends by its own time, at most half a year away', async () => {
    const b = await bench()
    const now = b.clock.now()
    await b.hubs.putDemandConsent(OF, { ...consentOf(b), actor: 'key:kim' })
    const given = { ...told, told_at_ms: now, expires_at_ms: now + DAY_MS, note: 'asks about a plan' }
    const first = await b.hubs.putDemandSignal(PLAN, given)
    expect(first).toMatchObject({ state: 'open', owner: 'call_centre', result: null, log: [{ what: 'told', actor: 'key:kim' }] })
    expect(await b.hubs.putDemandSignal(PLAN, given)).toEqual(first)
    expect(await b.hubs.putDemandSignal(PLAN, { ...given, told_at_ms: now - HOUR_MS, note: 'older' })).toEqual(first)
    const later = { ...told, told_at_ms: now + DAY_MS }
    await expect(b.hubs.putDemandSignal(PLAN, later)).rejects.toMatchObject(refusal('body.told_at_ms', 'MDL_API_INVALID'))
    const long = { ...given, expires_at_ms: now + 183 * DAY_MS }
    await expect(b.hubs.putDemandSignal(PLAN, long)).rejects.toMatchObject(refusal('body.expires_at_ms', 'MDL_API_INVALID'))
    const old = { ...told, told_at_ms: now - 183 * DAY_MS }
    await expect(b.hubs.putDemandSignal(PLAN, old)).rejects.toMatchObject(refusal('body.told_at_ms', 'MDL_API_INVALID'))
    await b.wait(DAY_MS)
    expect((await queue(b)).items).toEqual([])
    const { signal_id } = first
    const answer = { result: 'taken_up', actor: 'key:desk' } as const
    await expect(b.hubs.answerDemand({ tenant: 'home', id: signal_id }, answer)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    expect((await b.hubs.putDemandSignal(PLAN, told)).log).toMatchObject([{ what: 'told', at_ms: b.clock.now() }])
  })

  it('has one result, stays answered against what was said before it, and is opened anew by what is said later', async () => {
    const b = await bench()
    const { signal_id: id } = await b.hubs.putDemandSignal(PLAN, { ...told, consent: consentOf(b) })
    const answer = { result: 'declined', note: 'too dear', actor: 'key:desk' } as const
    await expect(b.hubs.answerDemand({ tenant: 'other', id }, answer)).rejects.toMatchObject({ code: 'MDL_API_NOT_FOUND' })
    await b.wait(HOUR_MS)
    const answered = await b.hubs.answerDemand({ tenant: 'home', id }, answer)
    expect(answered).toMatchObject({ state: 'answered', result: 'declined', result_note: 'too dear', answered_by: 'key:desk' })
    await expect(b.hubs.answerDemand({ tenant: 'home', id }, answer)).rejects.toMatchObject({ code: 'MDL_API_CONFLICT' })
    expect(await b.hubs.putDemandSignal(PLAN, { ...told, told_at_ms: b.clock.now() - 60_000 })).toEqual(answered)
    expect((await queue(b, { state: 'open' })).items).toEqual([])
    await b.wait(HOUR_MS)
    const anew = await b.hubs.putDemandSignal(PLAN, told)
    expect(anew).toMatchObject({ state: 'open', result: null, log: [{ what: 'told' }] })
    expect(anew.signal_id).not.toBe(id)
  })

  it('of a visit carries its unit and outlet; an order of another household is refused', async () => {
    const b = await bench()
    await b.apply(diagnosed({ device: 'unit-1' }), diagnosed({ device: 'unit-2' }))
    const [own, other] = [await b.order('unit-1'), await b.order('unit-2')]
    await b.database.updateTable('hub_work_orders').set({ outlet: 'north' }).where('work_order_id', '=', own.work_order_id).execute()
    await b.hubs.putDemandConsent(OF, { ...consentOf(b), actor: 'key:kim' })
    const said = { source: 'engineer', actor: 'key:kim' } as const
    const key = { ...OF, kind: 'second_unit' } as const
    for (const id of [other.work_order_id, 'wo_none'])
      await expect(b.hubs.putDemandSignal(key, { ...said, work_order_id: id })).rejects.toMatchObject(
        refusal('body.work_order_id', 'MDL_API_INVALID'),
      )
    const kept = await b.hubs.putDemandSignal(key, { ...said, work_order_id: own.work_order_id })
    expect(kept).toMatchObject({ device: 'unit-1', outlet: 'north', owner: 'outlet' })
    expect((await queue(b, { outlet: 'north' })).items).toHaveLength(1)
    expect((await queue(b, { outlet: 'south' })).items).toEqual([])
  })

  it('stands in a queue, oldest first by pages, and logs each reader once', async () => {
    const b = await bench()
    await b.hubs.putDemandConsent(OF, { ...consentOf(b), actor: 'key:kim' })
    for (const kind of ['maintenance_plan', 'accessory', 'moving_house'] as const) {
      await b.hubs.putDemandSignal({ ...OF, kind }, told)
      await b.wait(HOUR_MS)
    }
    const first = await queue(b, { limit: 2 })
    expect(first.items.map(({ kind }) => kind)).toEqual(['maintenance_plan', 'accessory'])
    const second = await queue(b, { limit: 2, after: first.next ?? '' })
    expect([second.items.map(({ kind }) => kind), second.next]).toEqual([['moving_house'], null])
    expect((await queue(b, { kind: 'accessory' })).items[0]?.log.filter(({ what }) => what === 'shown')).toMatchObject([{ actor: 'key:desk' }])
    await b.wait(1)
    expect((await b.hubs.demandOf(OF, 'key:app')).find(({ kind }) => kind === 'accessory')?.log.map(({ actor }) => actor)).toEqual([
      ...['key:kim', 'key:desk', 'key:app'],
    ])
    expect((await queue(b, { tenant: 'other' })).items).toEqual([])
    expect(await b.hubs.deleteDemandSignal({ ...OF, kind: 'accessory' })).toBe(true)
    expect(await b.hubs.deleteDemandSignal({ ...OF, kind: 'accessory' })).toBe(false)
    expect((await queue(b)).items).toHaveLength(2)
  })
})

describe('demand that a rule foretells', () => {
  const advice = (word: 'repair' | 'either' | 'replace', age_years: number) => ({
    advice: { advice: word, reasons: [{ code: 'age', values: { age_years, life_years: 10 } }] },
  })

  const putTerms = async (b: HubBench): Promise<void> => {
    const terms = serviceTerms.washing_machine
    if (terms === undefined) throw new Error('the washing machine ships with terms')
    await b.hubs.putServiceTerms({ tenant: 'home', type: testType.id, terms, actor: 'x' })
  }

  it('is a new appliance by the advice to replace, or near the end of the usual life', () => {
    expect(newApplianceBy(advice('replace', 2))).toBe('replace_advised')
    expect(newApplianceBy(advice('either', 9))).toBe('near_end_of_life')
    expect(newApplianceBy(advice('either', 8.9))).toBeUndefined()
    expect(newApplianceBy({ advice: { advice: 'repair', reasons: [{ code: 'age_unknown', values: {} }] } })).toBeUndefined()
  })

  it('is kept of an old unit with consent only, and not again once it was declined', async () => {
    const b = await bench({ installedAt: () => STORY_MS - 30 * YEAR_MS })
    await putTerms(b)
    await b.apply(diagnosed({ device: 'unit-1' }), diagnosed({ device: 'unit-2' }))
    expect((await queue(b)).items).toEqual([])
    await b.hubs.putDemandConsent(OF, { ...consentOf(b), actor: 'key:kim' })
    const [signal, ...others] = (await queue(b)).items
    const { work_order_id } = await b.order('unit-1')
    expect(signal).toMatchObject({ household: OF.household, kind: 'new_appliance', source: 'rule', actor: 'mendline', work_order_id })
    expect(['replace_advised', 'near_end_of_life']).toContain(signal?.note)
    expect(others).toEqual([])
    const declined = await b.hubs.answerDemand({ tenant: 'home', id: signal?.signal_id ?? '' }, { result: 'declined', actor: 'key:desk' })
    await b.answer('note', { text: 'rang' }, { id: work_order_id })
    expect((await queue(b)).items).toMatchObject([{ signal_id: declined.signal_id, state: 'answered' }])
  })

  it('is not kept of a unit that is young', async () => {
    const b = await bench({ installedAt: () => STORY_MS - YEAR_MS })
    await putTerms(b)
    await b.hubs.putDemandConsent(OF, { ...consentOf(b), actor: 'key:kim' })
    await b.apply(diagnosed())
    expect((await b.order()).quote?.advice.advice).toBe('repair')
    expect((await queue(b)).items).toEqual([])
  })
})
