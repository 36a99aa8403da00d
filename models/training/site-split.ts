/** Splits the units of a site for training: of each class some units for each purpose, always the same ones, and says what there is too little of. */
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import { NO_FAULT } from '../artefact.ts'
import type { TrainingSet, TrainingUnit } from './training-set.ts'

/** Units that a class needs, so that each purpose has one. */
export const UNITS_MIN = 3
const TURNS = ['train', 'tune', 'calibrate', 'train', 'train'] as const

export interface SiteSplit {
  readonly set: TrainingSet
  /** Units with windows of each class. */
  readonly units: Readonly<Record<string, number>>
  /** Classes with too few units. */
  readonly leftOut: readonly string[]
}

/** @throws MendlineError MDL_MODEL_TRAINER when there is nothing to learn from */
export function splitSite(units: readonly TrainingUnit[]): SiteSplit {
  const byClass = new Map<string, TrainingUnit[]>()
  for (const unit of units) {
    const label = classOf(unit)
    if (label !== undefined) byClass.set(label, [...(byClass.get(label) ?? []), unit])
  }
  const counts = Object.fromEntries([...byClass].map(([label, own]) => [label, own.length]))
  const leftOut = [...byClass].filter(([label, own]) => own.length < UNITS_MIN && label !== NO_FAULT).map(([label]) => label)
  const faulty = [...byClass.keys()].filter((label) => label !== NO_FAULT && !leftOut.includes(label))
  if ((counts[NO_FAULT] ?? 0) < UNITS_MIN || faulty.length === 0) {
    const have = Object.entries(counts).map(([label, count]) => `${label} ${count}`)
    const why = `training needs at least ${UNITS_MIN} units without fault and ${UNITS_MIN} of one fault that have judgeable windows in the time`
    throw new MendlineError('MDL_MODEL_TRAINER', `${why}; there are: ${have.length === 0 ? 'none' : have.join(', ')}`)
  }
  const set = { train: [] as TrainingUnit[], tune: [] as TrainingUnit[], calibrate: [] as TrainingUnit[] }
  for (const label of [NO_FAULT, ...faulty]) {
    const own = [...(byClass.get(label) ?? [])].sort((a, b) => (contentId('split', a.key) < contentId('split', b.key) ? -1 : 1))
    for (const [index, unit] of own.entries()) set[TURNS[index % TURNS.length] ?? 'train'].push(unit)
  }
  return { set, units: counts, leftOut }
}

/** The first fault that a unit has windows of; `no_fault` when it has only such; undefined without a label. */
function classOf({ windows, labelAt }: TrainingUnit): string | undefined {
  let found: string | undefined
  for (const window of windows) {
    if (!window.isDiagnosable) continue
    const label = labelAt(window.to_ms)
    if (label !== undefined && label !== NO_FAULT) return label
    found ??= label
  }
  return found
}
