/**
 * Joins backtests: the job that the API begins, threads that fold the stored readings of their share of the units, the pipeline that reads them
 * from its store, and the labels that say what was right. The rules in force are tried as they are, or with one other version, or with one
 * that is not saved. The report states what it assumes of costs.
 */
import { availableParallelism } from 'node:os'
import { Worker } from 'node:worker_threads'
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { BacktestPort, NewBacktest } from './api/backtest-ports.ts'
import { compareTold, toldFires } from './backtest-told.ts'
import type { HubLists } from './hubs/lists.ts'
import { committedModels, type ModelSource, ownModels, reportModel, toldLive } from './model-backtest-join.ts'
import type { Jobs, RunningJob } from './operations/jobs.ts'
import { isSafetyRule } from './rules/compile-rules.ts'
import type { RuleActivation } from './rules/rule-book.ts'
import { writeRule } from './rules/rule-document.ts'
import type { RuleRegistry } from './rules/rule-registry.ts'
import { type BacktestUnit, hashFires, lookBackMs } from './workers/backtest.ts'
import { BACKTEST_CALLS, type BacktestPart, type BacktestTask, type ModelPart, type ModelTask } from './workers/backtest-calls.ts'
import { judgeFires } from './workers/backtest-report.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { Rpc } from './workers/rpc.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

interface BacktestParts {
  readonly jobs: Jobs
  readonly registry: RuleRegistry
  readonly pipeline: Pick<PipelineHost, 'call' | 'stream'>
  readonly types: {
    readonly find: (tenant: string, name: string) => ApplianceType | undefined
    readonly list: (tenant: string) => readonly ApplianceType[]
  }
  readonly devices: {
    get(tenant: string, device: string): BacktestUnit | undefined
    list(query: { readonly tenant: string; readonly limit: number }): readonly BacktestUnit[]
  }
  readonly hubs: Pick<HubLists, 'labels' | 'diagnoses' | 'alarms'>
  /** Where versions of models come from. */
  readonly models?: ModelSource
  readonly clock: Clock
  readonly limits: Pick<Limits, 'backtestUnits_MAX'>
}

/** Threads of one backtest; the pipeline reads for all of them. */
const THREADS_MAX = 2

/** Fires that stand in a report one by one. */
const FIRES_SHOWN = 500

/** Labels of a tenant that are looked through. */
const LABEL_PAGES_MAX = 100

/** Progress is kept this often. */
const NOTE_EVERY_MS = 500

/** What a backtest asks of registries. */
export const backtestPorts = (
  books: {
    readonly rules: { readonly registry: RuleRegistry }
    readonly types: BacktestParts['types']
    readonly registry: BacktestParts['devices']
    readonly models: { readonly registry: Parameters<typeof ownModels>[0] }
  },
  { dataDir, limits }: Pick<BacktestParts, 'limits'> & { readonly dataDir: string },
): Pick<BacktestParts, 'registry' | 'types' | 'devices' | 'models' | 'limits'> => ({
  limits,
  ...{ registry: books.rules.registry, types: books.types, devices: books.registry },
  models: ownModels(books.models.registry, dataDir),
})

