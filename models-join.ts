/**
 * Joins the models of tenants: their registry in the operational store, the check of what somebody brings, the pipeline's worker that
 * diagnoses by them, the outcomes that a shadow is judged by, and the port of the API. A change reaches the pipeline before it is answered; when
 * the worker is away it learns of it at its start.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { ModelPort, ReportCosts } from './api/model-ports.ts'
import type { HubTables } from './hubs/hub-tables.ts'
import { type Artefact, loadArtefacts } from './models/artefact.ts'
import { inputNames } from './models/inputs.ts'
import { checkGivenModel, type GivenModel } from './models/registry/check-model.ts'
import type { ModelSeats } from './models/registry/model-book.ts'
import { ModelRegistry } from './models/registry/model-registry.ts'
import type { ModelTables } from './models/registry/model-tables.ts'
import {
  type CostParameters,
  DEFAULT_COSTS,
  makeReport,
  type Outcome,
  objectionsToPromotion,
  type ShadowReport,
  type Told,
} from './models/registry/shadow-report.ts'
import { storedObjections } from './models/registry/stored-objections.ts'
import type { ModelAnswers } from './workers/model-parts.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

type Tables = ModelTables & Pick<HubTables, 'hub_diagnoses' | 'hub_labels'>

export interface Models {
  readonly registry: ModelRegistry
  /** Of the program, by type. */
  readonly builtIn: ReadonlyMap<string, Artefact>
  readonly keepShadow: (diagnoses: readonly Diagnosis[]) => Promise<void>
  readonly database: Kysely<Tables>
  /** Why models of tenants that were taken in by an earlier version give no diagnosis, by `tenant/version`. */
  readonly objections: ReadonlyMap<string, string>
  /** Models in force that give none. */
  silent(): number
  /** From here on a change reaches the pipeline. */
  reach(pipeline: Pick<PipelineHost, 'call' | 'isRunning'>): void
}

