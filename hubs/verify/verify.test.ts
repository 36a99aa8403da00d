import { afterEach, describe, expect, it } from 'vitest'
import type { HubEvent } from '#kernel/hub-event.ts'
import { silentLog } from '#kernel/log.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { cleared, diagnosed, raised, testType } from '../hub-builders.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SIGN = { subcooling_k: -4, superheat_k: 3 }
const type = {
  ...testType,
  faults: testType.faults.map((fault) =>
    fault.code === 'T-01'
      ? { ...fault, signs: Object.entries(SIGN).map(([feature, z]) => ({ feature, direction: Math.sign(z) as 1 | -1, text: fault.name })) }
      : fault.code === 'T-03'
        ? { ...fault, signs: [{ feature: 'power_w', direction: 1 as const, text: fault.name }] }
        : fault,
  ),
}
const benches: HubBench[] = []

async function bench(): Promise<HubBench> {
  const made = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { catalogue: () => type })
  benches.push(made)
  return made
}
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close()
})

const residuals = (values: Readonly<Record<string, number>>): MeasuredResidual[] =>
  ['subcooling_k', 'superheat_k', 'power_w'].map((feature) => ({ feature, observed: 1, expected: 2, z_score: values[feature] ?? 0 }))

async function repaired(b: HubBench, outcome: { cause?: string; parts?: string[] } = {}): Promise<void> {
  await b.apply(diagnosed({ residuals: residuals(SIGN) }))
  b.clock.advance(DAY_MS)
  for (const state of ['accepted', 'on_site'] as const) await b.answer(state, {}, { actor: 'engineer-7' })
  const { cause = 'T-01', parts = ['refrigerant'] } = outcome
  const parts_used = parts.map((part) => ({ part, qty: 1 }))
  await b.answer('done', { outcome: { cause, parts_used, parts_returned: [], minutes: 30 } }, { actor: 'engineer-7' })
}

async function windows(b: HubBench, count: number, values: Readonly<Record<string, number>>): Promise<void> {
  for (let index = 0; index < count; index++) {
    b.clock.advance(HOUR_MS)
    const to = b.clock.now()
    const window = {
      tenant: 'home',
      device: 'unit-1',
      type: 'test_unit',
      window_from_ms: to - HOUR_MS,
      window_to_ms: to,
      residuals: residuals(values),
    }
    await b.apply({ kind: 'residuals_measured', key: `window-${to}`, window } satisfies HubEvent)
  }
}

const typesOf = (b: HubBench): string[] => b.events.map((event) => event.type)
const signs = (b: HubBench) => b.database.selectFrom('hub_repair_signs').selectAll().execute()
const label = (b: HubBench) => b.database.selectFrom('hub_labels').selectAll().executeTakeFirstOrThrow()

