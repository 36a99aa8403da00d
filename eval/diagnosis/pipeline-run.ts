/** Runs deliveries of one type through the platform's own pipeline with stores in memory: what it tells, and the alarms that it keeps. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createDeduplicator } from '../../ingest/deduplicate.ts'
import { createReadingWriter } from '../../ingest/reading-writer.ts'
import { decodeRecord, encodeRecord } from '../../ingest/record.ts'
import { createMemoryStore } from '../../ingest/stores/memory-store.ts'
import { createSqliteDerived } from '../../ingest/stores/sqlite-derived.ts'
import { createDiagnoser, type Diagnoser } from '../../models/diagnose.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { Pipeline } from '../../workers/pipeline.ts'
import { storedWindows } from '../../workers/stored-windows.ts'
import { eventTimeOver, journalOver } from '../system/pipeline-parts.ts'
import type { JudgedType } from './section.ts'

const DAY_MS = 86_400_000

/** A message of a unit as the pipeline gets it. */
export interface Delivery {
  readonly device: string
  readonly payload: string
  readonly receivedMs: number
}

export interface PipelineRun {
  readonly told: readonly HubEvent[]
  /** Rows of the alarms, as the derived store has them in the end. */
  readonly alarms: readonly unknown[]
}

/** Gives the pipeline the deliveries in order, and one long after `endMs` that lets all windows close. */
export async function runPipeline(model: JudgedType, deliveries: readonly Delivery[], endMs: number): Promise<PipelineRun> {
  const { type } = model
  const types = (id: string) => (id === type.id ? type : undefined)
  const log = recordsOf(type, deliveries, endMs)
  const store = createMemoryStore()
  const derived = createSqliteDerived({ file: ':memory:' })
  await store.start()
  await store.prepareType(type)
  await derived.start()
  const clock = new ManualClock(0)
  const told: HubEvent[] = []
  const truth = eventTimeOver({ types, store, derived })
  const pipeline = new Pipeline<ClosedWindow>({
    journal: journalOver(log, 2_000),
    decodeRecord,
    decode: (message) => decodeMessage(message, type, limits),
    writer: createReadingWriter({ store, dedup: createDeduplicator(limits), types, clock, log: silentLog, limits, storedPosition: 0 }),
    store,
    truth,
    diagnoser: diagnoserOf(model, storedWindows(derived)),
    snapshots: { load: async () => undefined, save: async () => 0 },
    emit: async (events) => void told.push(...events),
    onReleasable: () => {},
    waitForMore: () => new Promise((resolve) => setImmediate(resolve)),
    wake: () => {},
    clock,
    log: silentLog,
    limits,
  })
  await pipeline.start(0)
  await pipeline.storedUpTo(log.length, 600_000)
  // What came late is worked out again behind the last record: nothing has settled before that.
  const isAtWork = (): boolean => pipeline.statistics().windowsPending > 0 || truth.statistics().amendmentsPending > 0
  while (isAtWork()) await new Promise((resolve) => setImmediate(resolve))
  await pipeline.stop()
  const alarms: unknown[] = []
  for await (const row of derived.all('alarm')) alarms.push(row)
  await store.stop()
  await derived.stop()
  return { told, alarms }
}

function recordsOf(type: ApplianceType, deliveries: readonly Delivery[], endMs: number): Uint8Array[] {
  const atMs = endMs + 20 * DAY_MS
  const last = { device: 'last', receivedMs: atMs, payload: `{"ts":${atMs},"seq":1,"boot":1,"v":{}}` }
  return [...deliveries, last].map(({ device, receivedMs, payload }) =>
    encodeRecord({
      tenant: 'home',
      device,
      type: type.id,
      kind: 'tele',
      payload: Buffer.from(payload),
      received_at_ms: epochMs(receivedMs),
      maxAgeDays: 90,
    }),
  )
}

/** The platform's diagnosis with the committed model of a type. */
export function diagnoserOf({ type, artefact, runtime }: JudgedType, history?: ReturnType<typeof storedWindows>): Diagnoser {
  return createDiagnoser({
    types: (id) => (id === type.id ? type : undefined),
    artefacts: new Map([[type.id, artefact]]),
    runtime: () => runtime,
    log: silentLog,
    limits,
    ...(history !== undefined && { history }),
  })
}
