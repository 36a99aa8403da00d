/**
 * How evidence adds up over windows, and how many windows must agree, settled on units of makers that training did not see: of a few
 * settings, the one that falls least short of the goals of the diagnosis, lead and alerts among them. Least log loss was tried first and
 * is no good guide here: it likes slow belief, which costs lead.
 */
import { mean } from 'simple-statistics'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { type Accumulation, accumulateBelief } from '../../models/accumulate.ts'
import { NO_FAULT } from '../../models/artefact.ts'
import { chooseAnswer, createOpinion, observe } from '../../models/opinion.ts'
import { type AlertScores, scoreAlerts, type Told } from './alerts.ts'
import { DAY_MS, type LabelledUnit } from './dataset.ts'
import { ALERT_BUDGET, scoreWindows, wearFaultsOf } from './score.ts'

/** What the model says of a unit, window by window, without any filter. */
export interface PlainUnit {
  readonly unit: LabelledUnit
  readonly judgements: ReadonlyArray<{
    readonly window: LabelledUnit['windows'][number]
    readonly probabilities: readonly number[]
    readonly distance: number
  }>
}

export interface Filter {
  /** Undefined: each mean is judged by itself. */
  readonly accumulation: Accumulation | undefined
  readonly agree: number
}

/** Goals of the diagnosis, and what a setting reaches. */
const GOALS = { top1: 0.85, top2: 0.95, precision: 0.85, recall: 0.7, lead_days: 7, ece: 0.05 } as const
export type Reached = Readonly<Record<keyof typeof GOALS, number>>

/** Sum over the goals of the share that is missing. */
export const shortfallOf = ({ ece, ...others }: Reached): number =>
  Math.max(0, 1 - GOALS.ece / Math.max(1e-6, ece)) +
  Object.entries(others).reduce((sum, [name, value]) => sum + Math.max(0, 1 - value / GOALS[name as keyof typeof others]), 0)

/** Least threshold at which settings are compared; the alert budget sets it in each fleet. */
const THRESHOLD = 0.5
const WEIGHTS = [0.2, 0.4]
const RATES = [
  [0.01, 0.02],
  [0.03, 0.04],
  [0.1, 0.3],
  [0.25, 0.45],
] as const

const candidates = (shares: readonly number[]): Filter[] => {
  const accumulations = WEIGHTS.flatMap((weight) =>
    RATES.map(([onset_per_day, recovery_per_day]): Accumulation => ({ weight, onset_per_day, recovery_per_day, shares: [...shares] })),
  )
  return [undefined, ...accumulations].flatMap((accumulation) => [2, 3].map((agree): Filter => ({ accumulation, agree })))
}

interface Settling {
  readonly classes: readonly string[]
  readonly shares: readonly number[]
  readonly unknownDistance: number
  readonly say: (text: string) => void
}

/** The filter that falls least short; the simpler one where two are alike. */
export function settleFilter(type: ApplianceType, units: readonly PlainUnit[], settling: Settling): Filter {
  let best: { filter: Filter; shortfall: number } | undefined
  for (const filter of candidates(settling.shares)) {
    const reached = reachedBy(type, units, { filter, ...settling })
    const shortfall = shortfallOf(reached)
    const { accumulation, agree } = filter
    const name =
      accumulation === undefined ? 'none' : `weight ${accumulation.weight}, rates ${accumulation.onset_per_day} ${accumulation.recovery_per_day}`
    settling.say(`filter ${name}, agree ${agree}: short by ${shortfall.toFixed(3)} ${JSON.stringify(reached)}`)
    if (best === undefined || shortfall < best.shortfall - 1e-3) best = { filter, shortfall }
  }
  return best?.filter ?? { accumulation: undefined, agree: 2 }
}

function reachedBy(type: ApplianceType, units: readonly PlainUnit[], { filter, classes, unknownDistance }: Settling & { filter: Filter }): Reached {
  const judged = believedUnits(units, filter, classes)
  const told = judged.map(({ unit, judgements }) => ({
    unit,
    diagnoses: tellPlainly(judgements, { classes, unknownDistance, threshold: THRESHOLD, agree: filter.agree }),
  }))
  const fleets = [...new Set(units.map(({ unit }) => unit.seed))]
  const alerts = fleets.map((seed) =>
    scoreAlerts(
      told.filter(({ unit }) => unit.seed === seed),
      { budget: ALERT_BUDGET, wearFaults: wearFaultsOf(type, classes) },
    ),
  )
  const over = (pick: (scores: AlertScores) => number): number => Number(mean(alerts.map(pick)).toFixed(3))
  const { fault_top1: top1, fault_top2: top2, ece } = scoreWindows(judged, classes)
  return {
    top1,
    top2,
    ece,
    precision: over((one) => one.precision),
    recall: over((one) => one.recall),
    lead_days: over((one) => one.lead_days_median ?? 0),
  }
}

/** What the diagnoser would tell of a unit, from what is believed window by window. */
export function tellPlainly(
  judgements: PlainUnit['judgements'],
  { classes, threshold, unknownDistance, agree }: { classes: readonly string[]; threshold: number; unknownDistance: number; agree: number },
): Told[] {
  const bounds = { noFault: NO_FAULT, threshold, unknownDistance }
  const opinion = createOpinion()
  return judgements.flatMap(({ window, probabilities, distance }): Told[] => {
    const answer = chooseAnswer(classes, probabilities, { distance, held: opinion.told?.fault ?? null, bounds })
    return observe(opinion, answer, { agreeMin: agree }) ? [{ ...answer, made_at_ms: window.to_ms }] : []
  })
}

/** The units with what is believed of them under a filter. */
export const believedUnits = (units: readonly PlainUnit[], filter: Filter, classes: readonly string[]): PlainUnit[] =>
  units.map(({ unit, judgements }) => ({ unit, judgements: believed(judgements, filter, classes.indexOf(NO_FAULT)) }))

function believed(judgements: PlainUnit['judgements'], { accumulation }: Filter, noFault: number): PlainUnit['judgements'] {
  if (accumulation === undefined) return judgements
  let before: readonly number[] | undefined
  let lastMs = 0
  return judgements.map((judgement) => {
    const { window, probabilities } = judgement
    before = accumulateBelief(accumulation, { before, probabilities, days: before === undefined ? 0 : (window.to_ms - lastMs) / DAY_MS, noFault })
    lastMs = window.to_ms
    return { ...judgement, probabilities: before }
  })
}
