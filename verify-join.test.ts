/** The way of windows from the pipeline to a repair that is being verified: a fake pipeline, the hubs as they are, and a clock that stands. */
import { afterEach, describe, expect, it } from 'vitest'
import { type Limits, limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type HubBench, openHubBench } from './hubs/hub-bench.ts'
import { diagnosed, testType } from './hubs/hub-builders.ts'
import { createRepairWatch } from './hubs/verify/repair-watch.ts'
import { openOperations } from './operations/open-database.ts'
import { createVerifyJoin } from './verify-join.ts'

const HOUR_MS = 3_600_000
const SIGN = { subcooling_k: -4, superheat_k: 3 }
const type = {
  ...testType,
  faults: testType.faults.map((fault) =>
    fault.code === 'T-01'
      ? { ...fault, signs: Object.entries(SIGN).map(([feature, z]) => ({ feature, direction: Math.sign(z) as 1 | -1, text: fault.name })) }
      : fault,
  ),
}

const closers: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const close of closers.splice(0)) await close()
})

interface Query {
  readonly device: string
  readonly from_ms: number
  readonly to_ms: number
}

async function start(given: Partial<Limits> = {}) {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { catalogue: () => type })
  closers.push(b.close)
  const asked: Query[] = []
  const broken = new Set<string>()
  let z: Readonly<Record<string, number>> = {}
  const join = createVerifyJoin({
    watch: createRepairWatch(b.database),
    pipeline: {
      async call<Result>(_name: string, query: unknown) {
        const { device, from_ms, to_ms } = query as Query
        asked.push({ device, from_ms, to_ms })
        if (broken.has(device)) throw new Error('the store is away')
        // One window an hour on the hour, and one that was open when the visit ended.
        const ends = Array.from({ length: 400 }, (_, index) => (Math.floor(from_ms / HOUR_MS) + 1 + index) * HOUR_MS).filter((t) => t <= to_ms)
        const features = Object.keys(SIGN)
        return ends.flatMap((t) =>
          features.map((feature) => ({ t, from_ms: t - HOUR_MS, feature, observed: 1, expected: 2, z_score: z[feature] ?? 0 })),
        ) as Result
      },
    },
    apply: b.hubs.apply,
    ...{ clock: b.clock, log: silentLog, limits: { ...limits, ...given } },
  })
  closers.unshift(join.stop)
  const behave = (values: Readonly<Record<string, number>>): void => {
    z = values
  }
  return { b, join, asked, broken, behave }
}

async function repair(b: HubBench, device: string): Promise<void> {
  const residuals = Object.entries(SIGN).map(([feature, z_score]) => ({ feature, observed: 1, expected: 2, z_score }))
  const made = diagnosed({ residuals, device })
  await b.apply(made)
  b.clock.advance(24.5 * HOUR_MS)
  await visit(b, device)
}

async function visit(b: HubBench, device: string): Promise<void> {
  const { work_order_id: id } = await b.order(device)
  for (const state of ['accepted', 'on_site'] as const) await b.answer(state, undefined, { id })
  const outcome = { cause: 'T-01', parts_used: [{ part: 'refrigerant', qty: 1 }], parts_returned: [], minutes: 30 }
  await b.answer('done', { outcome }, { id })
}

const windowsOf = (b: HubBench) => b.database.selectFrom('hub_repair_windows').selectAll().orderBy('window_to_ms').execute()

