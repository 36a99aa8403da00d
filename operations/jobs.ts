/**
 * Long work that the API starts: a row a job with its state, progress and report. Jobs of one lane run one after the other, lanes beside each
 * other. A job that a crash or a stop broke off begins again where its kind can go on from its progress, and is marked as failed where it
 * cannot; nothing is left `running` for good. What a job does is told by the root files that define its kind.
 */
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Migration } from '#kernel/migration.ts'

/** `held`: not before `release` (the bytes that it works on are still on their way). */
export type JobState = 'held' | 'waiting' | 'running' | 'done' | 'failed'

interface JobTables {
  jobs: {
    job_id: string
    tenant: string
    kind: string
    state: string
    input: string
    progress: string
    report: string
    created_by: string
    created_at_ms: number
    started_at_ms: number | null
    ended_at_ms: number | null
  }
}

export const jobMigrations: readonly Migration[] = [
  {
    id: '0280-jobs',
    statements: [
      `CREATE TABLE jobs (job_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, input TEXT NOT NULL,
        progress TEXT NOT NULL, report TEXT NOT NULL, created_by TEXT NOT NULL, created_at_ms BIGINT NOT NULL, started_at_ms BIGINT,
        ended_at_ms BIGINT)`,
      'CREATE INDEX jobs_by_tenant ON jobs (tenant, job_id)',
    ],
  },
]

export interface JobRecord {
  readonly job_id: string
  readonly tenant: string
  readonly kind: string
  readonly state: JobState
  readonly progress: unknown
  /** What came of it; of a failed job `{code, message}`. */
  readonly report: unknown
  readonly created_by: string
  readonly created_at_ms: number
  readonly started_at_ms: number | null
  readonly ended_at_ms: number | null
}

export interface RunningJob {
  readonly job_id: string
  readonly tenant: string
  readonly input: unknown
  /** What the job noted before a break; null at the first begin. */
  readonly progress: unknown
  /** Aborted at the stop of the program. */
  readonly signal: AbortSignal
  /** Keeps progress; durable when it resolves. */
  note(progress: unknown): Promise<void>
}

export interface JobKind {
  /** Jobs of one lane never run at the same time. */
  readonly lane: string
  /** Whether it goes on after a break; otherwise it has failed. */
  readonly isResumable: boolean
  /** Does the work and gives the report. */
  readonly run: (job: RunningJob) => Promise<unknown>
}

export interface Jobs {
  /** Before `start`. */
  define(kind: string, how: JobKind): void
  /** @throws MendlineError MDL_JOB_TOO_MANY */
  create(job: {
    readonly tenant: string
    readonly kind: string
    readonly input: unknown
    readonly actor: string
    readonly isHeld?: boolean
  }): Promise<JobRecord>
  /** Lets a held job have its turn. */
  release(jobId: string): Promise<void>
  get(tenant: string, jobId: string): Promise<JobRecord | undefined>
  /** What the job was asked for. */
  inputOf(jobId: string): Promise<unknown>
  /** Jobs of a kind in this state, of all tenants. */
  inState(kind: string, state: JobState): Promise<readonly JobRecord[]>
  /** Drops the row of a job that is held or has ended. */
  remove(jobId: string): Promise<void>
  /** In order of their ids, which rise with time. */
  list(query: {
    readonly tenant: string
    readonly kind?: string
    readonly after?: string
    readonly limit: number
  }): Promise<{ readonly items: readonly JobRecord[]; readonly next: string | null }>
  /** Goes on with what a break left. */
  start(): Promise<void>
  /** Tells running jobs to end and waits for them; idempotent. */
  stop(): Promise<void>
}

export function createJobs(parts: {
  readonly database: Kysely<unknown>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'jobsWaiting_MAX'>
}): Jobs {
  return new JobBook({ ...parts, database: parts.database as Kysely<JobTables> })
}

interface JobParts {
  readonly database: Kysely<JobTables>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'jobsWaiting_MAX'>
}

class JobBook implements Jobs {
  readonly #parts: JobParts
  readonly #kinds = new Map<string, JobKind>()
  readonly #lanes = new Map<string, Promise<void>>()
  readonly #abort = new AbortController()

  constructor(parts: JobParts) {
    this.#parts = parts
  }

  define(kind: string, how: JobKind): void {
    this.#kinds.set(kind, how)
  }

  async create({ tenant, kind, input, actor, isHeld = false }: Parameters<Jobs['create']>[0]): Promise<JobRecord> {
    const { database, clock, limits } = this.#parts
    const waiting = await database
      .selectFrom('jobs')
      .select(({ fn }) => fn.countAll<number>().as('count'))
      .where('state', 'in', ['waiting', 'running'])
      .executeTakeFirstOrThrow()
    if (Number(waiting.count) >= limits.jobsWaiting_MAX) throw new MendlineError('MDL_JOB_TOO_MANY', 'too many jobs are not done yet')
    const nowMs = clock.now()
    const row: JobTables['jobs'] = {
      job_id: `job_${String(nowMs).padStart(14, '0')}_${randomBytes(6).toString('hex')}`,
      ...{ tenant, kind, state: isHeld ? 'held' : 'waiting', input: JSON.stringify(input), progress: 'null', report: 'null', created_by: actor },
      ...{ created_at_ms: nowMs, started_at_ms: null, ended_at_ms: null },
    }
    await database.insertInto('jobs').values(row).execute()
    if (!isHeld) this.#enqueue(row.job_id, kind)
    return toRecord(row)
  }

