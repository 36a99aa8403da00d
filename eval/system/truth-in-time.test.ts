/** The same day of a street, delivered in order, shuffled, late, doubled and with a restart in between, gives the same tables byte for byte. */
import { createHash } from 'node:crypto'
import { afterEach, beforeAll, describe, expect, it } from 'vitest'
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import { decodeMessage } from '../../ingest/decode.ts'
import { createDeduplicator } from '../../ingest/deduplicate.ts'
import type { DerivedStore } from '../../ingest/derived-store.ts'
import type { ReadingStore } from '../../ingest/reading-store.ts'
import { createReadingWriter } from '../../ingest/reading-writer.ts'
import { decodeRecord, encodeRecord } from '../../ingest/record.ts'
import { createDuckdbStore } from '../../ingest/stores/duckdb-store.ts'
import { createMemoryStore } from '../../ingest/stores/memory-store.ts'
import { createSqliteDerived } from '../../ingest/stores/sqlite-derived.ts'
import type { ClosedWindow } from '../../models/windows.ts'
import { createFleet } from '../../simulators/fleet.ts'
import { Pipeline } from '../../workers/pipeline.ts'
import type { PipelineState } from '../../workers/pipeline-parts.ts'
import type { Snapshot } from '../../workers/snapshot-file.ts'
import { backtestOf } from './backtest-of.ts'
import { eventTimeOver, journalOver } from './pipeline-parts.ts'

const MIN = 60_000
const HOUR = 60 * MIN
const DAY = 24 * HOUR
const START = Date.UTC(2026, 6, 14)
const UNITS = 20

/** A rule that begins and ends often, beside those of the catalogue. */
const busy: Rule = {
  id: 'TEST-BUSY',
  version: 1,
  safetyClass: 'E4',
  fault: null,
  title: { en: 'Compressor runs for ten minutes', 'zh-CN': '压缩机运行十分钟' },
  advice: { en: '', 'zh-CN': '' },
  when: { channel: 'compressor_frequency_hz', op: '>', value: 20, unit: 'hz' },
  holdMs: 10 * MIN,
  clearHoldMs: 5 * MIN,
  gapMs_MAX: 15 * MIN,
  opensWorkOrder: false,
  levels: [{ safetyClass: 'E3', afterMs: 30 * MIN, holdMs: 0, clearHoldMs: 0, opensWorkOrder: false }],
  source: 'test',
}
const type: ApplianceType = { ...airConditioner, rules: [...airConditioner.rules, busy] }
const types = (id: string): ApplianceType | undefined => (id === type.id ? type : undefined)

interface Sent {
  readonly device: string
  readonly atMs: number
  readonly payload: string
}
interface Delivery extends Sent {
  readonly receivedMs: number
}

let day: readonly Sent[] = []
beforeAll(() => {
  const fleet = createFleet({ type, units: UNITS, seed: 'truth', startMs: START, faultShare: 0.5, samplePeriodMs: 2 * MIN, tenant: 'home' })
  // Two minutes of one unit and twenty of another never arrive.
  const isLost = ({ device, atMs }: Sent): boolean => {
    const minute = Math.floor((atMs - START) / MIN)
    return (device === 'ac-0003' && minute >= 600 && minute < 602) || (device === 'ac-0004' && minute >= 700 && minute < 720)
  }
  day = [...fleet.step(START + DAY - 1)].map(({ device, atMs, payload }) => ({ device, atMs, payload })).filter((sent) => !isLost(sent))
})

const inOrder = (): Delivery[] => day.map((sent) => ({ ...sent, receivedMs: sent.atMs + 300 }))
const byReceipt = (deliveries: readonly Delivery[]): Delivery[] => deliveries.toSorted((a, b) => a.receivedMs - b.receivedMs)

