/** Rows of training: evenly over time, or with the growth of a fault weighing as much as what stands behind it. */
import { describe, expect, it } from 'vitest'
import { NO_FAULT } from '../artefact.ts'
import { aWindow, pump, reference } from '../test-builders.ts'
import { type TrainingUnit, trainingRows, weightsOf } from './training-set.ts'

const ONSET = 100
/** Sound for 100 hours, then a fault that grows for 20 hours and stands for 380. */
const severityOf = (hour: number): number => Math.max(0, Math.min(1, (hour - ONSET) / 20))
const hoursOf = (atMs: number): number => atMs / 3_600_000
const unit: TrainingUnit = {
  key: 'u',
  windows: Array.from({ length: 500 }, (_, index) =>
    aWindow(index, { ambient_c: 20, lift_k: 10, power_w: 500, running_ratio: 0.5, idle_offset_k: 0 }),
  ),
  labelAt: (atMs) => (severityOf(hoursOf(atMs)) === 0 ? NO_FAULT : 'K-01'),
  severitiesAt: (atMs) => (severityOf(hoursOf(atMs)) === 0 ? [] : [['K-01', severityOf(hoursOf(atMs))]]),
}
const smoothing = { windows: 3, age_ms: 48 * 3_600_000 }
const rowsOf = (one: TrainingUnit, weighsGrowth: boolean) => trainingRows(pump, [one], { reference, smoothing, weighsGrowth })
/** Share of the weight of the fault that lies where the customer has not noticed it yet. */
function growingShare(rows: ReturnType<typeof rowsOf>): number {
  const weights = weightsOf(rows)
  const sum = (test: (severity: number) => boolean): number =>
    rows.reduce((total, { label, toMs }, index) => total + (label === 'K-01' && test(severityOf(hoursOf(toMs))) ? (weights[index] ?? 0) : 0), 0)
  return sum((severity) => severity < 0.6) / sum(() => true)
}

describe('rows of training', () => {
  it('are spread over the time of a unit, so that a fault that stands for weeks is hardly seen growing', () => {
    expect(growingShare(rowsOf(unit, false))).toBeLessThan(0.1)
  })

  it('weigh the growth of a fault as much as what stands behind it when asked, and a unit as much as before', () => {
    const rows = rowsOf(unit, true)
    expect(growingShare(rows)).toBeCloseTo(0.5, 9)
    const total = (label: string): number => weightsOf(rows).reduce((sum, weight, index) => sum + (rows[index]?.label === label ? weight : 0), 0)
    expect(total('K-01')).toBeCloseTo(1, 9)
    expect(total(NO_FAULT)).toBeCloseTo(1, 9)
  })

  it('stay as they are where nobody knows severities, and of a fault that was there in full at once', () => {
    const { severitiesAt: _, ...labelled } = unit
    expect(rowsOf(labelled, true)).toEqual(rowsOf(labelled, false))
    const sudden: TrainingUnit = { ...unit, severitiesAt: (atMs) => (severityOf(hoursOf(atMs)) === 0 ? [] : [['K-01', 1]]) }
    const weights = new Set(weightsOf(rowsOf(sudden, true).filter(({ label }) => label === 'K-01')))
    expect(weights.size).toBe(1)
  })
})
