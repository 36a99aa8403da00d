/** A repair that did not hold: the reopened order has the packet of what was found now, is a repeat in risk, packet and price, and is watched over anew. */
import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { serviceTerms } from '#catalogue/service-terms.ts'
import { silentLog } from '#kernel/log.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { cleared, diagnosed, raised, STORY_MS, testType } from '../hub-builders.ts'
import { createLineage } from '../verify/lineage.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const YEAR_MS = 365 * DAY_MS
const benches: HubBench[] = []
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

async function bench(ageMs = 8 * YEAR_MS) {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: () => ({ type: 'washing_machine', household: 'flat-3', installed_at_ms: null }),
    installedAt: () => STORY_MS - ageMs,
    ruleOf: () => testType.rules[0],
  })
  benches.push(b)
  b.clock.advance(DAY_MS)
  const report = (given: Partial<HouseholdReport> = {}) =>
    b.hubs.report({ tenant: 'home', actor: 'anna', source: 'household', device: 'unit-1', at_ms: b.clock.now(), ...LOCK, ...given }, undefined)
  const visit = async (outcome: { cause: string; parts?: string[]; minutes?: number; charges?: object; note?: string }) => {
    const { cause, parts = [], minutes = 30, charges, note } = outcome
    for (const state of ['accepted', 'on_site'] as const) if ((await b.order()).state !== 'on_site') await b.answer(state, {}, { actor: 'e1' })
    b.clock.advance(HOUR_MS)
    const parts_used = parts.map((part) => ({ part, qty: 1 }))
    const data = { outcome: { cause, parts_used, parts_returned: [], minutes, ...(note && { note }) }, ...(charges && { charges }) }
    return b.answer('done', data, { actor: 'e1' })
  }
  const sections = async (audience: 'engineer' | 'household') =>
    (await b.hubs.workOrderPacket({ tenant: 'home', id: (await b.order()).work_order_id, audience, locale: 'en' }))?.sections ?? []
  return { ...b, report, visit, sections }
}
/** A door that does not lock. */
const LOCK = { fault_code: 'E40', symptom: 'door_fails' }
const paid = (amount_minor: number, part?: string) => ({
  charges: {
    currency: 'CNY',
    total_minor: amount_minor,
    lines: [{ kind: part ? 'part' : 'labour', ...(part && { part }), amount_minor }],
    is_agreed: false,
  },
})

describe('an order that is reopened by what is found behind its repair', () => {
  it('has the packet of the new diagnosis, and the label of the next visit lies on its window', async () => {
    const b = await bench()
    const type = 'washing_machine'
    await b.apply(diagnosed({ type, fault: 'WM-07', probability: 0.8 }))
    await b.visit({ cause: 'WM-07' })
    b.clock.advance(20 * DAY_MS)
    const hour = (b.clock.now() - STORY_MS) / HOUR_MS
    await b.apply(diagnosed({ type, fault: 'WM-07', probability: 0.93, hour }))
    const order = await b.order()
    expect(order).toMatchObject({ state: 'reopened', diagnosis_id: `dg-unit-1-WM-07-${hour}`, packet: { probability: 0.93 } })
    const told = b.events.filter(({ type: name }) => name === 'mendline.work_order.reopened.v1').map(({ data }) => data)
    expect(told).toMatchObject([{ work_order: { packet: { probability: 0.93 } } }])
    await b.visit({ cause: 'WM-02' })
    const labels = (await b.hubs.labels({ tenant: 'home' })).items.toSorted((x, y) => x.window_to_ms - y.window_to_ms)
    expect(labels).toMatchObject([
      { cause: 'WM-07', window_to_ms: STORY_MS + HOUR_MS },
      { cause: 'WM-02', window_to_ms: STORY_MS + hour * HOUR_MS },
    ])
    const lineage = createLineage(b.database)
    for (const { label_id, cause, diagnosis_id } of labels) {
      const found = await lineage.ofLabel('home', label_id)
      expect(found).toMatchObject({ outcome: { cause }, diagnosis: { diagnosis_id }, labels: [{ label_id }] })
      expect(found?.repairs).toHaveLength(1)
    }
    expect((await lineage.ofOrder('home', order.work_order_id))?.repairs).toHaveLength(2)
  })

  it('has the alarm that was raised anew, and the class that is graver', async () => {
    const b = await bench()
    const alarm = { type: 'washing_machine', rule: 'drain', fault: 'WM-01' }
    await b.apply(raised({ ...alarm, safety_class: 'E3' }))
    await b.visit({ cause: 'WM-01' })
    await b.apply(cleared({ ...alarm, safety_class: 'E3' }))
    await b.wait(20 * DAY_MS)
    await b.wait(HOUR_MS)
    const hour = (b.clock.now() - STORY_MS) / HOUR_MS
    await b.apply(raised({ ...alarm, hour, safety_class: 'E2' }))
    expect(await b.order()).toMatchObject({ state: 'reopened', alarm_id: `al-unit-1-drain-${hour}`, safety_class: 'E2' })
    expect(await b.database.selectFrom('hub_cases').select('safety_class').execute()).toEqual([{ safety_class: 'E2' }])
  })
})

