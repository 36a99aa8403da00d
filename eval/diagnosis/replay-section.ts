/**
 * The same weeks of a street, delivered in order, shuffled, late, doubled and out of order by minutes: how many alarms and standing
 * diagnoses differ in the end. Each way runs through the platform's own pipeline; beside it what differs when readings simply count as they
 * come (last-received semantics).
 */
import { airConditioner as type } from '#catalogue/air-conditioner/air-conditioner.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createDeduplicator } from '../../ingest/deduplicate.ts'
import { createGapTracker } from '../../ingest/gaps.ts'
import { createLatestValues } from '../../ingest/latest.ts'
import { createReadingWriter } from '../../ingest/reading-writer.ts'
import { decodeRecord, encodeRecord } from '../../ingest/record.ts'
import { createMemoryStore } from '../../ingest/stores/memory-store.ts'
import { createSqliteDerived } from '../../ingest/stores/sqlite-derived.ts'
import { createDiagnoser, type Diagnoser } from '../../models/diagnose.ts'
import { classesOf } from '../../models/training/training-set.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { type DerivedOutput, deriveAll } from '../../workers/derivation.ts'
import { EventTime } from '../../workers/event-time.ts'
import { Pipeline } from '../../workers/pipeline.ts'
import { storedWindows } from '../../workers/stored-windows.ts'
import type { EvalSection } from '../evaluation/table.ts'
import { SECOND_CITIES, SECOND_SEEDS } from '../second-plant/evaluation.ts'
import { secondPlantModels } from '../second-plant/registry.ts'
import { type JudgedType, withModel } from './section.ts'

const MIN_MS = 60_000
const DAY_MS = 86_400_000
const START_MS = Date.UTC(2025, 6, 1)
const types = (id: string) => (id === type.id ? type : undefined)

interface Sent {
  readonly device: string
  readonly atMs: number
  readonly payload: string
}
type Delivery = Sent & { readonly receivedMs: number }

export const replaySection: EvalSection = {
  id: 'replay-order',
  run: ({ isQuick }) => withModel(type, async (model) => [await makeTable(model, isQuick ? { units: 2, days: 16 } : { units: 5, days: 30 })]),
}

async function makeTable(model: JudgedType, size: { units: number; days: number }) {
  const sent = streetOf(size)
  const endMs = START_MS + size.days * DAY_MS
  const ways = waysOf(sent, endMs)
  const expected = await byPipeline(model, ways['in order'] ?? [], endMs)
  const naive = await byReceipt(model, ways['in order'] ?? [])
  const rows = []
  for (const [name, deliveries] of Object.entries(ways)) {
    if (name === 'in order') continue
    const given = await byPipeline(model, deliveries, endMs)
    const naively = await byReceipt(model, deliveries)
    rows.push({
      measure: `${name}: differing alarms and diagnoses`,
      value: differences(expected, given),
      baselines: [{ name: 'last-received', value: differences(naive, naively) }],
      goal: { max: 0 },
      note: `of ${expected.size}`,
    })
  }
  return {
    id: 'replay-order',
    title: 'The same readings in another order',
    data: 'simulated' as const,
    command: 'npm run eval -- --only replay-order',
    rows,
    notes: [
      `${size.units} air conditioners of the second plant over ${size.days} days, ${sent.length} readings. Compared are all alarms with their times and, for each unit, the diagnosis that stands in the end.`,
    ],
  }
}

/** Deliveries of every way, in order of receipt. */
function waysOf(sent: readonly Sent[], endMs: number): Record<string, Delivery[]> {
  const inOrder = sent.map((entry) => ({ ...entry, receivedMs: entry.atMs + 300 }))
  const sorted = (deliveries: Delivery[]): Delivery[] => deliveries.sort((a, b) => a.receivedMs - b.receivedMs)
  const random = createRandom('ways')
  const isLate = (device: string): boolean => Number(device.slice(-1)) % 2 === 0
  return {
    'in order': inOrder,
    'shuffled by up to an hour': sorted(sent.map((entry) => ({ ...entry, receivedMs: entry.atMs + Math.floor(random.uniform() * 60 * MIN_MS) }))),
    'half of the units late by a week': sorted(
      inOrder.map((entry) =>
        isLate(entry.device) && entry.atMs > endMs - 10 * DAY_MS ? { ...entry, receivedMs: entry.receivedMs + 7 * DAY_MS } : entry,
      ),
    ),
    'a tenth late by days': sorted(
      inOrder.map((entry) => (random.chance(0.1) ? { ...entry, receivedMs: entry.receivedMs + Math.floor(random.between(1, 4) * DAY_MS) } : entry)),
    ),
    doubled: sorted(inOrder.flatMap((entry) => [entry, { ...entry, receivedMs: entry.receivedMs + Math.floor(random.uniform() * 6 * 60 * MIN_MS) }])),
  }
}

