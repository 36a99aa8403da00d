/**
 * Scores of the diagnosis on units with known truth: what the model says window by window (accuracy, calibration), and what the
 * platform tells unit by unit (right fault, lead time, false alarms). Windows of a unit are alike, so each unit has the same weight
 * within its class.
 */
import { mean, median, quantile } from 'simple-statistics'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { type Artefact, NO_FAULT } from '../../models/artefact.ts'
import { createDiagnoser, type Diagnoser, type Judgement } from '../../models/diagnose.ts'
import type { ModelRuntime } from '../../models/model-runtime.ts'
import { growthOf } from '../../simulators/fault-growth.ts'
import { type AlertScores, scoreAlerts } from './alerts.ts'
import { DAY_MS, faultsAt, type LabelledUnit, labelAt } from './dataset.ts'

/** What the first answers are worth, window by window. */
export interface WindowScores {
  readonly windows: number
  /** Mean over classes of the share of windows whose first answer is right; unit-weighted. */
  readonly top1: number
  readonly top2: number
  /** The same over windows with a fault only. */
  readonly fault_top1: number
  readonly fault_top2: number
  /** Expected calibration error of the first answer, ten bins. */
  readonly ece: number
  readonly per_class: ReadonlyArray<{ readonly class: string; readonly units: number; readonly precision: number; readonly recall: number }>
  /** First answers against the labels of other units: what is left is chance. */
  readonly shuffled_top1: number
}

export interface Scores extends WindowScores {
  readonly units: number
  readonly unit_weeks: number
  /** Units whose fault was present at the end: share that was told it, right or as the second of two. */
  readonly told_right: number
  readonly told_wrong: number
  readonly told_nothing: number
  readonly lead_days_median: number | null
  /** Fault or unknown fault told while the unit had none. */
  readonly false_alarms: number
  readonly clean_unit_weeks: number
  readonly false_alarms_per_1000_unit_weeks: number
  /** At the alert budget, mean over fleets, each with the threshold that keeps to it; lead is that of faults that wear on. */
  readonly at_budget: { readonly precision: number; readonly recall: number; readonly lead_days_median: number }
}

/** A judged window with its label and its weight. */
interface Row {
  readonly label: string
  readonly first: string
  readonly second: string
  readonly probability: number
  readonly weight: number
}

/** What a model said of a unit, window by window. */
export interface JudgedUnit {
  readonly unit: LabelledUnit
  readonly judgements: ReadonlyArray<Pick<Judgement, 'window' | 'probabilities'>>
}

interface Model {
  readonly artefact: Artefact
  /** Started. */
  readonly runtime: ModelRuntime
}

const createFor = (type: ApplianceType, { artefact, runtime }: Model): Diagnoser =>
  createDiagnoser({ types: () => type, artefacts: new Map([[type.id, artefact]]), runtime: () => runtime, log: silentLog, limits })

/** What the model says of each unit, window by window. */
export async function judgeUnits(
  type: ApplianceType,
  units: readonly LabelledUnit[],
  model: Model,
): Promise<Array<{ unit: LabelledUnit; judgements: Judgement[] }>> {
  const judged: Array<{ unit: LabelledUnit; judgements: Judgement[] }> = []
  for (const unit of units) judged.push({ unit, judgements: await createFor(type, model).judge(unit.windows) })
  return judged
}

/** What the platform tells of each unit. */
export async function tellUnits(
  type: ApplianceType,
  units: readonly LabelledUnit[],
  model: Model,
): Promise<Array<{ unit: LabelledUnit; diagnoses: Diagnosis[] }>> {
  const told: Array<{ unit: LabelledUnit; diagnoses: Diagnosis[] }> = []
  for (const unit of units) told.push({ unit, diagnoses: await createFor(type, model).diagnose(unit.windows) })
  return told
}

/** Alerts a thousand units and week that an organisation is taken to have hands for. */
export const ALERT_BUDGET = 5
/** Days that the fastest fault takes that counts as wear. */
const WEAR_DAYS_MIN = 2

/** Faults that wear on rather than come at once. */
export const wearFaultsOf = (type: ApplianceType, classes: readonly string[]): ReadonlySet<string> =>
  new Set(classes.filter((code) => growthOf(type, code).days[0] >= WEAR_DAYS_MIN))