describe('an order that is reopened soon behind its repair', () => {
  it('is a repeat: in the risk, for the engineer, who reads what was done, and in the price, which is nothing', async () => {
    const b = await bench()
    await b.report()
    expect((await b.order()).quote?.price.max_minor).toBeGreaterThan(10_000)
    await b.visit({ cause: 'WM-07', parts: ['P-WM-060'], note: 'lock changed', ...paid(12_000) })
    b.clock.advance(HOUR_MS)
    await b.report()
    const order = await b.order()
    expect(order).toMatchObject({ state: 'reopened', repeat_of: order.work_order_id, quote: { price: { min_minor: 0, max_minor: 0 } } })
    const [risk] = await b.hubs.risks({ tenant: 'home', limit: 1 })
    expect(risk).toMatchObject({ facts: { is_repeat: true } })
    const [item] = (await b.sections('engineer')).find(({ id }) => id === 'repeat')?.items ?? []
    expect(item?.notes.join(' ')).toMatch(/Found then: .+ Parts used then: .+ Note then: lock changed/)
    expect(JSON.stringify(await b.sections('household'))).not.toContain('Not covered')
    for (const given of [paid(12_000), paid(12_000, 'P-WM-010')])
      await expect(b.visit({ cause: 'WM-07', ...given })).rejects.toMatchObject({ code: 'MDL_API_INVALID' })
  })

  it('stays free also when more is known of it before the visit', async () => {
    const b = await bench()
    await b.report()
    await b.visit({ cause: 'WM-07' })
    b.clock.advance(HOUR_MS)
    await b.report()
    b.clock.advance(HOUR_MS)
    await b.apply(diagnosed({ type: 'washing_machine', fault: 'WM-07', probability: 0.99, hour: (b.clock.now() - STORY_MS) / HOUR_MS }))
    expect(await b.order()).toMatchObject({ packet: { probability: 0.99 }, quote: { price: { max_minor: 0 } } })
  })

  it.each<[string, (b: Awaited<ReturnType<typeof bench>>) => Promise<unknown>]>([
    [
      'the repair was long ago',
      async (b) => {
        await b.visit({ cause: 'WM-07' })
        b.clock.advance(40 * DAY_MS)
        await b.report()
      },
    ],
    [
      'nobody repaired anything',
      async (b) => {
        await b.answer('cancelled', { reason: 'a mistake' })
        await b.answer('reopened', { reason: 'it was none' })
      },
    ],
  ])('is none when %s', async (_name, act) => {
    const b = await bench()
    await b.report()
    await act(b)
    expect(await b.order()).toMatchObject({ state: 'reopened', repeat_of: null })
    expect((await b.order()).quote?.price.max_minor).toBeGreaterThan(10_000)
  })

  it('keeps what was charged for the visit before beside what the next one charges', async () => {
    const b = await bench()
    await b.report()
    await b.visit({ cause: 'WM-07', ...paid(12_000) })
    b.clock.advance(HOUR_MS)
    await b.report()
    const [first] = (await b.order()).earlier_charges ?? []
    expect(await b.order()).toMatchObject({ charges: null, earlier_charges: [{ total_minor: 12_000 }] })
    expect(JSON.stringify((await b.sections('household')).find(({ id }) => id === 'cost'))).toMatch(/Charged for a visit before: CNY\s120\.00/)
    expect(await b.visit({ cause: 'WM-07', ...paid(0) })).toMatchObject({ charges: { total_minor: 0 }, earlier_charges: [first] })
  })

  it('labels no window twice where nothing was diagnosed anew: the next label is of the reopening', async () => {
    const b = await bench()
    await b.apply(diagnosed({ type: 'washing_machine', fault: 'WM-07', probability: 0.8 }))
    await b.visit({ cause: 'WM-07' })
    b.clock.advance(HOUR_MS)
    const reopenedMs = b.clock.now()
    await b.answer('reopened', { reason: 'it does not lock' })
    await b.visit({ cause: 'WM-02' })
    const labels = await b.database.selectFrom('hub_labels').select(['window_from_ms', 'window_to_ms']).orderBy('visit').execute()
    expect(labels.map((label) => [label.window_from_ms, label.window_to_ms])).toEqual([
      [STORY_MS, STORY_MS + HOUR_MS],
      [reopenedMs, reopenedMs],
    ])
  })

  it('is intervened on anew: what was done for the visit before helps nobody who waits again', async () => {
    const b = await bench()
    await b.report()
    await b.answer('scheduled', { window_from_ms: b.clock.now(), window_to_ms: b.clock.now() + HOUR_MS })
    await b.wait(6 * HOUR_MS)
    await b.visit({ cause: 'WM-07' })
    const late = async () =>
      (await b.hubs.interventions({ tenant: 'home', limit: 50 })).filter(({ rule }) => rule === 'late').map(({ state }) => state)
    expect(await late()).toEqual(['lapsed'])
    await b.report()
    await b.answer('scheduled', { window_from_ms: b.clock.now(), window_to_ms: b.clock.now() + HOUR_MS })
    await b.wait(4 * HOUR_MS)
    expect((await late()).toSorted()).toEqual(['lapsed', 'open'])
  })
})

