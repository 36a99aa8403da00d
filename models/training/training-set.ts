/** What a classifier is trained on: units with their windows and what was true of them, and the mean residuals that the model sees of each. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { NO_FAULT } from '../artefact.ts'
import { meanResiduals, type TimedResiduals } from '../evidence.ts'
import { isJudgeable, recentWindows } from '../judge.ts'
import { createReference, type Reference, type VaryResiduals } from '../reference.ts'
import { createUnitNormal } from '../unit-normal.ts'
import type { ClosedWindow } from '../windows.ts'

/** One unit with its windows in order of time. */
export interface TrainingUnit {
  /** Unlike that of any other unit of the set. */
  readonly key: string
  readonly windows: readonly ClosedWindow[]
  /** Class at an instant; undefined where nobody can say, and the window is left out. */
  readonly labelAt: (atMs: number) => string | undefined
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
  readonly mean: TimedResiduals
  readonly label: string
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

/** Label of a row of which nobody can say what is true; only complete runs over a unit have such rows. */
export const NOBODY_KNOWS = ''

/** Neighbouring means are nearly the same; more rows of a unit teach nothing. */
const ROWS_OF_UNIT_MAX = 48

/** Means of residuals as the diagnoser makes them, for every window that can be judged and has a label. */
export function trainingRows(
  type: ApplianceType,
  units: readonly TrainingUnit[],
  { reference, smoothing, rowsOfUnit_MAX = ROWS_OF_UNIT_MAX }: { reference: Reference; smoothing: Smoothing; rowsOfUnit_MAX?: number },
): TrainingRow[] {
  return units.flatMap((unit) => {
    const compare = createReference(reference, type.recipe?.features ?? [], unit.vary?.())
    let recent: TimedResiduals[] = []
    const isComplete = rowsOfUnit_MAX === Number.POSITIVE_INFINITY
    const normal = reference.unit === undefined ? undefined : createUnitNormal(reference.unit)
    const rows = unit.windows.flatMap((window) => {
      const residuals = window.isDiagnosable ? compare(window.features, normal) : undefined
      if (residuals === undefined || !isJudgeable(residuals)) return []
      recent = recentWindows([...recent, { ...residuals, fromMs: window.from_ms, toMs: window.to_ms }], smoothing)
      const label = unit.labelAt(window.to_ms)
      if (label === undefined && !isComplete) return []
      return [{ toMs: window.to_ms, recent, label: label ?? NOBODY_KNOWS }]
    })
    const stride = Math.ceil(rows.length / rowsOfUnit_MAX)
    return rows
      .filter((_, index) => isComplete || index % stride === 0)
      .map(({ toMs, recent: last, label }) => ({ unit: unit.key, toMs, mean: meanResiduals(last), label }))
  })
}

/** Weight of each row: every unit counts the same within a class. */
export function weightsOf(rows: readonly TrainingRow[]): number[] {
  const counts = new Map<string, number>()
  const keyOf = ({ unit, label }: TrainingRow): string => `${unit}/${label}`
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return rows.map((row) => 1 / (counts.get(keyOf(row)) ?? 1))
}
