/** A thread of a backtest: pulls the stored readings of its units from the pipeline by way of the main thread, and folds them. */
import { parentPort } from 'node:worker_threads'
import { systemClock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { assert } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import type { DerivedRow } from '../ingest/derived-store.ts'
import { type Artefact, checkArtefact, readArtefact } from '../models/artefact.ts'
import type { ModelRuntime } from '../models/model-runtime.ts'
import { contractOf } from '../models/registry/check-model.ts'
import { createGuardedRuntime } from '../models/runtimes/guarded-runtime.ts'
import { startModelProcess } from '../models/runtimes/model-process.ts'
import { createOnnxRuntime } from '../models/runtimes/onnx-runtime.ts'
import type { ClosedWindow } from '../models/windows.ts'
import { type BacktestUnit, createBacktestFold, type Fire, liveFire } from './backtest.ts'
import { BACKTEST_CALLS, type BacktestPart, type BacktestTask, type ModelPart, type ModelTask } from './backtest-calls.ts'
import { closingMs, createModelFold } from './model-backtest.ts'
import { Rpc } from './rpc.ts'

assert(parentPort !== null, 'a backtest runs in a worker')
const main = new Rpc(parentPort)
main.handle(BACKTEST_CALLS.run, run)
main.handle(BACKTEST_CALLS.runModel, runModel)

/** Units whose readings are asked for together: a query has its price, whatever it finds. */
const TOGETHER = 100

async function run({ units, types, activations, span, rule, warm_ms, isCompared }: BacktestTask): Promise<BacktestPart> {
  const byId = new Map(types.map((type) => [type.id, type]))
  const fold = createBacktestFold({ types: (id) => byId.get(id), activations, span, rule })
  const fires: Fire[] = []
  const live: Fire[] = []
  let readings = 0
  let done = 0
  for (const group of groupsOf(units)) {
    const begins = new Map(
      await Promise.all(group.map(async (unit) => [unit.device, { unit, found: await checkpointOf(unit, span.from_ms - warm_ms) }] as const)),
    )
    const [{ tenant, type } = { tenant: '', type: '' }] = group
    const from_ms = Math.min(...[...begins.values()].map(({ found }) => found?.at_ms ?? 0))
    const query = { tenant, type, devices: group.map(({ device }) => device), from_ms, to_ms: span.to_ms - 1 }
    let at: string | undefined
    let fromMs = 0
    for await (const reading of main.stream<Reading>(BACKTEST_CALLS.history, query)) {
      const begin = begins.get(reading.device)
      if (begin === undefined) continue
      if (reading.device !== at) {
        if (at !== undefined) fires.push(...fold.end())
        at = reading.device
        fromMs = begin.found?.at_ms ?? 0
        fold.begin(begin.unit, begin.found?.state)
      }
      if (reading.observed_at_ms < fromMs) continue
      readings++
      fold.take(reading)
    }
    if (at !== undefined) fires.push(...fold.end())
    if (isCompared) {
      const rows = await Promise.all(group.map((unit) => main.call<readonly DerivedRow[]>(BACKTEST_CALLS.live, { ...unit, ...span })))
      live.push(...rows.flat().flatMap((row) => liveFire(row, span) ?? []))
    }
    done += group.length
    main.notify(BACKTEST_CALLS.note, { units: done, readings })
  }
  return { readings, fires, live }
}

/** The version runs in a thread below this one, with the time limit of every model. */
async function runModel({ units, type, directory, isOwn, span }: ModelTask): Promise<ModelPart> {
  const artefact = checkArtefact(await readArtefact(directory), type)
  const runtime = runtimeOf(artefact, isOwn)
  await runtime.start()
  const past = (query: object): AsyncIterable<ClosedWindow> => main.stream<ClosedWindow>(BACKTEST_CALLS.windows, query)
  const fold = createModelFold({ type, artefact, runtime, span, past, log: silentLog, limits })
  const diagnoses: Diagnosis[] = []
  let [readings, done] = [0, 0]
  try {
    for (const group of groupsOf(units)) {
      const begins = new Map(
        await Promise.all(group.map(async (unit) => [unit.device, { unit, found: await checkpointOf(unit, span.from_ms) }] as const)),
      )
      const from_ms = Math.min(...[...begins.values()].map(({ found }) => found?.at_ms ?? 0))
      const devices = group.map(({ device }) => device)
      const query = { tenant: group[0]?.tenant ?? '', type: type.id, devices, from_ms, to_ms: span.to_ms + closingMs(type) - 1 }
      let at: string | undefined
      for await (const reading of main.stream<Reading>(BACKTEST_CALLS.history, query)) {
        const begin = begins.get(reading.device)
        if (begin === undefined || reading.observed_at_ms < (begin.found?.at_ms ?? 0)) continue
        if (reading.device !== at) fold.begin(begin.unit, begin.found?.state)
        at = reading.device
        readings++
        fold.take(reading)
      }
      diagnoses.push(...(await fold.diagnose(group)))
      done += group.length
      main.notify(BACKTEST_CALLS.note, { units: done, readings })
    }
  } finally {
    await runtime.stop()
  }
  return { readings, windows: fold.windows(), diagnoses }
}

function runtimeOf({ model, card }: Artefact, isOwn: boolean): ModelRuntime {
  const parts = { model, contract: contractOf(card), clock: systemClock, log: silentLog, limits }
  if (!isOwn) return createOnnxRuntime(parts)
  const inner = createOnnxRuntime({ ...parts, startWorker: () => startModelProcess(limits) })
  const isScore = card.output_kind === 'score'
  return createGuardedRuntime(inner, { version: card.version, isScore, clock: systemClock, log: silentLog, limits })
}

const checkpointOf = (unit: BacktestUnit, at_ms: number): Promise<{ readonly at_ms: number; readonly state: Uint8Array } | undefined> =>
  main.call(BACKTEST_CALLS.checkpoint, { ...unit, at_ms })

/** Units of one type, so many at a time. */
function groupsOf(units: readonly BacktestUnit[]): BacktestUnit[][] {
  return [...Map.groupBy(units, ({ type }) => type).values()].flatMap((own) =>
    Array.from({ length: Math.ceil(own.length / TOGETHER) }, (_, group) => own.slice(group * TOGETHER, (group + 1) * TOGETHER)),
  )
}
