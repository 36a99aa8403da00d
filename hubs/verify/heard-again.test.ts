/** Which calls of a household count against a repair: those about it, not those about another trouble of the unit. */
import { afterEach, describe, expect, it } from 'vitest'
import { applianceTypes } from '#catalogue/registry.ts'
import { silentLog } from '#kernel/log.ts'
import type { HouseholdReport } from '#kernel/report.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'

const DAY_MS = 86_400_000
const benches: HubBench[] = []
afterEach(async () => {
  for (const b of benches.splice(0)) await b.close()
})

const LOCK = { fault_code: 'E40', symptom: 'door_fails' }
const FILL = { fault_code: 'E10', symptom: 'slow_fill' }

/** A lock that was changed on a machine that is not connected, and whose household said something else five days later. */
async function heard(...said: ReadonlyArray<Partial<HouseholdReport> | ((b: HubBench, first: string) => Promise<unknown>)>) {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), {
    catalogue: (id) => applianceTypes.find((type) => type.id === id),
    unitOf: () => ({ type: 'washing_machine', household: 'flat-3', installed_at_ms: null }),
  })
  benches.push(b)
  const report = (given: Partial<HouseholdReport>) =>
    b.hubs.report({ tenant: 'home', actor: 'anna', source: 'household', device: 'unit-1', at_ms: b.clock.now(), ...given }, undefined)
  const { work_order_id: first = '' } = { work_order_id: (await report(LOCK)).work_order_id ?? '' }
  const parts_used = [{ part: 'P-WM-060', qty: 1 }]
  for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
  await b.answer('done', { outcome: { cause: 'WM-07', parts_used, parts_returned: [], minutes: 30 } })
  for (const given of said) {
    if (typeof given === 'function') {
      await given(b, first)
      continue
    }
    await b.wait(5 * DAY_MS)
    await report(given)
  }
  for (let day = 0; day < 32; day++) await b.wait(DAY_MS)
  const label = await b.database.selectFrom('hub_labels').selectAll().where('work_order_id', '=', first).executeTakeFirstOrThrow()
  const { items } = await b.hubs.workOrders({ tenant: 'home' })
  return { state: items.find(({ work_order_id }) => work_order_id === first)?.state, label, orders: items.length }
}

describe('a call behind a repair that no sensor saw', () => {
  it.each<[string, ReadonlyArray<Partial<HouseholdReport>>]>([
    ['a report of another fault', [FILL]],
    ['a call about that other fault', [FILL, { kind: 'chase', text: 'when do you come?', ...FILL }]],
  ])('that is %s says nothing of it: the repair held, and its label is believed', async (_name, said) => {
    const { state, label, orders } = await heard(...said)
    expect(orders).toBe(2)
    expect(state).toBe('verified')
    expect(label.confidence).toBeGreaterThan(0.8)
    expect(label.reasons).not.toContain('called again')
  })

  it.each<[string, Partial<HouseholdReport>]>([
    ['to say thank you', { kind: 'call', text: 'thank you, everything works again' }],
    ['of the sign of another fault, which goes no further', { kind: 'call', symptom: 'noisy_spin' }],
  ])('that is one %s says nothing of it, though it came to no order', async (_name, said) => {
    const { state, label, orders } = await heard(said)
    expect(orders).toBe(1)
    expect(state).toBe('verified')
    expect(label.confidence).toBeGreaterThan(0.8)
  })

  it('reopens the order when it names the sign of the fault and goes no further', async () => {
    const { state, orders } = await heard({ kind: 'call', symptom: 'door_fails' })
    expect([orders, state]).toEqual([1, 'reopened'])
  })

  it('reopens the order when it is about the repair', async () => {
    const { state, label } = await heard(LOCK)
    expect(state).toBe('reopened')
    expect(label.confidence).toBeLessThan(0.8)
  })

  it('reopens the order when its case turned out to be one with that of the repair', async () => {
    const merge = async ({ database }: HubBench, first: string) => {
      const { case_id } = await database.selectFrom('hub_work_orders').select('case_id').where('work_order_id', '=', first).executeTakeFirstOrThrow()
      await database.updateTable('hub_cases').set({ merged_into: case_id }).where('case_id', '!=', case_id).execute()
    }
    const { state, orders } = await heard(FILL, merge)
    expect([orders, state]).toEqual([2, 'reopened'])
  })

  it('counts against it as long as nobody can say what it is about', async () => {
    const { state } = await heard({ kind: 'complaint', text: 'it is no good' })
    expect(state).toBe('reopened')
  })
})
