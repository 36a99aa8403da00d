/**
 * Where the days go between a fault's first trace and the instant at which the customer notices it: when the model first doubts that all is
 * well, when the fault is its first answer, when that stays so, when it is told, and when it is told surely enough for the alert budget.
 * For units of makers that decide how a model is used; nothing here judges a model.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { NO_FAULT } from '../../models/artefact.ts'
import type { FaultTruth } from '../../simulators/fleet-faults.ts'
import { isTellable, noticedAt, scoreAlerts, type Told, type ToldUnit } from './alerts.ts'
import { DAY_MS } from './dataset.ts'
import { ALERT_BUDGET, wearFaultsOf } from './score.ts'
import { believedUnits, type Filter, type PlainUnit, tellPlainly } from './settle-filter.ts'

/** Steps on the way to an alert, in order. */
export const LEAD_STEPS = ['onset', 'doubted', 'first', 'steady', 'told', 'at_budget'] as const
export type LeadStep = (typeof LEAD_STEPS)[number]

/** Days before the customer notices at which each step of one fault was reached; below 0 behind that, undefined never. */
export interface LeadTime {
  readonly fault: string
  readonly days: Readonly<Record<LeadStep, number | undefined>>
}

/** How a model is used. */
export interface Use {
  readonly classes: readonly string[]
  readonly filter: Filter
  readonly threshold: number
  readonly unknownDistance: number
}

type Judgements = PlainUnit['judgements']

/** Steps of every fault that wears on until a customer notices, for units as the model says them without any filter. */
export function leadTimes(type: ApplianceType, plain: readonly PlainUnit[], use: Use): LeadTime[] {
  const { classes, filter, threshold, unknownDistance } = use
  const wearFaults = wearFaultsOf(type, classes)
  const told = believedUnits(plain, filter, classes).map(({ unit, judgements }) => ({
    unit,
    diagnoses: tellPlainly(judgements, { classes, threshold, unknownDistance, agree: filter.agree }),
  }))
  const loud = thresholdsOf(told, wearFaults)
  return plain.flatMap(({ unit, judgements }, index) =>
    unit.truths.flatMap((truth): LeadTime[] => {
      const noticedMs = noticedAt(truth)
      if (noticedMs === undefined || !wearFaults.has(truth.fault) || !isTellable(unit, truth)) return []
      const since = judgements.filter(({ window }) => window.to_ms >= truth.onset_ms)
      const steps = { ...seenAt(since, classes, truth), ...toldAt(told[index]?.diagnoses ?? [], truth, loud.get(unit.seed) ?? 1) }
      const before = (atMs: number | undefined) => (atMs === undefined ? undefined : (noticedMs - atMs) / DAY_MS)
      const days = Object.fromEntries(LEAD_STEPS.map((step) => [step, before(step === 'onset' ? truth.onset_ms : steps[step])]))
      return [{ fault: truth.fault, days: days as LeadTime['days'] }]
    }),
  )
}

/** Probability from which an alert counts, by fleet. */
function thresholdsOf(told: readonly ToldUnit[], wearFaults: ReadonlySet<string>): ReadonlyMap<string, number> {
  const fleets = [...new Set(told.map(({ unit }) => unit.seed))]
  return new Map(
    fleets.map((seed) => [
      seed,
      scoreAlerts(
        told.filter(({ unit }) => unit.seed === seed),
        { budget: ALERT_BUDGET, wearFaults },
      ).threshold,
    ]),
  )
}

/** Windows over which the fault must stay the first answer to count as steady. */
const STEADY_DAYS = 7

function seenAt(since: Judgements, classes: readonly string[], { fault }: FaultTruth) {
  const isFirst = ({ probabilities }: Judgements[number]): boolean => Math.max(...probabilities) === (probabilities[classes.indexOf(fault)] ?? 0)
  const isSteady = (from: Judgements[number]): boolean =>
    since
      .filter(({ window }) => window.to_ms >= from.window.to_ms && window.to_ms <= from.window.to_ms + STEADY_DAYS * DAY_MS)
      .every((judgement) => isFirst(judgement))
  const at = (judgement: Judgements[number] | undefined): number | undefined => judgement?.window.to_ms
  return {
    doubted: at(since.find(({ probabilities }) => (probabilities[classes.indexOf(NO_FAULT)] ?? 0) < 0.5)),
    first: at(since.find((judgement) => isFirst(judgement))),
    steady: at(since.find((judgement) => isSteady(judgement))),
  }
}

function toldAt(diagnoses: readonly Told[], { fault, onset_ms }: FaultTruth, loud: number) {
  const right = diagnoses.filter((diagnosis) => diagnosis.fault === fault && diagnosis.made_at_ms >= onset_ms)
  return { told: right[0]?.made_at_ms, at_budget: right.find(({ probability }) => probability >= loud)?.made_at_ms }
}

/** One line a fault and one for all: how many, and of each step the median days with the quartiles; `never` counts as latest. */
export function leadLines(leads: readonly LeadTime[]): string[] {
  const faults = [...new Set(leads.map(({ fault }) => fault))].sort()
  return [...faults, undefined].map((name) => {
    const mine = leads.filter(({ fault }) => name === undefined || fault === name)
    const steps = LEAD_STEPS.map((step) => {
      const days = mine.map((lead) => lead.days[step] ?? Number.NEGATIVE_INFINITY)
      return `${step} ${textOf(days, 0.5)} (${textOf(days, 0.25)} to ${textOf(days, 0.75)})`
    })
    return `${name ?? 'all'}: ${mine.length}; ${steps.join(', ')}`
  })
}

function textOf(days: readonly number[], at: number): string {
  const sorted = days.toSorted((a, b) => a - b)
  // The nearest of them: nothing lies halfway to never.
  const value = sorted[Math.round(at * (sorted.length - 1))] ?? Number.NaN
  return Number.isFinite(value) ? value.toFixed(1) : 'never'
}
