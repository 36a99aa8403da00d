import { describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import { openOperations } from '../operations/open-database.ts'
import { type HubBench, openHubBench } from './hub-bench.ts'
import { diagnosed, raised } from './hub-builders.ts'
import { decidedAt, standardPolicy, visitProbability } from './hub-policy.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const residuals = [{ feature: 'subcooling_k', observed: 1, expected: 5, z_score: -4 }]
const openBench = async (): Promise<HubBench> =>
  openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    policy: { visitNeeds: [{ type: 'test_unit', fault: 'T-02', probability_MIN: 0.9, reason: 'looks like doors' }] },
    unitOf: () => ({ type: 'test_unit', household: 'h', installed_at_ms: null }),
  })
const counted = async (b: HubBench): Promise<number> => (await b.hubs.workOrders({ tenant: 'home' })).items.length
/** Somebody went there and wrote this cause down. */
const visited = async (b: HubBench, cause: string): Promise<void> => {
  for (const state of ['accepted', 'on_site'] as const) await b.answer(state, {}, { actor: 'e-1' })
  await b.answer('done', { outcome: { cause, parts_used: [], parts_returned: [], minutes: 30 } }, { actor: 'e-1' })
}

describe('what readings must bring before somebody is sent', () => {
  it('is more for what harms little, and for a fault of the table; for a danger never', () => {
    const need = (safetyClass: 'E0' | 'E1' | 'E2' | 'E3' | 'E4', fault = 'FR-01') =>
      visitProbability(standardPolicy, { type: 'fridge', fault, safetyClass })
    expect([need('E2'), need('E3'), need('E3', 'FR-04')]).toEqual([0.6, 0.75, 0.99])
    expect([need('E0', 'FR-04'), need('E1', 'FR-04')]).toEqual([0.6, 0.6])
    expect(visitProbability(standardPolicy, { type: 'other', fault: 'FR-04', safetyClass: 'E2' })).toBe(0.6)
  })

  it('is what models tell a fault again at, for every fault of the catalogue', () => {
    for (const type of applianceTypes) {
      for (const { code, safetyClass } of type.faults) {
        const need = visitProbability(standardPolicy, { type: type.id, fault: code, safetyClass })
        expect(decidedAt(type, code), `${type.id} ${code}`).toContain(need)
        expect(decidedAt(type, code)).toContain(standardPolicy.afterNothingProbability_MIN)
      }
    }
  })

  it('opens the order when a fault that was told below it is told again above it', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ safety_class: 'E3', probability: 0.74 }))
    expect(await counted(b)).toBe(0)
    await b.apply(diagnosed({ safety_class: 'E3', probability: 0.83, hour: 2 }))
    expect(await counted(b)).toBe(1)
    await b.close()
  })

  it('gives for each fault of the table a reason', () => {
    for (const { reason, probability_MIN } of standardPolicy.visitNeeds) {
      expect(reason.length).toBeGreaterThan(20)
      expect(probability_MIN).toBeGreaterThan(standardPolicy.diagnosisProbability_MIN)
    }
  })

  it.each<[string, HubEvent]>([
    ['a slight fault', diagnosed({ safety_class: 'E3', probability: 0.74 })],
    ['a fault of the table', diagnosed({ fault: 'T-02', probability: 0.89 })],
  ])('opens nothing below it for %s', async (_, event) => {
    const b = await openBench()
    await b.apply(event)
    expect(await counted(b)).toBe(0)
    await b.close()
  })

  it.each<[string, HubEvent]>([
    ['a slight fault that is surer', diagnosed({ safety_class: 'E3', probability: 0.75 })],
    ['a fault of the table that is surer', diagnosed({ fault: 'T-02', probability: 0.9 })],
    ['a fault of the table that is a danger', diagnosed({ fault: 'T-02', safety_class: 'E1', probability: 0.61 })],
    ['an alarm', raised({ safety_class: 'E3', fault: 'T-02' })],
    ['an answer to a test that was asked for', diagnosed({ safety_class: 'E3', probability: 0.65, source: 'test' })],
  ])('opens an order for %s', async (_, event) => {
    const b = await openBench()
    await b.apply(event)
    expect(await counted(b)).toBe(1)
    await b.close()
  })

  it('opens the order when the same fault is told again and is surer', async () => {
    const b = await openBench()
    await b.apply(diagnosed({ fault: 'T-02', probability: 0.8 }), diagnosed({ fault: 'T-02', hour: 40, probability: 0.95 }))
    expect(await b.order()).toMatchObject({ fault: 'T-02', packet: { probability: 0.95 } })
    await b.close()
  })
})

