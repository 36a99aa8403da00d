/** What a classifier is trained on: units with their windows and what was true of them, and the mean residuals that the model sees of each. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { createRandom } from '#kernel/random.ts'
import { NO_FAULT } from '../artefact.ts'
import { meanResiduals, type TimedResiduals } from '../evidence.ts'
import { isJudgeable, recentWindows } from '../judge.ts'
import { createReference, type Reference } from '../reference.ts'
import { boundZScore, createUnitNormal } from '../unit-normal.ts'
import type { ClosedWindow } from '../windows.ts'

/** One unit with its windows in order of time. */
export interface TrainingUnit {
  /** Unlike that of any other unit of the set. */
  readonly key: string
  readonly windows: readonly ClosedWindow[]
  /** Class at an instant; undefined where nobody can say, and the window is left out. */
  readonly labelAt: (atMs: number) => string | undefined
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
export const faultlessByUnit = (units: readonly TrainingUnit[]): Float64Array[][] =>
  units.map(({ windows, labelAt }) =>
    windows.filter((window) => window.isDiagnosable && labelAt(window.to_ms) === NO_FAULT).map(({ features }) => features),
  )

/** Neighbouring means are nearly the same; more rows of a unit teach nothing. */
const ROWS_OF_UNIT_MAX = 64

/** Means of residuals as the diagnoser makes them, for every window that can be judged and has a label. */
export function trainingRows(
  type: ApplianceType,
  units: readonly TrainingUnit[],
  { reference, smoothing }: { reference: Reference; smoothing: Smoothing },
): TrainingRow[] {
  const compare = createReference(reference, type.recipe?.features ?? [])
  return units.flatMap((unit) => {
    let recent: TimedResiduals[] = []
    const normal = reference.unit === undefined ? undefined : createUnitNormal(reference.unit)
    const rows = unit.windows.flatMap((window) => {
      const residuals = window.isDiagnosable ? compare(window.features, normal) : undefined
      if (residuals === undefined || !isJudgeable(residuals)) return []
      recent = recentWindows([...recent, { ...residuals, fromMs: window.from_ms, toMs: window.to_ms }], smoothing)
      const label = unit.labelAt(window.to_ms)
      return label === undefined ? [] : [{ unit: unit.key, mean: meanResiduals(recent), label }]
    })
    const stride = Math.ceil(rows.length / ROWS_OF_UNIT_MAX)
    return rows.filter((_, index) => index % stride === 0)
  })
}

/** Weight of each row: every unit counts the same within a class. */
export function weightsOf(rows: readonly TrainingRow[]): number[] {
  const counts = new Map<string, number>()
  const keyOf = ({ unit, label }: TrainingRow): string => `${unit}/${label}`
  for (const row of rows) counts.set(keyOf(row), (counts.get(keyOf(row)) ?? 0) + 1)
  return rows.map((row) => 1 / (counts.get(keyOf(row)) ?? 1))
}

/** How much farther from the training fleets a unit's responses may be than they are, for `varyRows`. */
export interface Variation {
  /** Copies of each unit besides itself. */
  readonly copies: number
  /** Deviation of the logarithm of how strongly a feature answers, by unit and feature, and by unit for all together. */
  readonly gain: number
  readonly commonGain: number
  /** Deviation of a lasting departure of a feature, in z-scores. */
  readonly offset: number
  /** Share of features that a unit does not have. */
  readonly missing: number
}

/**
 * Adds copies of each unit whose features answer more or less strongly, depart a little, or are absent, each all along: what is learned
 * then rests on several signs and their directions, not on the sizes that one plant happens to give.
 */
export function varyRows(rows: readonly TrainingRow[], { copies, gain, commonGain, offset, missing }: Variation, seed: string): TrainingRow[] {
  const copied = Array.from({ length: copies }, (_, copy) => {
    const changes = new Map<string, ReadonlyArray<(zScore: number) => number>>()
    const changesOf = (row: TrainingRow) => {
      const found = changes.get(row.unit)
      if (found !== undefined) return found
      const random = createRandom(`${seed}/${copy}/${row.unit}`)
      const common = random.normal(0, commonGain)
      const made = Array.from(row.mean.zScores, () => {
        const factor = Math.exp(common + random.normal(0, gain))
        const shift = random.normal(0, offset)
        const isAbsent = random.chance(missing)
        return (zScore: number) => (isAbsent ? Number.NaN : boundZScore(zScore * factor + shift))
      })
      changes.set(row.unit, made)
      return made
    }
    return rows.map((row) => {
      const change = changesOf(row)
      return {
        ...row,
        unit: `${row.unit}+${copy}`,
        mean: { ...row.mean, zScores: row.mean.zScores.map((zScore, index) => change[index]?.(zScore) ?? zScore) },
      }
    })
  })
  return [...rows, ...copied.flat()]
}