describe('the windows behind a repair', () => {
  it('are not asked for while no repair waits', async () => {
    const { b, join, asked } = await start()
    await b.apply(diagnosed())
    expect(await join.look()).toBe(0)
    expect(asked).toEqual([])
  })

  it('verify the order by themselves, over the clock, and are asked for no more then', async () => {
    const { b, join, asked } = await start()
    await repair(b, 'unit-1')
    join.start()
    for (let turn = 0; turn < 10 * 4 && (await b.order()).state === 'done'; turn++) {
      b.clock.advance(limits.verifyLookMs)
      await join.look()
    }
    expect((await b.order()).state).toBe('verified')
    const count = asked.length
    b.clock.advance(10 * limits.verifyLookMs)
    await join.look()
    expect(asked.length).toBe(count)
  })

  it('reopen an order whose unit still shows the fault', async () => {
    const { b, join, behave } = await start()
    behave(SIGN)
    await repair(b, 'unit-1')
    b.clock.advance(10 * HOUR_MS)
    await join.look()
    expect((await b.order()).state).toBe('reopened')
    expect((await b.hubs.workOrderMoves('home', (await b.order()).work_order_id)).at(-1)?.reason).toContain('not back to normal')
  })

  it('count once, and one that began before the visit ended does not', async () => {
    const { b, join } = await start()
    await repair(b, 'unit-1')
    const doneMs = b.clock.now()
    b.clock.advance(2 * HOUR_MS)
    expect(await join.look()).toBe(1)
    expect(await join.look()).toBe(0)
    const kept = await windowsOf(b)
    expect(kept.length).toBe(1)
    expect(Number(kept[0]?.window_from_ms)).toBeGreaterThanOrEqual(doneMs)
  })

  it('come after the last ones before the visit, which are handed over once', async () => {
    const { b, join, behave } = await start()
    behave(SIGN)
    await repair(b, 'unit-1')
    const doneMs = b.clock.now()
    const seen = async () => {
      const { seen: text } = await b.database.selectFrom('hub_verifications').select('seen').executeTakeFirstOrThrow()
      return (JSON.parse(text ?? '[]') as Array<{ window_to_ms: number }>).map(({ window_to_ms }) => window_to_ms)
    }
    expect(await join.look()).toBe(0)
    const before = await seen()
    expect(before.length).toBe(5)
    expect(Math.max(...before)).toBeLessThanOrEqual(doneMs)
    expect(Math.max(...before)).toBeGreaterThan(doneMs - HOUR_MS)
    b.clock.advance(2 * HOUR_MS)
    expect(await join.look()).toBe(1)
    expect(await seen()).toEqual(before)
  })

  it('come as the last ones before the visit, too, where they were handed over behind a remote step', async () => {
    const { b, join, behave } = await start()
    behave(SIGN)
    await b.apply(diagnosed({ device: 'unit-1' }))
    const { work_order_id, case_id } = await b.order('unit-1')
    const ids = { offer_id: 'rem_step', tenant: 'home', device: 'unit-1', type: 'test_unit', work_order_id, case_id }
    const offer = { ...ids, kind: 'step', action: 'T-H01', text_version: '1', consent: null, before: '[]', result: null, command_id: null }
    const times = { offered_at_ms: b.clock.now(), expires_at_ms: b.clock.now(), started_at_ms: b.clock.now(), due_at_ms: null }
    await b.database
      .insertInto('hub_remote_offers')
      .values({ ...offer, ...times, state: 'measuring' })
      .execute()
    b.clock.advance(5.5 * HOUR_MS)
    await join.look()
    const tried = await b.database.selectFrom('hub_remote_windows').select('window_to_ms').execute()
    expect(tried.length).toBeGreaterThanOrEqual(4)
    await b.database.updateTable('hub_remote_offers').set({ state: 'not_helped' }).execute()
    await visit(b, 'unit-1')
    await join.look()
    const { seen } = await b.database.selectFrom('hub_verifications').select('seen').executeTakeFirstOrThrow()
    const seenAt = (JSON.parse(seen ?? '[]') as Array<{ window_to_ms: number }>).map(({ window_to_ms }) => window_to_ms)
    expect(seenAt.length).toBe(5)
    expect(seenAt).toEqual(expect.arrayContaining(tried.slice(-3).map(({ window_to_ms }) => Number(window_to_ms))))
  })

  it('are handed over so many at a time, oldest first', async () => {
    const { b, join } = await start({ verifyWindowsPerUnit_MAX: 2 })
    await repair(b, 'unit-1')
    b.clock.advance(3.6 * HOUR_MS)
    expect(await join.look()).toBe(2)
    expect(await join.look()).toBe(1)
  })

  it('are asked of every unit in turn, also when one of them cannot be read', async () => {
    const { b, join, asked, broken } = await start({ verifyUnitsPerLook_MAX: 1 })
    for (const device of ['unit-1', 'unit-2', 'unit-3']) await repair(b, device)
    broken.add('unit-1')
    b.clock.advance(HOUR_MS)
    for (let turn = 0; turn < 5; turn++) await join.look()
    expect(asked.map(({ device }) => device)).toEqual(['unit-1', 'unit-2', 'unit-3', 'unit-1'])
  })
})