function streetOf({ units, days }: { units: number; days: number }): Sent[] {
  const fleet = createFleet({
    type,
    units,
    seed: SECOND_SEEDS[0],
    startMs: START_MS,
    faultShare: 0.8,
    faults: classesOf(type).slice(1),
    samplePeriodMs: 10 * MIN_MS,
    tenant: 'home',
    growthScale: 0.4,
    onsetSpanMs: 0.4 * days * DAY_MS,
    plants: secondPlantModels,
    cities: SECOND_CITIES,
  })
  return [...fleet.step(START_MS + days * DAY_MS - 1)].map(({ device, atMs, payload }) => ({ device, atMs, payload }))
}

/** Alarms and standing diagnoses by the platform's pipeline. */
async function byPipeline(model: JudgedType, deliveries: readonly Delivery[], endMs: number): Promise<Set<string>> {
  const last = {
    device: 'last',
    atMs: endMs + 20 * DAY_MS,
    receivedMs: endMs + 20 * DAY_MS,
    payload: `{"ts":${endMs + 20 * DAY_MS},"seq":1,"boot":1,"v":{}}`,
  }
  const log = [...deliveries, last].map(({ device, receivedMs, payload }) =>
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
  const store = createMemoryStore()
  const derived = createSqliteDerived({ file: ':memory:' })
  await store.start()
  await store.prepareType(type)
  await derived.start()
  const clock = new ManualClock(0)
  const told: HubEvent[] = []
  const pipeline = new Pipeline<ClosedWindow>({
    journal: {
      async read(from) {
        const records = log.slice(from, from + 2_000).map((body, index) => ({ body, next: from + index + 1 }))
        return { records, next: from + records.length, corrupt: 0 }
      },
    },
    decodeRecord,
    decode: (message) => decodeMessage(message, type, limits),
    writer: createReadingWriter({ store, dedup: createDeduplicator(limits), types, clock, log: silentLog, limits, storedPosition: 0 }),
    store,
    truth: new EventTime<ClosedWindow>({
      derivation: deriveAll(types),
      gaps: createGapTracker(limits),
      latest: createLatestValues({ types }),
      derived,
      history: (query) => store.history(query),
      limits,
    }),
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
  while (pipeline.statistics().windowsPending > 0) await new Promise((resolve) => setImmediate(resolve))
  await pipeline.stop()
  const found = new Set<string>()
  for await (const row of derived.all('alarm')) found.add(JSON.stringify(row))
  await store.stop()
  await derived.stop()
  return withStanding(
    found,
    told.flatMap((event) => (event.kind === 'diagnosis_made' ? [event.diagnosis] : [])),
  )
}

/** The same by folding each reading as it comes. */
async function byReceipt(model: JudgedType, deliveries: readonly Delivery[]): Promise<Set<string>> {
  const derivation = deriveAll(types)
  const output: DerivedOutput<ClosedWindow> = { changes: [], windows: [], alarms: [] }
  for (const { device, receivedMs, payload } of deliveries) {
    const message = {
      tenant: 'home',
      device,
      type: type.id,
      kind: 'tele' as const,
      payload: Buffer.from(payload),
      received_at_ms: epochMs(receivedMs),
      maxAgeDays: 90,
    }
    const readings: readonly Reading[] = decodeMessage(message, type, limits).readings
    for (const reading of readings) derivation.observe(reading, output)
  }
  const found = new Set(
    output.alarms.map(({ kind, alarm }) => JSON.stringify([kind, alarm.device, alarm.rule, alarm.began_at_ms, alarm.cleared_at_ms])),
  )
  return withStanding(found, await diagnoserOf(model).diagnose(output.windows))
}

function diagnoserOf({ artefact, runtime }: JudgedType, history?: ReturnType<typeof storedWindows>): Diagnoser {
  return createDiagnoser({
    types,
    artefacts: new Map([[type.id, artefact]]),
    runtime: () => runtime,
    log: silentLog,
    limits,
    ...(history !== undefined && { history }),
  })
}

/** Adds for each device the last answer told. */
function withStanding(found: Set<string>, diagnoses: readonly Diagnosis[]): Set<string> {
  const standing = new Map(
    diagnoses.filter(({ answer }) => answer !== 'not_enough_data').map(({ device, answer, fault }) => [device, `${device} ${answer} ${fault}`]),
  )
  for (const [device, text] of standing) if (!text.startsWith(`${device} no_fault`)) found.add(text)
  return found
}

const differences = (a: ReadonlySet<string>, b: ReadonlySet<string>): number =>
  [...a].filter((entry) => !b.has(entry)).length + [...b].filter((entry) => !a.has(entry)).length