describe('a report that was made before the last order ended, and is told behind it', () => {
  it.each([
    ['a danger', { fault_code: 'none', symptom: 'water_on_floor' }, 'cancelled', 60],
    ['a danger', { fault_code: 'none', symptom: 'water_on_floor' }, 'done', 60],
    ['what nobody repaired', LOCK, 'cancelled', 60],
    ['what a clock two minutes behind tells of', LOCK, 'done', 2],
  ])('opens an order for %s (%s, %s)', async (_name, said, end, minutes) => {
    const b = await bench()
    await b.report(said)
    b.clock.advance(2 * HOUR_MS)
    if (end === 'done') await b.visit({ cause: 'other' })
    else await b.answer('cancelled', { reason: 'false' })
    b.clock.advance(1_000)
    const answer = await b.report({ ...said, at_ms: b.clock.now() - 1_000 - minutes * 60_000 })
    expect(answer.service.state).not.toBe('done')
    const { items } = await b.hubs.workOrders({ tenant: 'home' })
    expect(items.find(({ work_order_id }) => work_order_id === answer.work_order_id)?.state).toMatch(/opened|reopened/)
  })

  it('is a remark where a repair came clearly behind it', async () => {
    const b = await bench()
    await b.report()
    b.clock.advance(2 * HOUR_MS)
    await b.visit({ cause: 'WM-07' })
    expect((await b.report({ at_ms: b.clock.now() - 10 * 60_000 })).service.state).toBe('done')
    expect(await b.order()).toMatchObject({ state: 'done' })
  })
})

describe('a part that the packet did not foretell', () => {
  it('is charged to nobody while it is under warranty, and may be behind it', async () => {
    const young = await bench(30 * DAY_MS)
    await young.report()
    await expect(young.visit({ cause: 'WM-02', parts: ['P-WM-010'], ...paid(18_000, 'P-WM-010') })).rejects.toMatchObject({
      details: { errors: [{ field: 'body.data.charges.lines', reason: expect.stringContaining('P-WM-010 is covered') }] },
    })
    const old = await bench()
    await old.report()
    expect((await old.visit({ cause: 'WM-02', parts: ['P-WM-010'], ...paid(18_000, 'P-WM-010') })).charges).toMatchObject({ total_minor: 18_000 })
  })
})

describe('a repair warranty that is longer than a month', () => {
  it.each([
    [90, 0],
    [30, undefined],
  ])('of %i days makes a repeat behind 45 days cost %s', async (repair_warranty_days, cost) => {
    const b = await bench()
    const ships = serviceTerms.washing_machine
    if (ships === undefined) throw new Error('no terms')
    await b.hubs.putServiceTerms({ tenant: 'home', type: 'washing_machine', terms: { ...ships, repair_warranty_days }, actor: 'x' })
    await b.report()
    await b.visit({ cause: 'WM-07' })
    await b.answer('closed')
    b.clock.advance(45 * DAY_MS)
    await b.report()
    const order = await b.order()
    expect(order).toMatchObject({ state: 'opened', repeat_of: null })
    if (cost === undefined) expect(order.quote?.price.max_minor).toBeGreaterThan(10_000)
    else expect(order.quote?.price.max_minor).toBe(cost)
  })

  it('does not hold for an order that was amended away from the repaired cause', async () => {
    const b = await bench()
    const ships = serviceTerms.washing_machine
    if (ships === undefined) throw new Error('no terms')
    await b.hubs.putServiceTerms({ tenant: 'home', type: 'washing_machine', terms: { ...ships, repair_warranty_days: 90 }, actor: 'x' })
    const found = async (fault: string, probability: number, rivals: string[]) => {
      const hour = (b.clock.now() - STORY_MS) / HOUR_MS
      const also = rivals.map((rival) => ({ fault: rival, fault_name: rival, probability: 1 - probability }))
      await b.apply(diagnosed({ type: 'washing_machine', fault, probability, hour, rivals: also }))
      return (await b.order()).quote?.price.max_minor
    }
    await found('WM-07', 0.9, [])
    await b.visit({ cause: 'WM-07' })
    await b.answer('closed')
    b.clock.advance(45 * DAY_MS)
    expect(await found('WM-07', 0.8, ['WM-01'])).toBe(0)
    b.clock.advance(HOUR_MS)
    expect(await found('WM-01', 0.9, [])).toBeGreaterThan(5_000)
    expect(await b.order()).toMatchObject({ fault: 'WM-01', repeat_of: null })
  })
})
