/**
 * From closed windows to diagnoses: residuals against the no-fault reference, their mean over a device's last windows, the model,
 * calibrated probabilities, and a record when the answer for the device changes or becomes clearly stronger. It abstains: a unit far
 * from normal that no class explains has an unknown fault, and one that runs but cannot be judged has not enough data. The same
 * windows give the same diagnoses with the same ids. Calls must not overlap, nor a snapshot fall into one.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { type Artefact, NO_FAULT } from './artefact.ts'
import { calibrate } from './calibrate.ts'
import { distanceOf, meanResiduals, type TimedResiduals } from './evidence.ts'
import { makeDiagnosis } from './make-diagnosis.ts'
import type { ModelRuntime } from './model-runtime.ts'
import { chooseAnswer, createOpinion, type Opinion, observe } from './opinion.ts'
import { createReference, type Residuals } from './reference.ts'
import type { ClosedWindow } from './windows.ts'

export interface DiagnoserOptions {
  readonly types: (type: string) => ApplianceType | undefined
  /** Artefacts by type; a type without one has no diagnoses. */
  readonly artefacts: ReadonlyMap<string, Artefact>
  /** Started runtime of a type's model. */
  readonly runtime: (type: string) => ModelRuntime | undefined
  readonly log: Log
  readonly limits: Pick<Limits, 'inferenceBatch_MAX' | 'inferenceAttempts_MAX'>
}

/** What the model says of one device after one window; for evaluation. */
export interface Judgement {
  readonly window: ClosedWindow
  readonly classes: readonly string[]
  readonly probabilities: readonly number[]
  readonly distance: number
}

export interface DiagnoserStatistics {
  readonly windows: number
  readonly judged: number
  readonly diagnoses: number
  /** Windows whose model failed as often as `inferenceAttempts_MAX` allows; they were left out. */
  readonly setAside: number
}

export interface Diagnoser {
  /** Diagnoses that these windows bring, in their order. Windows of one device must come in order of time. */
  diagnose(windows: readonly ClosedWindow[]): Promise<Diagnosis[]>
  /** Probabilities of each window that can be judged, without telling anybody; moves the state like `diagnose`. */
  judge(windows: readonly ClosedWindow[]): Promise<Judgement[]>
  statistics(): DiagnoserStatistics
  /** Plain JSON data; state made with another model is forgotten on `restore`. */
  snapshot(): unknown
  restore(snapshot: unknown): void
}

interface DeviceState {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly model: string
  recent: TimedResiduals[]
  readonly opinion: Opinion
  /** Windows in which the unit ran and that could not be judged, since the last one that could. */
  unjudged: number
}

/** A type with what is needed to judge its windows. */
interface Judge {
  readonly type: ApplianceType
  readonly artefact: Artefact
  readonly runtime: ModelRuntime
  readonly compare: (features: Float64Array) => Residuals | undefined
  /** Positions of the model's inputs among the reference's responses. */
  readonly inputs: readonly number[]
  readonly features: readonly string[]
}

interface Judged extends Judgement {
  readonly judge: Judge
  readonly state: DeviceState
  readonly mean: TimedResiduals
}

/** Running windows without a judgement after which a unit is said to have not enough data (chosen: a week of summer evenings). */
const UNJUDGED_MAX = 14

/** Features of which fewer than this share is known cannot be judged. */
const KNOWN_RATIO_MIN = 0.5

