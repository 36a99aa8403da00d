/**
 * One seed of the section on wrong codes: a quarter of visits, a model from each way of taking its labels, trained as `mendline models train` does,
 * and what each is worth on units of other homes. Runs in a thread of its own (`wrong-codes-worker.ts`).
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { systemClock } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { NO_FAULT } from '../../models/artefact.ts'
import { createOnnxRuntime } from '../../models/runtimes/onnx-runtime.ts'
import { preparePython } from '../../models/training/python.ts'
import { classOfOutcome, labelsOf, type SiteLabel, weightOfOutcome, weightsAt } from '../../models/training/site-labels.ts'
import { splitSite } from '../../models/training/site-split.ts'
import { trainArtefact } from '../../models/training/train-artefact.ts'
import { classesOf, type TrainingSet, type TrainingUnit } from '../../models/training/training-set.ts'
import type { LabelledUnit } from '../diagnosis/dataset.ts'
import { ALERT_BUDGET, judgeUnits, scoreWindows } from '../diagnosis/score.ts'
import type { JudgedType } from '../diagnosis/section.ts'
import { simulateJobs } from '../diagnosis/simulation.ts'
import { type CodedVisit, liveQuarter, type Quarter } from './coded-visits.ts'

const WRONG_SHARE = 0.1
/** As the program trains a site's model (`workers/training-worker.ts`). */
const TRAINING = { smoothing: { windows: 8, age_ms: 10 * 86_400_000 }, unit: { windows: 40, widen: 1 }, alertBudget: ALERT_BUDGET, seed: 20_260_101 }

/** How the labels of a quarter are taken. */
type Take = (visit: CodedVisit, type: ApplianceType) => Pick<SiteLabel, 'fault' | 'weight'> | undefined

const asCoded = (code: string): ReturnType<Take> => ({ fault: code })
const weighed = (cause: string, belief: CodedVisit['belief'], type: ApplianceType): ReturnType<Take> => {
  const fault = classOfOutcome({ cause, ...belief }, type)
  return fault === undefined ? undefined : { fault, weight: weightOfOutcome({ cause, ...belief }) }
}
const TAKES = {
  clean: ({ fault }) => asCoded(fault),
  raw: ({ code }) => asCoded(code),
  weighed: ({ code, belief }, type) => weighed(code, belief, type),
} as const satisfies Record<string, Take>
export type Taken = keyof typeof TAKES

export interface SeedResult {
  readonly top1: Readonly<Record<Taken, number>>
  readonly labels: number
  readonly visits: number
  readonly wrong: number
  /** Wrong codes that are corrected, left out or believed by less than a half. */
  readonly wrongSeen: number
  /** Of right codes the same. */
  readonly rightDoubted: number
}

/** What a thread is asked for. */
export interface SeedPlan {
  readonly seed: string
  readonly visited: number
  readonly judged: number
  readonly days: number
}

/** Runs a seed; the committed model of the type is started. */
export async function runSeed(model: JudgedType, { seed, visited, judged, days }: SeedPlan): Promise<SeedResult> {
  const { type } = model
  const quarter = await liveQuarter(model, { seed, units: visited, days, wrongShare: WRONG_SHARE })
  const plan = {
    seed: `${seed}-judged/${type.id}`,
    units: judged,
    days,
    startMs: Date.UTC(2026, 5, 1),
    faultShare: 0.8,
    faults: classesOf(type).slice(1),
  }
  const [strangers = []] = await simulateJobs([{ type: type.id, plants: 'first', plan }])
  const right = labelledBy(quarter, TAKES.clean, type)
  const top1: Partial<Record<Taken, number>> = {}
  for (const taken of Object.keys(TAKES) as Taken[])
    top1[taken] = await scoreOf(type, setOf(quarter, labelledBy(quarter, TAKES[taken], type), right), strangers)
  const wrong = quarter.visits.filter(({ fault, code }) => fault !== code)
  const isDoubted = ({ code, belief }: CodedVisit): boolean => weighed(code, belief, type)?.fault !== code || belief.confidence < 0.5
  return {
    top1: top1 as Record<Taken, number>,
    labels: quarter.visits.length,
    visits: quarter.visitCount,
    wrong: wrong.length,
    wrongSeen: wrong.filter(isDoubted).length,
    rightDoubted: quarter.visits.filter((visit) => !wrong.includes(visit) && isDoubted(visit)).length,
  }
}

const labelledBy = ({ visits }: Quarter, take: Take, type: ApplianceType): SiteLabel[] =>
  visits.flatMap((visit) => {
    const label = take(visit, type)
    return label === undefined ? [] : [{ device: visit.device, from_ms: visit.from_ms, to_ms: visit.to_ms, ...label }]
  })

/** The units of a quarter with these labels. */
const unitsOf = ({ devices, windows, doubtful }: Quarter, labels: readonly SiteLabel[]): TrainingUnit[] =>
  devices.map((device) => {
    const own = labels.filter((label) => label.device === device)
    // As in the program: of a unit that a fault was told of, time without a label is not known to be sound.
    const rest = doubtful.has(device) ? undefined : NO_FAULT
    return { key: device, windows: windows.get(device) ?? [], labelAt: labelsOf(own, rest), weightAt: weightsAt(own) }
  })

/** The same units serve for the same purpose whatever their labels say, so that models differ by the labels alone. */
function setOf(quarter: Quarter, labels: readonly SiteLabel[], right: readonly SiteLabel[]): TrainingSet {
  const units = new Map(unitsOf(quarter, labels).map((unit) => [unit.key, unit]))
  const { set } = splitSite(unitsOf(quarter, right))
  const same = (known: readonly TrainingUnit[]): TrainingUnit[] => known.flatMap(({ key }) => units.get(key) ?? [])
  return { train: same(set.train), tune: same(set.tune), calibrate: same(set.calibrate) }
}

/** Top-1 named fault, on units that nobody labelled, of a model trained with these labels. */
async function scoreOf(type: ApplianceType, set: TrainingSet, strangers: readonly LabelledUnit[]): Promise<number> {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-wrong-codes-'))
  try {
    const { artefact, runtime } = await trainArtefact(type, set, {
      ...{ ...TRAINING, folder, python: preparePython(() => {}), data: { source: 'simulated visits' }, limits: [], say: () => {} },
      async startRuntime(model, contract) {
        const started = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
        await started.start()
        return started
      },
    })
    try {
      // Classes that the labels left out count as never named.
      const all = classesOf(type)
      const judged = (await judgeUnits(type, strangers, { artefact, runtime })).map(({ unit, judgements }) => ({
        unit,
        judgements: judgements.map(({ window, probabilities }) => ({
          window,
          probabilities: all.map((name) => probabilities[artefact.card.classes.indexOf(name)] ?? 0),
        })),
      }))
      return scoreWindows(judged, all).fault_top1
    } finally {
      await runtime.stop()
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