interface ModelBooks {
  readonly dataDir: string
  readonly database: Kysely<Tables>
  readonly types: { readonly byId: (type: string) => ApplianceType | undefined }
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

/** Reads what is saved. */
export async function openModels({ dataDir, database, types, clock, log, limits }: ModelBooks): Promise<Models> {
  let tell: (seats: readonly ModelSeats[]) => Promise<unknown> = async () => {}
  // What is wrong with them the pipeline's worker says.
  const builtIn = await loadArtefacts(types.byId).catch(() => new Map<string, Artefact>())
  const registry = new ModelRegistry({
    database: database as unknown as Kysely<ModelTables>,
    dataDir,
    builtIn,
    clock,
    limits,
    onChange: (seats) => tell(seats),
  })
  await registry.start()
  const objections = await storedObjections(registry, dataDir)
  for (const [model, objection] of objections) log.error('a model of a tenant gives no diagnosis', { model, objection })
  return {
    registry,
    builtIn,
    database,
    objections,
    silent: () => registry.seats().filter(({ tenant, reigns }) => objections.has(`${tenant}/${reigns.at(-1)?.version}`)).length,
    keepShadow: (diagnoses) => keepShadow(database, diagnoses),
    reach(pipeline) {
      tell = async (seats) => {
        if (pipeline.isRunning()) await pipeline.call(PIPELINE_CALLS.modelSeats, seats)
        else log.info('the pipeline is away and learns of the models at its start')
      }
    },
  }
}

async function keepShadow(database: Kysely<Tables>, diagnoses: readonly Diagnosis[]): Promise<void> {
  const rows = diagnoses.map(({ diagnosis_id, tenant, device, made_at_ms, answer, fault, probability, versions }) => ({
    ...{ diagnosis_id, tenant, version: versions.model ?? '', device, made_at_ms, answer, fault, probability },
  }))
  await database
    .insertInto('model_shadow_diagnoses')
    .values(rows)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

export interface ModelPortParts {
  readonly pipeline: Pick<PipelineHost, 'call' | 'isRunning'>
  readonly findType: (tenant: string, name: string) => ApplianceType | undefined
  readonly clock: Clock
  readonly limits: Limits
}

/** The port of the API, but for training. */
export function modelPort(models: Models, parts: ModelPortParts): Omit<ModelPort, 'train' | 'training'> {
  const { registry, builtIn, objections } = models
  const { pipeline, findType, clock, limits } = parts
  return {
    list: (tenant) => registry.list(tenant).map((record) => ({ ...record, objection: objections.get(`${tenant}/${record.version}`) ?? null })),
    async get(tenant, version) {
      const { record, card } = registry.get(tenant, version)
      const objection = objections.get(`${tenant}/${version}`) ?? null
      return { ...record, objection, card, moves: await registry.moves(tenant, version) }
    },
    features(tenant, name) {
      const type = findType(tenant, name)
      const base = type === undefined ? undefined : builtIn.get(type.id)
      if (type === undefined || base === undefined)
        throw new MendlineError('MDL_API_NOT_FOUND', `there is no model of ${name} whose features could be named`)
      const features = base.reference.responses.map(({ feature }) => feature)
      return { type: type.id, features: [...inputNames(type, features), ...features.map((feature) => `raw:${feature}`)], classes: base.card.classes }
    },
    async add(tenant, given: GivenModel, actor) {
      const check = { findType: (name: string) => findType(tenant, name), baseOf: (type: string) => builtIn.get(type), clock, limits }
      const { bytes, card } = await checkGivenModel(given, check)
      const files = { ...bytes, card: Buffer.from(JSON.stringify(card)), parsed: card }
      return registry.add(tenant, files, { source: 'uploaded', actor })
    },
    shadow: (tenant, version, change) => registry.setShadow(tenant, version, change),
    report: (tenant, version, costs) => reportOf(models, parts, { tenant, version, costs }),
    async promote(tenant, version, { isForced, reason, actor, costs }) {
      const { record } = registry.get(tenant, version)
      const report = record.state === 'shadow' ? await reportOf(models, parts, { tenant, version, costs }) : null
      const objections = report === null ? ['it was no shadow, so nobody knows how it does here'] : objectionsToPromotion(report)
      if (objections.length > 0 && !isForced && record.state !== 'live' && record.source !== 'program') {
        const errors = objections.map((objection) => ({ field: 'model', reason: objection }))
        throw new MendlineError('MDL_MODEL_WORSE', `${version} is not promoted: ${objections.join('; ')}`, { details: { errors } })
      }
      return registry.promote(tenant, version, { actor, reason, isForced: isForced && objections.length > 0, report: { objections, report } })
    },
    rollBack: (tenant, type, { reason, actor }) => {
      const found = findType(tenant, type)
      if (found === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no type ${type}`)
      return registry.rollBack(tenant, found.id, { reason, actor })
    },
    async moves(tenant) {
      const moves = await registry.moves(tenant)
      return moves.map(({ report, is_forced, tenant: _, ...move }) => ({ ...move, is_forced: is_forced === 1, report: JSON.parse(report) }))
    },
    drift: async (tenant) => (await pipeline.call<ModelAnswers>(PIPELINE_CALLS.models, { tenant })).drift,
  }
}

async function reportOf(
  { registry, database }: Models,
  { pipeline, clock }: ModelPortParts,
  { tenant, version, costs }: { readonly tenant: string; readonly version: string; readonly costs: ReportCosts },
): Promise<ShadowReport> {
  const { record } = registry.get(tenant, version)
  if (record.state !== 'shadow') throw new MendlineError('MDL_API_CONFLICT', `${version} is ${record.state}, no shadow; nothing was compared`)
  const { type } = record
  const fromMs = record.shadow_from_ms ?? 0
  const { comparison } = await pipeline.call<ModelAnswers>(PIPELINE_CALLS.models, { tenant, type, version })
  const nothing = { windows: 0, agreed: 0, dropped: 0, failed: 0, pairs: {}, pending: 0, units: 0, unit_weeks: 0 }
  const outcomes = await outcomesOf(database, { tenant, type, fromMs })
  return makeReport({
    liveVersion: registry.live(tenant, type)?.version ?? '',
    shadowVersion: version,
    fromMs,
    toMs: clock.now(),
    comparison: comparison ?? nothing,
    live: await toldLive(database, { tenant, type, fromMs }),
    shadow: await toldByShadow(database, { tenant, version }),
    outcomes,
    costs: { ...DEFAULT_COSTS, ...costs } satisfies CostParameters,
  })
}

interface Span {
  readonly tenant: string
  readonly type: string
  /** Time of receipt. */
  readonly fromMs: number
}

/** Devices send what they kept for so long; it is diagnosed when it comes. */
const LATE_MS = 35 * 86_400_000

/** Diagnoses of the live model that were received since. */
async function toldLive(database: Kysely<Tables>, { tenant, type, fromMs }: Span): Promise<Told[]> {
  const rows = await database
    .selectFrom('hub_diagnoses')
    .select(['device', 'made_at_ms', 'answer', 'fault', 'body'])
    .where('tenant', '=', tenant)
    .where('made_at_ms', '>=', fromMs - LATE_MS)
    .execute()
  return rows.flatMap(({ body, ...told }) => {
    const diagnosis = JSON.parse(body) as Diagnosis
    return diagnosis.type === type && diagnosis.source === 'model' && diagnosis.received_at_ms >= fromMs ? [told] : []
  })
}

const toldByShadow = (database: Kysely<Tables>, { tenant, version }: { readonly tenant: string; readonly version: string }): Promise<Told[]> =>
  database
    .selectFrom('model_shadow_diagnoses')
    .select(['device', 'made_at_ms', 'answer', 'fault'])
    .where('tenant', '=', tenant)
    .where('version', '=', version)
    .orderBy('made_at_ms')
    .execute()

async function outcomesOf(database: Kysely<Tables>, { tenant, type, fromMs }: Span): Promise<Outcome[]> {
  const rows = await database
    .selectFrom('hub_labels')
    .select(['device', 'cause', 'window_from_ms', 'window_to_ms'])
    .where('tenant', '=', tenant)
    .where('type', '=', type)
    .where('labelled_at_ms', '>=', fromMs)
    .execute()
  return rows.map(({ device, cause, window_from_ms: from_ms, window_to_ms: to_ms }) => ({ device, cause, from_ms, to_ms }))
}
