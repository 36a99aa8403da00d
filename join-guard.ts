/**
 * Joins the jobs that guard the data with what they read: backups and verifications run in a thread of their own, which asks here for the
 * journal's end and for what only the pipeline's worker can give of the readings. While a backup is made the journal keeps its segments.
 */
import { Worker } from 'node:worker_threads'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Config } from './config.ts'
import { createJobs, type Jobs, type RunningJob } from './operations/jobs.ts'
import type { Operations } from './operations/open-database.ts'
import { version } from './version.ts'
import { GUARD_CALLS, type GuardTask } from './workers/guard-calls.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import type { Releases } from './workers/releases.ts'
import { Rpc } from './workers/rpc.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

const DAY_MS = 24 * 3_600_000

interface GuardParts {
  readonly operations: Operations
  readonly journal: { end(): number }
  readonly releases: Pick<Releases<string>, 'hold'>
  readonly pipeline: Pick<PipelineHost, 'call'>
  readonly clock: Clock
  readonly log: Log
}

export interface BackupInput {
  readonly directory: string
  readonly keep_days: number
}

/** Jobs of the data folder; the caller starts and stops them. */
export function joinGuard({ dataDir, limits }: Pick<Config, 'dataDir'> & { readonly limits: Limits }, parts: GuardParts): Jobs {
  const { operations, releases, clock, log } = parts
  const jobs = createJobs({ database: operations.database, clock, log, limits })
  jobs.define('backup', {
    lane: 'data',
    isResumable: false,
    async run(job) {
      const { directory, keep_days } = job.input as BackupInput
      const letGo = releases.hold()
      try {
        return await inWorker({ kind: 'backup', dataDir, target: directory, program: version, keepMs: keep_days * DAY_MS }, job, parts)
      } finally {
        letGo()
      }
    },
  })
  jobs.define('verify', { lane: 'data', isResumable: true, run: (job) => inWorker({ kind: 'verify', dataDir }, job, parts) })
  return jobs
}

/** Runs a task in a thread that is made for it and ended behind it, or at the stop of the program. */
async function inWorker(task: GuardTask, job: RunningJob, { journal, pipeline }: GuardParts): Promise<unknown> {
  const worker = new Worker(new URL('./workers/guard-worker.ts', import.meta.url))
  const rpc = new Rpc(worker)
  rpc.handle(GUARD_CALLS.note, (progress: unknown) => job.note(progress))
  rpc.handle(GUARD_CALLS.journalEnd, () => journal.end())
  rpc.handle(GUARD_CALLS.capture, (directory: string) => pipeline.call(PIPELINE_CALLS.capture, directory))
  rpc.handle(GUARD_CALLS.verifyReadings, () => pipeline.call(PIPELINE_CALLS.verifyReadings))
  const ended = new MendlineError('MDL_JOB_BROKEN_OFF', 'the thread of the job ended')
  worker.on('exit', () => rpc.close(ended))
  worker.on('error', (error) => rpc.close(error instanceof Error ? error : ended))
  const onAbort = (): void => rpc.close(ended)
  job.signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await rpc.call(GUARD_CALLS.run, task)
  } finally {
    job.signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