const ways: Readonly<Record<string, () => Delivery[]>> = {
  'in order': inOrder,
  shuffled: () => {
    const random = createRandom('shuffled')
    const places = day.map((sent) => ({ sent, place: random.uniform() })).sort((a, b) => a.place - b.place)
    return places.map(({ sent }, index) => ({ ...sent, receivedMs: START + DAY + index * 20 }))
  },
  'out of order by some minutes': () => {
    const random = createRandom('some minutes')
    return byReceipt(day.map((sent) => ({ ...sent, receivedMs: sent.atMs + Math.floor(random.uniform() * 15 * MIN) })))
  },
  late: () =>
    byReceipt(
      inOrder().map((given, index) => {
        const { device, atMs } = given
        // One unit's afternoon arrives after midnight, backwards; another's whole day arrives days later.
        if (device === 'ac-0001' && atMs >= START + DAY / 2) return { ...given, receivedMs: START + 2 * DAY - Math.floor((atMs - START) / 100) }
        if (device === 'ac-0002') return { ...given, receivedMs: START + 5 * DAY + index }
        return given
      }),
    ),
  doubled: () => {
    const random = createRandom('doubled')
    return byReceipt(inOrder().flatMap((given) => [given, { ...given, receivedMs: given.receivedMs + Math.floor(random.uniform() * 6 * HOUR) }]))
  },
}

interface Tables {
  readonly hashes: Readonly<Record<string, string>>
  readonly counts: Readonly<Record<string, number>>
  readonly standing: readonly string[]
  /** The rules in force tried on the second half of the day, beside what they told live. */
  readonly backtest: Awaited<ReturnType<typeof backtestOf>>
}

interface Run {
  readonly isAmending?: boolean
  readonly isDuckdb?: boolean
  /** The process is killed after this share of the records and started again from its last snapshot. */
  readonly killedAt?: number
}

const stops: Array<() => Promise<void>> = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** Runs the pipeline over a journal of the deliveries; a record of another device, a week later, moves the journal's clock on. */
async function replay(deliveries: readonly Delivery[], run: Run = {}): Promise<Tables> {
  const last = { device: 'last', atMs: START + 9 * DAY, receivedMs: START + 9 * DAY, payload: `{"ts":${START + 9 * DAY},"seq":1,"boot":1,"v":{}}` }
  const log = [...deliveries, last].map(({ device, receivedMs, payload }) =>
    encodeRecord({
      tenant: 'home',
      device,
      type: type.id,
      kind: 'tele',
      payload: Buffer.from(payload),
      received_at_ms: epochMs(receivedMs),
      maxAgeDays: 30,
    }),
  )
  const store = run.isDuckdb === true ? createDuckdbStore({ file: ':memory:', log: silentLog, limits }) : createMemoryStore()
  const derived = createSqliteDerived({ file: ':memory:' })
  stops.push(
    () => store.stop(),
    () => derived.stop(),
  )
  await store.start()
  await store.prepareType(type)
  await derived.start()
  const world = { store, derived, told: [] as HubEvent[], snapshot: undefined as Snapshot<PipelineState<ClosedWindow>> | undefined }
  if (run.killedAt !== undefined) await runOver(log.slice(0, Math.floor(log.length * run.killedAt)), world, run)
  await runOver(log, world, run)
  const units = [...new Set(day.map(({ device }) => device))].map((device) => ({ tenant: 'home', device, type: type.id }))
  const backtest = await backtestOf({ store, derived, types }, units, { from_ms: START + 12 * HOUR, to_ms: START + DAY })
  return { ...(await readTables(store, derived, world.told)), backtest }
}

interface World {
  readonly store: ReadingStore
  readonly derived: DerivedStore
  readonly told: HubEvent[]
  snapshot: Snapshot<PipelineState<ClosedWindow>> | undefined
}

async function runOver(log: readonly Uint8Array[], world: World, { isAmending = true }: Run): Promise<void> {
  const clock = new ManualClock(0)
  const { store, derived } = world
  const storedPosition = world.told.length === 0 && world.snapshot === undefined ? 0 : await positionOf(world)
  const writer = createReadingWriter({ store, dedup: createDeduplicator(limits), types, clock, log: silentLog, limits, storedPosition })
  const truth = eventTimeOver({ types, store, derived }, { isAmending })
  const pipeline = new Pipeline<ClosedWindow>({
    journal: journalOver(log, 3_777),
    decodeRecord,
    decode: (message) => decodeMessage(message, type, limits),
    writer,
    store,
    truth,
    diagnoser: { diagnose: async () => [], amend: async () => [], snapshot: () => null, restore: () => {} },
    snapshots: {
      load: async () => structuredClone(world.snapshot),
      async save(snapshot) {
        world.snapshot ??= structuredClone(snapshot)
        position = snapshot.position
        return 0
      },
    },
    emit: async (events) => void world.told.push(...events),
    onReleasable: () => {},
    waitForMore: () => new Promise((resolve) => setImmediate(resolve)),
    wake: () => {},
    clock,
    log: silentLog,
    limits: { ...limits, snapshotRecords: 5_000 },
  })
  let position = 0
  await pipeline.start(storedPosition)
  await pipeline.storedUpTo(log.length, 60_000)
  await pipeline.stop()
  positions.set(world.store, position)
}