describe('verified repair', () => {
  it('verifies when the residuals of enough windows are back to normal, and the label is believed', async () => {
    const b = await bench()
    await repaired(b)
    await windows(b, 2, {})
    expect((await b.order()).state).toBe('done')
    await windows(b, 1, {})
    expect((await b.order()).state).toBe('verified')
    expect(await signs(b)).toEqual([])
    expect(await label(b)).toMatchObject({ corrected_cause: null, engineer: 'engineer-7', origin: 'model', model_version: 'm1' })
    expect((await label(b)).confidence).toBeGreaterThan(0.9)
  })

  it('reopens a repair that overshoots, and does not believe its label', async () => {
    const b = await bench()
    await repaired(b)
    await windows(b, 10, { subcooling_k: 4, superheat_k: -3 })
    expect((await b.order()).state).toBe('reopened')
    const moves = await b.hubs.workOrderMoves('home', (await b.order()).work_order_id)
    expect(moves.find(({ type: to }) => to === 'reopened')?.reason).toMatch(/^residuals are not back to normal: subcooling_k z -4 before, 4 behind/)
    expect((await signs(b)).map(({ sign, body }) => [sign, JSON.parse(body).reason])).toEqual([
      ['bad_repair', expect.stringMatching(/^the departure stands on the other side, by 100 % of what it was/)],
    ])
    expect((await label(b)).confidence).toBeLessThan(0.5)
  })

  it('calls no repair a phantom behind which a large feature of the departure is gone', async () => {
    const b = await bench()
    await repaired(b)
    await windows(b, 10, { subcooling_k: -4 })
    expect((await signs(b)).map(({ sign }) => sign)).toEqual(['bad_repair'])
    expect((await b.order()).state).toBe('reopened')
  })

  it('reopens by itself, says which residuals stand where, and raises the phantom repair', async () => {
    const b = await bench()
    await repaired(b)
    await windows(b, 6, SIGN)
    const order = await b.order()
    expect(order.state).toBe('reopened')
    const move = (await b.hubs.workOrderMoves('home', order.work_order_id)).at(-1)
    expect(move).toMatchObject({ actor: 'mendline', reason: expect.stringContaining('subcooling_k z -4 before, -4 behind (1 observed, 2 expected)') })
    expect(await signs(b)).toMatchObject([{ sign: 'phantom_repair', engineer: 'engineer-7', work_order_id: order.work_order_id }])
    expect(typesOf(b)).toContain('mendline.repair.sign.v1')
    expect((await label(b)).confidence).toBeLessThan(0.5)
  })

  it('labels the windows by which it reopened an order with what the next visit found, and no window twice', async () => {
    const b = await bench()
    await repaired(b)
    const doneMs = b.clock.now()
    await windows(b, 6, SIGN)
    const counted = await b.database.selectFrom('hub_repair_windows').select('window_to_ms').execute()
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state, {}, { actor: 'engineer-8' })
    await b.answer('done', { outcome: { cause: 'T-03', parts_used: [], parts_returned: [], minutes: 30 } }, { actor: 'engineer-8' })
    const [first, second] = await b.database.selectFrom('hub_labels').selectAll().orderBy('visit').execute()
    expect(first?.window_to_ms).toBeLessThan(doneMs)
    expect(second).toMatchObject({ cause: 'T-03', window_from_ms: doneMs, window_to_ms: Math.max(...counted.map((one) => one.window_to_ms)) })
  })

  it('does not count windows that began before the repair', async () => {
    const b = await bench()
    await repaired(b)
    b.clock.advance(HOUR_MS)
    const to = b.clock.now()
    const window = {
      tenant: 'home',
      device: 'unit-1',
      type: 'test_unit',
      residuals: residuals(SIGN),
      window_from_ms: to - 3 * HOUR_MS,
      window_to_ms: to,
    }
    for (let index = 0; index < 9; index++)
      await b.apply({ kind: 'residuals_measured', key: `w${index}`, window: { ...window, window_to_ms: to + index } })
    expect((await b.order()).state).toBe('done')
    expect(await b.database.selectFrom('hub_repair_windows').selectAll().execute()).toEqual([])
  })

  it('raises a code that what recovered contradicts, without reopening', async () => {
    const b = await bench()
    await repaired(b, { cause: 'T-03' })
    await windows(b, 4, {})
    expect((await b.order()).state).toBe('verified')
    expect(await signs(b)).toMatchObject([{ sign: 'miscoded_repair' }])
    expect(await label(b)).toMatchObject({ cause: 'T-03', corrected_cause: 'T-01' })
  })

  it('raises a wrong code also where a diagnosis of no fault verifies the repair before enough windows came', async () => {
    const b = await bench()
    await repaired(b, { cause: 'T-03' })
    await windows(b, 2, {})
    await b.apply(diagnosed({ hour: 60, fault: null, answer: 'no_fault', window_from_ms: b.clock.now() }))
    expect((await b.order()).state).toBe('verified')
    expect(await signs(b)).toMatchObject([{ sign: 'miscoded_repair' }])
  })

  it('asks the household when no window came in time, and says so', async () => {
    const b = await bench()
    await repaired(b)
    await b.wait(11 * DAY_MS)
    expect((await b.order()).state).toBe('done')
    await b.wait(20 * DAY_MS)
    const order = await b.order()
    expect(order.state).toBe('verified')
    expect((await b.hubs.workOrderMoves('home', order.work_order_id)).at(-1)?.reason).toBe('not measured: no contact in 30 days')
  })

  it('verifies a fault that only a rule found when its condition stays away', async () => {
    const b = await bench()
    await b.apply(raised())
    b.clock.advance(DAY_MS)
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await b.answer('done', { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 30 } })
    await b.apply(cleared())
    await b.wait(2 * DAY_MS)
    expect((await b.order()).state).toBe('done')
    await b.wait(DAY_MS)
    expect((await b.order()).state).toBe('verified')
  })

  it('takes an alarm that stands over the repair for no silence: the order is open again', async () => {
    const b = await bench()
    await b.apply(raised())
    b.clock.advance(DAY_MS)
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state)
    await b.answer('done', { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 30 } })
    await b.wait(3 * DAY_MS)
    expect((await b.order()).state).toBe('reopened')
  })

  it.each<[string, Parameters<typeof raised>[0], string]>([
    ['the same rule', { hour: 2 }, 'reopened'],
    ['another rule that names the fault', { rule: 'evidence-only', fault: 'T-01' }, 'reopened'],
    ['another fault', { rule: 'evidence-only', fault: 'T-02' }, 'verified'],
  ])('asks what else stands when the alarm of the order itself is over: %s', async (_name, other, state) => {
    const b = await bench()
    await b.apply(raised(), raised(other))
    b.clock.advance(DAY_MS)
    for (const step of ['accepted', 'on_site'] as const) await b.answer(step)
    await b.apply(cleared())
    await b.answer('done', { outcome: { cause: 'T-01', parts_used: [], parts_returned: [], minutes: 30 } })
    await b.wait(3 * DAY_MS)
    expect((await b.order()).state).toBe(state)
  })

  it('keeps what sensors say of an order that was closed meanwhile, and moves it no more', async () => {
    const b = await bench()
    await repaired(b)
    await b.answer('closed')
    await windows(b, 6, SIGN)
    expect((await b.order()).state).toBe('closed')
    expect(await signs(b)).toMatchObject([{ sign: 'phantom_repair' }])
  })

  it('takes a diagnosis of old windows as a remark, not as a repair that failed', async () => {
    const b = await bench()
    await repaired(b)
    await b.apply(diagnosed({ hour: 60, window_from_ms: b.clock.now() - 2 * DAY_MS }))
    expect((await b.order()).state).toBe('done')
  })
})
