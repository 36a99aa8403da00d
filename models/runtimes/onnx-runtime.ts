/**
 * Model runtime over onnxruntime-node in a worker of its own, one batch at a time with a time limit. A worker that does not
 * answer in time, or ends by itself, is left behind and a new one is started with the same bytes; the batch is refused as
 * retryable. The worker is a thread for models that we made; native code that hangs cannot be killed within a process, so a model of
 * somebody else gets a process (`model-process.ts`).
 */
import { Worker } from 'node:worker_threads'
import type { Clock } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { ModelRuntime } from '../model-runtime.ts'
import type { ModelContract, WorkerReply, WorkerRequest } from './onnx-protocol.ts'

export interface OnnxRuntimeOptions {
  readonly model: Uint8Array
  readonly contract: ModelContract
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'inferenceBatch_MAX' | 'inferenceTimeoutMs' | 'modelLoadTimeoutMs'>
  /** Another worker program, for tests. */
  readonly workerUrl?: URL
  /** Starts another kind of worker than a thread; one that can be killed whatever its native code does. */
  readonly startWorker?: () => ModelWorker
}

/** What the runtime needs of whatever runs the model. */
export interface ModelWorker {
  postMessage(message: WorkerRequest): void
  on(event: 'message', listener: (message: WorkerReply) => void): unknown
  on(event: 'error' | 'exit', listener: (reason: unknown) => void): unknown
  unref(): unknown
  terminate(): unknown
}

const WORKER_URL = new URL('./onnx-worker.ts', import.meta.url)

/** A request before its id. */
type Work = WorkerRequest extends infer Request ? (Request extends WorkerRequest ? Omit<Request, 'id'> : never) : never

interface Waiting {
  readonly resolve: (scores: Float32Array) => void
  readonly reject: (error: MendlineError) => void
}

const timeoutOf = (kind: Work['kind'], limits: OnnxRuntimeOptions['limits']): number =>
  kind === 'load' ? limits.modelLoadTimeoutMs : limits.inferenceTimeoutMs

/**
 * Ends a worker. A thread that is ended while it is in native code takes the process with it when it comes back, so one that is busy goes
 * when it has answered, or when it is past waiting for: after the time that a load may take.
 */
async function end(worker: ModelWorker, isBusy: boolean, { clock, limits }: Pick<OnnxRuntimeOptions, 'clock' | 'limits'>): Promise<void> {
  if (isBusy) {
    const { promise, resolve } = Promise.withResolvers<void>()
    worker.on('message', () => resolve())
    worker.on('exit', () => resolve())
    const cancel = clock.after(limits.modelLoadTimeoutMs, resolve)
    await promise
    cancel()
  }
  worker.unref()
  await worker.terminate()
}

/** Creates the runtime; `start` loads the model in the worker. */
export function createOnnxRuntime(options: OnnxRuntimeOptions): ModelRuntime {
  const { model, contract, clock, log, limits } = options
  let worker: ModelWorker | undefined
  let loading: Promise<void> | undefined
  let waiting = new Map<number, Waiting>()
  let nextId = 1
  let isStopped = false
  // Batches go one after the other, so that the time limit of one does not count the wait for another.
  let last: Promise<unknown> = Promise.resolve()

  const refuseAll = (error: MendlineError): void => {
    const refused = waiting
    waiting = new Map()
    for (const { reject } of refused.values()) reject(error)
  }
  const leaveBehind = (): Promise<void> => {
    const left = worker
    const isBusy = options.startWorker === undefined && waiting.size > 0
    worker = undefined
    loading = undefined
    return left === undefined ? Promise.resolve() : end(left, isBusy, options)
  }
  const startWorker = (): ModelWorker => {
    const started: ModelWorker = options.startWorker?.() ?? new Worker(options.workerUrl ?? WORKER_URL)
    const onEnd = (reason: unknown): void => {
      if (worker !== started) return
      void leaveBehind()
      log.warn('model worker ended by itself', { reason: String(reason) })
      refuseAll(new MendlineError('MDL_MODEL_TIMEOUT', 'the worker of the model ended', { retryable: true, details: { reason: String(reason) } }))
    }
    started.on('message', (message: WorkerReply) => {
      const asked = waiting.get(message.id)
      waiting.delete(message.id)
      if ('scores' in message) asked?.resolve(message.scores)
      else asked?.reject(new MendlineError('MDL_MODEL_INVALID', message.error))
    })
    started.on('error', onEnd)
    started.on('exit', onEnd)
    return started
  }
  const ask = async (work: Work): Promise<Float32Array> => {
    assert(worker !== undefined, 'there is a worker to ask')
    const id = nextId++
    const { promise, resolve, reject } = Promise.withResolvers<Float32Array>()
    waiting.set(id, { resolve, reject })
    worker.postMessage({ id, ...work })
    const cancel = clock.after(timeoutOf(work.kind, limits), () => {
      if (!waiting.has(id)) return
      log.warn('model worker did not answer in time', { asked: work.kind })
      void leaveBehind()
      refuseAll(new MendlineError('MDL_MODEL_TIMEOUT', `no answer in time to ${work.kind}`, { retryable: true }))
    })
    return promise.finally(cancel)
  }
  const load = (): Promise<void> => {
    loading ??= (async () => {
      worker = startWorker()
      await ask({ kind: 'load', model, contract })
    })()
    // A model that does not load is refused each time anew, not remembered as loaded.
    loading.catch(leaveBehind)
    return loading
  }

  return {
    async start() {
      isStopped = false
      await load()
    },
    run(rows, rowCount) {
      assert(rowCount > 0 && rowCount <= limits.inferenceBatch_MAX, 'a batch has 1 to inferenceBatch_MAX rows')
      assert(rows.length === rowCount * contract.featureCount, 'a batch has its features for each row')
      const turn = last.then(async () => {
        if (isStopped) throw new MendlineError('MDL_MODEL_TIMEOUT', 'the runtime is stopped')
        await load()
        return ask({ kind: 'run', rows, rowCount })
      })
      last = turn.catch(() => {})
      return turn
    },
    async stop() {
      isStopped = true
      const ended = leaveBehind()
      refuseAll(new MendlineError('MDL_MODEL_TIMEOUT', 'the runtime was stopped'))
      await ended
      await last
    },
  }
}
