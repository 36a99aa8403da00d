/**
 * Entry of the pipeline worker: joins, in data order, what follows the journal, and answers queries on the reading store. A query waits
 * (bounded) until what was acknowledged before it is stored, so that a device's owner sees what the device was told is kept.
 */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parentPort, workerData } from 'node:worker_threads'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { systemClock } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import { flushCompiled } from '../compile-cache.ts'
import { decodeMessage } from '../ingest/decode.ts'
import { createDeduplicator } from '../ingest/deduplicate.ts'
import type { RowQuery } from '../ingest/derived-store.ts'
import { createGapTracker } from '../ingest/gaps.ts'
import { blockingFiles } from '../ingest/journals/blocking-files.ts'
import { createFileJournalReader } from '../ingest/journals/file-journal-reader.ts'
import { createKeptContent } from '../ingest/kept-content.ts'
import { createLatestValues } from '../ingest/latest.ts'
import { createMappingBook, type MappingVersion } from '../ingest/mapping/mapping-book.ts'
import type { BucketQuery, QuarantineQuery, RawQuery } from '../ingest/reading-store.ts'
import { createReadingWriter } from '../ingest/reading-writer.ts'
import { decodeRecord } from '../ingest/record.ts'
import { createDuckdbStore } from '../ingest/stores/duckdb-store.ts'
import { ENGINE_FILE } from '../ingest/stores/engine-file.ts'
import { createSqliteDerived } from '../ingest/stores/sqlite-derived.ts'
import type { ClosedWindow } from '../models/windows.ts'
import { isSafetyRule } from '../rules/compile-rules.ts'
import { createRuleBook } from '../rules/rule-book.ts'
import { Audit } from './audit.ts'
import { answerBoards } from './board-queries.ts'
import { channelStateOf, deriveAll } from './derivation.ts'
import { EventTime } from './event-time.ts'
import { keptFromMs } from './kept-readings.ts'
import { answerKnownReadings } from './known-readings.ts'
import { joinModels, type WorkerModels } from './model-parts.ts'
import { createPacedReader } from './paced-reader.ts'
import { Pipeline } from './pipeline.ts'
import type { PipelineState } from './pipeline-parts.ts'
import { Rpc } from './rpc.ts'
import { answerRules } from './rule-queries.ts'
import { createSnapshotFile } from './snapshot-file.ts'
import { createStoreMaintenance } from './store-maintenance.ts'
import { storedWindows } from './stored-windows.ts'
import { standBack } from './thread-priority.ts'
import { answerTruth } from './truth-queries.ts'
import { MAIN_CALLS, PIPELINE_CALLS, type PipelineWorkerSettings } from './worker-settings.ts'

/** Longest wait of a query for what was acknowledged before it. */
const READ_YOUR_WRITES_MS = 5_000

assert(parentPort !== null, 'the pipeline runs in a worker')
standBack()
const { dataDir, committedEnd, ownTypes, limits, store: storeSettings, ...rest } = workerData as PipelineWorkerSettings
const { mappings, activations, modelSeats, retention, timeZones, defaultTimeZone } = rest
const main = new Rpc(parentPort)
const clock = systemClock
const log = logOverPort(main)
const durableEnd = (): number => Number(Atomics.load(committedEnd, 0))

const types = new Map<string, ApplianceType>(applianceTypes.map((type) => [type.id, type]))
const own = new Map(ownTypes)
for (const type of own.values()) types.set(type.id, type)
const typeById = (id: string): ApplianceType | undefined => types.get(id)
/** Asked for each message; most sites have no types of their own. */
const typeOf = (tenant: string, name: string): ApplianceType | undefined =>
  (own.size === 0 ? undefined : own.get(`${tenant}/${name}`)) ?? types.get(name)

const mappingBook = createMappingBook(mappings)
// Writer and device time copy the values of a reading, each into memory of its own.
const decodeOptions = { ...limits, mappingOf: mappingBook.mappingOf, areReadingsReused: true }