/** Creates the diagnoser; no I/O, the runtimes are started by whoever made them. */
export function createDiagnoser({ types, artefacts, runtime, log, limits }: DiagnoserOptions): Diagnoser {
  const judges = new Map<string, Judge | undefined>()
  const judgeOf = (id: string): Judge | undefined => {
    if (!judges.has(id)) judges.set(id, createJudge(types(id), artefacts.get(id), runtime(id)))
    return judges.get(id)
  }
  const states = new Map<string, DeviceState>()
  const counts = { windows: 0, judged: 0, diagnoses: 0, setAside: 0 }

  const stateOf = ({ tenant, device, type }: ClosedWindow, model: string): DeviceState => {
    const key = `${tenant}/${device}`
    const found = states.get(key)
    if (found !== undefined && found.type === type && found.model === model) return found
    const state = { tenant, device, type, model, recent: [], opinion: createOpinion(), unjudged: 0 }
    states.set(key, state)
    return state
  }

  /** Scores of all rows in batches; a batch that fails too often is set aside and its rows are undefined. */
  const score = async (judge: Judge, rows: readonly Float32Array[]): Promise<Array<Float32Array | undefined>> => {
    const { length: classCount } = judge.artefact.card.classes
    const scores: Array<Float32Array | undefined> = []
    for (let from = 0; from < rows.length; from += limits.inferenceBatch_MAX) {
      const batch = rows.slice(from, from + limits.inferenceBatch_MAX)
      const result = await runWithRetry(judge.runtime, batch, limits.inferenceAttempts_MAX)
      if (result instanceof MendlineError) {
        counts.setAside += batch.length
        log.error('windows set aside, the model failed on them', { code: result.code, windows: batch.length })
      }
      batch.forEach((_, index) => {
        scores.push(result instanceof MendlineError ? undefined : result.slice(index * classCount, (index + 1) * classCount))
      })
    }
    return scores
  }

  /** One entry a window, in order: judged, or not to be judged (undefined). */
  const judgeAll = async (windows: readonly ClosedWindow[]): Promise<Array<Judged | undefined>> => {
    counts.windows += windows.length
    const prepared = windows.map((window) => {
      const judge = judgeOf(window.type)
      const state = judge === undefined ? undefined : stateOf(window, judge.artefact.card.version)
      const mean = judge === undefined || state === undefined ? undefined : remember(judge, state, window)
      return judge === undefined || state === undefined || mean === undefined ? undefined : { window, judge, state, mean }
    })
    const judged: Array<Judged | undefined> = windows.map(() => undefined)
    for (const judge of new Set(prepared.flatMap((entry) => (entry === undefined ? [] : [entry.judge])))) {
      const mine = prepared.flatMap((entry, index) => (entry?.judge === judge ? [{ ...entry, index }] : []))
      const scores = await score(
        judge,
        mine.map(({ mean }) => inputRow(judge, mean)),
      )
      mine.forEach(({ index, ...entry }, position) => {
        const raw = scores[position]
        if (raw === undefined) return
        const { classes, calibration } = judge.artefact.card
        judged[index] = { ...entry, classes, probabilities: calibrate(raw, calibration.temperature), distance: distanceOf(entry.mean) }
        counts.judged++
      })
    }
    return judged
  }

  return {
    async diagnose(windows) {
      const judged = await judgeAll(windows)
      const diagnoses = windows.flatMap((window, index) => {
        const entry = judged[index]
        const diagnosis =
          entry === undefined ? sayNotEnough(judgeOf(window.type), states.get(`${window.tenant}/${window.device}`), window) : tell(entry)
        return diagnosis === undefined ? [] : [diagnosis]
      })
      counts.diagnoses += diagnoses.length
      return diagnoses
    },
    judge: async (windows) => (await judgeAll(windows)).filter((entry) => entry !== undefined),
    statistics: () => ({ ...counts }),
    snapshot: () => ({
      version: 1,
      devices: [...states.values()].map((state) => ({ ...state, opinion: structuredClone(state.opinion), recent: state.recent.map(toPlain) })),
    }),
    restore(snapshot) {
      assert(isSnapshot(snapshot), 'a snapshot of the diagnoser was made by it')
      states.clear()
      for (const plain of snapshot.devices) {
        const isCurrent = judgeOf(plain.type)?.artefact.card.version === plain.model
        if (isCurrent)
          states.set(`${plain.tenant}/${plain.device}`, { ...plain, opinion: structuredClone(plain.opinion), recent: plain.recent.map(fromPlain) })
      }
    },
  }
}

function createJudge(type: ApplianceType | undefined, artefact: Artefact | undefined, runtime: ModelRuntime | undefined): Judge | undefined {
  if (type?.recipe === undefined || artefact === undefined || runtime === undefined) return undefined
  const features = artefact.reference.responses.map(({ feature }) => feature)
  return {
    type,
    artefact,
    runtime,
    compare: createReference(artefact.reference, type.recipe.features),
    inputs: artefact.card.inputs.map((input) => features.indexOf(input)),
    features,
  }
}

/** Adds the window to the device's recent ones and gives their mean; undefined when the window cannot be judged. */
function remember(judge: Judge, state: DeviceState, window: ClosedWindow): TimedResiduals | undefined {
  const residuals = window.isDiagnosable ? judge.compare(window.features) : undefined
  const known = residuals === undefined ? 0 : residuals.zScores.filter((zScore) => !Number.isNaN(zScore)).length
  if (residuals === undefined || known < residuals.zScores.length * KNOWN_RATIO_MIN) {
    if (window.running > 0) state.unjudged++
    return undefined
  }
  state.unjudged = 0
  state.recent = recentWindows([...state.recent, { ...residuals, fromMs: window.from_ms, toMs: window.to_ms }], judge.artefact.card.smoothing)
  return meanResiduals(state.recent)
}

