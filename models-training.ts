/**
 * Training as a job: gathers what is known of the tenant's devices of a type, runs the thread that reads and trains, and registers what
 * came out as a candidate. The readings pass through here from the pipeline's worker, chunk by chunk as the thread pulls them.
 */
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { ModelPort, NewTraining } from './api/model-ports.ts'
import type { Card } from './models/artefact.ts'
import { readArtefact } from './models/artefact.ts'
import { classOfOutcome, readLabels, type SiteLabel, weightOfOutcome } from './models/training/site-labels.ts'
import type { Models } from './models-join.ts'
import type { JobRecord, Jobs, RunningJob } from './operations/jobs.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { Rpc } from './workers/rpc.ts'
import { TRAINING_CALLS, type TrainingResult, type TrainingTask } from './workers/training-calls.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

export interface TrainingParts {
  readonly dataDir: string
  readonly models: Models
  readonly pipeline: Pick<PipelineHost, 'stream'>
  readonly findType: (tenant: string, name: string) => ApplianceType | undefined
  /** Devices of a tenant in order of their ids, those behind `after` (`{tenant}:{device}`). */
  readonly listDevices: (query: { readonly tenant: string; readonly after?: string; readonly limit: number }) => ReadonlyArray<{
    readonly device: string
    readonly type: string
  }>
  readonly limits: Limits
}

type Input = NewTraining & { readonly actor: string }

/** Devices read from the registry in one page. */
const PAGE = 5_000
/** Least time between two states of progress that are kept. */
const NOTE_EVERY = 20

/** Defines the job and gives its doors; the caller starts the jobs. */
export function joinTraining(jobs: Jobs, parts: TrainingParts): Pick<ModelPort, 'train' | 'training'> {
  jobs.define('train', { lane: 'train', isResumable: false, run: (job) => runTraining(job, parts) })
  const show = ({ job_id, state, progress, report, created_by, created_at_ms, started_at_ms, ended_at_ms }: JobRecord): object => ({
    ...{ job_id, state, progress, report, created_by, created_at_ms, started_at_ms, ended_at_ms },
  })
  return {
    async train(tenant, wanted, actor) {
      const type = typeOf(tenant, wanted.type, parts)
      if (wanted.to_ms <= wanted.from_ms) throw invalid('to_ms', 'to does not lie behind from')
      // A bad line is said now, not when the job has its turn.
      if (wanted.labels !== undefined) {
        const known = new Set(devicesOf(tenant, type, parts))
        readLabels(wanted.labels, type, (device) => known.has(device))
      }
      return show(await jobs.create({ tenant, kind: 'train', input: { ...wanted, actor } satisfies Input, actor }))
    },
    async training(tenant, jobId) {
      const job = await jobs.get(tenant, jobId)
      if (job?.kind !== 'train') throw new MendlineError('MDL_API_NOT_FOUND', `there is no training ${jobId}`)
      return show(job)
    },
  }
}

function typeOf(tenant: string, name: string, { findType }: TrainingParts): ApplianceType {
  const type = findType(tenant, name)
  if (type === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no type ${name}`)
  if (type.recipe === undefined) throw invalid('type', `the type ${name} has no recipe of features, so there is nothing to train on`)
  return type
}

const invalid = (field: string, reason: string): MendlineError =>
  new MendlineError('MDL_MODEL_TRAINER', reason, { details: { errors: [{ field: `body.${field}`, reason }] } })

async function runTraining(job: RunningJob, parts: TrainingParts): Promise<object> {
  const { tenant } = job
  const input = job.input as Input
  const type = typeOf(tenant, input.type, parts)
  const folder = join(parts.dataDir, 'models', tenant, `training-${job.job_id}`)
  const task: TrainingTask = {
    ...{ tenant, type, folder, from_ms: input.from_ms, to_ms: input.to_ms, limits: parts.limits, devices: devicesOf(tenant, type, parts) },
    labels: input.labels === undefined ? await outcomesOf(tenant, type, parts) : readLabels(input.labels, type),
    doubtful: await doubtfulOf(tenant, parts),
    isHealthyAssumed: input.assume_healthy ?? true,
  }
  try {
    const result = await inWorker(task, job, parts)
    const files = await readArtefact(folder)
    const parsed = JSON.parse(Buffer.from(files.card).toString()) as Card
    await parts.models.registry.add(tenant, { ...files, parsed }, { source: 'trained', actor: input.actor })
    return result
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function devicesOf(tenant: string, type: ApplianceType, { listDevices }: TrainingParts): string[] {
  const devices: string[] = []
  for (let after = ''; ; ) {
    const page = listDevices({ tenant, limit: PAGE, ...(after === '' ? {} : { after }) })
    devices.push(...page.filter((own) => own.type === type.id).map(({ device }) => device))
    const last = page.at(-1)
    if (last === undefined || page.length < PAGE) return devices
    after = `${tenant}:${last.device}`
  }
}

/** Outcomes of visits; what is neither a fault of the type nor nothing says nothing. */
async function outcomesOf(tenant: string, type: ApplianceType, { models }: TrainingParts): Promise<SiteLabel[]> {
  const rows = await models.database.selectFrom('hub_labels').selectAll().where('tenant', '=', tenant).where('type', '=', type.id).execute()
  return rows.flatMap((row) => {
    const fault = classOfOutcome(row, type)
    return fault === undefined
      ? []
      : [{ device: row.device, fault, from_ms: row.window_from_ms, to_ms: row.window_to_ms, weight: weightOfOutcome(row) }]
  })
}

async function doubtfulOf(tenant: string, { models }: TrainingParts): Promise<string[]> {
  const told = models.database.selectFrom('hub_diagnoses').select('device').distinct().where('tenant', '=', tenant)
  const rows = await told.where('answer', 'in', ['fault', 'unknown_fault']).execute()
  return rows.map(({ device }) => device)
}

async function inWorker(task: TrainingTask, job: RunningJob, { pipeline }: TrainingParts): Promise<TrainingResult> {
  const worker = new Worker(new URL('./workers/training-worker.ts', import.meta.url))
  const rpc = new Rpc(worker)
  let notes = 0
  rpc.handle(TRAINING_CALLS.note, (progress: { readonly devices?: number; readonly of?: number }) => {
    const isLast = progress.devices === undefined || progress.devices === progress.of
    if (isLast || notes++ % NOTE_EVERY === 0) void job.note(progress).catch(() => {})
  })
  rpc.handleStream(TRAINING_CALLS.history, (query: object) => pipeline.stream<unknown>(PIPELINE_CALLS.history, query))
  const ended = new MendlineError('MDL_JOB_BROKEN_OFF', 'the thread of the job ended')
  worker.on('exit', () => rpc.close(ended))
  worker.on('error', (error) => rpc.close(error instanceof Error ? error : ended))
  const onAbort = (): void => rpc.close(ended)
  job.signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await rpc.call<TrainingResult>(TRAINING_CALLS.run, task)
  } finally {
    job.signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