/** Defines the job; the caller starts the jobs. */
export function joinBacktest(parts: BacktestParts): BacktestPort {
  const { jobs, registry, types, devices, limits } = parts
  const run = (job: RunningJob): Promise<object> => ((job.input as NewBacktest).model === undefined ? runBacktest(job, parts) : tryModel(job, parts))
  jobs.define('backtest', { lane: 'backtest', isResumable: true, run })
  return {
    async create(tenant, wanted, actor) {
      if (wanted.rule !== undefined && wanted.rule_id === undefined) throw invalid('rule_id', 'names the rule that is tried')
      if (wanted.version !== undefined && wanted.rule_id === undefined) throw invalid('rule_id', 'names the rule of that version')
      if (wanted.to_ms <= wanted.from_ms) throw invalid('to_ms', 'must lie behind from_ms')
      if (wanted.from_ms > parts.clock.now()) throw invalid('from_ms', 'lies in the future, of which nothing is stored')
      if (wanted.type !== undefined && types.find(tenant, wanted.type) === undefined) throw invalid('type', 'must name an appliance type')
      if (wanted.device !== undefined && devices.get(tenant, wanted.device) === undefined)
        throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${wanted.device}`)
      const found = wanted.model === undefined ? undefined : await modelOf(tenant, wanted, parts)
      ruleOf(tenant, wanted, registry)
      refuseOthers(tenant, wanted, parts)
      const units = unitsOf(tenant, wanted, parts)
      if (units.length > limits.backtestUnits_MAX) throw invalid('type', `has ${units.length} units, more than ${limits.backtestUnits_MAX}`)
      // The model in force is the one at this moment, whatever is promoted while the job waits.
      const input: NewBacktest = found === undefined ? wanted : { ...wanted, model: found.version }
      return jobs.create({ tenant, kind: 'backtest', input, actor })
    },
    async get(tenant, id) {
      const job = await jobs.get(tenant, id)
      return job?.kind === 'backtest' ? job : undefined
    },
    list: (query) => jobs.list({ ...query, kind: 'backtest' }),
  }
}

const invalid = (field: string, reason: string): MendlineError =>
  new MendlineError('MDL_API_INVALID', `the backtest cannot be: ${field} ${reason}`, { details: { errors: [{ field: `body.${field}`, reason }] } })

/** The one rule that is tried; undefined for all that are in force. */
function ruleOf(tenant: string, { rule_id, version, rule }: NewBacktest, registry: RuleRegistry): Rule | undefined {
  if (rule_id === undefined) return undefined
  if (rule !== undefined) return registry.read(tenant, rule_id, rule)
  const found = version === undefined ? registry.current(tenant, rule_id) : registry.rule(tenant, rule_id, version)
  if (found === undefined)
    throw new MendlineError('MDL_API_NOT_FOUND', `there is no rule ${rule_id}${version === undefined ? '' : ` of version ${version}`}`)
  return found
}

/** Name of the type whose units are tried, as the tenant knows it: that of the rule, or of the model; undefined for all types. */
const typeNameOf = (
  tenant: string,
  { rule_id, rule, model, type }: NewBacktest,
  { registry }: Pick<BacktestParts, 'registry'>,
): string | undefined =>
  rule_id === undefined
    ? model === undefined
      ? undefined
      : type
    : typeof rule?.type === 'string'
      ? rule.type
      : registry.list(tenant).find((known) => known.rule_id === rule_id)?.type

/** Units of another type have nothing that could be tried: a report of no fires would be taken for silence. @throws MendlineError MDL_API_INVALID */
function refuseOthers(tenant: string, wanted: NewBacktest, { registry, devices }: BacktestParts): void {
  const name = typeNameOf(tenant, wanted, { registry })
  if (name === undefined) return
  if (wanted.type !== undefined && wanted.type !== name) throw invalid('type', `is ${wanted.type}, what is tried is of the type ${name}`)
  const device = wanted.device === undefined ? undefined : devices.get(tenant, wanted.device)
  if (device !== undefined && device.type !== name) throw invalid('device', `is of the type ${device.type}, what is tried is of the type ${name}`)
}

function unitsOf(tenant: string, wanted: NewBacktest, { devices, registry, types, limits }: BacktestParts): BacktestUnit[] {
  const { device, type } = wanted
  const own =
    device === undefined
      ? devices.list({ tenant, limit: limits.backtestUnits_MAX + 1 })
      : [devices.get(tenant, device)].flatMap((found) => found ?? [])
  const ofRule = typeNameOf(tenant, wanted, { registry })
  return own.flatMap((unit) => {
    const isWanted = (type === undefined || unit.type === type) && (ofRule === undefined || unit.type === ofRule)
    return isWanted ? [{ tenant, device: unit.device, type: types.find(tenant, unit.type)?.id ?? unit.type }] : []
  })
}

async function runBacktest(job: RunningJob, parts: BacktestParts): Promise<object> {
  const { registry, types, clock, hubs } = parts
  const { tenant } = job
  const wanted = job.input as NewBacktest
  const startedMs = clock.monotonicMs()
  const rule = ruleOf(tenant, wanted, registry)
  const units = unitsOf(tenant, wanted, parts)
  const span = { from_ms: wanted.from_ms, to_ms: wanted.to_ms }
  const typeName = typeNameOf(tenant, wanted, { registry }) ?? ''
  const all = registry.activations().filter((activation) => activation.tenant === tenant)
  const task = {
    types: types.list(tenant),
    activations:
      rule === undefined
        ? all
        : [...all.filter(({ rule_id }) => rule_id !== rule.id), tried(tenant, rule, types.find(tenant, typeName)?.id ?? typeName)],
    span,
    rule,
    warm_ms: rule === undefined ? 0 : lookBackMs(rule),
    isCompared: rule === undefined,
  }
  const progress = createProgress(job, units.length, clock)
  const shares = Array.from({ length: Math.min(THREADS_MAX, availableParallelism(), Math.max(1, units.length)) }, (_, share) => share)
  const done = await Promise.all(
    shares.map((share) =>
      inThread<BacktestPart>(BACKTEST_CALLS.run, { ...task, units: units.filter((_, index) => index % shares.length === share) }, job, {
        ...parts,
        note: (note) => progress(share, note),
      }),
    ),
  )
  const fires = done.flatMap((part) => part.fires)
  const live = done.flatMap((part) => part.live)
  const readings = done.reduce((sum, part) => sum + part.readings, 0)
  const seconds = (clock.monotonicMs() - startedMs) / 1_000
  const judged = judgeFires(fires, await labelsOf(tenant, hubs.labels), { ...wanted, opens: (fire) => opensOrder(fire, { tenant, rule, registry }) })
  const hash = hashFires(fires)
  const told = rule === undefined ? await toldFires(hubs.alarms, { tenant, units, span, registry }) : undefined
  const comparison = rule === undefined ? compareTold({ tried: fires, told, stored: live }, span) : {}
  return {
    ...{
      tried: rule === undefined ? 'rules in force' : `${rule.id}@${rule.version}`,
      rule: rule === undefined ? null : writeRule(rule, typeName),
    },
    ...{
      ...span,
      units: units.length,
      readings,
      seconds,
      real_time_factor: Math.round((span.to_ms - span.from_ms) / 1_000 / Math.max(seconds, 0.001)),
    },
    ...{ alarm_hash: hash, ...comparison, ...judged, fires: fires.slice(0, FIRES_SHOWN), fires_not_shown: Math.max(0, fires.length - FIRES_SHOWN) },
  }
}

/** @throws MendlineError MDL_API_INVALID with the field, MDL_API_NOT_FOUND */
async function modelOf(tenant: string, { model, type: id, rule_id }: NewBacktest, { types, models = committedModels }: BacktestParts) {
  const type = id === undefined ? undefined : types.find(tenant, id)
  if (type === undefined) throw invalid('type', 'names the type whose model is tried')
  if (rule_id !== undefined) throw invalid('rule_id', 'cannot be tried together with a model')
  const found = await models(tenant, type.id, model === 'live' ? undefined : model)
  if (found === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no model ${model} of ${type.id}`)
  return { ...found, type }
}

async function tryModel(job: RunningJob, parts: BacktestParts): Promise<object> {
  const { clock, hubs } = parts
  const { tenant } = job
  const wanted = job.input as NewBacktest
  const startedMs = clock.monotonicMs()
  const { version, directory, isOwn, isLive, type } = await modelOf(tenant, wanted, parts)
  const units = unitsOf(tenant, wanted, parts)
  const span = { from_ms: wanted.from_ms, to_ms: wanted.to_ms }
  const note = createProgress(job, units.length, clock)
  const task: ModelTask = { units, type, directory, isOwn, span }
  const done = await inThread<ModelPart>(BACKTEST_CALLS.runModel, task, job, { ...parts, note: (at) => note(0, at) })
  const live = await toldLive(hubs.diagnoses, { tenant, version, units, span })
  const labels = await labelsOf(tenant, hubs.labels)
  const report = reportModel({ tried: done.diagnoses, live, labels }, { ...wanted, version, units: units.length, span })
  const seconds = (clock.monotonicMs() - startedMs) / 1_000
  const real_time_factor = Math.round((span.to_ms - span.from_ms) / 1_000 / Math.max(seconds, 0.001))
  const { readings, windows } = done
  return {
    tried: `model ${version} of ${type.id}`,
    model: version,
    is_in_force: isLive,
    ...span,
    units: units.length,
    readings,
    windows,
    seconds,
    real_time_factor,
    ...report,
  }
}

/** The version as if it had always been in force. */
const tried = (tenant: string, rule: Rule, type: string): RuleActivation => ({ tenant, type, rule_id: rule.id, from_ms: 0, live: rule, canary: null })

function opensOrder(
  fire: { readonly rule: string; readonly rule_version: number; readonly safety_class: string; readonly fault: string | null },
  { tenant, rule, registry }: { readonly tenant: string; readonly rule: Rule | undefined; readonly registry: RuleRegistry },
): boolean {
  const own = rule ?? registry.rule(tenant, fire.rule, fire.rule_version)
  if (own === undefined) return fire.fault !== null
  // A class that the alarm took on counts from then on: the gravest that it reached, and those on the way.
  const reached = own.levels?.filter(({ safetyClass }) => safetyClass >= fire.safety_class) ?? []
  return isSafetyRule(own) || own.opensWorkOrder || reached.some((level) => isSafetyRule(level) || level.opensWorkOrder)
}

/** Causes that visits found, by device. */
async function labelsOf(tenant: string, labels: HubLists['labels']) {
  const found: Array<{ readonly device: string; readonly cause: string; readonly window_from_ms: number; readonly window_to_ms: number }> = []
  let after: string | null = null
  for (let page = 0; page < LABEL_PAGES_MAX; page++) {
    const { items, next }: Awaited<ReturnType<HubLists['labels']>> = await labels({ tenant, limit: 1_000, ...(after === null ? {} : { after }) })
    found.push(...items)
    after = next
    if (after === null) break
  }
  return found
}

type Note = { readonly units: number; readonly readings: number }

function createProgress(job: RunningJob, units: number, clock: Clock): (share: number, note: Note) => void {
  const notes = new Map<number, Note>()
  let notedMs = Number.NEGATIVE_INFINITY
  return (share, note) => {
    notes.set(share, note)
    const nowMs = clock.monotonicMs()
    const all = [...notes.values()]
    const done = all.reduce((sum, own) => sum + own.units, 0)
    if (nowMs - notedMs < NOTE_EVERY_MS && done < units) return
    notedMs = nowMs
    void job
      .note({ units_done: done, units, readings: all.reduce((sum, own) => sum + own.readings, 0), done: done / Math.max(1, units) })
      .catch(() => {})
  }
}

/** Runs a share of the units in a thread that is made for it and ended behind it, or at the stop of the program. */
async function inThread<Part>(
  call: 'run' | 'run-model',
  task: BacktestTask | ModelTask,
  { signal }: RunningJob,
  { pipeline, note }: BacktestParts & { readonly note: (note: Note) => void },
): Promise<Part> {
  const worker = new Worker(new URL('./workers/backtest-worker.ts', import.meta.url))
  const rpc = new Rpc(worker)
  rpc.handle(BACKTEST_CALLS.checkpoint, (query: object) => pipeline.call(PIPELINE_CALLS.checkpoint, query))
  rpc.handle(BACKTEST_CALLS.live, (query: object) => pipeline.call(PIPELINE_CALLS.alarmRows, query))
  rpc.handleStream(BACKTEST_CALLS.history, (query: object) => pipeline.stream<unknown>(PIPELINE_CALLS.history, query))
  rpc.handleStream(BACKTEST_CALLS.windows, (query: object) => pipeline.stream<unknown>(PIPELINE_CALLS.windows, query))
  rpc.handle(BACKTEST_CALLS.note, note)
  const ended = new MendlineError('MDL_JOB_BROKEN_OFF', 'the thread of the backtest ended')
  worker.on('exit', () => rpc.close(ended))
  worker.on('error', (error) => rpc.close(error instanceof Error ? error : ended))
  const onAbort = (): void => rpc.close(ended)
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    return await rpc.call<Part>(call, task)
  } finally {
    signal.removeEventListener('abort', onAbort)
    await worker.terminate()
  }
}
