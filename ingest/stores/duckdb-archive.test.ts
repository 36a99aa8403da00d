import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { type EpochMs, epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { createLocalDays } from '#kernel/local-day.ts'
import { silentLog } from '#kernel/log.ts'
import { createRandom } from '#kernel/random.ts'
import type { Reading } from '#kernel/reading.ts'
import { channels, kettle, quarantineOf, readingOf, retention } from '../builders.ts'
import type { BucketQuery, RawReading, ReadingBucket, ReadingStore } from '../reading-store.ts'
import type { DuckdbStoreOptions } from './duckdb-options.ts'
import { createDuckdbStore } from './duckdb-store.ts'
import { createMemoryStore } from './memory-store.ts'

const root = mkdtempSync(join(tmpdir(), 'mendline-archive-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
/** A midnight of UTC. */
const DAY_0 = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS

let folders = 0
const newFolder = (): string => join(root, `store-${folders++}`)
const on = (folder: string, options: Partial<DuckdbStoreOptions> = {}): ReadingStore =>
  createDuckdbStore({ file: join(folder, 'hot.duckdb'), coldDirectory: join(folder, 'cold'), log: silentLog, limits, retention, ...options })

async function started(folder: string, options: Partial<DuckdbStoreOptions> = {}): Promise<ReadingStore> {
  mkdirSync(folder, { recursive: true })
  const store = on(folder, options)
  await store.start()
  await store.prepareType(kettle)
  return store
}

const rawOf = async (store: ReadingStore, query: Partial<Parameters<ReadingStore['raw']>[0]> = {}): Promise<RawReading[]> => {
  const rows: RawReading[] = []
  for await (const row of store.raw({ tenant: 'home', from_ms: epochMs(0), to_ms: epochMs(DAY_0 * 2), ...query })) rows.push(row)
  return rows
}

/** Steps until nothing is due. */
async function settle(store: ReadingStore, nowMs: number): Promise<string[]> {
  const steps: string[] = []
  for (let step = await store.maintain?.(epochMs(nowMs)); step !== undefined; step = await store.maintain?.(epochMs(nowMs))) steps.push(step.step)
  return steps
}

const at = (ms: number): EpochMs => epochMs(ms)

/** Random walks of some devices over days, with absent values, texts, aggregated channels and values that are no multiple of anything. */
function walks(
  seed: string,
  { from, hours, firstSeq = 1, devices = 3 }: { from: number; hours: number; firstSeq?: number; devices?: number },
): Reading[] {
  const random = createRandom(seed)
  const readings: Reading[] = []
  for (let device = 0; device < devices; device++) {
    let inlet = 200
    for (let index = 0; index < hours * 6; index++) {
      inlet += random.integer(-3, 4)
      const observed = from + index * (HOUR_MS / 6) + random.integer(0, 60_000)
      const values = {
        ...(random.between(0, 1) < 0.1 ? {} : { inlet_temperature_c: inlet / 10 }),
        outlet_temperature_c: 50.25,
        ...(index % 2 === 0 ? { outlet_temperature_c_min: 49.5, outlet_temperature_c_max: 51.125 } : {}),
        board_temperature_c: index === 3 ? Math.PI : 0,
        float_is_closed: index % 2,
      }
      const texts = index % 10 === 0 ? [['mode', `m${index}`] as const] : []
      const changes = {
        device: `kettle-${device}`,
        seq: firstSeq + index,
        observed_at_ms: at(observed),
        received_at_ms: at(observed + 200),
        fw: '1.2',
        texts,
      }
      readings.push(readingOf(values, changes))
    }
  }
  return readings
}

const bucketQueries: ReadonlyArray<Partial<BucketQuery>> = [
  { maxPoints: 1 },
  { maxPoints: 7 },
  { maxPoints: 60 },
  { maxPoints: 1_000 },
  { maxPoints: 60, tier: 'raw' },
  { maxPoints: 200, tier: 'hourly' },
  { maxPoints: 200, tier: 'daily' },
  { maxPoints: 200, tier: 'daily', timeZone: 'America/New_York' },
  { maxPoints: 50, from_ms: at(DAY_0 + 1_234_567), to_ms: at(DAY_0 + 2 * DAY_MS - 7_654_321) },
]

async function everyBucket(store: ReadingStore): Promise<ReadingBucket[][]> {
  const answers: ReadingBucket[][] = []
  for (const query of bucketQueries) {
    const whole = { tenant: 'home', device: 'kettle-1', channels: [], from_ms: at(DAY_0 - 2 * DAY_MS), to_ms: at(DAY_0 + 5 * DAY_MS), maxPoints: 1 }
    answers.push([...(await store.buckets({ ...whole, ...query }))])
  }
  return answers
}

async function memoryOf(readings: readonly Reading[]): Promise<ReadingStore> {
  const memory = createMemoryStore()
  await memory.prepareType(kettle)
  await memory.write({ readings, quarantine: [], position: 1 })
  return memory
}

describe('archive of the DuckDB store', () => {
  it('gives every answer the same from hot tables, files, merged files and after a restart', async () => {
    const folder = newFolder()
    const store = await started(folder)
    const first = walks('archive/1', { from: DAY_0, hours: 60 })
    const late = walks('archive/2', { from: DAY_0 + 5 * HOUR_MS, hours: 10, firstSeq: 5_000 })
    await store.write({ readings: first, quarantine: [], position: 1 })
    expect(await settle(store, DAY_0 + 5 * DAY_MS)).toEqual(['sealed', 'archived'])
    await store.write({ readings: late, quarantine: [], position: 2 })
    const memory = await memoryOf([...first, ...late])
    const expected = { raw: await rawOf(memory), buckets: await everyBucket(memory) }
    const check = async (given: ReadingStore): Promise<void> => {
      expect(await rawOf(given)).toEqual(expected.raw)
      expect(await everyBucket(given)).toEqual(expected.buckets)
      const some = [...first.slice(5, 8), late[40]].filter((reading) => reading !== undefined)
      expect(await given.lookup(some)).toEqual(await memory.lookup(some))
      const keysOnly = some.map(({ tenant, device, type, boot, seq }) => ({ tenant, device, type, boot, seq }))
      expect((await given.lookup(keysOnly)).size).toBe(4)
      const highest = (rows: Awaited<ReturnType<ReadingStore['highest']>>): string[] => rows.map((row) => JSON.stringify(row)).sort()
      expect(highest(await given.highest())).toEqual(highest(await memory.highest()))
    }
    await check(store)
    expect(await settle(store, DAY_0 + 5 * DAY_MS)).toEqual(['sealed', 'archived', 'merged'])
    await check(store)
    await store.stop()
    const again = await started(folder)
    await check(again)
    expect(readdirSync(join(folder, 'cold', 'kettle')).filter((name) => /^[^.]*[.]parquet$/.test(name))).toHaveLength(3)
    await again.stop()
  })

  it('shows each reading exactly once whenever it is killed, also while it merges', async () => {
    const folder = newFolder()
    const copies: string[] = []
    const store = await started(folder, {
      onStep: async (step) => {
        const copy = `${folder}-${copies.length}-${step}`
        cpSync(folder, copy, { recursive: true })
        copies.push(copy)
      },
    })
    const first = walks('kill/1', { from: DAY_0, hours: 8, devices: 2 })
    await store.write({ readings: first, quarantine: [], position: 1 })
    await settle(store, DAY_0 + 5 * DAY_MS)
    const inFirst = copies.length
    const late = walks('kill/2', { from: DAY_0, hours: 3, firstSeq: 9_000, devices: 2 })
    await store.write({ readings: late, quarantine: [], position: 2 })
    await settle(store, DAY_0 + 5 * DAY_MS)
    await store.stop()
    const memory = { first: await rawOf(await memoryOf(first)), all: await rawOf(await memoryOf([...first, ...late])) }
    expect(copies.map((copy) => copy.replace(/.*-/, ''))).toEqual(
      expect.arrayContaining(['sealed', 'written', 'renamed', 'switched', 'dropped', 'rewritten']),
    )
    for (const [index, copy] of copies.entries()) {
      const opened = await started(copy)
      expect(await rawOf(opened), copy).toEqual(index < inFirst ? memory.first : memory.all)
      await settle(opened, DAY_0 + 5 * DAY_MS)
      expect(await rawOf(opened), `${copy} settled`).toEqual(index < inFirst ? memory.first : memory.all)
      const files = readdirSync(join(copy, 'cold', 'kettle'))
      expect(
        files.filter((name) => /^[^.]*[.]parquet$/.test(name)),
        copy,
      ).toHaveLength(1)
      expect(files.filter((name) => name.endsWith('.tmp'))).toEqual([])
      await opened.stop()
      rmSync(copy, { recursive: true })
    }
  }, 120_000)

  it('closes a table that is full, and takes batches and streams while it archives', async () => {
    const folder = newFolder()
    const store = await started(folder, { limits: { ...limits, storeHotReadings_MAX: 100 } })
    const readings = walks('beside', { from: DAY_0, hours: 20 })
    await store.write({ readings: readings.slice(0, 200), quarantine: [], position: 1 })
    const stream = store.raw({ tenant: 'home', from_ms: at(0), to_ms: at(DAY_0 * 2) })[Symbol.asyncIterator]()
    await stream.next()
    const settling = settle(store, DAY_0)
    await store.write({ readings: readings.slice(200), quarantine: [], position: 2 })
    expect((await settling).slice(0, 2)).toEqual(['sealed', 'archived'])
    let rest = 1
    for (let row = await stream.next(); row.done !== true; row = await stream.next()) rest++
    expect(rest).toBe(200)
    expect(await rawOf(store)).toHaveLength(readings.length)
    await store.checkpoint()
    await store.stop()
  })

  it('makes daily aggregates by the local day of each device, with 23 and 25 hours', async () => {
    const spring = Date.UTC(2026, 2, 28)
    const autumn = Date.UTC(2026, 9, 24)
    const folder = newFolder()
    const store = await started(folder, { timeZoneOf: (_tenant, device) => (device === 'kettle-1' ? 'Europe/Berlin' : 'Asia/Kathmandu') })
    const readings = [spring, autumn].flatMap((from, index) => walks('days', { from, hours: 80, firstSeq: index * 10_000, devices: 2 }))
    await store.write({ readings, quarantine: [], position: 1 })
    await settle(store, autumn + 9 * DAY_MS)
    const query = { tenant: 'home', channels: ['float_is_closed'], tier: 'daily', maxPoints: 500 } as const
    for (const [device, timeZone] of [
      ['kettle-1', 'Europe/Berlin'],
      ['kettle-0', 'Asia/Kathmandu'],
      ['kettle-0', 'Europe/Berlin'],
    ] as const) {
      const rows = await store.buckets({ ...query, device, timeZone, from_ms: at(spring - DAY_MS), to_ms: at(autumn + 9 * DAY_MS) })
      const days = createLocalDays(timeZone).daysIn(spring - DAY_MS, autumn + 9 * DAY_MS)
      const expected = days.flatMap((day) => {
        const n = readings.filter(
          (reading) => reading.device === device && reading.observed_at_ms >= day.from_ms && reading.observed_at_ms < day.to_ms,
        ).length
        return n === 0 ? [] : [[day.from_ms, n]]
      })
      expect(
        rows.map(({ t, n }) => [t, n]),
        `${device} ${timeZone}`,
      ).toEqual(expected)
    }
    const berlin = await store.buckets({
      ...query,
      device: 'kettle-1',
      timeZone: 'Europe/Berlin',
      from_ms: at(spring),
      to_ms: at(autumn + 9 * DAY_MS),
    })
    expect(berlin.map(({ n }) => n)).toEqual(expect.arrayContaining([138, 144, 150]))
    await store.stop()
  })

  it('drops raw readings, single channels, hours and days each at its age, and keeps what is younger', async () => {
    const folder = newFolder()
    const store = await started(folder, {
      retention: { ...retention, raw_days: 20, hourly_days: 40, daily_days: 60, quarantine_days: 10, channel_days: { 'kettle.float_is_closed': 5 } },
    })
    const readings = walks('retention', { from: DAY_0, hours: 24, devices: 1 })
    await store.write({ readings, quarantine: [quarantineOf({ received_at_ms: at(DAY_0) })], position: 1 })
    const floats = async (): Promise<number> => (await rawOf(store)).filter(({ v }) => v.float_is_closed !== undefined).length
    const daily = { tenant: 'home', device: 'kettle-0', channels: [], from_ms: at(DAY_0), to_ms: at(DAY_0 + DAY_MS), maxPoints: 24 }
    const before = await store.buckets(daily)
    await settle(store, DAY_0 + 5 * DAY_MS)
    expect([await floats(), (await store.quarantined({ tenant: 'home', after: 0, limit: 9 })).length]).toEqual([144, 1])
    expect(await settle(store, DAY_0 + 6 * DAY_MS)).toEqual(['columns_dropped'])
    expect([await floats(), (await rawOf(store)).length]).toEqual([0, 144])
    expect(await settle(store, DAY_0 + 21 * DAY_MS)).toEqual(['dropped', 'quarantine_dropped'])
    expect(await rawOf(store)).toEqual([])
    // The hours hold what the raw readings said, the channel that went first included.
    expect(await store.buckets(daily)).toEqual(before)
    expect(await store.storage?.()).toMatchObject([
      { tier: 'hourly', rows: 24 },
      { tier: 'daily' },
      { tier: 'quarantine', rows: 0 },
      { tier: 'hot_file' },
    ])
    expect(await settle(store, DAY_0 + 41 * DAY_MS)).toEqual(['dropped'])
    expect(await store.buckets(daily)).toEqual([])
    expect(await store.buckets({ ...daily, tier: 'daily' })).toContainEqual(
      expect.objectContaining({ channel: 'float_is_closed', n: 144, mean: 0.5 }),
    )
    expect(await settle(store, DAY_0 + 61 * DAY_MS)).toEqual(['dropped'])
    expect(await store.storage?.()).toMatchObject([{ tier: 'quarantine' }, { tier: 'hot_file' }])
    await settle(store, DAY_0 + 61 * DAY_MS)
    expect(readdirSync(join(folder, 'cold', 'kettle'))).toEqual([])
    await store.stop()
  })

  it('keeps values of a channel that a type gained or lost between two archives of a day', async () => {
    const folder = newFolder()
    const store = await started(folder)
    await store.write({
      readings: [readingOf({ inlet_temperature_c: 1.5 }, { observed_at_ms: at(DAY_0), received_at_ms: at(DAY_0) })],
      quarantine: [],
      position: 1,
    })
    await settle(store, DAY_0 + 2 * DAY_MS)
    const grown = { ...kettle, channels: [{ ...channels.inlet, name: 'pressure_kpa' }, channels.inlet] }
    await store.prepareType(grown)
    const second = readingOf(
      { pressure_kpa: 3.25, inlet_temperature_c: 2 },
      { seq: 2, observed_at_ms: at(DAY_0 + 1), received_at_ms: at(DAY_0) },
      grown,
    )
    await store.write({ readings: [second], quarantine: [], position: 2 })
    expect(await settle(store, DAY_0 + 2 * DAY_MS)).toEqual(['sealed', 'archived', 'merged'])
    expect((await rawOf(store)).map(({ v }) => v)).toEqual([{ inlet_temperature_c: 1.5 }, { pressure_kpa: 3.25, inlet_temperature_c: 2 }])
    const hours = await store.buckets({
      tenant: 'home',
      device: 'kettle-1',
      channels: [],
      from_ms: at(DAY_0),
      to_ms: at(DAY_0 + DAY_MS),
      maxPoints: 24,
      tier: 'hourly',
    })
    expect(hours.map(({ channel, n, min, max }) => [channel, n, min, max])).toEqual([
      ['pressure_kpa', 1, 3.25, 3.25],
      ['inlet_temperature_c', 2, 1.5, 2],
    ])
    await store.stop()
  })
})
