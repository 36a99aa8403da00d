/**
 * What a shadow did beside the live model over the same windows, set against the outcomes of visits and labels, as money: false alarms, wrong names, missed
 * faults. Outcomes come from visits that the live model asked for, so what the shadow alone told is mostly unconfirmed; the report
 * counts such alerts at the price of a visit times the chance that the live model's own are wrong, and says so. The gate judges by it.
 */
import type { ShadowComparison } from './shadow-lane.ts'

/** An answer that was told, or would have been. */
export interface Told {
  readonly device: string
  readonly made_at_ms: number
  readonly answer: string
  readonly fault: string | null
}

/** What was true of a device: a fault code, `no_fault_found`, or `other`. */
export interface Outcome {
  readonly device: string
  readonly cause: string
  readonly from_ms: number
  readonly to_ms: number
}

/** Stated with the report; minor units of one currency. */
export interface CostParameters {
  readonly currency: string
  /** A visit that finds nothing. */
  readonly false_alarm: number
  /** A second visit, since the first came for another fault. */
  readonly wrong_name: number
  /** A fault that the household had to find. */
  readonly missed: number
  readonly alert_budget_per_1000_unit_weeks: number
}

export const DEFAULT_COSTS: CostParameters = {
  currency: 'EUR',
  false_alarm: 9_000,
  wrong_name: 9_000,
  missed: 18_000,
  alert_budget_per_1000_unit_weeks: 5,
}

export interface ModelScore {
  /** Faults and unknown faults told. */
  readonly alerts: number
  readonly alerts_per_1000_unit_weeks: number | null
  readonly right: number
  readonly wrong_name: number
  readonly missed: number
  readonly false_alarms: number
  /** Alerts that no outcome speaks of. */
  readonly unconfirmed: number
  readonly cost: number
}

export interface ShadowReport {
  readonly live_version: string
  readonly shadow_version: string
  readonly from_ms: number
  readonly to_ms: number
  readonly windows: number
  readonly units: number
  readonly unit_weeks: number
  readonly windows_dropped: number
  readonly windows_failed: number
  /** Windows that the live model failed on; they are compared with nothing. */
  readonly windows_live_failed: number
  readonly windows_pending: number
  readonly agreement_ratio: number | null
  /** Windows by what the two said, most frequent first; agreement included. */
  readonly answers: ReadonlyArray<{ readonly live: string; readonly shadow: string; readonly windows: number }>
  readonly outcomes: number
  readonly live: ModelScore
  readonly shadow: ModelScore
  /** Outcomes that only the shadow named right, and only the live model. */
  readonly gains: number
  readonly losses: number
  /** False alarms of the shadow at devices where the live model gave none. */
  readonly new_false_alarms: number
  readonly costs: CostParameters
  readonly notes: readonly string[]
}

export interface ReportInputs {
  readonly liveVersion: string
  readonly shadowVersion: string
  readonly fromMs: number
  readonly toMs: number
  readonly comparison: ShadowComparison
  readonly live: readonly Told[]
  readonly shadow: readonly Told[]
  readonly outcomes: readonly Outcome[]
  readonly costs: CostParameters
}

const DAY_MS = 86_400_000
/** An alert this long before what an outcome speaks of, or after it, is about the same thing. */
const BEFORE_MS = 30 * DAY_MS
const AFTER_MS = 7 * DAY_MS
const ANSWERS_MAX = 20

/** Evidence below which nobody is promoted. */
export const GATE = { windows: 200, outcomes: 5, failed_ratio: 0.01 } as const

