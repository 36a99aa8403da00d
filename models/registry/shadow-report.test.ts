import { describe, expect, it } from 'vitest'
import { DEFAULT_COSTS, makeReport, type Outcome, objectionsToPromotion, type ReportInputs, type Told } from './shadow-report.ts'

const DAY = 86_400_000
const told = (device: string, fault: string | null, day = 10): Told => ({
  device,
  made_at_ms: day * DAY,
  answer: fault === null ? 'unknown_fault' : 'fault',
  fault,
})
const outcome = (device: string, cause: string, day = 10): Outcome => ({ device, cause, from_ms: (day - 1) * DAY, to_ms: day * DAY })
const comparison = {
  windows: 1_000,
  agreed: 900,
  dropped: 0,
  failed: 0,
  pairs: { 'no_fault -> no_fault': 900, 'no_fault -> K-01': 100 },
  pending: 0,
  units: 50,
  unit_weeks: 400,
}

const report = (change: Partial<ReportInputs> = {}) =>
  makeReport({
    ...{ liveVersion: 'live-1', shadowVersion: 'mine-1', fromMs: 0, toMs: 30 * DAY, comparison },
    ...{ live: [], shadow: [], outcomes: [], costs: DEFAULT_COSTS },
    ...change,
  })

/** Five faults that were found: the live model named two. */
const outcomes = ['a', 'b', 'c', 'd', 'e'].map((device) => outcome(device, 'K-01'))
const live = [told('a', 'K-01'), told('b', 'K-01')]

describe('makeReport', () => {
  it('counts what was right, wrong, missed, false and unconfirmed of each model', () => {
    const { live: score } = report({
      outcomes: [outcome('a', 'K-01'), outcome('b', 'K-01'), outcome('c', 'K-01'), outcome('d', 'no_fault_found')],
      live: [told('a', 'K-01'), told('b', 'K-02'), told('d', 'K-01'), told('x', null)],
    })
    expect(score).toMatchObject({ alerts: 4, right: 1, wrong_name: 1, missed: 1, false_alarms: 1, unconfirmed: 1, alerts_per_1000_unit_weeks: 10 })
    // One false alarm, one wrong name, one missed, and one unconfirmed alert at (1 + 1/2) of (3 + 1).
    expect(score.cost).toBe(9_000 + 9_000 + 18_000 + 9_000 * 0.375)
  })

  it('says agreement, gains, losses and new false alarms', () => {
    const found = report({
      outcomes: [...outcomes, outcome('z', 'no_fault_found')],
      live,
      shadow: [told('b', 'K-01'), told('c', 'K-01'), told('z', 'K-02')],
    })
    expect(found).toMatchObject({ agreement_ratio: 0.9, gains: 1, losses: 1, new_false_alarms: 1, outcomes: 6 })
    expect(found.answers[0]).toEqual({ live: 'no_fault', shadow: 'no_fault', windows: 900 })
  })

  it('does not count an alert for an outcome of long ago', () => {
    expect(report({ outcomes: [outcome('a', 'K-01', 10)], live: [told('a', 'K-01', 60)] }).live).toMatchObject({
      right: 0,
      missed: 1,
      unconfirmed: 1,
    })
  })
})

describe('objectionsToPromotion', () => {
  it('has none against a shadow that finds more at no more alerts than the budget', () => {
    expect(objectionsToPromotion(report({ outcomes, live, shadow: [told('a', 'K-01'), told('b', 'K-01')] }))).toEqual([])
  })

  it.each<[string, Partial<ReportInputs>, RegExp]>([
    ['too few windows', { outcomes, live, shadow: live, comparison: { ...comparison, windows: 20 } }, /20 windows were compared, 200 are needed/],
    ['a shadow that fails', { outcomes, live, shadow: live, comparison: { ...comparison, failed: 50 } }, /failed on 4\.8 %/],
    [
      'more alerts than budget and live model',
      { outcomes, live, shadow: ['a', 'b', 'c'].map((device) => told(device, 'K-01')) },
      /3 alerts in 400 unit-weeks; the live model gave 2, the alert budget is 2/,
    ],
    ['too few outcomes', { outcomes: outcomes.slice(0, 2), live, shadow: live }, /2 outcomes are known, 5 are needed/],
    ['higher cost', { outcomes, live, shadow: [told('a', 'K-02')] }, /it costs 810\.00 EUR, the live model 540\.00 EUR/],
  ])('objects to %s', (_, change, reason) => {
    expect(objectionsToPromotion(report(change)).join('; ')).toMatch(reason)
  })
})