describe('a unit where a visit found nothing', () => {
  const inVain = async (): Promise<HubBench> => {
    const b = await openBench()
    await b.apply(diagnosed())
    await b.wait(DAY_MS)
    await visited(b, 'no_fault_found')
    return b
  }
  const later = (given: Parameters<typeof diagnosed>[0] = {}): HubEvent => diagnosed({ hour: 24 * 12, ...given })

  it.each<[string, HubEvent]>([
    ['the same cause, however sure', later({ probability: 0.995 })],
    ['another cause that is not very sure', later({ fault: 'T-03', probability: 0.96 })],
  ])('is not visited again for %s, but the order remembers it', async (_, event) => {
    const b = await inVain()
    await b.apply(event)
    expect(await counted(b)).toBe(1)
    const order = await b.order()
    expect(order.state).toBe('done')
    expect((await b.hubs.workOrderMoves('home', order.work_order_id)).at(-1)).toMatchObject({
      type: 'finding',
      reason: 'found by readings alone, where a visit found nothing lately',
    })
    await b.close()
  })

  it.each<[string, HubEvent]>([
    ['another cause that is very sure', later({ fault: 'T-03', probability: 0.97 })],
    ['a danger', later({ fault: 'T-03', safety_class: 'E1', probability: 0.7 })],
    ['another cause a month later', diagnosed({ hour: 24 * 32, fault: 'T-03', probability: 0.8 })],
  ])('is visited for %s', async (_, event) => {
    const b = await inVain()
    await b.apply(event)
    expect(await counted(b)).toBe(2)
    await b.close()
  })

  it('has its order reopened by an alarm at once, and by the same cause when a month has gone by', async () => {
    const alarmed = await inVain()
    await alarmed.apply(raised({ hour: 24 * 12 }))
    expect(await alarmed.order()).toMatchObject({ state: 'reopened' })
    await alarmed.close()
    const forgotten = await inVain()
    await forgotten.wait(10 * DAY_MS)
    await forgotten.wait(21 * DAY_MS)
    await forgotten.apply(diagnosed({ hour: 24 * 64 }))
    expect(await forgotten.order()).toMatchObject({ state: 'reopened' })
    await forgotten.close()
  })
})

describe('a repair whose windows are awaited', () => {
  const repaired = async (given: Parameters<typeof diagnosed>[0], cause = 'T-01'): Promise<HubBench> => {
    const b = await openBench()
    await b.apply(diagnosed({ safety_class: 'E3', residuals, ...given }))
    await b.wait(DAY_MS)
    await visited(b, cause)
    return b
  }

  it.each<[string, string, HubEvent]>([
    ['its cause', 'T-01', diagnosed({ safety_class: 'E3', hour: 24 * 4 })],
    ['the cause that was written down', 'T-03', diagnosed({ safety_class: 'E3', fault: 'T-03', hour: 24 * 4 })],
  ])('is not undone by a diagnosis of %s, which may still lean on windows from before', async (_, cause, event) => {
    const b = await repaired({}, cause)
    await b.apply(event)
    expect(await counted(b)).toBe(1)
    const order = await b.order()
    expect(order.state).toBe('done')
    expect((await b.hubs.workOrderMoves('home', order.work_order_id)).at(-1)?.reason).toBe(
      'found again while the windows behind the repair are awaited',
    )
    await b.close()
  })

  it.each<[string, Parameters<typeof diagnosed>[0], HubEvent]>([
    ['an alarm', {}, raised({ hour: 24 * 4 })],
    ['a diagnosis of what can do harm', {}, diagnosed({ hour: 24 * 4 })],
    ['a diagnosis when nothing can be measured', { evidence_for: [], residuals: [] }, diagnosed({ safety_class: 'E3', hour: 24 * 4 })],
  ])('is reopened by %s', async (_, given, event) => {
    const b = await repaired(given)
    await b.apply(event)
    expect(await b.order()).toMatchObject({ state: 'reopened' })
    await b.close()
  })
})
