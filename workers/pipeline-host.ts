/**
 * The main thread's side of the pipeline worker: starts it, tells it how far the journal is durable, applies its events in the
 * hubs and passes queries on. When the worker ends by a fault it is started again from its snapshot; when it keeps ending, at a slower
 * pace, so that storing goes on as soon as the cause is gone.
 */
import { Worker } from 'node:worker_threads'
import type { Clock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log, LogFields } from '#kernel/log.ts'
import type { StorageTier } from '../ingest/reading-store.ts'
import type { DriftFinding } from '../models/registry/drift.ts'
import type { PipelineStatistics } from './pipeline-parts.ts'
import { Rpc } from './rpc.ts'
import { MAIN_CALLS, PIPELINE_CALLS, type PipelineWorkerSettings } from './worker-settings.ts'

export interface PipelineHostParts {
  readonly settings: Omit<PipelineWorkerSettings, 'committedEnd' | 'ownTypes' | 'timeZones' | 'mappings' | 'activations' | 'modelSeats'>
  readonly ownTypes: () => PipelineWorkerSettings['ownTypes']
  readonly timeZones: () => PipelineWorkerSettings['timeZones']
  readonly mappings: () => PipelineWorkerSettings['mappings']
  /** Rules of tenants; absent = those of the catalogue. */
  readonly activations?: () => PipelineWorkerSettings['activations']
  /** Models of tenants; absent = those of the program. */
  readonly modelSeats?: () => PipelineWorkerSettings['modelSeats']
  /** Keeps what shadow models would have told. */
  readonly keepShadow?: (diagnoses: readonly Diagnosis[]) => Promise<void>
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly onReleasable: (position: number) => void
  readonly clock: Clock
  readonly log: Log
  /** Starts the worker's thread; another one in tests. */
  readonly createWorker?: (workerData: PipelineWorkerSettings) => PipelineThread
}

/** What the host needs of a worker's thread. */
export type PipelineThread = Pick<Worker, 'on' | 'postMessage' | 'terminate'>

export interface PipelineHost {
  /** Starts the worker and waits until it reads. @throws MendlineError MDL_STORE_* when the store cannot be opened */
  start(journalEnd: number): Promise<void>
  /** Tells the worker that the journal is durable up to `end`. */
  committed(end: number): void
  /** Asks the worker; fails with MDL_STORE_UNAVAILABLE while it is not there. */
  call<Result>(name: (typeof PIPELINE_CALLS)[keyof typeof PIPELINE_CALLS], argument?: unknown): Promise<Result>
  stream<Item>(
    name: typeof PIPELINE_CALLS.raw | typeof PIPELINE_CALLS.history | typeof PIPELINE_CALLS.windows,
    argument: unknown,
  ): AsyncIterable<Item>
  statistics(): Promise<PipelineHostStatistics>
  isRunning(): boolean
  /** What the self-audit of the worker found; empty = the books are right. */
  auditFinding(): string
  stop(): Promise<void>
}

export interface PipelineHostStatistics {
  readonly restarts: number
  readonly pipeline: PipelineStatistics
  readonly writer: Readonly<Record<string, number>>
  readonly store: Readonly<Record<string, number>>
  /** Readings judged, and states of channels by kind. */
  readonly quality: { readonly late: number; readonly begun: Readonly<Record<string, number>>; readonly standing: Readonly<Record<string, number>> }
  readonly truth: Readonly<Record<string, number>>
  /** Learned normals: bytes that their rows may take, devices without room. */
  readonly normal: Readonly<Record<string, number>>
  readonly audit: Readonly<Record<string, number>>
  /** By type: devices that were heard, and those silent for longer than `deviceSilentMs`. */
  readonly heard: ReadonlyArray<readonly [type: string, counts: { readonly devices: number; readonly silent: number }]>
  readonly maintenance: Readonly<Record<string, number>>
  readonly tiers: readonly StorageTier[]
  /** Models of tenants. */
  readonly models: Readonly<Record<string, number>>
  readonly drift: readonly DriftFinding[]
}

/** Restarts in a row at the quick pace; after them the slow one, and the platform says between the tries that it is not ready. */
const QUICK_RESTARTS_MAX = 20
const QUICK_RESTART_PAUSE_MS = 500
const SLOW_RESTART_PAUSE_MS = 30_000
/** A worker that ran as long as this begins a new row. */
const SOUND_RUN_MS = 60_000
/** The worker is woken for new records at most this often, so that it takes them in batches; dangers do not wait for it. */
const WAKE_EVERY_MS = 10
/** Longest wait of a stop for a start that is under way (one that loads models: as long as a load may take, in addition), and for the stop of a worker that did not come up. */
const SETTLE_MS = 8_000

const threadOf = (workerData: PipelineWorkerSettings): PipelineThread => new Worker(new URL('./pipeline-worker.ts', import.meta.url), { workerData })

export function createPipelineHost(parts: PipelineHostParts): PipelineHost {
  return new WorkerHost(parts)
}

class WorkerHost implements PipelineHost {
  readonly #parts: PipelineHostParts
  readonly #committedEnd = new BigInt64Array(new SharedArrayBuffer(8))
  #worker: PipelineThread | undefined
  #rpc: Rpc | undefined
  #isWakePending = false
  #wokenMs = Number.NEGATIVE_INFINITY
  /** The start that is under way, or the last one. */
  #starting: Promise<void> = Promise.resolve()
  #startedMs = 0
  #restarts = 0
  #restartsInRow = 0
  #cancelRestart: () => void = () => {}
  #isStopping = false
  #isLoadingModels = false
  #auditFinding = ''

