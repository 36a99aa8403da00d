/**
 * The main thread's side of a running import or export: it answers the worker that reads and writes the file, puts an import's messages
 * through the door of ingest as fast as journal and pipeline bear, and keeps the position when they are durable.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { NewExport, NewImport } from './api/file-ports.ts'
import type { DeviceKeys, ReadingKey } from './ingest/files/conflicts.ts'
import type { ReadingBucket, StoreRetention } from './ingest/reading-store.ts'
import type { RunningJob } from './operations/jobs.ts'
import {
  type DeviceAnswer,
  type ExportResult,
  FILES_CALLS,
  type FilesTask,
  type ImportProgress,
  type ImportResult,
  NO_PROGRESS,
  type TakeChunk,
} from './workers/files-calls.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { Rpc } from './workers/rpc.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

export interface FilesParts {
  readonly dataDir: string
  readonly limits: Limits
  readonly retention: StoreRetention
  readonly clock: Clock
  readonly log: Log
  readonly accept: (message: AcceptedMessage) => Promise<void>
  readonly journal: { end(): number; pendingBytes(): number }
  readonly pipeline: Pick<PipelineHost, 'call' | 'stream' | 'statistics'>
  readonly findDevice: (tenant: string, device: string) => { readonly type: string; readonly revoked_at_ms: number | null } | undefined
  readonly createDevice: (tenant: string, device: string, type: string) => Promise<unknown>
  /** Devices of a tenant in order of their ids, those behind `after` (`{tenant}:{device}`). */
  readonly listDevices: (query: { readonly tenant: string; readonly after?: string; readonly limit: number }) => ReadonlyArray<{
    readonly device: string
    readonly type: string
  }>
  readonly findType: (tenant: string, name: string) => ApplianceType | undefined
  readonly zoneOf: (tenant: string, device: string) => string
}

export interface JobOptions extends FilesParts {
  readonly folderOf: (kind: 'import' | 'export', id: string) => string
  /** Whether somebody ended the job. */
  readonly isEnded: (id: string) => boolean
}

/** Bytes that wait for the journal above which an import waits for the devices that they are of. */
const BUSY_BYTES = 64 * 1024
const BUSY_PAUSE_MS = 2
/** Pause while the pipeline is behind, or not there. */
const LAG_PAUSE_MS = 25
const REFUSED_PAUSE_MS = 1_000

/** Least time between two positions of an import that are kept. */
const NOTE_EVERY_MS = 500

/** Behind each chunk an import rests as long as the chunk took, at most this, so that it has half of the door at most. */
const REST_MS_MAX = 50

type Handlers = (rpc: Rpc) => void

export async function runImportJob(job: RunningJob, options: JobOptions): Promise<ImportResult> {
  const { limits, retention, folderOf, findDevice, findType, createDevice } = options
  const { tenant, job_id } = job
  const { device, type, mapping, dry_run: isDryRun = false, create_devices: isCreating = false } = job.input as NewImport
  const directory = folderOf('import', job_id)
  const progress = (job.progress as ImportProgress | null) ?? NO_PROGRESS
  const task: FilesTask = { kind: 'import', directory, tenant, device, mapping, isDryRun, progress, limits, retention }
  const answer = async (name: string): Promise<DeviceAnswer> => {
    const known = findDevice(tenant, name)
    if (known !== undefined) return known.revoked_at_ms === null ? { type: known.type } : { refused: 'the device is revoked' }
    if (!isCreating || type === undefined) return { refused: 'there is no such device' }
    if (!isDryRun) await createDevice(tenant, name, type)
    return { type }
  }
  const ask = <Answer>(name: (typeof PIPELINE_CALLS)['suspects' | 'stored'], argument: unknown): Promise<Answer> =>
    untilAnswered(() => options.pipeline.call<Answer>(name, argument), job, options)
  // A note is an fsync on this thread: not one a chunk. What came since the last one is read again after a break, and is known then.
  let notedMs = Number.NEGATIVE_INFINITY
  let hasSeen = false
  const keep = async (behind: ImportProgress): Promise<void> => {
    const nowMs = options.clock.monotonicMs()
    if (nowMs - notedMs < NOTE_EVERY_MS) return
    notedMs = nowMs
    await job.note(behind)
  }
  await mkdir(join(directory, 'scratch'), { recursive: true })
  const result = await inWorker<ImportResult>(task, job, (rpc) => {
    rpc.handle(FILES_CALLS.device, answer)
    rpc.handle(FILES_CALLS.type, (name: string) => findType(tenant, name))
    rpc.handle(FILES_CALLS.suspects, async (keys: readonly DeviceKeys[]) => {
      // What was imported or sent before is known first; what this import adds, its own thread knows.
      const suspects = await ask<readonly number[]>(PIPELINE_CALLS.suspects, { keys, isFirst: !hasSeen })
      hasSeen = true
      return suspects
    })
    rpc.handle(FILES_CALLS.stored, (keys: readonly ReadingKey[]) => ask(PIPELINE_CALLS.stored, keys))
    rpc.handle(FILES_CALLS.take, async ({ messages, progress: behind }: TakeChunk) => {
      refuseEnded(job, options)
      const startMs = options.clock.monotonicMs()
      await takeAll(messages, job, options)
      await keep(behind)
      await pause(options.clock, Math.min(REST_MS_MAX, options.clock.monotonicMs() - startMs))
    })
  })
  const { unused_columns: _, ...behind } = result
  await job.note(behind)
  // The report stays; what it is about is stored or in the hands of who sent it.
  await rm(join(directory, 'content'), { force: true })
  return result
}

