/** Repairs of orders that no measured diagnosis brought: what the unit showed in its last windows before the visit must recover. */
import { afterEach, describe, expect, it } from 'vitest'
import { silentLog } from '#kernel/log.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import { openOperations } from '../../operations/open-database.ts'
import { type HubBench, openHubBench } from '../hub-bench.ts'
import { cleared, diagnosed, raised, testType } from '../hub-builders.ts'
import { departureBefore } from './before-repair.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const SIGN = { subcooling_k: -4, superheat_k: 3 }
const OTHER = { power_w: 9 }
const signsOf = (values: Readonly<Record<string, number>>) =>
  Object.entries(values).map(([feature, z]) => ({ feature, direction: Math.sign(z) as 1 | -1, text: { en: feature, 'zh-CN': feature } }))
const SIGNS: Readonly<Record<string, Readonly<Record<string, number>>>> = { 'T-01': SIGN, 'T-03': OTHER }
const type = {
  ...testType,
  parts: [...testType.parts, { part: 'board', name: { en: 'Board', 'zh-CN': '主板' } }],
  faults: testType.faults.map((fault) => ({
    ...fault,
    signs: signsOf(SIGNS[fault.code] ?? {}),
    parts: fault.code === 'T-03' ? [{ part: 'board', quantity: 1, probability: 0.9 }] : fault.parts,
  })),
}
const residuals = (values: Readonly<Record<string, number>>): MeasuredResidual[] =>
  ['subcooling_k', 'superheat_k', 'power_w'].map((feature) => ({ feature, observed: 1, expected: 2, z_score: values[feature] ?? 0 }))

const benches: HubBench[] = []
afterEach(async () => {
  for (const made of benches.splice(0)) await made.close()
})

interface Visit {
  readonly cause?: string
  readonly part?: string
}

async function bench() {
  const b = await openHubBench(await openOperations({ file: ':memory:', log: silentLog }), { catalogue: () => type })
  benches.push(b)
  const window = (to: number, values: Readonly<Record<string, number>>) => {
    const of = { tenant: 'home', device: 'unit-1', type: 'test_unit', window_from_ms: to - HOUR_MS, window_to_ms: to }
    return b.apply({ kind: 'residuals_measured', key: `window-${to}`, window: { ...of, residuals: residuals(values) } })
  }
  const behind = async (count: number, values: Readonly<Record<string, number>>) => {
    for (let index = 0; index < count; index++) {
      b.clock.advance(HOUR_MS)
      await window(b.clock.now(), values)
    }
  }
  const visit = async ({ cause = 'T-01', part = 'refrigerant' }: Visit = {}) => {
    b.clock.advance(DAY_MS)
    for (const state of ['accepted', 'on_site'] as const) await b.answer(state, {}, { actor: 'engineer-7' })
    const outcome = { cause, parts_used: [{ part, qty: 1 }], parts_returned: [], minutes: 30 }
    await b.answer('done', { outcome }, { actor: 'engineer-7' })
  }
  /** An order of a diagnosis that measured nothing, as a report makes one, and its windows as they are asked for behind the visit. */
  const reported = async (values: Readonly<Record<string, number>>, given: Visit = {}) => {
    await b.apply(diagnosed({ residuals: [] }))
    await visit(given)
    const doneMs = b.clock.now()
    for (const hours of [3, 2, 1]) await window(doneMs - hours * HOUR_MS, values)
  }
  const signs = async () => (await b.database.selectFrom('hub_repair_signs').selectAll().execute()).map(({ sign }) => sign)
  return { ...b, behind, visit, reported, signs, state: async () => (await b.order()).state }
}

