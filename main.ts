/**
 * Joins everything, in data order: doors and journal, then what follows the journal (safety here, the pipeline in its worker), then
 * hubs and outbox, then the API that reads from all. Stops in reverse. The pipeline's own joins are in `workers/pipeline-worker.ts`.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import type { Kysely } from 'kysely'
import { applianceTypes } from '#catalogue/registry.ts'
import { assertLimits } from '#kernel/assert-limits.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { type ApiTables, apiMigrations } from './api/api-tables.ts'
import type { BacktestPort } from './api/backtest-ports.ts'
import { createIdempotency } from './api/idempotency.ts'
import { createKeyStore } from './api/keys.ts'
import type { Api } from './api/server.ts'
import { backtestPorts, joinBacktest } from './backtest-join.ts'
import { joinBoards } from './boards-join.ts'
import { createBroker } from './broker/broker.ts'
import type { CreatedDevice, NewDevice } from './broker/device-registry.ts'
import { type DeviceTables, deviceMigrations } from './broker/device-tables.ts'
import { createIdentity } from './broker/identity.ts'
import { createCareJoin } from './care-join.ts'
import { createCohorts } from './cohorts-join.ts'
import type { Config } from './config.ts'
import { createDeviceZones, type DeviceZones, listZones } from './device-zones.ts'
import { createDiskGuard, type DiskGuard } from './disk-guard.ts'
import { type EmergencyStage, joinEmergencies } from './emergency-join.ts'
import { createUnitBook, endingWork } from './group-places.ts'
import { prepareLayouts } from './guard/layouts.ts'
import { createHealth } from './health.ts'
import { createHubBoards } from './hubs/boards.ts'
import { createCohortBook } from './hubs/cohort-book.ts'
import { createHubCounts } from './hubs/counts.ts'
import { createTargetGuard } from './hubs/dispatch/webhook-target.ts'
import { emergencyMigrations } from './hubs/emergency/emergency-tables.ts'
import { type HubTables, hubMigrations } from './hubs/hub-tables.ts'
import { createHubs } from './hubs/hubs.ts'
import { createHttpWebhook } from './hubs/notifiers/http-webhook.ts'
import { createOutbox } from './hubs/outbox.ts'
import { createPurge } from './hubs/purge.ts'
import { createRepairBook } from './hubs/verify/repair-book.ts'
import { createRepairWatch } from './hubs/verify/repair-watch.ts'
import { createIngest, type Ingest } from './ingest/ingest.ts'
import type { Journal } from './ingest/journal.ts'
import { createFileJournal } from './ingest/journals/file-journal.ts'
import { createMappingRegistry, type MappingTables, mappingMigrations } from './ingest/mapping/mapping-registry.ts'
import { createTypeRegistry, type OwnTypeTables, typeMigrations } from './ingest/type-registry.ts'
import { type Files, filePorts, joinFiles } from './join-files.ts'
import { type Gateways, joinGateways } from './join-gateways.ts'
import { joinGuard } from './join-guard.ts'
import { fleetPorts } from './life-join.ts'
import { createLoopDelay, type LoopDelay } from './loop-delay.ts'
import { apiSettings, tlsOf, webhookTargets, workerStore } from './main-settings.ts'
import { createMetrics } from './metrics.ts'
import { modelMigrations } from './models/registry/model-tables.ts'
import { modelPort, openModels } from './models-join.ts'
import { joinTraining } from './models-training.ts'
import { type Jobs, jobMigrations } from './operations/jobs.ts'
import { openOperations } from './operations/open-database.ts'
import { takeProcessLock } from './operations/process-lock.ts'
import { joinRemote } from './remote-join.ts'
import { type RuleTables, ruleMigrations } from './rules/rule-tables.ts'
import { openRules, rulePort } from './rules-join.ts'
import { joinSafety } from './safety-join.ts'
import type { TwinStage } from './twin/twin.ts'
import { twinMigrations } from './twin/twin-tables.ts'
import { commandsOfHubs, joinTwin, withdrawFrom } from './twin-join.ts'
import { typePorts } from './type-ports.ts'
import { createVerifyJoin, together } from './verify-join.ts'
import { version } from './version.ts'
import { createPipelineHost } from './workers/pipeline-host.ts'
import { createReleases, type Releases } from './workers/releases.ts'
import { askTruth } from './workers/truth-queries.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

export interface Platform {
  readonly mqttUrl: string
  readonly httpUrl: string
  /** Takes nothing more, finishes what is on its way, saves its state; idempotent. */
  stop(): Promise<void>
}

