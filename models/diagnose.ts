/**
 * From closed windows to diagnoses: residuals against the no-fault reference, their mean over a device's last windows, the model,
 * calibrated probabilities, and a record when the answer for the device changes or becomes clearly stronger. It abstains: a unit far
 * from normal that no class explains has an unknown fault, and one that runs but cannot be judged has not enough data. The same
 * windows give the same diagnoses with the same ids. Calls must not overlap, nor a snapshot fall into one.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { accumulateBelief } from './accumulate.ts'
import { createAmender, type WindowHistoryQuery } from './amend.ts'
import { type Artefact, NO_FAULT } from './artefact.ts'
import { distanceOf, type TimedResiduals } from './evidence.ts'
import { type BatchBounds, createJudge, type Judge, probabilitiesOf, remember } from './judge.ts'
import { makeDiagnosis } from './make-diagnosis.ts'
import type { ModelRuntime } from './model-runtime.ts'
import { type Answer, chooseAnswer, type DecidedAt, observe } from './opinion.ts'
import { createUnitStates, type UnitState } from './unit-states.ts'
import type { ClosedWindow } from './windows.ts'

export interface DiagnoserOptions {
  readonly types: (type: string) => ApplianceType | undefined
  /** Artefacts by type; a type without one has no diagnoses. */
  readonly artefacts: ReadonlyMap<string, Artefact>
  /** Started runtime of a type's model. */
  readonly runtime: (type: string) => ModelRuntime | undefined
  readonly log: Log
  readonly limits: Pick<Limits, 'inferenceBatch_MAX' | 'inferenceAttempts_MAX'>
  /** A fault that passes one of these is told again; absent = nobody said. */
  readonly decidedAt?: DecidedAt
  /** Windows of a device that ended at or before a device time, in order; without it a stretch that late data amended is judged by itself. */
  readonly history?: (query: WindowHistoryQuery) => AsyncIterable<ClosedWindow>
  /** Told of windows on which the model failed too often. */
  readonly onSetAside?: (windows: readonly ClosedWindow[]) => void
  /** Told of every window that was judged, in order. */
  readonly onJudged?: (judged: readonly JudgedWindow[]) => void
}

/** A judged window with what the model was fed. */
export interface JudgedWindow extends Judgement {
  readonly judge: Judge
  readonly mean: TimedResiduals
}

/** What the model says of one device after one window; for evaluation. */
export interface Judgement {
  readonly window: ClosedWindow
  readonly classes: readonly string[]
  readonly probabilities: readonly number[]
  /** Root mean square of the z-scores. */
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
  /**
   * Takes windows that late data made anew, in order of time by device: what was made of a device is forgotten from there on and made
   * again from its history, so that what stands in the end does not depend on the order in which readings came. Only the last diagnosis is
   * told, and only when it says something else than the one that stood.
   */
  amend(windows: readonly ClosedWindow[]): Promise<Diagnosis[]>
  /** Probabilities of each window that can be judged, telling nobody; use a diagnoser of its own for it. */
  judge(windows: readonly ClosedWindow[]): Promise<Judgement[]>
  statistics(): DiagnoserStatistics
  /** What was told of a device last. */
  told(device: DeviceKey): Answer | undefined
  /** Goes on from what another diagnoser told of a device, so that it is not told again, and what differs is. */
  adopt(device: DeviceKey, told: Answer | undefined): void
  /** Plain JSON data; state made with another model is forgotten on `restore`. */
  snapshot(): unknown
  restore(snapshot: unknown): void
}

export interface DeviceKey {
  readonly tenant: string
  readonly device: string
  readonly type: string
}

/** A window that can be judged, with the mean residuals to judge by. */
interface Prepared {
  readonly window: ClosedWindow
  readonly judge: Judge
  readonly state: UnitState
  readonly mean: TimedResiduals
  /** What was believed of the unit before does not count. */
  readonly isFresh: boolean
}

type Judged = Judgement & Prepared

/** The window with which a device that runs has been without a judgement for too long. */
interface Blind {
  readonly judge: Judge
  readonly window: ClosedWindow
  readonly mean: undefined
}

/** Running windows without a judgement after which a unit is said to have not enough data (chosen: a week of summer evenings). */
const UNJUDGED_MAX = 14

const DAY_MS = 86_400_000