describe('a repair whose order rests on what a person said', () => {
  it('is reopened by the sensors when the windows before the visit showed what those behind it still show', async () => {
    const b = await bench()
    await b.reported(SIGN)
    await b.behind(6, SIGN)
    expect([await b.state(), await b.signs()]).toEqual(['reopened', ['phantom_repair']])
  })

  it('is verified by them when what stood before the visit is gone', async () => {
    const b = await bench()
    await b.reported(SIGN)
    await b.behind(3, {})
    expect([await b.state(), await b.signs()]).toEqual(['verified', []])
  })

  it('is found to be coded as another fault than the one whose signs recovered', async () => {
    const b = await bench()
    await b.reported(OTHER, { cause: 'T-01', part: 'board' })
    await b.behind(3, {})
    expect([await b.state(), await b.signs()]).toEqual(['verified', ['miscoded_repair']])
  })

  it('is not called failed for what was as little before the visit', async () => {
    const b = await bench()
    await b.reported({ subcooling_k: -1.5 })
    await b.behind(6, { subcooling_k: -1.5 })
    expect([await b.state(), await b.signs()]).toEqual(['verified', []])
  })

  it('knows the windows that came for an earlier visit', async () => {
    const b = await bench()
    await b.reported(SIGN)
    await b.behind(6, SIGN)
    await b.visit()
    const rows = await b.database.selectFrom('hub_verifications').select(['state', 'seen']).orderBy('visit').execute()
    expect(rows.map(({ state }) => state)).toEqual(['failed', 'watching'])
    const times = (JSON.parse(rows[1]?.seen ?? '[]') as Array<{ window_to_ms: number }>).map(({ window_to_ms }) => window_to_ms)
    expect(new Set(times).size).toBe(times.length)
    expect(departureBefore({ before: '[]', seen: rows[1]?.seen ?? null }, undefined).before).toContainEqual(
      expect.objectContaining({ feature: 'subcooling_k', z_score: -4 }),
    )
    await b.behind(6, SIGN)
    expect(await b.state()).toBe('reopened')
  })
})

describe('a code that nothing behind the visit was measured for', () => {
  const story = async (outcome: Visit) => {
    const b = await bench()
    await b.apply(raised())
    await b.visit(outcome)
    await b.apply(cleared())
    await b.wait(3 * DAY_MS)
    return [await b.state(), await b.signs()]
  }

  it('is contradicted by the rule that named the fault and the parts that were used together', async () => {
    expect(await story({ cause: 'T-03', part: 'refrigerant' })).toEqual(['verified', ['miscoded_repair']])
  })

  it('stands where the parts go with it', async () => {
    expect(await story({ cause: 'T-03', part: 'board' })).toEqual(['verified', []])
    expect(await story({ cause: 'T-01', part: 'refrigerant' })).toEqual(['verified', []])
  })
})

describe('departureBefore', () => {
  const row = (before: Readonly<Record<string, number>> | undefined, ...windows: Array<Readonly<Record<string, number>>>) => ({
    before: JSON.stringify(before === undefined ? [] : residuals(before)),
    seen: windows.length === 0 ? null : JSON.stringify(windows.map((values, index) => ({ window_to_ms: index, residuals: residuals(values) }))),
  })
  const fault = type.faults.find(({ code }) => code === 'T-01')
  const shown = (given: ReturnType<typeof row>) => departureBefore(given, fault).before.map(({ z_score }) => z_score)

  it('is the longer one of the diagnosis and the last windows, since a fault grows while its order waits', () => {
    expect(shown(row(SIGN, { subcooling_k: -8, superheat_k: 6 }))).toEqual([-8, 6, 0])
    expect(shown(row(SIGN, { subcooling_k: -1 }))).toEqual([-4, 3, 0])
  })

  it('is none where nothing stands out of the windows, and of one window alone', () => {
    expect(shown(row(undefined, { subcooling_k: -1.8 }, { subcooling_k: -1.8 }))).toEqual([])
    expect(shown(row(undefined, SIGN))).toEqual([])
  })

  it('counts as the fault of the order only where its signs are much of it', () => {
    expect(departureBefore(row(undefined, SIGN, SIGN), fault).fault).toBe(fault)
    const mixed = { ...OTHER, subcooling_k: -2 }
    expect(departureBefore(row(undefined, mixed, mixed), fault).fault).toBeUndefined()
  })
})
