import { describe, expect, it } from 'vitest'
import { aWindow } from '../../models/test-builders.ts'
import { scoreAlerts, type ToldUnit } from './alerts.ts'
import { DAY_MS, type LabelledUnit } from './dataset.ts'

const DAYS = 70
const unitOf = (device: string, fault?: string): LabelledUnit => ({
  seed: 's',
  device,
  weeks: DAYS / 7,
  windows: [0, DAYS].map((day) => ({ ...aWindow(0, {}), from_ms: day * DAY_MS, to_ms: day * DAY_MS })),
  truths: fault === undefined ? [] : [{ device, fault, onset_ms: 10 * DAY_MS, full_ms: 60 * DAY_MS, severity_max: 1, repaired_ms: undefined }],
})
const told = (fault: string, day: number, probability = 0.9) => ({ answer: 'fault' as const, fault, probability, made_at_ms: day * DAY_MS })
const options = { budget: 5, wearFaults: new Set(['K-01']) }
const many = (count: number, make: (index: number) => ToldUnit): ToldUnit[] => Array.from({ length: count }, (_, index) => make(index))

describe('scoreAlerts', () => {
  it('gives full marks to the right fault told in time, with the days before the customer notices', () => {
    const scores = scoreAlerts(
      many(20, (index) => ({ unit: unitOf(`u${index}`, 'K-01'), diagnoses: [told('K-01', 30)] })),
      options,
    )
    // Severity 0.6 is reached on day 40.
    expect(scores).toMatchObject({ precision: 1, recall: 1, lead_days_median: 10, told_lead_days_median: 10, lead_bound_days_median: 30 })
  })

  it('counts a fault never told as missed, with no lead', () => {
    const scores = scoreAlerts([{ unit: unitOf('a', 'K-01'), diagnoses: [] }], options)
    expect(scores).toMatchObject({ precision: 0, recall: 0, faults: 1, lead_days_median: 0, told_lead_days_median: null, lead_bound_days_median: 30 })
  })

  it('counts the wrong fault as wrong, however often it was told', () => {
    const wrong = many(10, (index) => ({ unit: unitOf(`w${index}`, 'K-01'), diagnoses: [told('K-02', 30), told('K-02', 40)] }))
    const right = many(10, (index) => ({ unit: unitOf(`r${index}`, 'K-01'), diagnoses: [told('K-01', 30)] }))
    const scores = scoreAlerts([...wrong, ...right], options)
    expect(scores.recall).toBe(0.5)
    expect(scores.precision).toBe(0.5)
  })

  it('raises the threshold until false alerts keep the budget, and loses what is as unsure', () => {
    const sound = many(100, (index) => ({ unit: unitOf(`s${index}`), diagnoses: index < 10 ? [told('K-01', 30, 0.6)] : [] }))
    const unsure = many(5, (index) => ({ unit: unitOf(`u${index}`, 'K-01'), diagnoses: [told('K-01', 30, 0.55)] }))
    const sure = many(5, (index) => ({ unit: unitOf(`v${index}`, 'K-01'), diagnoses: [told('K-01', 30, 0.95)] }))
    const scores = scoreAlerts([...sound, ...unsure, ...sure], options)
    expect(scores).toMatchObject({ threshold: 0.95, recall: 0.5, precision: 1, false_alerts_per_1000_unit_weeks: 0 })
  })
})