const readingsDir = join(dataDir, 'readings')
mkdirSync(readingsDir, { recursive: true })
const zones = new Map(timeZones)
const embedded = createDuckdbStore({
  file: join(readingsDir, 'hot.duckdb'),
  coldDirectory: join(readingsDir, 'cold'),
  formerFile: join(readingsDir, 'readings.duckdb'),
  timeZoneOf: (tenant, device) => zones.get(`${tenant}/${device}`) ?? defaultTimeZone,
  retention,
  log,
  limits,
})
// Loaded only where it is used: most sites never need it.
const store =
  storeSettings.kind === 'duckdb'
    ? embedded
    : (await import('../ingest/stores/influx-store.ts')).createInfluxStore({ ...storeSettings, side: embedded, limits })
// An erasure of the stopped folder would not know of the engine.
if (storeSettings.kind !== 'duckdb') writeFileSync(join(readingsDir, ENGINE_FILE), JSON.stringify({ url: storeSettings.url }))
let models: WorkerModels | undefined
const derived = createSqliteDerived({ file: join(readingsDir, 'derived.sqlite') })
const maintenance = createStoreMaintenance({ store: embedded, derived, derivedDays: retention.derived_days, clock, log, limits })
const dedup = createDeduplicator(limits)
const latest = createLatestValues({ types: typeById })
let wakeUp: () => void = () => {}
let pipeline: Pipeline<ClosedWindow> | undefined

main.handle(PIPELINE_CALLS.start, start)
main.handle(PIPELINE_CALLS.stop, async () => {
  maintenance.stop()
  store.leave?.()
  try {
    await pipeline?.stop()
  } finally {
    await models?.stop()
    await store.stop()
    await derived.stop()
  }
})
main.handle(PIPELINE_CALLS.buckets, async (query: BucketQuery) => {
  await seeWhatIsAcknowledged()
  return store.buckets(query)
})
main.handleStream(PIPELINE_CALLS.raw, async function* (query: RawQuery) {
  await seeWhatIsAcknowledged()
  yield* store.raw(query)
})
main.handle(PIPELINE_CALLS.quarantined, async (query: QuarantineQuery) => {
  await seeWhatIsAcknowledged()
  return store.quarantined(query)
})
main.handle(PIPELINE_CALLS.channelStates, async (query: Omit<RowQuery, 'kind'>) => {
  await seeWhatIsAcknowledged()
  return (await derived.rows({ ...query, kind: 'channel_state' })).map(channelStateOf)
})
const book = createRuleBook({ types: typeById, filter: (rule) => !isSafetyRule(rule) })
answerRules(main, { store, derived, types: typeById, book, activations, see: seeWhatIsAcknowledged })
answerBoards(main, { latest, derived, types: typeById, artefactOf: (type) => models?.builtIn.get(type), see: seeWhatIsAcknowledged })
answerKnownReadings(main, { store, dedup, see: seeWhatIsAcknowledged })
answerTruth(main, { latest, derived, see: seeWhatIsAcknowledged })
main.handle(PIPELINE_CALLS.storage, async () => embedded.storage?.())
main.handle(PIPELINE_CALLS.capture, (directory: string) => embedded.capture?.(directory))
main.handle(PIPELINE_CALLS.verifyReadings, () => embedded.verify?.())
main.handle(PIPELINE_CALLS.timeZone, async ([key, zone]: readonly [string, string]) => void zones.set(key, zone))
main.handle(PIPELINE_CALLS.registerMapping, (version: MappingVersion) => mappingBook.add(version))
main.handle(PIPELINE_CALLS.registerType, async ([key, type]: readonly [string, ApplianceType]) => {
  await store.prepareType(type)
  own.set(key, type)
  types.set(type.id, type)
})