  async release(jobId: string): Promise<void> {
    const { database } = this.#parts
    const row = await database.selectFrom('jobs').select(['kind', 'state']).where('job_id', '=', jobId).executeTakeFirst()
    if (row?.state !== 'held') return
    await database.updateTable('jobs').set({ state: 'waiting' }).where('job_id', '=', jobId).where('state', '=', 'held').execute()
    this.#enqueue(jobId, row.kind)
  }

  async inputOf(jobId: string): Promise<unknown> {
    const row = await this.#parts.database.selectFrom('jobs').select('input').where('job_id', '=', jobId).executeTakeFirst()
    return row === undefined ? undefined : JSON.parse(row.input)
  }

  async inState(kind: string, state: JobState): Promise<readonly JobRecord[]> {
    const query = this.#parts.database.selectFrom('jobs').selectAll().where('kind', '=', kind).where('state', '=', state)
    return (await query.orderBy('job_id').execute()).map(toRecord)
  }

  async remove(jobId: string): Promise<void> {
    await this.#parts.database.deleteFrom('jobs').where('job_id', '=', jobId).where('state', 'in', ['held', 'done', 'failed']).execute()
  }

  async get(tenant: string, jobId: string): Promise<JobRecord | undefined> {
    const row = await this.#parts.database.selectFrom('jobs').selectAll().where('tenant', '=', tenant).where('job_id', '=', jobId).executeTakeFirst()
    return row === undefined ? undefined : toRecord(row)
  }

  async list({ tenant, kind, after = '', limit }: Parameters<Jobs['list']>[0]): ReturnType<Jobs['list']> {
    let query = this.#parts.database.selectFrom('jobs').selectAll().where('tenant', '=', tenant).where('job_id', '>', after)
    if (kind !== undefined) query = query.where('kind', '=', kind)
    const rows = await query
      .orderBy('job_id')
      .limit(limit + 1)
      .execute()
    const items = rows.slice(0, limit).map(toRecord)
    return { items, next: rows.length > limit ? (items.at(-1)?.job_id ?? null) : null }
  }

  async start(): Promise<void> {
    const rows = await this.#parts.database
      .selectFrom('jobs')
      .select(['job_id', 'kind', 'state'])
      .where('state', 'in', ['waiting', 'running'])
      .orderBy('job_id')
      .execute()
    for (const { job_id, kind, state } of rows) {
      if (state === 'running' && this.#kinds.get(kind)?.isResumable !== true) await this.#end(job_id, 'failed', BROKEN_OFF)
      else this.#enqueue(job_id, kind)
    }
  }

  async stop(): Promise<void> {
    this.#abort.abort()
    await Promise.all(this.#lanes.values())
  }

  #enqueue(jobId: string, kind: string): void {
    const how = this.#kinds.get(kind)
    if (how === undefined) return
    const before = this.#lanes.get(how.lane) ?? Promise.resolve()
    this.#lanes.set(
      how.lane,
      before
        .then(() => this.#run(jobId, how))
        .catch((cause: unknown) => this.#parts.log.error('the state of a job could not be kept', { job: jobId, cause: String(cause) })),
    )
  }

  async #run(jobId: string, how: JobKind): Promise<void> {
    const { database, clock, log } = this.#parts
    const { signal } = this.#abort
    if (signal.aborted) return
    const row = await database.selectFrom('jobs').selectAll().where('job_id', '=', jobId).executeTakeFirst()
    if (row === undefined) return
    const started_at_ms = row.started_at_ms ?? clock.now()
    await database.updateTable('jobs').set({ state: 'running', started_at_ms }).where('job_id', '=', jobId).execute()
    const note = async (progress: unknown): Promise<void> => {
      await database
        .updateTable('jobs')
        .set({ progress: JSON.stringify(progress) })
        .where('job_id', '=', jobId)
        .execute()
    }
    log.info('job begins', { job: jobId, kind: row.kind })
    try {
      const { tenant, input, progress } = row
      const report = await how.run({ job_id: jobId, tenant, input: JSON.parse(input), progress: JSON.parse(progress), signal, note })
      await this.#end(jobId, 'done', report)
      log.info('job is done', { job: jobId, kind: row.kind })
    } catch (error) {
      // At a stop it goes on with the next start, or is marked then.
      if (signal.aborted) return
      const isKnown = error instanceof MendlineError
      log.error('job failed', { job: jobId, kind: row.kind, cause: error instanceof Error ? (error.stack ?? error.message) : String(error) })
      await this.#end(jobId, 'failed', {
        code: isKnown ? error.code : 'MDL_API_INTERNAL',
        message: isKnown ? error.message : 'the log says more',
        ...(isKnown ? { details: error.details } : {}),
      })
    }
  }

  async #end(jobId: string, state: JobState, report: unknown): Promise<void> {
    const change = { state, report: JSON.stringify(report ?? null), ended_at_ms: this.#parts.clock.now() }
    await this.#parts.database.updateTable('jobs').set(change).where('job_id', '=', jobId).execute()
  }
}

const BROKEN_OFF = { code: 'MDL_JOB_BROKEN_OFF', message: 'the program ended while the job ran; start it again' }

const toRecord = ({ input: _input, ...row }: JobTables['jobs']): JobRecord => ({
  ...row,
  state: row.state as JobState,
  progress: JSON.parse(row.progress),
  report: JSON.parse(row.report),
})