const positions = new WeakMap<ReadingStore, number>()
const positionOf = async ({ store }: World): Promise<number> => positions.get(store) ?? 0

async function readTables(store: ReadingStore, derived: DerivedStore, told: readonly HubEvent[]): Promise<Omit<Tables, 'backtest'>> {
  const tables: Record<string, string[]> = { readings: [], window: [], alarm: [], alarm_level: [], channel_state: [], gaps: [] }
  // How and when a reading arrived is no part of what the device said.
  for await (const { received_at_ms: _, hist: __, ...reading } of store.raw({ tenant: 'home', from_ms: epochMs(0), to_ms: epochMs(START + 8 * DAY) }))
    tables.readings?.push(JSON.stringify(reading))
  for (const kind of ['window', 'alarm', 'alarm_level', 'channel_state'] as const)
    for await (const row of derived.all(kind)) tables[kind]?.push(JSON.stringify(row))
  const gaps = await derived.gaps({ tenant: 'home', from_ms: 0, to_ms: START + 9 * DAY, isOpen: true, after: 0, limit: 1_000 })
  for (const { id: _, opened_at_ms: __, closed_at_ms: ___, ...gap } of gaps) tables.gaps?.push(JSON.stringify(gap))
  tables.gaps?.sort()
  const entries = Object.entries(tables)
  const standing = new Set<string>()
  for (const event of told) {
    if (event.kind === 'alarm_raised') standing.add(`${event.alarm.device} ${event.alarm.rule}`)
    if (event.kind === 'alarm_cleared') standing.delete(`${event.alarm.device} ${event.alarm.rule}`)
  }
  return {
    hashes: Object.fromEntries(entries.map(([name, lines]) => [name, createHash('sha256').update(lines.join('\n')).digest('hex')])),
    counts: Object.fromEntries(entries.map(([name, lines]) => [name, lines.length])),
    standing: [...standing].sort(),
  }
}

describe('truth in time', { timeout: 60_000 }, () => {
  let expected: Tables
  beforeAll(async () => {
    expected = await replay(inOrder())
  }, 60_000)

  it('derives windows, alarms and gaps of the day that arrives in order', () => {
    expect(expected.counts.readings).toBe(day.length)
    expect(expected.counts.window).toBeGreaterThan(UNITS * 2)
    expect(expected.counts.alarm).toBeGreaterThan(UNITS)
    expect(expected.counts.gaps).toBe(2)
    expect(expected.counts.alarm_level).toBeGreaterThan(UNITS)
  })

  it.each(['in order', 'shuffled', 'late', 'doubled'])('backtests the day as it was live when it arrives %s', async (name) => {
    const { backtest } = await replay(ways[name]?.() ?? inOrder())
    expect(backtest.fires).toBeGreaterThan(UNITS)
    expect(backtest.tried).toBe(backtest.live)
    expect(backtest).toEqual(expected.backtest)
  })

  it.each(Object.keys(ways))('gives the same tables when the day arrives %s', async (name) => {
    expect(await replay(ways[name]?.() ?? [])).toEqual(expected)
  })

  it('gives the same tables out of DuckDB', async () => {
    expect(await replay(ways.late?.() ?? [], { isDuckdb: true })).toEqual(expected)
  })

  it.each(['shuffled', 'late'])('gives the same tables when the day arrives %s and the process is killed half-way', async (name) => {
    expect(await replay(ways[name]?.() ?? [], { killedAt: 0.55 })).toEqual(expected)
  })

  it.each(['shuffled', 'late', 'out of order by some minutes'])(
    'would give other tables of the %s day without working it out again',
    async (name) => {
      const { hashes } = await replay(ways[name]?.() ?? [], { isAmending: false })
      expect(hashes.readings).toBe(expected.hashes.readings)
      expect(hashes.alarm).not.toBe(expected.hashes.alarm)
    },
  )
})
