/**
 * Joins imports and exports: the upload on the disk, the job that works on it, the thread that reads the file, and the door of ingest that
 * its messages go through. An import waits where the journal or the pipeline is busy, so that live devices do not. Files stand in
 * `data/imports/<id>` and `data/exports/<id>` until they are old.
 */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { MendlineError } from '#kernel/errors.ts'
import type { ExportPort, ExportRecord, ImportPort, ImportRecord, NewExport, NewImport } from './api/file-ports.ts'
import { type FilesParts, runExportJob, runImportJob } from './files-jobs.ts'
import { readMappingText } from './ingest/mapping/mapping-document.ts'
import type { JobRecord, Jobs } from './operations/jobs.ts'
import { appendPiece, uploadedBytes } from './operations/upload-file.ts'

export interface Files {
  readonly imports: ImportPort
  readonly exports: ExportPort
  stop(): void
}

/** Old uploads, reports and files are looked for at this pace. */
const SWEEP_EVERY_MS = 3_600_000

/** What files ask of registry, types and zones. */
export function filePorts({ identity, types, zones }: FileBooks) {
  return {
    findDevice: identity.devices.get,
    listDevices: identity.devices.list,
    createDevice: (tenant: string, device: string, type: string) => zones.create([{ tenant, device, type }]),
    findType: types.find,
    zoneOf: zones.zoneOf,
  }
}

interface FileBooks {
  readonly identity: { readonly devices: { readonly get: FilesParts['findDevice']; readonly list: FilesParts['listDevices'] } }
  readonly types: { readonly find: FilesParts['findType'] }
  readonly zones: {
    create(devices: ReadonlyArray<{ readonly tenant: string; readonly device: string; readonly type: string }>): Promise<unknown>
    readonly zoneOf: FilesParts['zoneOf']
  }
}

