/** What is settled on calibration units: goals count by the share that is missing, clear windows need no filter, and flickering ones do. */
import { describe, expect, it } from 'vitest'
import { pump } from '../../models/test-builders.ts'
import type { FaultTruth } from '../../simulators/fleet-faults.ts'
import { severityAt } from '../../simulators/fleet-faults.ts'
import { DAY_MS } from './dataset.ts'
import { type PlainUnit, type Reached, settleFilter, shortfallOf } from './settle-filter.ts'

const classes = ['no_fault', 'K-01', 'K-02']
const START = 1_000 * DAY_MS
const reached: Reached = { top1: 0.9, top2: 0.97, precision: 0.9, recall: 0.8, lead_days: 8, ece: 0.03 }

/** Half of the units have K-01 from day 40 on; `flicker` makes every unit show it for two windows now and then. */
function unitsOf(flicker: boolean): PlainUnit[] {
  return Array.from({ length: 24 }, (_, index) => {
    const truth: FaultTruth = {
      device: `d${index}`,
      fault: 'K-01',
      onset_ms: START + 40 * DAY_MS,
      full_ms: START + 80 * DAY_MS,
      severity_max: 1,
      repaired_ms: undefined,
    }
    const truths = index % 2 === 0 ? [truth] : []
    const windows = Array.from(
      { length: 200 },
      (_, at) => ({ from_ms: START + at * (DAY_MS / 2), to_ms: START + (at + 1) * (DAY_MS / 2) }) as PlainUnit['judgements'][number]['window'],
    )
    const judgements = windows.map((window, at) => {
      const isShown = truths.some((one) => severityAt(one, window.to_ms) > 0.2) || (flicker && (at + index) % 25 < 2)
      return { window, probabilities: isShown ? [0.01, 0.98, 0.01] : [0.98, 0.01, 0.01], distance: 1 }
    })
    return { unit: { seed: index < 12 ? 'a' : 'b', device: `d${index}`, windows, truths, weeks: 100 / 7 }, judgements }
  })
}
const settle = (units: readonly PlainUnit[]) => settleFilter(pump, units, { classes, shares: [0.5, 0.25, 0.25], unknownDistance: 9, say: () => {} })

describe('settling the filter', () => {
  it('counts what is missing of each goal, and nothing of what is more than reached', () => {
    expect(shortfallOf(reached)).toBe(0)
    expect(shortfallOf({ ...reached, lead_days: 3.5 })).toBeCloseTo(0.5, 9)
    expect(shortfallOf({ ...reached, lead_days: 0, recall: 0.35 })).toBeCloseTo(1.5, 9)
    expect(shortfallOf({ ...reached, ece: 0.1 })).toBeCloseTo(0.5, 9)
  })
  it('takes none where single windows are clear, since belief only costs lead', () => {
    expect(settle(unitsOf(false))).toMatchObject({ accumulation: undefined, agree: 2 })
  })
  it('asks for more where sound units flicker', () => {
    const { accumulation, agree } = settle(unitsOf(true))
    expect(accumulation !== undefined || agree > 2).toBe(true)
  })
})
