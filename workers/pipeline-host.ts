/**
 * The main thread's side of the pipeline worker: starts it, tells it how far the journal is durable, applies its events in the
 * hubs and passes queries on. When the worker ends by a fault it is started again from its snapshot, a bounded number of times.
 */
import { Worker } from 'node:worker_threads'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Log, LogFields } from '#kernel/log.ts'
import type { PipelineStatistics } from './pipeline.ts'
import { Rpc } from './rpc.ts'
import { MAIN_CALLS, PIPELINE_CALLS, type PipelineWorkerSettings } from './worker-settings.ts'

export interface PipelineHostParts {
  readonly settings: Omit<PipelineWorkerSettings, 'committedEnd' | 'ownTypes'>
  readonly ownTypes: () => PipelineWorkerSettings['ownTypes']
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly onReleasable: (position: number) => void
  readonly clock: Clock
  readonly log: Log
}

export interface PipelineHost {
  /** Starts the worker and waits until it reads. @throws MendlineError MDL_STORE_* when the store cannot be opened */
  start(journalEnd: number): Promise<void>
  /** Tells the worker that the journal is durable up to `end`. */
  committed(end: number): void
  /** Asks the worker; fails with MDL_STORE_UNAVAILABLE while it is not there. */
  call<Result>(name: (typeof PIPELINE_CALLS)[keyof typeof PIPELINE_CALLS], argument?: unknown): Promise<Result>
  stream<Item>(name: typeof PIPELINE_CALLS.raw, argument: unknown): AsyncIterable<Item>
  statistics(): Promise<PipelineHostStatistics>
  isRunning(): boolean
  stop(): Promise<void>
}

export interface PipelineHostStatistics {
  readonly restarts: number
  readonly pipeline: PipelineStatistics
  readonly writer: Readonly<Record<string, number>>
  readonly store: Readonly<Record<string, number>>
}

/** Restarts after faults; then the platform says that it is not ready and stays up for the API and the safety rules. */
const RESTARTS_MAX = 20
/** Pause before a restart. */
const RESTART_PAUSE_MS = 500

export function createPipelineHost(parts: PipelineHostParts): PipelineHost {
  return new WorkerHost(parts)
}

class WorkerHost implements PipelineHost {
  readonly #parts: PipelineHostParts
  readonly #committedEnd = new BigInt64Array(new SharedArrayBuffer(8))
  #worker: Worker | undefined
  #rpc: Rpc | undefined
  #restarts = 0
  #isStopping = false

  constructor(parts: PipelineHostParts) {
    this.#parts = parts
  }

  async start(journalEnd: number): Promise<void> {
    Atomics.store(this.#committedEnd, 0, BigInt(journalEnd))
    await this.#spawn()
  }

  committed(end: number): void {
    Atomics.store(this.#committedEnd, 0, BigInt(end))
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

  isRunning(): boolean {
    return this.#rpc !== undefined
  }

  async stop(): Promise<void> {
    if (this.#isStopping) return
    this.#isStopping = true
    await this.#rpc
      ?.call(PIPELINE_CALLS.stop)
      .catch((error: unknown) => this.#parts.log.error('pipeline did not stop cleanly', { cause: String(error) }))
    await this.#worker?.terminate()
  }

  async #spawn(): Promise<void> {
    const { settings, ownTypes, apply, onReleasable, log } = this.#parts
    const workerData: PipelineWorkerSettings = { ...settings, committedEnd: this.#committedEnd, ownTypes: ownTypes() }
    const worker = new Worker(new URL('./pipeline-worker.ts', import.meta.url), { workerData })
    const rpc = new Rpc(worker)
    rpc.handle(MAIN_CALLS.apply, apply)
    rpc.handle(MAIN_CALLS.releasable, onReleasable)
    rpc.handle(MAIN_CALLS.log, (entry: { level: keyof Log; message: string; fields: LogFields }) => log[entry.level](entry.message, entry.fields))
    worker.on('error', (error) =>
      log.error('pipeline worker failed', { cause: error instanceof Error ? (error.stack ?? error.message) : String(error) }),
    )
    worker.on('exit', (code) => this.#onExit(rpc, code))
    this.#worker = worker
    try {
      await rpc.call(PIPELINE_CALLS.start)
    } catch (error) {
      await worker.terminate()
      throw error
    }
    this.#rpc = rpc
  }

  #onExit(rpc: Rpc, code: number): void {
    rpc.close(unavailable())
    const wasRunning = this.#rpc === rpc
    if (wasRunning) this.#rpc = undefined
    if (this.#isStopping || !wasRunning) return
    this.#parts.log.error('pipeline worker ended', { code, restarts: this.#restarts })
    this.#restartLater()
  }

  #restartLater(): void {
    if (this.#restarts >= RESTARTS_MAX) return
    this.#restarts++
    this.#parts.clock.after(RESTART_PAUSE_MS, () => {
      if (this.#isStopping) return
      this.#spawn().catch((error: unknown) => {
        this.#parts.log.error('pipeline worker did not start', { cause: String(error) })
        this.#restartLater()
      })
    })
  }
}

function unavailable(): MendlineError {
  return new MendlineError('MDL_STORE_UNAVAILABLE', 'the pipeline worker is not running', { retryable: true })
}