/** Defines the jobs; the caller starts them. */
export function joinFiles(jobs: Jobs, parts: FilesParts): Files {
  const { dataDir, limits, clock, log } = parts
  const folderOf = (kind: 'import' | 'export', id: string): string => join(dataDir, `${kind}s`, id)
  const ended = new Set<string>()
  const options = { ...parts, folderOf, isEnded: (id: string) => ended.has(id) }
  jobs.define('import', { lane: 'import', isResumable: true, run: (job) => runImportJob(job, options) })
  jobs.define('export', { lane: 'export', isResumable: true, run: (job) => runExportJob(job, options) })

  const drop = async (kind: 'import' | 'export', id: string): Promise<void> => {
    await rm(folderOf(kind, id), { recursive: true, force: true })
    await jobs.remove(id)
  }
  const sweep = async (): Promise<void> => {
    const beforeMs = clock.now() - limits.jobKeepMs
    for (const kind of ['import', 'export'] as const) {
      for (const state of ['held', 'done', 'failed'] as const) {
        for (const job of await jobs.inState(kind, state)) if ((job.ended_at_ms ?? job.created_at_ms) < beforeMs) await drop(kind, job.job_id)
      }
    }
  }
  let cancel: () => void = () => {}
  const sweepLater = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, () => {
      sweep()
        .catch((error: unknown) => log.error('old imports and exports could not be dropped', { cause: String(error) }))
        .finally(() => sweepLater(SWEEP_EVERY_MS))
    })
  }
  sweepLater(60_000)

  const find = async (tenant: string, kind: 'import' | 'export', id: string): Promise<JobRecord | undefined> => {
    const job = await jobs.get(tenant, id)
    return job?.kind === kind ? job : undefined
  }
  const remove = async (tenant: string, kind: 'import' | 'export', id: string): Promise<void> => {
    const job = await find(tenant, kind, id)
    if (job === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no ${kind} ${id}`)
    if (job.state === 'waiting' || job.state === 'running') ended.add(id)
    else await drop(kind, id)
  }
  const shared: Shared = { jobs, parts, folderOf, find, remove }
  return { imports: importPort(shared), exports: exportPort(shared), stop: () => cancel() }
}

interface Shared {
  readonly jobs: Jobs
  readonly parts: FilesParts
  readonly folderOf: (kind: 'import' | 'export', id: string) => string
  readonly find: (tenant: string, kind: 'import' | 'export', id: string) => Promise<JobRecord | undefined>
  readonly remove: (tenant: string, kind: 'import' | 'export', id: string) => Promise<void>
}

/** The API names faults of a mapping below the field in which it is registered; here it is another one. */
function checkMapping(text: string): void {
  try {
    readMappingText(text, 'mapping')
  } catch (error) {
    if (!(error instanceof MendlineError)) throw error
    throw new MendlineError(error.code, error.message, { cause: error, details: { errors: [{ field: 'body.mapping', reason: error.message }] } })
  }
}

function importPort({ jobs, parts, folderOf, find, remove }: Shared): ImportPort {
  const { limits, findType } = parts
  const contentOf = (id: string): string => join(folderOf('import', id), 'content')
  const toRecord = async (job: JobRecord): Promise<ImportRecord> => {
    const { name, bytes, dry_run = false } = (await jobs.inputOf(job.job_id)) as NewImport
    const { job_id, tenant, state, progress, report, created_at_ms, started_at_ms, ended_at_ms } = job
    const received_bytes = state === 'held' ? await uploadedBytes(contentOf(job_id)) : bytes
    const how = { name, dry_run, bytes, received_bytes, progress: progress as object | null, report: report as object | null }
    return { import_id: job_id, tenant, state: state === 'held' ? 'uploading' : state, ...how, created_at_ms, started_at_ms, ended_at_ms }
  }
  return {
    async create(tenant, wanted, actor) {
      if (wanted.bytes > limits.importBytes_MAX) throw new MendlineError('MDL_API_TOO_LARGE', `a file has at most ${limits.importBytes_MAX} bytes`)
      if (wanted.mapping !== undefined) checkMapping(wanted.mapping)
      if (wanted.create_devices === true && (wanted.type === undefined || findType(tenant, wanted.type) === undefined)) {
        const reason = 'create_devices needs a type that is known'
        throw new MendlineError('MDL_API_INVALID', reason, { details: { errors: [{ field: 'body.type', reason }] } })
      }
      const held = (await jobs.inState('import', 'held')).filter((job) => job.tenant === tenant)
      if (held.length >= limits.uploadsPerTenant_MAX) throw new MendlineError('MDL_JOB_TOO_MANY', 'too many uploads are not whole yet')
      const job = await jobs.create({ tenant, kind: 'import', input: wanted, actor, isHeld: true })
      await mkdir(folderOf('import', job.job_id), { recursive: true })
      return toRecord(job)
    },
    async append(tenant, id, { from, bytes, isWhole }) {
      const job = await find(tenant, 'import', id)
      if (job === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no import ${id}`)
      if (job.state !== 'held') throw new MendlineError('MDL_API_CONFLICT', 'the file is here whole')
      const { bytes: total } = (await jobs.inputOf(id)) as NewImport
      const pieceBytes_MAX = isWhole ? limits.importBytes_MAX : limits.importPieceBytes_MAX
      const received = await appendPiece(contentOf(id), { from, bytes, total, pieceBytes_MAX })
      if (received === total) await jobs.release(id)
      return toRecord((await find(tenant, 'import', id)) ?? job)
    },
    async get(tenant, id) {
      const job = await find(tenant, 'import', id)
      return job === undefined ? undefined : toRecord(job)
    },
    async list(query) {
      const { items, next } = await jobs.list({ ...query, kind: 'import' })
      return { items: await Promise.all(items.map(toRecord)), next }
    },
    async report(tenant, id) {
      const job = await find(tenant, 'import', id)
      if (job === undefined) return undefined
      const path = join(folderOf('import', id), 'report.ndjson')
      return (await uploadedBytes(path)) > 0 ? path : '/dev/null'
    },
    remove: (tenant, id) => remove(tenant, 'import', id),
  }
}

function exportPort({ jobs, parts, folderOf, find, remove }: Shared): ExportPort {
  const toRecord = async (job: JobRecord): Promise<ExportRecord> => {
    const { job_id, tenant, state, progress, report, created_at_ms, started_at_ms, ended_at_ms } = job
    const wanted = (await jobs.inputOf(job_id)) as NewExport
    const how = { progress: progress as object | null, report: report as object | null }
    return { export_id: job_id, tenant, state, ...wanted, ...how, created_at_ms, started_at_ms, ended_at_ms }
  }
  return {
    async create(tenant, wanted, actor) {
      const { device, type } = wanted
      if (device !== undefined && parts.findDevice(tenant, device) === undefined)
        throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`)
      if (type !== undefined && parts.findType(tenant, type) === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no type ${type}`)
      const job = await jobs.create({ tenant, kind: 'export', input: wanted, actor })
      return toRecord(job)
    },
    async get(tenant, id) {
      const job = await find(tenant, 'export', id)
      return job === undefined ? undefined : toRecord(job)
    },
    async list(query) {
      const { items, next } = await jobs.list({ ...query, kind: 'export' })
      return { items: await Promise.all(items.map(toRecord)), next }
    },
    async file(tenant, id) {
      const job = await find(tenant, 'export', id)
      return job?.state === 'done' ? join(folderOf('export', id), 'file') : undefined
    },
    remove: (tenant, id) => remove(tenant, 'export', id),
  }
}