function atBudget(
  type: ApplianceType,
  told: ReadonlyArray<{ unit: LabelledUnit; diagnoses: Diagnosis[] }>,
  classes: readonly string[],
): Scores['at_budget'] {
  const fleets = [...new Set(told.map(({ unit }) => unit.seed))]
  const scores = fleets.map((seed) =>
    scoreAlerts(
      told.filter(({ unit }) => unit.seed === seed),
      { budget: ALERT_BUDGET, wearFaults: wearFaultsOf(type, classes) },
    ),
  )
  const over = (pick: (scores: AlertScores) => number): number => rounded(mean(scores.map(pick)))
  return {
    precision: over(({ precision }) => precision),
    recall: over(({ recall }) => recall),
    lead_days_median: over((one) => one.lead_days_median ?? 0),
  }
}

/** Scores an artefact on units; the runtime is started. */
export async function scoreUnits(type: ApplianceType, units: readonly LabelledUnit[], model: Model): Promise<Scores> {
  const told = await tellUnits(type, units, model)
  const { classes } = model.artefact.card
  return {
    units: units.length,
    unit_weeks: rounded(units.reduce((sum, { weeks }) => sum + weeks, 0)),
    ...scoreWindows(await judgeUnits(type, units, model), classes),
    ...unitScores(told),
    at_budget: atBudget(type, told, classes),
  }
}

/** Scores what was said of the windows, by the classes' order of the probabilities. */
export function scoreWindows(judged: readonly JudgedUnit[], classes: readonly string[]): WindowScores {
  const rows = rowsOf(judged, classes)
  const faulty = rows.filter(({ label }) => label !== NO_FAULT)
  return {
    windows: rows.length,
    top1: hitRate(rows, 1),
    top2: hitRate(rows, 2),
    fault_top1: hitRate(faulty, 1),
    fault_top2: hitRate(faulty, 2),
    ece: calibrationError(rows),
    per_class: classes.map((name) => classScore(name, rows, judged)),
    shuffled_top1: hitRate(shuffled(rows), 1),
  }
}

function rowsOf(judged: readonly JudgedUnit[], classes: readonly string[]): Row[] {
  return judged.flatMap(({ unit, judgements }) => {
    const rows = judgements.flatMap(({ window, probabilities }) => {
      const label = labelAt(unit.truths, window.to_ms, classes)
      if (label === undefined) return []
      const ranked = classes.map((name, index) => ({ name, probability: probabilities[index] ?? 0 })).sort((a, b) => b.probability - a.probability)
      return [{ label, first: ranked[0]?.name ?? '', second: ranked[1]?.name ?? '', probability: ranked[0]?.probability ?? 0 }]
    })
    return rows.map((row) => ({ ...row, weight: 1 / rows.filter(({ label }) => label === row.label).length }))
  })
}

/** Mean over classes of the weighted share of hits, so that frequent classes do not hide rare ones. */
function hitRate(rows: readonly Row[], top: 1 | 2): number {
  const classes = [...new Set(rows.map(({ label }) => label))]
  const rates = classes.map((name) => {
    const mine = rows.filter(({ label }) => label === name)
    return share(mine, ({ label, first, second }) => first === label || (top === 2 && second === label))
  })
  return rates.length === 0 ? 0 : rounded(mean(rates))
}

function classScore(name: string, rows: readonly Row[], judged: ReadonlyArray<{ unit: LabelledUnit }>): Scores['per_class'][number] {
  const units = judged.filter(({ unit }) => unit.windows.some((window) => labelAt(unit.truths, window.to_ms, [name]) === name)).length
  const said = rows.filter(({ first }) => first === name)
  const true_ = rows.filter(({ label }) => label === name)
  return {
    class: name,
    units,
    precision: rounded(share(said, ({ label }) => label === name)),
    recall: rounded(share(true_, ({ first }) => first === name)),
  }
}

const share = (rows: readonly Row[], isHit: (row: Row) => boolean): number => {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0)
  return total === 0 ? 0 : rows.reduce((sum, row) => sum + (isHit(row) ? row.weight : 0), 0) / total
}