function refuseEnded({ job_id, signal }: RunningJob, { isEnded }: JobOptions): void {
  if (isEnded(job_id) || signal.aborted) throw new MendlineError('MDL_JOB_BROKEN_OFF', 'somebody ended the job')
}

/** A pipeline that is not there, because it starts or starts again, is waited for. */
async function untilAnswered<Answer>(call: () => Promise<Answer>, job: RunningJob, options: JobOptions): Promise<Answer> {
  for (;;) {
    refuseEnded(job, options)
    try {
      return await call()
    } catch (error) {
      if (!(error instanceof MendlineError) || !error.retryable) throw error
      await pause(options.clock, REFUSED_PAUSE_MS)
    }
  }
}

/** Puts messages through the door; resolves when all are durable. */
async function takeAll(messages: TakeChunk['messages'], job: RunningJob, options: JobOptions): Promise<void> {
  const { limits, clock } = options
  await whenPipelineFollows(job, options)
  const inFlight = new Set<Promise<void>>()
  let failure: unknown
  for (const { device, type, payload } of messages) {
    while (inFlight.size >= limits.importInFlight_MAX) await Promise.race(inFlight)
    await whenCalm(options)
    if (failure !== undefined) break
    const message: AcceptedMessage = {
      ...{ tenant: job.tenant, device, type, kind: 'tele', payload },
      received_at_ms: clock.now(),
      maxAgeDays: limits.deviceAgeDays_MAX,
    }
    const taken: Promise<void> = acceptUntilDurable(message, job, options)
      .catch((error: unknown) => {
        failure = error
      })
      .finally(() => inFlight.delete(taken))
    inFlight.add(taken)
  }
  await Promise.all(inFlight)
  if (failure !== undefined) throw failure
}

/** A journal that cannot write now (a full disk) is waited for. */
async function acceptUntilDurable(message: AcceptedMessage, job: RunningJob, options: JobOptions): Promise<void> {
  for (;;) {
    refuseEnded(job, options)
    try {
      return await options.accept(message)
    } catch (error) {
      if (!(error instanceof MendlineError) || !error.retryable) throw error
      await pause(options.clock, REFUSED_PAUSE_MS)
    }
  }
}

/** Messages of devices that wait for their commit go first. */
async function whenCalm({ journal, clock }: JobOptions): Promise<void> {
  while (journal.pendingBytes() > BUSY_BYTES) await pause(clock, BUSY_PAUSE_MS)
}

/** Live readings are stored and judged behind what an import put into the journal, so that may be only so much. */
async function whenPipelineFollows(job: RunningJob, options: JobOptions): Promise<void> {
  const { pipeline, journal, limits, clock } = options
  for (;;) {
    refuseEnded(job, options)
    const position = await pipeline.statistics().then(
      (statistics) => statistics.pipeline.position,
      () => undefined,
    )
    if (position !== undefined && journal.end() - position <= limits.importLagBytes_MAX) return
    await pause(clock, LAG_PAUSE_MS)
  }
}

const pause = (clock: Clock, ms: number): Promise<void> => new Promise((resolve) => void clock.after(ms, resolve))

/** Devices read from the registry in one page. */
const PAGE = 5_000

export async function runExportJob(job: RunningJob, options: JobOptions): Promise<ExportResult> {
  const { limits, folderOf, findDevice, findType, listDevices, pipeline, zoneOf } = options
  const { tenant, job_id } = job
  const { device, type: asked, from_ms, to_ms, format, tier } = job.input as NewExport
  const typeName = asked ?? findDevice(tenant, device ?? '')?.type ?? ''
  const type = findType(tenant, typeName)
  if (type === undefined) throw new MendlineError('MDL_EXPORT_INVALID', `nobody described the type ${typeName}`)
  const devices: string[] = device === undefined ? [] : [device]
  for (let after = ''; device === undefined; ) {
    const page = listDevices({ tenant, limit: PAGE, ...(after === '' ? {} : { after }) })
    devices.push(...page.filter((own) => own.type === typeName).map((own) => own.device))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) break
    after = `${tenant}:${last.device}`
  }
  const directory = folderOf('export', job_id)
  await mkdir(join(directory, 'scratch'), { recursive: true })
  const task: FilesTask = { kind: 'export', directory, tenant, devices, type, from_ms, to_ms, format, tier, limits }
  return inWorker<ExportResult>(task, job, (rpc) => {
    rpc.handle(FILES_CALLS.note, async (progress: object) => {
      refuseEnded(job, options)
      await job.note(progress)
    })
    rpc.handleStream(FILES_CALLS.raw, (query: object) => pipeline.stream<unknown>(PIPELINE_CALLS.raw, { ...query, tenant }))
    rpc.handle(FILES_CALLS.buckets, (query: { readonly device: string }) => {
      const whole = { ...query, tenant, channels: [], maxPoints: limits.apiPoints_MAX, maxBuckets: limits.apiBuckets_MAX }
      return pipeline.call<readonly ReadingBucket[]>(PIPELINE_CALLS.buckets, { ...whole, timeZone: zoneOf(tenant, query.device) })
    })
  })
}

/** Runs a task in a thread that is made for it and ended behind it, or at the stop of the program. */
async function inWorker<Result>(task: FilesTask, { signal }: RunningJob, answer: Handlers): Promise<Result> {
  const worker = new Worker(new URL('./workers/files-worker.ts', import.meta.url))
  const rpc = new Rpc(worker)
  answer(rpc)
  const ended = new MendlineError('MDL_JOB_BROKEN_OFF', 'the thread of the job ended')
  worker.on('exit', () => rpc.close(ended))
  worker.on('error', (error) => rpc.close(error instanceof Error ? error : ended))
  const onAbort = (): void => rpc.close(ended)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await rpc.call<Result>(FILES_CALLS.run, task)
  } finally {
    signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
