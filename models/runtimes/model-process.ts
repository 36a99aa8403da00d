/**
 * Starts the process that a model of somebody else runs in: with an empty environment, without the right to write files or start
 * programs, with a bound on its memory, and first in line when the machine runs out of it. It speaks as a worker thread speaks, so
 * the runtime is the same; unlike a thread it can be killed whatever its native code does.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { EventEmitter } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { ModelDescription } from './onnx-protocol.ts'
import type { ModelWorker } from './onnx-runtime.ts'

const PROGRAM = fileURLToPath(new URL('./onnx-process.ts', import.meta.url))

/** The bound is set by the shell, where there is one (`ulimit -d` counts what a process has written to or may). */
const SHELL = 'ulimit -d "$0" 2>/dev/null; echo 1000 >/proc/self/oom_score_adj 2>/dev/null; exec "$@"'

type ProcessLimits = Pick<Limits, 'ownModelMemoryBytes_MAX'>

/** Starts the process. */
export function startModelProcess(limits: ProcessLimits): ModelWorker {
  const child = start(limits)
  const worker = new EventEmitter()
  child.on('message', (message) => worker.emit('message', message))
  child.on('error', (error) => worker.emit('error', error))
  child.on('exit', (code, signal) => worker.emit('exit', signal ?? code))
  return Object.assign(worker, {
    // What cannot be sent any more is told by the end of the process.
    postMessage: (message: object) => void child.send(message, () => {}),
    unref: () => child.unref(),
    terminate: () => child.kill('SIGKILL'),
  })
}

function start({ ownModelMemoryBytes_MAX }: ProcessLimits): ChildProcess {
  const node = [process.execPath, '--no-warnings', '--permission', '--allow-addons', '--allow-fs-read=*', PROGRAM]
  const options = { stdio: ['ignore', 'ignore', 'ignore', 'ipc'], serialization: 'advanced', env: {} } as const
  if (process.platform === 'win32') return spawn(node[0] ?? '', node.slice(1), { ...options, stdio: [...options.stdio] })
  const bound = String(Math.floor(ownModelMemoryBytes_MAX / 1024))
  return spawn('/bin/sh', ['-c', SHELL, bound, ...node], { ...options, stdio: [...options.stdio] })
}

/**
 * Looks at a model in a process of its own.
 * @throws MendlineError MDL_MODEL_INVALID, MDL_MODEL_TIMEOUT
 */
export async function describeModel(
  model: Uint8Array,
  { clock, limits }: { readonly clock: Clock; readonly limits: ProcessLimits & Pick<Limits, 'inferenceTimeoutMs'> },
): Promise<ModelDescription> {
  const worker = startModelProcess(limits)
  const { promise, resolve, reject } = Promise.withResolvers<ModelDescription>()
  const cancel = clock.after(limits.inferenceTimeoutMs, () =>
    reject(new MendlineError('MDL_MODEL_TIMEOUT', `the model is not loaded within ${limits.inferenceTimeoutMs} ms`)),
  )
  const onEnd = (reason: unknown): void =>
    reject(new MendlineError('MDL_MODEL_INVALID', `the process that loads the model ended (${String(reason)})`))
  worker.on('error', onEnd)
  worker.on('exit', onEnd)
  worker.on('message', (reply: object) => {
    if ('description' in reply) resolve(reply.description as ModelDescription)
    else reject(new MendlineError('MDL_MODEL_INVALID', 'error' in reply ? String(reply.error) : 'the process gave no answer'))
  })
  worker.postMessage({ id: 1, kind: 'describe', model } as never)
  try {
    return await promise
  } finally {
    cancel()
    worker.terminate()
  }
}
