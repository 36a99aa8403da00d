/**
 * The thread that trains a model from what is stored: pulls the readings of each device by way of the main thread, folds them into
 * windows as the pipeline does, joins the labels, and lets Python grow the trees in a process of its own. It stands back behind everything that serves.
 */
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort } from 'node:worker_threads'
import { systemClock } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { createQuality } from '../ingest/quality/quality.ts'
import { ARTEFACTS_DIRECTORY, type Artefact, checkArtefact, NO_FAULT, readArtefact } from '../models/artefact.ts'
import type { ModelRuntime } from '../models/model-runtime.ts'
import { contractOf } from '../models/registry/check-model.ts'
import { createOnnxRuntime } from '../models/runtimes/onnx-runtime.ts'
import { preparePython } from '../models/training/python.ts'
import { labelsOf, weightsAt } from '../models/training/site-labels.ts'
import { chooseSiteThreshold, scoreSite } from '../models/training/site-scores.ts'
import { splitSite } from '../models/training/site-split.ts'
import { trainArtefact } from '../models/training/train-artefact.ts'
import type { TrainingUnit } from '../models/training/training-set.ts'
import { type ClosedWindow, createWindows } from '../models/windows.ts'
import { Rpc } from './rpc.ts'
import { standBack } from './thread-priority.ts'
import { TRAINING_CALLS, type TrainingResult, type TrainingTask } from './training-calls.ts'

const SEED = 20_260_101
const SMOOTHING = { windows: 8, age_ms: 10 * 86_400_000 }
const ALERT_BUDGET = 5
const UNIT = { windows: 40, widen: 1 }
const LIMITS = [
  'Trained on one site: its makes, its weather and its habits. Units of another kind are strange to it.',
  'Labels come from outcomes of visits or from the user; time without a label counts as without fault where the user agreed to that.',
]

assert(parentPort !== null, 'training runs in a worker')
standBack()
const main = new Rpc(parentPort)
main.handle(TRAINING_CALLS.run, run)

async function run(task: TrainingTask): Promise<TrainingResult> {
  const { type, devices, labels, limits } = task
  // What is missing is better said before hours of reading.
  const python = preparePython((text) => note({ step: text }))
  const counts = { readings: 0, windows: 0 }
  const units: TrainingUnit[] = []
  for (const [index, device] of devices.entries()) {
    const windows = await windowsOf(task, device, counts)
    const rest = task.isHealthyAssumed && !task.doubtful.includes(device) ? NO_FAULT : undefined
    const own = labels.filter((label) => label.device === device)
    units.push({
      key: device,
      windows,
      labelAt: labelsOf(own, rest),
      weightAt: weightsAt(own),
    })
    note({ step: 'reading', devices: index + 1, of: devices.length, ...counts })
  }
  const { set, units: byClass, leftOut } = splitSite(units)
  rmSync(task.folder, { recursive: true, force: true })
  mkdirSync(task.folder, { recursive: true, mode: 0o700 })
  const runtimes: ModelRuntime[] = []
  const start = async (model: Uint8Array, contract: ReturnType<typeof contractOf>): Promise<ModelRuntime> => {
    const runtime = createOnnxRuntime({ model, contract, clock: systemClock, log: silentLog, limits })
    runtimes.push(runtime)
    await runtime.start()
    return runtime
  }
  try {
    const { artefact, runtime } = await trainArtefact(type, set, {
      ...{ python, folder: task.folder, seed: SEED, smoothing: SMOOTHING, alertBudget: ALERT_BUDGET, unit: UNIT, limits: LIMITS },
      data: { source: 'readings of this site', from_ms: task.from_ms, to_ms: task.to_ms, units: byClass, left_out: leftOut, labels: labels.length },
      startRuntime: start,
      say: (text) => note({ step: text }),
    })
    note({ step: 'choosing the threshold' })
    const { threshold, scores } = await chooseSiteThreshold(type, { artefact, runtime, units: set.calibrate })
    const live = await liveScores(task, set.calibrate, start)
    artefact.card.decision.threshold = threshold
    artefact.card.scores = { split: 'calibrate: units that training did not see, and the threshold did', ...scores, live_model: live }
    writeFileSync(join(task.folder, 'card.json'), JSON.stringify(artefact.card))
    checkArtefact(await readArtefact(task.folder), type)
    return { version: artefact.card.version, ...counts, units: byClass, left_out: leftOut, scores: artefact.card.scores }
  } finally {
    for (const runtime of runtimes) await runtime.stop()
  }
}

/** The model of the program on the same units; null where the type has none. */
async function liveScores(
  { type }: TrainingTask,
  units: readonly TrainingUnit[],
  start: (model: Uint8Array, contract: ReturnType<typeof contractOf>) => Promise<ModelRuntime>,
): Promise<object | null> {
  let artefact: Artefact
  try {
    artefact = checkArtefact(await readArtefact(join(ARTEFACTS_DIRECTORY, type.id)), type)
  } catch (error) {
    if (error instanceof MendlineError) return null
    throw error
  }
  const runtime = await start(artefact.model, contractOf(artefact.card))
  return { version: artefact.card.version, ...(await scoreSite(type, { artefact, runtime, units })) }
}

/** Windows of a device from its stored readings, through the judgement of channels as in the pipeline. */
async function windowsOf(
  { tenant, type, from_ms, to_ms }: TrainingTask,
  device: string,
  counts: { readings: number; windows: number },
): Promise<ClosedWindow[]> {
  const types = (id: string) => (id === type.id ? type : undefined)
  const [quality, folding] = [createQuality({ types }), createWindows({ types })]
  const windows: ClosedWindow[] = []
  for await (const reading of main.stream<Reading>(TRAINING_CALLS.history, { tenant, devices: [device], type: type.id, from_ms, to_ms: to_ms - 1 })) {
    counts.readings++
    const { changes, trusted } = quality.observe(reading)
    windows.push(...folding.observe(trusted === reading.numbers ? reading : { ...reading, numbers: trusted }, changes))
  }
  windows.push(...folding.closeAll())
  counts.windows += windows.length
  return windows
}

function note(progress: object): void {
  main.notify(TRAINING_CALLS.note, progress)
}