/** Weighted mean over ten bins of |stated probability - share that was right|. */
function calibrationError(rows: readonly Row[]): number {
  const total = rows.reduce((sum, { weight }) => sum + weight, 0)
  const bins = Array.from({ length: 10 }, (_, bin) => rows.filter(({ probability }) => Math.min(9, Math.floor(probability * 10)) === bin))
  const error = bins.reduce((sum, bin) => {
    const weight = bin.reduce((part, row) => part + row.weight, 0)
    if (weight === 0) return sum
    const stated = bin.reduce((part, row) => part + row.weight * row.probability, 0) / weight
    return sum + weight * Math.abs(stated - share(bin, ({ label, first }) => label === first))
  }, 0)
  return rounded(error / total)
}

/** Mean of the share of faulty windows said to be sound and of sound ones said to be faulty; where faults are common, flagging all scores well elsewhere. */
export function balancedError(judged: readonly JudgedUnit[], classes: readonly string[]): number {
  const rows = rowsOf(judged, classes)
  const missed = share(
    rows.filter(({ label }) => label !== NO_FAULT),
    ({ first }) => first === NO_FAULT,
  )
  const needless = share(
    rows.filter(({ label }) => label === NO_FAULT),
    ({ first }) => first !== NO_FAULT,
  )
  return rounded((missed + needless) / 2)
}

/** The same answers with labels moved on by a third of the rows: other units' labels. */
function shuffled(rows: readonly Row[]): Row[] {
  const shift = Math.floor(rows.length / 3)
  return rows.map((row, index) => ({ ...row, label: rows[(index + shift) % rows.length]?.label ?? row.label }))
}

/** What was told unit by unit. */
function unitScores(told: ReadonlyArray<{ unit: LabelledUnit; diagnoses: Diagnosis[] }>) {
  const ends = told.flatMap(({ unit, diagnoses }) => {
    const faults = faultsAt(unit.truths, unit.windows.at(-1)?.to_ms ?? 0)
    const last = diagnoses.filter(({ answer }) => answer !== 'not_enough_data').at(-1)
    const right = diagnoses.find(({ fault }) => fault !== null && faults.includes(fault))
    const onset = unit.truths.find(({ fault }) => fault === right?.fault)
    return faults.length === 0
      ? []
      : [{ faults, last, leadMs: right === undefined || onset === undefined ? undefined : right.made_at_ms - onset.onset_ms }]
  })
  const endsWith = (test: (last: Diagnosis | undefined, faults: readonly string[]) => boolean): number =>
    ends.length === 0 ? 0 : rounded(ends.filter(({ last, faults }) => test(last, faults)).length / ends.length)
  const isRight = (last: Diagnosis | undefined, faults: readonly string[]): boolean => last?.fault != null && faults.includes(last.fault)
  const isFinding = (last: Diagnosis | undefined): boolean => last?.answer === 'fault' || last?.answer === 'unknown_fault'
  const leads = ends.flatMap(({ leadMs }) => (leadMs === undefined ? [] : [leadMs / DAY_MS]))
  const falseAlarms = told.reduce(
    (sum, { unit, diagnoses }) => sum + diagnoses.filter((diagnosis) => isFinding(diagnosis) && diagnosis.made_at_ms <= firstOnsetMs(unit)).length,
    0,
  )
  const cleanWeeks = told.reduce((sum, { unit }) => sum + cleanWeeksOf(unit), 0)
  return {
    told_right: endsWith(isRight),
    told_wrong: endsWith((last, faults) => isFinding(last) && !isRight(last, faults)),
    told_nothing: endsWith((last) => !isFinding(last)),
    lead_days_median: leads.length === 0 ? null : rounded(median(leads)),
    lead_days_p90: leads.length === 0 ? null : rounded(quantile(leads, 0.9)),
    false_alarms: falseAlarms,
    clean_unit_weeks: rounded(cleanWeeks),
    false_alarms_per_1000_unit_weeks: rounded((1000 * falseAlarms) / cleanWeeks),
  }
}

export const firstOnsetMs = ({ truths }: LabelledUnit): number => Math.min(Number.POSITIVE_INFINITY, ...truths.map(({ onset_ms }) => onset_ms))

/** Weeks of a unit before its first fault. */
export function cleanWeeksOf(unit: LabelledUnit): number {
  const fromMs = unit.windows[0]?.from_ms ?? 0
  const untilMs = Math.min(unit.windows.at(-1)?.to_ms ?? 0, firstOnsetMs(unit))
  return Math.max(0, untilMs - fromMs) / (7 * DAY_MS)
}

const rounded = (value: number): number => Number(value.toFixed(4))