/** Creates the diagnoser; no I/O, the runtimes are started by whoever made them. */
export function createDiagnoser({ types, artefacts, runtime, log, limits, decidedAt, history, onJudged, onSetAside }: DiagnoserOptions): Diagnoser {
  const tellOf = (judged: Judged): Diagnosis[] => tell(judged, decidedAt)
  const judges = new Map<string, Judge | undefined>()
  const judgeOf = (id: string): Judge | undefined => {
    if (!judges.has(id)) judges.set(id, createJudge(types(id), artefacts.get(id), runtime(id)))
    return judges.get(id)
  }
  const states = createUnitStates()
  const stateOf = (device: DeviceKey): UnitState | undefined => {
    const judge = judgeOf(device.type)
    return judge === undefined ? undefined : states.of(device, judge.artefact.card.version)
  }
  const counts = { windows: 0, judged: 0, diagnoses: 0, setAside: 0 }

  /** Judged windows and the ones with which a device became blind, in the order of the windows. */
  const judgeAll = async (windows: readonly ClosedWindow[]): Promise<Array<Judged | Blind>> => {
    counts.windows += windows.length
    const entries = windows.flatMap((window): Array<Prepared | Blind> => {
      const judge = judgeOf(window.type)
      if (judge === undefined) return []
      const state = states.of(window, judge.artefact.card.version)
      // A window that waited while late data made it anew came with the amendment.
      if (window.to_ms <= state.lastMs) return []
      state.lastMs = window.to_ms
      const mean = remember(judge, state, window)
      if (mean !== undefined) {
        const { isFresh = false } = state
        delete state.isFresh
        return [{ judge, state, window, mean, isFresh }]
      }
      return window.running > 0 && state.unjudged === UNJUDGED_MAX ? [{ judge, window, mean }] : []
    })
    const judged = new Map<Prepared | Blind, Judged>()
    for (const judge of new Set(entries.map((entry) => entry.judge))) {
      const mine = entries.filter((entry) => entry.mean !== undefined).filter((entry) => entry.judge === judge)
      const means = mine.map(({ mean }) => mean)
      const probabilities = await probabilitiesOf(judge, means, { ...limits, onSetAside: logSetAside(judge, log) })
      const failed = mine.filter((_, index) => probabilities[index] === undefined).map(({ window }) => window)
      counts.setAside += failed.length
      if (failed.length > 0) onSetAside?.(failed)
      mine.forEach((entry, index) => {
        const row = probabilities[index]
        if (row === undefined) return
        judged.set(entry, { ...entry, classes: judge.artefact.card.classes, probabilities: believe(entry, row), distance: distanceOf(entry.mean) })
      })
    }
    counts.judged += judged.size
    onJudged?.([...judged.values()])
    return entries.flatMap((entry) => {
      const found = entry.mean === undefined ? entry : judged.get(entry)
      return found === undefined ? [] : [found]
    })
  }

  const amend = createAmender({
    states,
    ...(history !== undefined && { history }),
    batch: limits.inferenceBatch_MAX,
    versionOf: (type) => judgeOf(type)?.artefact.card.version,
    limitsOf: ({ fault }, id) => limitsOf(decidedAt, types(id), fault),
    async fold(windows) {
      const judged = (await judgeAll(windows)).filter((entry) => entry.mean !== undefined)
      const last = judged.at(-1)
      return { told: judged.flatMap(tellOf).at(-1), ...(last !== undefined && { takeBack: () => sayNoFault(last) }) }
    },
  })

  return {
    async amend(windows) {
      const diagnoses = await amend(windows)
      counts.diagnoses += diagnoses.length
      return diagnoses
    },
    async diagnose(windows) {
      const entries = await judgeAll(windows)
      const diagnoses = entries.flatMap((entry) => (entry.mean === undefined ? [sayNotEnough(entry)] : tellOf(entry)))
      counts.diagnoses += diagnoses.length
      return diagnoses
    },
    judge: async (windows) => (await judgeAll(windows)).filter((entry) => entry.mean !== undefined),
    statistics: () => ({ ...counts }),
    told: (device) => stateOf(device)?.opinion.told ?? undefined,
    adopt(device, told) {
      const state = stateOf(device)
      if (state !== undefined) state.opinion.told = told === undefined ? null : { ...told }
    },
    snapshot: () => states.snapshot(),
    restore: (snapshot) => states.restore(snapshot, ({ type, model }) => judgeOf(type)?.artefact.card.version === model),
  }
}

const logSetAside =
  ({ type, artefact }: Judge, log: Log): BatchBounds['onSetAside'] =>
  ({ code }, windows) =>
    log.error('windows set aside, the model failed on them', { type: type.id, model: artefact.card.version, code, windows })

/** What is believed of the unit with what the model says of this window; what the model says where the card has no accumulation. */
function believe({ judge, state, window, isFresh }: Prepared, probabilities: readonly number[]): readonly number[] {
  const { accumulation, classes } = judge.artefact.card
  if (accumulation === undefined) return probabilities
  const before = isFresh ? undefined : state.belief
  const days = before === undefined ? 0 : (window.to_ms - before.atMs) / DAY_MS
  const step = { before: before?.classes, probabilities, days, noFault: classes.indexOf(NO_FAULT) }
  state.belief = { atMs: window.to_ms, classes: accumulateBelief(accumulation, step) }
  return state.belief.classes
}

/** Takes the judgement into the opinion of the device; the record when it is to be told. */
function tell({ judge, state, window, mean, classes, probabilities, distance }: Judged, decidedAt: DecidedAt | undefined): Diagnosis[] {
  const { type, artefact, features } = judge
  const { version, decision } = artefact.card
  const bounds = { noFault: NO_FAULT, threshold: decision.threshold, unknownDistance: decision.unknown_distance }
  const answer = chooseAnswer(classes, probabilities, { distance, held: state.opinion.told?.fault ?? null, bounds })
  const limits = limitsOf(decidedAt, type, answer?.fault ?? null)
  if (!observe(state.opinion, answer, { agreeMin: decision.agree_windows, limits })) return []
  return [makeDiagnosis({ type, modelVersion: version, window, answer, mean, features, classes, probabilities })]
}

const limitsOf = (decidedAt: DecidedAt | undefined, type: ApplianceType | undefined, fault: string | null): readonly number[] =>
  decidedAt === undefined || type === undefined || fault === null ? [] : decidedAt(type, fault)

/** Takes back a fault that the unit, with all that came late, never showed. */
function sayNoFault({ judge, window, mean, classes, probabilities }: Judged): Diagnosis {
  const answer = { answer: 'no_fault', fault: null, probability: probabilities[classes.indexOf(NO_FAULT)] ?? 0 } as const
  const { type, artefact, features } = judge
  return makeDiagnosis({ type, modelVersion: artefact.card.version, window, answer, mean, features, classes, probabilities })
}

/** Says that a unit runs and cannot be judged. */
function sayNotEnough({ judge, window }: Blind): Diagnosis {
  const { type, artefact, features } = judge
  const answer = { answer: 'not_enough_data', fault: null, probability: 0 } as const
  return makeDiagnosis({ type, modelVersion: artefact.card.version, window, answer, mean: undefined, features, classes: [], probabilities: [] })
}