export function makeReport(inputs: ReportInputs): ShadowReport {
  const { comparison, outcomes, costs, liveVersion, shadowVersion, fromMs, toMs } = inputs
  const { windows, agreed, units, unit_weeks, dropped, failed, live_failed = 0, pending, pairs } = comparison
  const live = judge(inputs.live, outcomes)
  const shadow = judge(inputs.shadow, outcomes)
  // What an alert of the live model is wrong in, of those that somebody looked at; one half where nobody did.
  const looked = live.right + live.wrongNames + live.falseAlarms.length
  const wrongShare = (live.falseAlarms.length + 0.5) / (looked + 1)
  const score = (found: Judged): ModelScore => ({
    alerts: found.alerts,
    alerts_per_1000_unit_weeks: unit_weeks > 0 ? rounded((1_000 * found.alerts) / unit_weeks) : null,
    right: found.right,
    wrong_name: found.wrongNames,
    missed: found.missed,
    false_alarms: found.falseAlarms.length,
    unconfirmed: found.unconfirmed,
    cost: Math.round(
      costs.false_alarm * (found.falseAlarms.length + found.unconfirmed * wrongShare) +
        costs.wrong_name * found.wrongNames +
        costs.missed * found.missed,
    ),
  })
  const liveFalse = new Set(live.falseAlarms)
  return {
    ...{ live_version: liveVersion, shadow_version: shadowVersion, from_ms: fromMs, to_ms: toMs },
    ...{ windows, units, unit_weeks: rounded(unit_weeks), windows_dropped: dropped, windows_failed: failed },
    ...{ windows_live_failed: live_failed, windows_pending: pending },
    agreement_ratio: windows > 0 ? rounded(agreed / windows) : null,
    answers: Object.entries(pairs)
      .sort(([, a], [, b]) => b - a)
      .slice(0, ANSWERS_MAX)
      .map(([pair, count]) => ({ live: pair.split(' -> ')[0] ?? pair, shadow: pair.split(' -> ')[1] ?? pair, windows: count })),
    outcomes: outcomes.length,
    live: score(live),
    shadow: score(shadow),
    gains: [...shadow.named].filter((index) => !live.named.has(index)).length,
    losses: [...live.named].filter((index) => !shadow.named.has(index)).length,
    new_false_alarms: shadow.falseAlarms.filter((device) => !liveFalse.has(device)).length,
    costs,
    notes: [
      'Outcomes come from visits that the live model led to, and from labels: what the shadow alone told is mostly unconfirmed.',
      `An unconfirmed alert counts as ${rounded(wrongShare)} of a false alarm, the share of the live model's alerts that were wrong.`,
    ],
  }
}

/** Why a shadow may not be promoted; empty: it may. */
export function objectionsToPromotion({ windows, windows_failed, outcomes, live, shadow, unit_weeks, costs }: ShadowReport): string[] {
  const reasons: string[] = []
  if (windows < GATE.windows) reasons.push(`${windows} windows were compared, ${GATE.windows} are needed`)
  const failed = windows_failed / Math.max(1, windows + windows_failed)
  if (failed > GATE.failed_ratio)
    reasons.push(`it failed on ${(100 * failed).toFixed(1)} % of the windows, at most ${100 * GATE.failed_ratio} % are borne`)
  const budget = Math.ceil((costs.alert_budget_per_1000_unit_weeks * unit_weeks) / 1_000)
  if (shadow.alerts > Math.max(budget, live.alerts))
    reasons.push(`it gives ${shadow.alerts} alerts in ${unit_weeks} unit-weeks; the live model gave ${live.alerts}, the alert budget is ${budget}`)
  if (outcomes < GATE.outcomes) reasons.push(`${outcomes} outcomes are known, ${GATE.outcomes} are needed to judge the cost`)
  else if (shadow.cost > live.cost) reasons.push(`it costs ${money(shadow.cost, costs)}, the live model ${money(live.cost, costs)}`)
  return reasons
}

const money = (minor: number, { currency }: CostParameters): string => `${(minor / 100).toFixed(2)} ${currency}`

interface Judged {
  readonly alerts: number
  readonly right: number
  readonly wrongNames: number
  readonly missed: number
  /** Devices, one entry an alert. */
  readonly falseAlarms: readonly string[]
  readonly unconfirmed: number
  /** Positions of the outcomes that were named right. */
  readonly named: ReadonlySet<number>
}

function judge(told: readonly Told[], outcomes: readonly Outcome[]): Judged {
  const alerts = told.filter(({ answer }) => answer === 'fault' || answer === 'unknown_fault')
  const concerns = (outcome: Outcome, { device, made_at_ms }: Told): boolean =>
    device === outcome.device && made_at_ms >= outcome.from_ms - BEFORE_MS && made_at_ms <= outcome.to_ms + AFTER_MS
  const named = new Set<number>()
  let wrongNames = 0
  let missed = 0
  for (const [index, outcome] of outcomes.entries()) {
    if (outcome.cause === NOTHING_FOUND) continue
    const mine = alerts.filter((alert) => concerns(outcome, alert))
    if (mine.some(({ fault }) => fault === outcome.cause)) named.add(index)
    else if (mine.length > 0) wrongNames++
    else missed++
  }
  const falseAlarms: string[] = []
  let unconfirmed = 0
  for (const alert of alerts) {
    const about = outcomes.filter((outcome) => concerns(outcome, alert))
    if (about.length === 0) unconfirmed++
    else if (about.every(({ cause }) => cause === NOTHING_FOUND)) falseAlarms.push(alert.device)
  }
  return { alerts: alerts.length, right: named.size, wrongNames, missed, falseAlarms, unconfirmed, named }
}

const NOTHING_FOUND = 'no_fault_found'

const rounded = (value: number): number => Number(value.toFixed(3))