/** The last windows that count for the mean: so many, none older than the age before the newest. */
export function recentWindows(all: readonly TimedResiduals[], smoothing: { readonly windows: number; readonly age_ms: number }): TimedResiduals[] {
  const newestMs = all.at(-1)?.toMs ?? 0
  return all.slice(-smoothing.windows).filter(({ toMs }) => newestMs - toMs <= smoothing.age_ms)
}

/** Inputs of the model for one mean: z-scores in float32, 0 (no sign of anything) where a feature is not known. */
export function toInputs(mean: Residuals, positions: readonly number[]): Float32Array {
  return Float32Array.from(positions, (position) => {
    const zScore = mean.zScores[position] ?? Number.NaN
    return Number.isNaN(zScore) ? 0 : zScore
  })
}

const inputRow = (judge: Judge, mean: TimedResiduals): Float32Array => toInputs(mean, judge.inputs)

async function runWithRetry(runtime: ModelRuntime, batch: readonly Float32Array[], attempts: number): Promise<Float32Array | MendlineError> {
  const width = batch[0]?.length ?? 0
  const rows = new Float32Array(batch.length * width)
  batch.forEach((row, index) => {
    rows.set(row, index * width)
  })
  for (let attempt = 1; ; attempt++) {
    try {
      // A copy each time: the rows may be handed over to another thread.
      return await runtime.run(rows.slice(), batch.length)
    } catch (error) {
      if (!(error instanceof MendlineError)) throw error
      if (!error.retryable || attempt >= attempts) return error
    }
  }
}

function tell({ judge, state, window, mean, classes, probabilities, distance }: Judged): Diagnosis | undefined {
  const { decision } = judge.artefact.card
  const bounds = { noFault: NO_FAULT, threshold: decision.threshold, unknownDistance: decision.unknown_distance }
  const answer = chooseAnswer(classes, probabilities, { distance, held: state.opinion.told?.fault ?? null, bounds })
  if (!observe(state.opinion, answer)) return undefined
  return makeDiagnosis({
    type: judge.type,
    modelVersion: judge.artefact.card.version,
    window,
    answer,
    mean,
    features: judge.features,
    classes,
    probabilities,
  })
}

/** Says once that a unit runs and cannot be judged. */
function sayNotEnough(judge: Judge | undefined, state: DeviceState | undefined, window: ClosedWindow): Diagnosis | undefined {
  if (judge === undefined || state === undefined || state.unjudged !== UNJUDGED_MAX || window.running === 0) return undefined
  const answer = { answer: 'not_enough_data', fault: null, probability: 0 } as const
  return makeDiagnosis({
    type: judge.type,
    modelVersion: judge.artefact.card.version,
    window,
    answer,
    mean: undefined,
    features: judge.features,
    classes: [],
    probabilities: [],
  })
}

interface PlainResiduals {
  readonly fromMs: number
  readonly toMs: number
  readonly observed: ReadonlyArray<number | null>
  readonly expected: ReadonlyArray<number | null>
  readonly zScores: ReadonlyArray<number | null>
}

const toNulls = (values: Float64Array): Array<number | null> => Array.from(values, (value) => (Number.isNaN(value) ? null : value))
const fromNulls = (values: ReadonlyArray<number | null>): Float64Array => Float64Array.from(values, (value) => value ?? Number.NaN)

const toPlain = (residuals: TimedResiduals): PlainResiduals => ({
  ...residuals,
  observed: toNulls(residuals.observed),
  expected: toNulls(residuals.expected),
  zScores: toNulls(residuals.zScores),
})

const fromPlain = (plain: PlainResiduals): TimedResiduals => ({
  ...plain,
  observed: fromNulls(plain.observed),
  expected: fromNulls(plain.expected),
  zScores: fromNulls(plain.zScores),
})

const isSnapshot = (
  value: unknown,
): value is { readonly devices: ReadonlyArray<Omit<DeviceState, 'recent'> & { readonly recent: readonly PlainResiduals[] }> } =>
  typeof value === 'object' && value !== null && 'version' in value && value.version === 1 && 'devices' in value && Array.isArray(value.devices)
