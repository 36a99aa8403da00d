/**
 * The judge of one appliance type: its reference, model and card ready for use. It turns a window into residuals, keeps the mean over a
 * device's last windows, and asks the model in batches.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Artefact } from './artefact.ts'
import { calibrate } from './calibrate.ts'
import { meanResiduals, type SeenResiduals, type TimedResiduals } from './evidence.ts'
import { createInputs, type InputMaker } from './inputs.ts'
import type { ModelRuntime } from './model-runtime.ts'
import { type Compare, createReference, type Residuals } from './reference.ts'
import { createTrend, followTrend } from './trend.ts'
import { createUnitNormal, type UnitNormalState } from './unit-normal.ts'
import type { UnitState } from './unit-states.ts'
import type { ClosedWindow } from './windows.ts'

export interface Judge {
  readonly type: ApplianceType
  readonly artefact: Artefact
  readonly runtime: ModelRuntime
  /** Residuals of a window's features, in the order of `features`. */
  readonly compare: Compare
  readonly features: readonly string[]
  /** Inputs of the model for one mean of residuals. */
  readonly toInputs: InputMaker
}

/** Features of which fewer than this share is known cannot be judged. */
const KNOWN_RATIO_MIN = 0.5

/** Makes the judge of a type; undefined when it has no recipe, no artefact or no runtime. */
export function createJudge(type: ApplianceType | undefined, artefact: Artefact | undefined, runtime: ModelRuntime | undefined): Judge | undefined {
  if (type?.recipe === undefined || artefact === undefined || runtime === undefined) return undefined
  const features = artefact.reference.responses.map(({ feature }) => feature)
  const toInputs = createInputs(artefact.card.inputs, type, features)
  assert(typeof toInputs === 'function', 'an artefact was checked when it was loaded')
  return { type, artefact, runtime, compare: createReference(artefact.reference, type.recipe.features), features, toInputs }
}

/** What was learned of the unit so far, when the reference says how units differ. */
function normalOf({ artefact }: Judge, state: UnitState): UnitNormalState | undefined {
  if (artefact.reference.unit === undefined) return undefined
  state.normal ??= createUnitNormal(artefact.reference.unit)
  return state.normal
}

/** Adds the window to the device's recent ones and gives their mean; undefined when the window cannot be judged. */
export function remember(judge: Judge, state: UnitState, window: ClosedWindow): SeenResiduals | undefined {
  noteFirmware(state, window)
  const residuals = window.isDiagnosable ? judge.compare(window.features, normalOf(judge, state)) : undefined
  if (residuals === undefined || !isJudgeable(residuals)) {
    if (window.running > 0) state.unjudged++
    return undefined
  }
  state.unjudged = 0
  state.recent = recentWindows([...state.recent, { ...residuals, fromMs: window.from_ms, toMs: window.to_ms }], judge.artefact.card.smoothing)
  state.trend ??= createTrend(judge.features.length)
  return { ...meanResiduals(state.recent), trend: followTrend(state.trend, residuals.zScores, window.to_ms) }
}

/**
 * A firmware may scale a sensor anew. What was normal for a unit that was told nothing bad is learned again behind the change; of one with
 * a fault it stays, so that the fault is not learned as its normal.
 */
function noteFirmware(state: UnitState, { firmware }: ClosedWindow): void {
  if (firmware === undefined || firmware === state.firmware) return
  const isSound = state.opinion.told === null || state.opinion.told.answer === 'no_fault'
  if (state.firmware !== undefined && isSound) {
    state.recent = []
    delete state.normal
    delete state.trend
    state.isFresh = true
  }
  state.firmware = firmware
}

/** Whether enough features are known to judge by. */
export const isJudgeable = ({ zScores }: Residuals): boolean =>
  zScores.filter((zScore) => !Number.isNaN(zScore)).length >= zScores.length * KNOWN_RATIO_MIN

/** The last windows that count for the mean: so many, none older than the age before the newest. */
export function recentWindows(all: readonly TimedResiduals[], smoothing: { readonly windows: number; readonly age_ms: number }): TimedResiduals[] {
  const newestMs = all.at(-1)?.toMs ?? 0
  return all.slice(-smoothing.windows).filter(({ toMs }) => newestMs - toMs <= smoothing.age_ms)
}

export interface BatchBounds extends Pick<Limits, 'inferenceBatch_MAX' | 'inferenceAttempts_MAX'> {
  readonly onSetAside: (error: MendlineError, windows: number) => void
}

/** Calibrated probabilities of each mean, in order; undefined for those whose batch failed too often. */
export async function probabilitiesOf(judge: Judge, means: readonly Residuals[], bounds: BatchBounds): Promise<Array<number[] | undefined>> {
  const { classes, calibration } = judge.artefact.card
  const result: Array<number[] | undefined> = []
  for (let from = 0; from < means.length; from += bounds.inferenceBatch_MAX) {
    const batch = means.slice(from, from + bounds.inferenceBatch_MAX).map((mean) => judge.toInputs(mean))
    const scores = await runWithRetry(judge.runtime, batch, bounds.inferenceAttempts_MAX)
    if (scores instanceof MendlineError) bounds.onSetAside(scores, batch.length)
    batch.forEach((_, index) => {
      const row = scores instanceof MendlineError ? undefined : scores.subarray(index * classes.length, (index + 1) * classes.length)
      result.push(row === undefined ? undefined : calibrate(row, calibration.temperature))
    })
  }
  return result
}

async function runWithRetry(runtime: ModelRuntime, batch: readonly Float32Array[], attempts: number): Promise<Float32Array | MendlineError> {
  const width = batch[0]?.length ?? 0
  const rows = new Float32Array(batch.length * width)
  batch.forEach((row, index) => {
    rows.set(row, index * width)
  })
  for (let attempt = 1; ; attempt++) {
    try {
      return await runtime.run(rows, batch.length)
    } catch (error) {
      if (!(error instanceof MendlineError)) throw error
      if (!error.retryable || attempt >= attempts) return error
    }
  }
}