async function start(): Promise<void> {
  const { position: storePosition } = await store.start()
  if (storePosition > durableEnd()) {
    throw new MendlineError(
      'MDL_STORE_SCHEMA',
      'the reading store is ahead of the journal: one of them was put back from another time; restore both together',
      {
        details: { store_position: storePosition, journal_end: durableEnd() },
      },
    )
  }
  for (const type of types.values()) await store.prepareType(type)
  await derived.start()
  models = await joinModels({ main, dataDir, seats: modelSeats, types: typeById, history: storedWindows(derived), clock, log, limits })
  const kept = storeSettings.kind === 'duckdb' ? { kept: createKeptContent({ retention, types: typeById, store, clock }) } : {}
  const writer = createReadingWriter({ store, dedup, types: typeById, clock, log, limits, storedPosition: storePosition, ...kept })
  const reader = createFileJournalReader({ directory: join(dataDir, 'journal'), committedEnd: durableEnd, files: blockingFiles, limits })
  const paced = createPacedReader({ reader, committedEnd: durableEnd, clock, limits })
  const derivation = deriveAll(typeById, { limits, book })
  const truth = new EventTime<ClosedWindow>({
    derivation,
    gaps: createGapTracker(limits),
    latest,
    derived,
    types: typeById,
    history: (query) => store.history(query),
    keptFromMs: (id, receivedMs) => keptFromMs(retention, { id, channels: (typeById(id)?.channels ?? []).map(({ name }) => name) }, receivedMs),
    limits,
  })
  const audit = new Audit({
    writer,
    store,
    tell: (event) =>
      main.call<void>(MAIN_CALLS.apply, [event]).catch((cause: unknown) => log.error('alarm of the self-audit is not told', { cause })),
    onFinding: (finding) => main.notify(MAIN_CALLS.audit, finding),
    clock,
    log,
  })
  pipeline = new Pipeline<ClosedWindow>({
    journal: paced,
    decodeRecord,
    decode: (message) => decodeMessage(message, typeOf(message.tenant, message.type), decodeOptions),
    writer,
    store,
    truth,
    audit,
    diagnoser: models.bench,
    snapshots: createSnapshotFile<PipelineState<ClosedWindow>>({ directory: join(dataDir, 'state'), name: 'pipeline', log }),
    emit: (events) => main.call(MAIN_CALLS.apply, events),
    onReleasable: (position) => main.notify(MAIN_CALLS.releasable, position),
    waitForMore,
    wake() {
      paced.hurry()
      wakeUp()
    },
    clock,
    log,
    limits,
  })
  main.handle(PIPELINE_CALLS.statistics, async () => ({
    pipeline: pipelineStatistics(),
    writer: writer.statistics(),
    truth: { ...truth.statistics() },
    audit: audit.statistics(),
    heard: [...latest.heard(() => clock.now() - limits.deviceSilentMs)],
    store: await store.statistics(),
    quality: derivation.qualityStatistics(),
    normal: { ...derivation.normalStatistics() },
    maintenance: maintenance.statistics(),
    tiers: await maintenance.tiers(),
    models: { ...models?.bench.statistics() },
    drift: models?.bench.drift() ?? [],
  }))
  const { running } = await pipeline.start(storePosition)
  maintenance.start()
  flushCompiled()
  running.catch((error: unknown) => {
    log.error('pipeline cannot go on', { cause: error instanceof Error ? (error.stack ?? error.message) : String(error) })
    process.exit(1)
  })
}

/** Windows that a model failed on are lost to diagnosis whether their batch failed or they were set aside. */
function pipelineStatistics() {
  const found = pipeline?.statistics()
  return found === undefined ? undefined : { ...found, windowsFailed: found.windowsFailed + (models?.bench.statistics().windowsSetAside ?? 0) }
}

async function seeWhatIsAcknowledged(): Promise<void> {
  await pipeline?.storedUpTo(durableEnd(), READ_YOUR_WRITES_MS)
}

/** Sleeps until the main thread says that the journal has grown, `wakeUp` is called, or the time is over. */
async function waitForMore(position: number, timeoutMs: number): Promise<void> {
  const woken = new Promise<void>((resolve) => {
    wakeUp = resolve
  })
  if (durableEnd() > position) return
  const wait = Atomics.waitAsync(committedEnd, 0, BigInt(position), timeoutMs)
  if (wait.async) await Promise.race([wait.value, woken])
}

function logOverPort(rpc: Rpc): Log {
  const send =
    (level: keyof Log): Log['info'] =>
    (message, fields = {}) =>
      rpc.notify(MAIN_CALLS.log, { level, message, fields: JSON.parse(JSON.stringify(fields)) as object })
  return { debug: send('debug'), info: send('info'), warn: send('warn'), error: send('error') }
}
