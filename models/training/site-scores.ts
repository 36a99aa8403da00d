/** How a model does on labelled units of a site that it did not see: alerts that were right and wrong, and the threshold that keeps to the alert budget. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Artefact, NO_FAULT } from '../artefact.ts'
import { createDiagnoser } from '../diagnose.ts'
import type { ModelRuntime } from '../model-runtime.ts'
import type { TrainingUnit } from './training-set.ts'

export interface SiteScores {
  readonly units: number
  readonly unit_weeks_without_fault: number
  readonly false_alarms: number
  /** Units with a fault of a class: told right, told as another, not told. */
  readonly right: number
  readonly wrong_name: number
  readonly missed: number
}

const WEEK_MS = 7 * 86_400_000
const THRESHOLDS = [0.5, 0.6, 0.7, 0.8, 0.9, 0.95]

interface Scored {
  readonly artefact: Artefact
  readonly runtime: ModelRuntime
  readonly units: readonly TrainingUnit[]
}

/** Diagnoses the units with the model. */
export async function scoreSite(type: ApplianceType, { artefact, runtime, units }: Scored): Promise<SiteScores> {
  const diagnoser = createDiagnoser({ types: () => type, artefacts: new Map([[type.id, artefact]]), runtime: () => runtime, log: silentLog, limits })
  const sums = { units: 0, unit_weeks_without_fault: 0, false_alarms: 0, right: 0, wrong_name: 0, missed: 0 }
  for (const { windows, labelAt } of units) {
    const told = (await diagnoser.diagnose(windows)).filter(({ answer }) => answer === 'fault' || answer === 'unknown_fault')
    const truth = windows.map((window) => labelAt(window.to_ms)).find((label) => label !== undefined && label !== NO_FAULT)
    const healthy = windows.filter((window) => labelAt(window.to_ms) === NO_FAULT)
    sums.units++
    sums.unit_weeks_without_fault += healthy.reduce((sum, window) => sum + (window.to_ms - window.from_ms) / WEEK_MS, 0)
    sums.false_alarms += told.filter(({ made_at_ms }) => labelAt(made_at_ms) === NO_FAULT).length
    if (truth === undefined) continue
    const named = told.filter(({ made_at_ms }) => labelAt(made_at_ms) !== NO_FAULT)
    sums[named.some(({ fault }) => fault === truth) ? 'right' : named.length > 0 ? 'wrong_name' : 'missed']++
  }
  return { ...sums, unit_weeks_without_fault: Number(sums.unit_weeks_without_fault.toFixed(1)) }
}

/** Lowest threshold whose false alarms stay within the budget; with few units that is at most none. */
export async function chooseSiteThreshold(
  type: ApplianceType,
  { artefact, runtime, units }: Scored,
): Promise<{ threshold: number; scores: SiteScores }> {
  let last: { threshold: number; scores: SiteScores } | undefined
  for (const threshold of THRESHOLDS) {
    const card = { ...artefact.card, decision: { ...artefact.card.decision, threshold } }
    const scores = await scoreSite(type, { artefact: { ...artefact, card }, runtime, units })
    last = { threshold, scores }
    const allowed = (artefact.card.decision.alert_budget_per_1000_unit_weeks * scores.unit_weeks_without_fault) / 1_000
    if (scores.false_alarms <= allowed) break
  }
  return last ?? { threshold: 0.95, scores: await scoreSite(type, { artefact, runtime, units }) }
}
