import { describe, expect, it } from 'vitest'
import { createRandom, type Random } from '#kernel/random.ts'
import type { JudgedWindow } from '../diagnose.ts'
import { createJudge } from '../judge.ts'
import { createMemoryRuntime } from '../runtimes/memory-runtime.ts'
import { artefact, aWindow, HOUR, pump } from '../test-builders.ts'
import { BASELINE, COHORT_MIN, type DriftFinding, DriftMonitor, psiOf, seasonOf } from './drift.ts'
import { driftReferenceOf } from './drift-reference.ts'

const WEEK = 7 * 24
const normal = (random: Random): number => random.normal(0, 1)
const trained = createRandom('reference')
const reference = driftReferenceOf(
  artefact.card.inputs,
  Array.from({ length: 2_000 }, () => Float32Array.of(normal(trained), 0)),
)
const runtime = createMemoryRuntime({ featureCount: 2, classCount: 3, score: () => [1, 0, 0] })

/** A judged window of `device` in a week, with a lift of `lift` spreads. */
function judged(device: string, week: number, lift: number, how: { firmware?: string; hasReference?: boolean; hour?: number } = {}): JudgedWindow {
  const card = how.hasReference === false ? artefact.card : { ...artefact.card, drift: reference }
  const judge = createJudge(pump, { ...artefact, card }, runtime)
  if (judge === undefined) throw new Error('the judge can be made')
  const values = Float64Array.of(lift, 0, 0, 0)
  const mean = { fromMs: 0, toMs: 0, observed: values, expected: values, zScores: values }
  const window = aWindow(week * WEEK + (how.hour ?? 0), {}, { device, ...(how.firmware === undefined ? {} : { firmware: how.firmware }) })
  return { window, judge, mean, classes: card.classes, probabilities: [1, 0, 0], distance: 0 }
}
function monitor() {
  const alarms: DriftFinding[] = []
  return { alarms, drift: new DriftMonitor((finding) => alarms.push(finding)) }
}
const fill = (
  drift: DriftMonitor,
  count: number,
  lift: (index: number) => number,
  how: Parameters<typeof judged>[3] & { week?: number; prefix?: string } = {},
) => {
  for (let index = 0; index < count; index++) drift.observe([judged(`${how.prefix ?? 'd'}${index}`, how.week ?? 1, lift(index), how)])
}

describe('DriftMonitor', () => {
  it('finds nothing where units are as in training', () => {
    const { drift, alarms } = monitor()
    const random = createRandom('field')
    fill(drift, 200, () => normal(random))
    expect(drift.findings('home')).toMatchObject([{ unit_weeks: 200, is_drifting: false, against: 'training' }])
    expect(alarms).toEqual([])
  })

  it('finds a shift of one firmware in its cohort alone, and tells it once', () => {
    const { drift, alarms } = monitor()
    const random = createRandom('field')
    fill(drift, 100, () => normal(random))
    fill(drift, 100, () => normal(random) + 2, { firmware: '2.0', prefix: 'e' })
    expect(alarms).toMatchObject([{ firmware: '2.0', season: 'DJF', of: 'lift_k', is_drifting: true, model: 'test-1', tenant: 'home' }])
    expect(drift.findings().filter(({ is_drifting }) => is_drifting)).toHaveLength(1)
  })

  it('says nothing of a handful of units, however far they are', () => {
    const { drift, alarms } = monitor()
    fill(drift, COHORT_MIN - 1, () => 9)
    expect(drift.findings()).toEqual([])
    expect(alarms).toEqual([])
  })

  it('counts a unit once a week, however much it says', () => {
    const { drift } = monitor()
    for (let hour = 0; hour < 20; hour++) drift.observe([judged('d1', 1, 9, { hour })])
    fill(drift, 60, () => 0)
    expect(drift.findings()).toMatchObject([{ unit_weeks: 60 }])
  })

  it('makes a reference of the first weeks where the card has none', () => {
    const { drift, alarms } = monitor()
    const random = createRandom('field')
    fill(drift, BASELINE, () => normal(random), { hasReference: false })
    fill(drift, 100, () => normal(random) + 3, { hasReference: false, week: 2, prefix: 'e' })
    expect(alarms).toMatchObject([{ of: 'lift_k', against: 'first weeks' }])
  })

  it('goes on where a snapshot was taken', () => {
    const { drift } = monitor()
    fill(drift, 60, () => 2)
    const again = monitor().drift
    again.restore(drift.snapshot())
    expect(again.findings()).toEqual(drift.findings())
  })
})

describe('psiOf and seasonOf', () => {
  it('is 0 for the same shares, and as in the books for others', () => {
    expect(psiOf([0.5, 0.5], [50, 50])).toBe(0)
    expect(psiOf([0.5, 0.5], [75, 25])).toBeCloseTo(0.25 * Math.log(1.5) + 0.25 * Math.log(2), 6)
  })

  it.each([
    ['2026-01-15', 'DJF'],
    ['2026-04-15', 'MAM'],
    ['2026-08-15', 'JJA'],
    ['2026-11-15', 'SON'],
    ['2026-12-15', 'DJF'],
  ])('%s lies in %s', (day, season) => {
    expect(seasonOf(Date.parse(day))).toBe(season)
    expect(HOUR).toBe(3_600_000)
  })
})