interface Ports {
  readonly log: Log
  readonly clock: Clock
}

/** Builds the platform over `config.dataDir` and starts it; rejects when a part cannot start, with the others stopped. */
export async function startPlatform(config: Config, ports: Ports): Promise<Platform> {
  const { log } = ports
  assertLimits(config.limits)
  mkdirSync(config.dataDir, { recursive: true, mode: 0o700 })
  const stops: Array<() => Promise<unknown>> = []
  const stop = async (): Promise<void> => {
    for (const stopOne of stops.splice(0).reverse())
      await stopOne().catch((cause: unknown) => log.error('a part did not stop cleanly', { cause: String(cause) }))
  }
  try {
    const lock = takeProcessLock(join(config.dataDir, 'lock.sqlite'))
    stops.push(async () => lock.release())
    const books = await openBooks(config, ports)
    stops.push(() => books.operations.close())
    const { journal, releases } = await openJournal(config, ports)
    stops.push(() => journal.stop())
    const service = joinService(books, config, ports)
    const emergencies = await joinEmergencies(config, { ...service.dangerPorts, ...ports })
    const { apply } = emergencies
    stops.push(emergencies.stop)
    const ingest = createIngest({ journal, ...ports, limits: config.limits })
    const disk = createDiskGuard({ directory: config.dataDir, refuse: ingest.refuse, apply, limits: config.limits, ...ports })
    stops.push(disk.stop)
    await disk.start()
    const twin = joinTwin({ ...books, journal, releases, apply, limits: config.limits, ...ports })
    service.commandsGoTo(twin)
    const broker = joinBroker({ ...books, ingest, twin }, config, ports)
    twin.speakThrough(broker)
    emergencies.hub.speakThrough(broker, twin.isAway)
    const after = joinConsumers({ ...books, ...service, apply, journal, releases }, config, ports)

    // Devices are let in as soon as the journal is open; what follows it starts beside them and reads what came meanwhile.
    stops.push(() => after.pipeline.stop())
    const pipelineStarted = after.pipeline.start(journal.end())
    pipelineStarted.catch(() => {})
    stops.push(() => after.safety.stop(), after.watches.stop, service.purge.stop, service.outbox.stop, service.hubs.stop, twin.stop)
    await emergencies.start()
    const safetyStarted = after.safety.start()
    safetyStarted.catch(() => {})
    await twin.start()
    stops.push(broker.stop)
    const { mqttPort } = await broker.start()
    await safetyStarted
    await service.hubs.start()
    await service.outbox.start()
    service.purge.start()
    after.watches.start()
    await pipelineStarted
    await books.layouts.settled()
    const gateways = joinGateways(config, { ...books, find: books.registry.get, accept: ingest.accept, ...ports, limits: config.limits })
    stops.push(gateways.stop)
    await gateways.start()
    const jobs = joinGuard(config, { ...books, ...after, journal, releases, ...ports })
    stops.push(() => jobs.stop())
    const zones = createDeviceZones({ registry: books.identity.devices, pipeline: after.pipeline, defaultZone: config.timeZone })
    const files = joinFiles(jobs, { ...config, ...ports, ...filePorts({ ...books, zones }), ...after, journal, accept: ingest.accept })
    stops.push(async () => files.stop())
    const backtests = joinBacktest({ jobs, ...after, ...backtestPorts(books, config), hubs: service.hubs, clock: ports.clock })
    const training = joinTraining(jobs, { ...config, ...books, ...after, ...filePorts({ ...books, zones }) })
    await jobs.start()
    const loopDelay = createLoopDelay()
    stops.push(async () => loopDelay.stop())
    const doors = { emergencies, journal, ingest, broker, gateways, twin, jobs, backtests, files, training, zones, disk, loopDelay }
    const api = await joinApi({ ...books, ...service, ...after, ...doors }, config, ports)
    stops.push(api.stop)
    const { port: httpPort } = await api.start()
    const scheme = config.http.tls === undefined ? 'http' : 'https'
    return { mqttUrl: `mqtt://${config.mqtt.host}:${mqttPort}`, httpUrl: `${scheme}://${config.http.host}:${httpPort}`, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** What is known before the first message: devices, types, keys, and the tables of the hubs. */
async function openBooks({ dataDir, limits, jwt }: Config, { log, clock }: Ports) {
  const stages = [...deviceMigrations, ...typeMigrations, ...mappingMigrations, ...apiMigrations, ...hubMigrations, ...twinMigrations]
  const migrations = [...stages, ...jobMigrations, ...ruleMigrations, ...modelMigrations]
  const layouts = await prepareLayouts({ dataDir, program: version, migrations, emergencyMigrations, log })
  const operations = await openOperations({ file: join(dataDir, 'operations.sqlite'), log })
  await operations.migrate(migrations)
  const types = createTypeRegistry({ database: operations.database as Kysely<OwnTypeTables>, catalogue: applianceTypes, clock, limits })
  await types.start()
  const mappings = createMappingRegistry({ database: operations.database as Kysely<MappingTables>, clock, typeOf: types.find, limits })
  await mappings.start()
  const rules = await openRules({ database: operations.database as unknown as Kysely<RuleTables>, types, clock })
  const identity = createIdentity({ database: operations.database as Kysely<DeviceTables>, clock, types: types.names, tokens: jwt })
  await identity.start()
  const models = await openModels({
    dataDir,
    database: operations.database as Parameters<typeof openModels>[0]['database'],
    types,
    clock,
    log,
    limits,
  })
  return { layouts, operations, types, mappings, rules, models, identity, registry: identity.devices }
}

type Books = Awaited<ReturnType<typeof openBooks>>

async function openJournal({ dataDir, limits }: Config, { log, clock }: Ports) {
  const journal = createFileJournal({ directory: join(dataDir, 'journal'), limits, log, clock })
  log.info('journal opened', { ...(await journal.start()) })
  const releases = createReleases({ consumers: ['pipeline', 'safety', 'twin'], release: (position) => journal.release(position), log })
  return { journal, releases }
}

/** hubs.route and outbox.send. */
function joinService({ operations, types, rules, registry }: Books, { dev, limits, webhooks, retention }: Config, { log, clock }: Ports) {
  const database = operations.database as Kysely<HubTables>
  const guard = createTargetGuard(webhookTargets({ dev, webhooks }))
  const notifier = createHttpWebhook({ guard })
  const outbox = createOutbox({ database, clock, log, limits, notifier, guard, random: createRandom(`outbox/${clock.now()}`) })
  let twin: TwinStage | undefined
  const hubs = createHubs({
    database,
    catalogue: types.byId,
    ruleOf: rules.ruleOf,
    ...createUnitBook(registry, clock),
    clock,
    log,
    commands: commandsOfHubs(() => twin, limits),
    hasEmergencyPath: true,
    onCommitted: () => outbox.wake(),
  })
  registry.onRevoked(endingWork(hubs, log))
  const withdrawCommand = withdrawFrom(operations.database, clock)
  const dangerPorts = { database, catalogue: types.byId, ruleOf: rules.ruleOf, registry, guard, ordinary: outbox, hubs, withdrawCommand }
  const commandsGoTo = (stage: TwinStage): void => {
    twin = stage
  }
  const purge = createPurge({ database, retention, clock, log })
  return {
    hubs,
    outbox,
    purge,
    counts: createHubCounts(database),
    hubBoards: createHubBoards(database),
    cohortBook: createCohortBook(database),
    repairWatch: createRepairWatch(database),
    dangerPorts,
    commandsGoTo,
  }
}

type Service = ReturnType<typeof joinService>

/** broker.authorise and ingest.accept. */
function joinBroker(
  { identity, mappings, ingest, twin }: Books & { readonly ingest: Ingest; readonly twin: TwinStage },
  config: Config,
  { log, clock }: Ports,
) {
  const settings = { mqtt: config.mqtt, tls: tlsOf(config), dev: config.dev }
  const openDoor = config.mqtt.fastLane ? ingest.openDoor : undefined
  const { accept } = ingest
  return createBroker({ registry: identity, accept, openDoor, mappings, onState: twin.notePresence, clock, log, limits: config.limits, settings })
}

/** What follows the journal: the safety rules here, store.write, rules.decide and models.diagnose in the pipeline's worker. */
function joinConsumers(
  parts: Books &
    Service & {
      readonly apply: Service['hubs']['apply']
      readonly journal: Journal
      readonly releases: Releases<'pipeline' | 'safety' | 'twin'>
    },
  config: Config,
  { log, clock }: Ports,
) {
  const { identity, types, mappings, rules, models, apply, journal, releases } = parts
  const { dataDir, limits, retention, timeZone } = config
  const pipeline = createPipelineHost({
    settings: { dataDir, limits, store: workerStore(config), retention, defaultTimeZone: timeZone },
    ownTypes: types.own,
    timeZones: () => listZones(identity.devices),
    mappings: mappings.book.all,
    activations: () => rules.registry.activations(),
    modelSeats: () => models.registry.seats(),
    keepShadow: models.keepShadow,
    apply,
    onReleasable: (position) => releases.done('pipeline', position),
    clock,
    log,
  })
  models.reach(pipeline)
  journal.onCommit(() => pipeline.committed(journal.end()))
  const safety = joinSafety(config, { ...parts, hubs: { apply }, onReleasable: (position) => releases.done('safety', position), clock, log })
  const cohorts = createCohorts({ ...parts, registry: identity.devices, pipeline, book: parts.cohortBook, apply, limits, clock, log })
  const verify = createVerifyJoin({ watch: parts.repairWatch, pipeline, apply, limits, clock, log })
  const care = createCareJoin({ care: parts.hubs.careUse, registry: identity.devices, types, pipeline, limits, clock, log })
  return { pipeline, safety, cohorts, watches: together(cohorts, verify, care, joinRemote(parts.hubs.remoteTests, pipeline, { clock, log })) }
}

type Everything = Books &
  Service &
  ReturnType<typeof joinConsumers> & {
    readonly emergencies: EmergencyStage
    readonly journal: Journal
    readonly ingest: Ingest
    readonly broker: ReturnType<typeof createBroker>
    readonly gateways: Gateways
    readonly twin: TwinStage
    readonly jobs: Jobs
    readonly backtests: BacktestPort
    readonly disk: DiskGuard
    readonly files: Files
    readonly training: ReturnType<typeof joinTraining>
    readonly zones: DeviceZones<NewDevice, CreatedDevice>
    readonly loopDelay: LoopDelay
  }

/** Loaded last: no device waits for the HTTP server's modules. */
async function joinApi(parts: Everything, config: Config, { log, clock }: Ports): Promise<Api> {
  const { createApi } = await import('./api/server.ts')
  const { operations, rules, models, training, identity, types, hubs, emergencies, pipeline, broker, twin, jobs, files, zones } = parts
  const database = operations.database as Kysely<ApiTables>
  const health = createHealth({ ...parts, clock })
  return createApi({
    ports: {
      keys: createKeyStore({ database, clock, dev: config.dev }),
      idempotency: createIdempotency({ database, clock, limits: config.limits }),
      devices: { ...identity.devices, create: zones.create, setAttributes: identity.setAttributes },
      gateways: identity.gateways,
      principalKeys: identity.keys,
      claims: identity.claims,
      provisioning: identity.provisioning,
      ...typePorts(parts),
      readings: {
        buckets: (query) => pipeline.call(PIPELINE_CALLS.buckets, { ...query, timeZone: zones.zoneOf(query.tenant, query.device) }),
        raw: (query) => pipeline.stream(PIPELINE_CALLS.raw, query),
      },
      truth: askTruth(pipeline),
      storage: { storage: () => pipeline.call(PIPELINE_CALLS.storage) },
      quarantine: { quarantined: (query) => pipeline.call(PIPELINE_CALLS.quarantined, query) },
      channelStates: { list: (query) => pipeline.call(PIPELINE_CALLS.channelStates, query) },
      ...{ hubs, alarms: hubs, intake: emergencies.hears(hubs), remote: hubs, help: hubs, care: hubs, orderChain: hubs, experience: hubs },
      lineage: createRepairBook(operations.database as Kysely<HubTables>),
      backtests: parts.backtests,
      models: { ...modelPort(models, { pipeline, findType: types.find, clock, limits: config.limits }), ...training },
      rules: rulePort(rules, { pipeline, devices: identity.devices, types, tell: hubs.apply, clock }),
      ...fleetPorts(parts, clock),
      boards: joinBoards({ ...parts, clock, limits: config.limits }),
      webhooks: emergencies.lanes,
      emergencies: emergencies.hub,
      jobs,
      ...files,
      twin,
      health,
      metrics: createMetrics(health.samples),
      mqtt: broker,
    },
    clock,
    log,
    limits: config.limits,
    settings: apiSettings(config),
    version,
  })
}