  constructor(parts: PipelineHostParts) {
    this.#parts = parts
  }

  async start(journalEnd: number): Promise<void> {
    Atomics.store(this.#committedEnd, 0, BigInt(journalEnd))
    await this.#spawnOnce()
  }

  committed(end: number): void {
    Atomics.store(this.#committedEnd, 0, BigInt(end))
    if (this.#isWakePending) return
    const waitMs = this.#wokenMs + WAKE_EVERY_MS - this.#parts.clock.monotonicMs()
    if (waitMs <= 0) this.#wake()
    else {
      this.#isWakePending = true
      this.#parts.clock.after(waitMs, () => this.#wake())
    }
  }

  /** A query needs no wake: it waits for what it must see by itself. */
  #wake(): void {
    this.#isWakePending = false
    this.#wokenMs = this.#parts.clock.monotonicMs()
    Atomics.notify(this.#committedEnd, 0)
  }

  call<Result>(name: string, argument?: unknown): Promise<Result> {
    if (this.#rpc === undefined) return Promise.reject(unavailable())
    return this.#rpc.call<Result>(name, argument)
  }

  stream<Item>(name: string, argument: unknown): AsyncIterable<Item> {
    if (this.#rpc === undefined) throw unavailable()
    return this.#rpc.stream<Item>(name, argument)
  }

  async statistics(): Promise<PipelineHostStatistics> {
    const answer = await this.call<Omit<PipelineHostStatistics, 'restarts'>>(PIPELINE_CALLS.statistics)
    return { restarts: this.#restarts, ...answer }
  }

  auditFinding(): string {
    return this.#auditFinding
  }

  isRunning(): boolean {
    return this.#rpc !== undefined
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    this.#cancelRestart()
    // A thread that is ended while it is in native code takes the process with it.
    await this.#within(SETTLE_MS, this.#starting)
    if (this.#isLoadingModels) await this.#within(this.#parts.settings.limits.modelLoadTimeoutMs, this.#starting)
    await this.#rpc
      ?.call(PIPELINE_CALLS.stop)
      .catch((error: unknown) => this.#parts.log.error('pipeline did not stop cleanly', { cause: String(error) }))
    await this.#worker?.terminate()
  }

  #spawnOnce(): Promise<void> {
    this.#starting = this.#spawn()
    return this.#starting
  }

  /** Resolves when `work` has settled, whichever way, or after the time. */
  #within(timeoutMs: number, work: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#parts.clock.after(timeoutMs, resolve)
      const finish = (): void => {
        cancel()
        resolve()
      }
      work.then(finish, finish)
    })
  }

  async #spawn(): Promise<void> {
    const { settings, ownTypes, timeZones, mappings, activations, apply, onReleasable, clock, log, createWorker = threadOf, ...rest } = this.#parts
    const workerData: PipelineWorkerSettings = {
      ...settings,
      committedEnd: this.#committedEnd,
      ownTypes: ownTypes(),
      timeZones: timeZones(),
      mappings: mappings(),
      activations: activations?.() ?? [],
      modelSeats: rest.modelSeats?.() ?? [],
    }
    const worker = createWorker(workerData)
    const rpc = new Rpc(worker)
    rpc.handle(MAIN_CALLS.apply, apply)
    rpc.handle(MAIN_CALLS.shadowDiagnoses, (diagnoses: readonly Diagnosis[]) => rest.keepShadow?.(diagnoses))
    rpc.handle(MAIN_CALLS.releasable, onReleasable)
    rpc.handle(MAIN_CALLS.audit, (finding: string) => {
      this.#auditFinding = finding
    })
    rpc.handle(MAIN_CALLS.log, (entry: { level: keyof Log; message: string; fields: LogFields }) => log[entry.level](entry.message, entry.fields))
    this.#isLoadingModels = false
    rpc.handle(MAIN_CALLS.loadingModels, (isLoading: boolean) => {
      this.#isLoadingModels = isLoading
    })
    worker.on('error', (error) =>
      log.error('pipeline worker failed', { cause: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
    worker.on('exit', (code) => this.#onExit(rpc, code))
    this.#worker = worker
    try {
      await rpc.call(PIPELINE_CALLS.start)
    } catch (error) {
      await this.#within(SETTLE_MS, rpc.call(PIPELINE_CALLS.stop))
      await worker.terminate()
      throw error
    }
    this.#rpc = rpc
    this.#startedMs = clock.monotonicMs()
  }

  #onExit(rpc: Rpc, code: number): void {
    rpc.close(unavailable())
    const wasRunning = this.#rpc === rpc
    if (wasRunning) this.#rpc = undefined
    if (this.#isStopping || !wasRunning) return
    if (this.#parts.clock.monotonicMs() - this.#startedMs >= SOUND_RUN_MS) this.#restartsInRow = 0
    this.#parts.log.error('pipeline worker ended', { code, restarts: this.#restarts, restarts_in_row: this.#restartsInRow })
    this.#restartLater()
  }

  #restartLater(): void {
    if (this.#isStopping) return
    const pauseMs = this.#restartsInRow < QUICK_RESTARTS_MAX ? QUICK_RESTART_PAUSE_MS : SLOW_RESTART_PAUSE_MS
    this.#restarts++
    this.#restartsInRow++
    this.#cancelRestart = this.#parts.clock.after(pauseMs, () => {
      this.#spawnOnce().catch((error: unknown) => {
        this.#parts.log.error('pipeline worker did not start', { cause: String(error) })
        this.#restartLater()
      })
    })
  }
}

function unavailable(): MendlineError {
  return new MendlineError('MDL_STORE_UNAVAILABLE', 'the pipeline worker is not running', { retryable: true })
}
