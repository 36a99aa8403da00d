/**
 * The models of the pipeline's worker: those that come with the program, each in a thread, and those of tenants, each in a process of its own,
 * joined to the bench that diagnoses by whichever is in force. It answers what is asked about shadows and drift.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import { decidedAt } from '../hubs/hub-policy.ts'
import { type Artefact, checkArtefact, loadArtefacts, readArtefact } from '../models/artefact.ts'
import type { ModelRuntime } from '../models/model-runtime.ts'
import { contractOf } from '../models/registry/check-model.ts'
import type { DriftFinding } from '../models/registry/drift.ts'
import { type BenchParts, ModelBench } from '../models/registry/model-bench.ts'
import type { ModelSeats } from '../models/registry/model-book.ts'
import { folderOf } from '../models/registry/model-files.ts'
import type { ShadowComparison } from '../models/registry/shadow-lane.ts'
import { createGuardedRuntime } from '../models/runtimes/guarded-runtime.ts'
import { startModelProcess } from '../models/runtimes/model-process.ts'
import { createOnnxRuntime } from '../models/runtimes/onnx-runtime.ts'
import type { Rpc } from './rpc.ts'
import { MAIN_CALLS, PIPELINE_CALLS } from './worker-settings.ts'

export interface ModelParts {
  readonly main: Pick<Rpc, 'handle' | 'call' | 'notify'>
  readonly dataDir: string
  readonly seats: readonly ModelSeats[]
  readonly types: (type: string) => ApplianceType | undefined
  /** Stored windows, for models that fold a device anew. */
  readonly history: NonNullable<BenchParts['history']>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

/** What a comparison is asked for by. */
export interface ShadowQuery {
  readonly tenant: string
  readonly type: string
  readonly version: string
}

export interface ModelAnswers {
  readonly comparison: ShadowComparison | undefined
  readonly drift: readonly DriftFinding[]
}

/** What the alarm is about. */
const DRIFT_SUBJECT = 'model_drift'

export interface WorkerModels {
  readonly bench: ModelBench
  /** Of the program, by type. */
  readonly builtIn: ReadonlyMap<string, Artefact>
  stop(): Promise<void>
}

/** Loads the models that come with the program, starts their runtimes, and makes the bench. */
export async function joinModels(parts: ModelParts): Promise<WorkerModels> {
  const { main, dataDir, types, history, clock, log, limits } = parts
  const runtimes = new Map<string, ModelRuntime>()
  main.notify(MAIN_CALLS.loadingModels, true)
  const builtIn = await startBuiltIn(parts, runtimes)
  main.notify(MAIN_CALLS.loadingModels, false)
  const bench = new ModelBench({
    types,
    builtIn,
    runtime: (type) => runtimes.get(type),
    history,
    decidedAt,
    async load({ tenant, type: id, version }) {
      const type = types(id)
      if (type === undefined) throw new MendlineError('MDL_MODEL_INVALID', `there is no type ${id}`)
      const artefact = checkArtefact(await readArtefact(folderOf(dataDir, tenant, version)), type)
      const contract = contractOf(artefact.card)
      const inner = createOnnxRuntime({ model: artefact.model, contract, clock, log, limits, startWorker: () => startModelProcess(limits) })
      const isScore = artefact.card.output_kind === 'score'
      return { artefact, runtime: createGuardedRuntime(inner, { version, isScore, clock, log, limits }) }
    },
    keepShadow: (diagnoses) => main.call(MAIN_CALLS.shadowDiagnoses, diagnoses),
    onDrift(finding) {
      log.warn('the windows that a model sees have shifted', { ...finding })
      const { tenant, at_ms, is_drifting: _, ...detail } = finding
      const key = `system_alarm:${contentId('drift', tenant, finding.model, finding.firmware, finding.season, at_ms)}`
      main
        .call(MAIN_CALLS.apply, [{ kind: 'system_alarm', key, tenant, at_ms, subject: DRIFT_SUBJECT, detail }])
        .catch((cause: unknown) => log.error('alarm of drift is not told', { cause: String(cause) }))
    },
    log,
    limits,
  })
  bench.replace(parts.seats)
  main.handle(PIPELINE_CALLS.modelSeats, (seats: readonly ModelSeats[]) => bench.replace(seats))
  main.handle(PIPELINE_CALLS.models, ({ tenant, type, version }: Partial<ShadowQuery>): ModelAnswers => {
    const comparison = tenant === undefined || type === undefined || version === undefined ? undefined : bench.comparison(tenant, type, version)
    return { comparison, drift: bench.drift(tenant) }
  })
  return {
    bench,
    builtIn,
    async stop() {
      await bench.stop()
      for (const runtime of runtimes.values()) await runtime.stop()
    },
  }
}

async function startBuiltIn({ types, clock, log, limits }: ModelParts, runtimes: Map<string, ModelRuntime>): Promise<ReadonlyMap<string, Artefact>> {
  const artefacts = await loadArtefacts(types).catch((error: unknown) => {
    // Readings, rules and dangers do not wait for a model: without one there are no diagnoses, and this line says why.
    log.error('models cannot be loaded, there will be no diagnoses', { cause: String(error) })
    return new Map<string, Artefact>()
  })
  const starts = [...artefacts].map(([id, { model, card }]) => {
    const runtime = createOnnxRuntime({ model, contract: contractOf(card), clock, log, limits })
    runtimes.set(id, runtime)
    // A runtime that is not loaded yet loads with its first batch.
    return runtime
      .start()
      .catch((error: unknown) => log.error('a model is not loaded, it is tried again with the next windows', { type: id, cause: String(error) }))
  })
  await Promise.all(starts)
  return artefacts
}
