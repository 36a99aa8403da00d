/**
 * What the platform tells unit by unit, as an organisation would count it: right and wrong alerts at the alert budget, and how long before
 * the customer notices. Evaluation fleets have far more faults than a field has, so the shares are brought to a stated rate of faults.
 */
import { median } from 'simple-statistics'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { FaultTruth } from '../../simulators/fleet-faults.ts'
import { severityAt } from '../../simulators/fleet-faults.ts'
import { ABSENT_SEVERITY, DAY_MS, type LabelledUnit, PRESENT_SEVERITY } from './dataset.ts'

/** Faults that begin in the field, per 1,000 units and week; the budget allows as many alerts (chosen so that it can be kept with full recall). */
export const ONSETS_PER_1000_UNIT_WEEKS = 5
/** Severity from which a customer notices a fault that wears on (design value). */
export const NOTICED_SEVERITY = 0.6

/** What counts of a diagnosis; baselines tell as much. */
export type Told = Pick<Diagnosis, 'answer' | 'fault' | 'probability' | 'made_at_ms'>

export interface ToldUnit {
  readonly unit: LabelledUnit
  readonly diagnoses: readonly Told[]
}

export interface AlertScores {
  readonly threshold: number
  readonly precision: number
  readonly recall: number
  /** Faults that were there long and strongly enough to be told. */
  readonly faults: number
  /** Wrong or needless alerts on units without fault, per 1,000 units and week. */
  readonly false_alerts_per_1000_unit_weeks: number
  /** Days from the first right alert to when the customer notices, over faults that wear on and reach that; 0 for those never told. */
  readonly lead_days_median: number | null
  /** The same over those that were told alone. */
  readonly told_lead_days_median: number | null
  /** The same over all, were each of these faults told the instant it begins: no detector leads by more. */
  readonly lead_bound_days_median: number | null
}

interface Alert {
  readonly unit: LabelledUnit
  readonly fault: string | null
  readonly probability: number
  readonly atMs: number
}

/** Scores at the lowest threshold that keeps the budget of alerts, at the stated rate of faults. */
export function scoreAlerts(told: readonly ToldUnit[], { budget, wearFaults }: { budget: number; wearFaults: ReadonlySet<string> }): AlertScores {
  const alerts = told.flatMap(({ unit, diagnoses }) =>
    diagnoses
      .filter(({ answer }) => answer === 'fault' || answer === 'unknown_fault')
      .map(({ fault, probability, made_at_ms }): Alert => ({ unit, fault, probability, atMs: made_at_ms })),
  )
  const steps = [...new Set(alerts.map(({ probability }) => probability))].sort((a, b) => a - b)
  const candidates = steps.length > 200 ? steps.filter((_, index) => index % Math.ceil(steps.length / 200) === 0) : steps
  for (const threshold of candidates) {
    const scores = atThreshold(told, alerts, { threshold, wearFaults })
    const right = scores.recall * ONSETS_PER_1000_UNIT_WEEKS
    const wrong = right === 0 ? 0 : right / scores.precision - right
    if (right + wrong <= budget) return scores
  }
  return atThreshold(told, alerts, { threshold: 1, wearFaults })
}

function atThreshold(
  told: readonly ToldUnit[],
  alerts: readonly Alert[],
  { threshold, wearFaults }: { threshold: number; wearFaults: ReadonlySet<string> },
): AlertScores {
  const loud = alerts.filter(({ probability }) => probability >= threshold)
  const instances = told.flatMap(({ unit }) => unit.truths.filter((truth) => isTellable(unit, truth)).map((truth) => ({ unit, truth })))
  const firstRight = instances.map(({ unit, truth }) => loud.find((alert) => alert.unit === unit && isRight(alert, truth)))
  const recall = instances.length === 0 ? 0 : firstRight.filter((alert) => alert !== undefined).length / instances.length
  // Of a unit each wrong answer counts once: a dispatcher would not send twice for the same words.
  const wrong = new Map(
    loud
      .filter((alert) => !alert.unit.truths.some((truth) => isRight(alert, truth)))
      .map((alert) => [`${alert.unit.seed}/${alert.unit.device}/${alert.fault}`, alert]),
  )
  const onSound = [...wrong.values()].filter(({ unit, atMs }) => unit.truths.every((truth) => severityAt(truth, atMs) < ABSENT_SEVERITY)).length
  const onFaulty = wrong.size - onSound
  const soundWeeks = told.reduce((sum, { unit }) => sum + soundWeeksOf(unit), 0)
  const falseRate = soundWeeks === 0 ? 0 : (1000 * onSound) / soundWeeks
  const perFault = instances.length === 0 ? 0 : onFaulty / instances.length
  const rightRate = recall * ONSETS_PER_1000_UNIT_WEEKS
  const wrongRate = falseRate + perFault * ONSETS_PER_1000_UNIT_WEEKS
  const leads = instances.flatMap(({ truth }, index) => {
    const noticedMs = noticedAt(truth)
    if (noticedMs === undefined || !wearFaults.has(truth.fault)) return []
    const alert = firstRight[index]
    const bound = (noticedMs - truth.onset_ms) / DAY_MS
    return [{ days: alert === undefined ? 0 : Math.max(0, noticedMs - alert.atMs) / DAY_MS, bound, isTold: alert !== undefined }]
  })
  const medianOf = (values: readonly number[]): number | null => (values.length === 0 ? null : median([...values]))
  return {
    threshold,
    precision: rightRate + wrongRate === 0 ? 0 : rightRate / (rightRate + wrongRate),
    recall,
    faults: instances.length,
    false_alerts_per_1000_unit_weeks: falseRate,
    lead_days_median: medianOf(leads.map(({ days }) => days)),
    told_lead_days_median: medianOf(leads.filter(({ isTold }) => isTold).map(({ days }) => days)),
    lead_bound_days_median: medianOf(leads.map(({ bound }) => bound)),
  }
}

/** The unit has the fault named, or had it since: an alert at its first trace is right. */
const isRight = ({ fault, atMs }: Alert, truth: FaultTruth): boolean => fault === truth.fault && atMs >= truth.onset_ms

/** Present for two days before the unit's last window, so that there was time to see it. */
export const isTellable = (unit: LabelledUnit, truth: FaultTruth): boolean =>
  severityAt(truth, (unit.windows.at(-1)?.to_ms ?? 0) - 2 * DAY_MS) >= PRESENT_SEVERITY

/** When a customer notices; undefined for what never gets so far, or comes at once. */
export function noticedAt({ onset_ms, full_ms, severity_max }: FaultTruth): number | undefined {
  if (severity_max < NOTICED_SEVERITY || full_ms <= onset_ms) return undefined
  return onset_ms + ((full_ms - onset_ms) * NOTICED_SEVERITY) / severity_max
}

function soundWeeksOf(unit: LabelledUnit): number {
  const fromMs = unit.windows[0]?.from_ms ?? 0
  const firstMs = Math.min(unit.windows.at(-1)?.to_ms ?? 0, ...unit.truths.map(({ onset_ms }) => onset_ms))
  return Math.max(0, firstMs - fromMs) / (7 * DAY_MS)
}
