/** What a classifier is trained on: units with their windows and what was true of them, and the mean residuals that the model sees of each. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { NO_FAULT } from '../artefact.ts'
import { meanResiduals, type SeenResiduals, type TimedResiduals } from '../evidence.ts'
import { isJudgeable, recentWindows } from '../judge.ts'
import { createReference, type Reference, type VaryResiduals } from '../reference.ts'
import { createTrend, followTrend } from '../trend.ts'
import { createUnitNormal } from '../unit-normal.ts'
import type { ClosedWindow } from '../windows.ts'
import type { SeveritiesAt } from './makers.ts'

/** One unit with its windows in order of time. */
export interface TrainingUnit {
  /** Unlike that of any other unit of the set. */
  readonly key: string
  readonly windows: readonly ClosedWindow[]
  /** Class at an instant; undefined where nobody can say, and the window is left out. */
  readonly labelAt: (atMs: number) => string | undefined
  /** Faults of the unit with their severities, where a simulator knows them. */
  readonly severitiesAt?: SeveritiesAt | undefined
  /** How far the class at an instant is believed, above 0 to 1; absent = wholly. */
  readonly weightAt?: ((atMs: number) => number) | undefined
  /** Makes of the unit one of another maker; called before each run over its windows. */
  readonly vary?: (() => VaryResiduals) | undefined
}

/** Units of different splits are different units. */
export interface TrainingSet {
  readonly train: readonly TrainingUnit[]
  readonly tune: readonly TrainingUnit[]
  readonly calibrate: readonly TrainingUnit[]
}

/** What the model sees after one window of a unit, and what is true then. */
export interface TrainingRow {
  readonly unit: string
  readonly toMs: number
  readonly mean: SeenResiduals
  readonly label: string
  /** How far the label is believed; absent = wholly. */
  readonly weight?: number
}

export interface Smoothing {
  readonly windows: number
  readonly age_ms: number
}

/** Fault codes that the classifier of a type has as classes, `no_fault` first. */
export const classesOf = (type: ApplianceType): string[] => [
  NO_FAULT,
  ...type.faults.filter(({ foundBy }) => foundBy.includes('model')).map(({ code }) => code),
]

/** Diagnosable windows without fault of each unit, in recipe order, for the reference. */
export const faultlessByUnit = (units: readonly TrainingUnit[]): Array<{ windows: Float64Array[]; vary: VaryResiduals | undefined }> =>
  units.map(({ windows, labelAt, vary }) => ({
    windows: windows.filter((window) => window.isDiagnosable && labelAt(window.to_ms) === NO_FAULT).map(({ features }) => features),
    vary: vary?.(),
  }))

/** Neighbouring means are nearly the same; more rows of a unit teach nothing. */
const ROWS_OF_UNIT_MAX = 48

/** Means of residuals as the diagnoser makes them, for every window that can be judged and has a label. */
export function trainingRows(
  type: ApplianceType,
  units: readonly TrainingUnit[],
  { reference, smoothing }: { reference: Reference; smoothing: Smoothing },
): TrainingRow[] {
  return units.flatMap((unit) => {
    const compare = createReference(reference, type.recipe?.features ?? [], unit.vary?.())
    let recent: TimedResiduals[] = []
    const trend = createTrend(reference.responses.length)
    const normal = reference.unit === undefined ? undefined : createUnitNormal(reference.unit)
    const rows = unit.windows.flatMap((window) => {
      const residuals = window.isDiagnosable ? compare(window.features, normal, window.to_ms) : undefined
      if (residuals === undefined || !isJudgeable(residuals)) return []
      recent = recentWindows([...recent, { ...residuals, fromMs: window.from_ms, toMs: window.to_ms }], smoothing)
      const slow = followTrend(trend, residuals.zScores, window.to_ms)
      const label = unit.labelAt(window.to_ms)
      if (label === undefined) return []
      const weight = unit.weightAt?.(window.to_ms) ?? 1
      return [{ toMs: window.to_ms, recent, slow, label, ...(weight < 1 && { weight }) }]
    })
    const stride = Math.ceil(rows.length / ROWS_OF_UNIT_MAX)
    return rows
      .filter((_, index) => index % stride === 0)
      .map(({ recent: last, slow, ...row }) => ({ unit: unit.key, mean: { ...meanResiduals(last), trend: slow }, ...row }))
  })
}

/** Weight of each row: every unit counts the same within a class, as far as its label is believed. */
export function weightsOf(rows: readonly TrainingRow[]): number[] {
  const counts = new Map<string, number>()
  const keyOf = ({ unit, label }: TrainingRow): string => `${unit}/${label}`
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return rows.map((row) => (row.weight ?? 1) / (counts.get(keyOf(row)) ?? 1))
}
