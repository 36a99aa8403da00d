/**
 * Figures of the reading store: bytes a reading hot and cold, readings stored a second, and what queries cost cold and warm while ingest
 * runs. Readings are random walks quantised to the sensor's step, ten channels a row with boot, seq and both times, of 200 devices each 10 s;
 * a "reading" is one value of one channel. "Cold" is the first query behind an opening of the store. Flags: --quick (2 M instead of 50 M),
 * --check (exit 1 when a floor is missed). The data folder is made in the temporary folder and removed. The last line is JSON. A year of data and the bytes of a large fleet's day are measured by store-year.ts.
 */
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BucketQuery, ReadingStore } from '../../ingest/reading-store.ts'
import { createDuckdbStore } from '../../ingest/stores/duckdb-store.ts'
import { epochMs } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'
import { percentile } from './bench-figures.ts'
import { createWalkers } from './walkers.ts'

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false }, check: { type: 'boolean', default: false } } })

const CHANNELS = 10
const DEVICES = 200
const ROWS = flags.quick ? 200_000 : 5_000_000
const PERIOD_MS = 10_000
const QUERIES = 40
/** Rows of a batch and pause between two of them while queries run: 2,000 rows a second, ten times what the fleet of the figures sends. */
const LIVE_ROWS = 2_000
const LIVE_PAUSE_MS = 1_000
/** Issue: floors of hot, cold and of the warm median. */
const FLOORS = { hot_bytes_per_reading: 2.6, cold_bytes_per_reading: 1.5, day_query_warm_ms_p50: 25 }

const DAY_MS = 86_400_000
const START_MS = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS
const walkers = createWalkers({ seed: 'store-bench', devices: DEVICES, channels: CHANNELS, periodMs: PERIOD_MS, startMs: START_MS })
const folder = await mkdtemp(join(tmpdir(), 'mendline-store-bench-'))

try {
  const report = await measure()
  console.log(JSON.stringify(report))
  const missed = Object.entries(FLOORS).filter(([name, floor]) => Number(report[name]) > floor)
  for (const [name, floor] of missed) console.error(`missed: ${name} ${report[name]} is above ${floor}`)
  if (flags.check && missed.length > 0) process.exitCode = 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

async function measure(): Promise<Record<string, number | string>> {
  let store = await opened()
  const writeMs = await fill(store)
  await store.stop()
  store = await opened()
  const values = ROWS * CHANNELS
  const hotBytes = await bytesOf(store, 'hot_file')
  const hot = await queryFigures(store)
  const began = performance.now()
  while ((await store.maintain?.(epochMs(endMs() + 9 * DAY_MS))) !== undefined);
  const archiveMs = performance.now() - began
  await store.stop()
  store = await opened()
  const archived = (await store.storage?.())?.find(({ tier }) => tier === 'cold')
  const cold = await queryFigures(store)
  const year = await hourFigures(store)
  const derived = (await bytesOf(store, 'hourly')) + (await bytesOf(store, 'daily'))
  await store.stop()
  const coldBytes = (archived?.bytes ?? 0) / ((archived?.rows ?? 1) * CHANNELS)
  const report = {
    bench: 'store',
    readings: values,
    hot_bytes_per_reading: round(hotBytes / values, 2),
    cold_bytes_per_reading: round(coldBytes, 2),
    derived_bytes_per_reading: round(derived / ((archived?.rows ?? 1) * CHANNELS), 3),
    readings_per_s: Math.round((values / writeMs) * 1_000),
    archived_readings_per_s: Math.round((values / archiveMs) * 1_000),
    ...named('hot_day_query', hot),
    ...named('day_query', cold),
    hourly_query_warm_ms_p50: year,
  }
  print(report)
  return report
}

function print(report: Record<string, number | string>): void {
  console.log(`reading store, ${Number(report.readings) / 1e6} M readings (values of one channel), ingest running beside the queries`)
  for (const [name, value] of Object.entries(report)) if (name !== 'bench') console.log(`  ${name.replaceAll('_', ' ').padEnd(34)} ${value}`)
}

async function opened(): Promise<ReadingStore> {
  mkdirSync(join(folder, 'cold'), { recursive: true })
  // All rows stay hot until the archive is asked for, so that both can be weighed.
  const own = { ...limits, storeHotReadings_MAX: ROWS * 2 }
  const store = createDuckdbStore({ file: join(folder, 'hot.duckdb'), coldDirectory: join(folder, 'cold'), log: silentLog, limits: own })
  await store.start()
  await store.prepareType(walkers.type)
  return store
}

async function fill(store: ReadingStore): Promise<number> {
  let writeMs = 0
  let sinceCheckpoint = 0
  while (walkers.rows < ROWS) {
    const batch = walkers.next(Math.min(limits.storeBatchReadings_MAX, ROWS - walkers.rows))
    const began = performance.now()
    await store.write({ readings: batch, quarantine: [], position: walkers.rows })
    sinceCheckpoint += batch.length
    if (sinceCheckpoint >= limits.snapshotRecords) {
      await store.checkpoint()
      sinceCheckpoint = 0
    }
    writeMs += performance.now() - began
  }
  return writeMs
}

interface Figures {
  readonly cold: readonly number[]
  readonly warm: readonly number[]
}

/** One device and channel as means of a minute over 24 h; each device is asked once cold and once more warm, with batches beside. */
async function queryFigures(store: ReadingStore): Promise<Figures> {
  const stopIngest = ingestBeside(store)
  const day = (device: number): BucketQuery => ({
    tenant: 'home',
    device: `walker-${device % DEVICES}`,
    channels: ['temperature_3_c'],
    from_ms: epochMs(START_MS + (ROWS / DEVICES) * PERIOD_MS - DAY_MS),
    to_ms: epochMs(START_MS + (ROWS / DEVICES) * PERIOD_MS),
    maxPoints: 1_440,
  })
  const ask = async (device: number): Promise<number> => {
    const began = performance.now()
    const rows = await store.buckets(day(device))
    if (rows.length === 0) throw new Error('a device has no rows')
    return performance.now() - began
  }
  const cold: number[] = []
  const warm: number[] = []
  for (let device = 0; device < QUERIES; device++) cold.push(await ask(device * 5))
  for (let device = 0; device < QUERIES; device++) warm.push(await ask(device * 5))
  await stopIngest()
  return { cold, warm }
}

/** All that there is of one device as hours. */
async function hourFigures(store: ReadingStore): Promise<number> {
  const times: number[] = []
  for (let device = 0; device < QUERIES; device++) {
    const began = performance.now()
    const span = { from_ms: epochMs(START_MS), to_ms: epochMs(START_MS + 365 * DAY_MS) }
    await store.buckets({ tenant: 'home', device: `walker-${device}`, channels: ['temperature_3_c'], ...span, maxPoints: 10_000 })
    times.push(performance.now() - began)
  }
  return percentile(times, 50)
}

function ingestBeside(store: ReadingStore): () => Promise<void> {
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      await store.write({ readings: walkers.next(LIVE_ROWS), quarantine: [], position: walkers.rows })
      await new Promise((resolve) => setTimeout(resolve, LIVE_PAUSE_MS))
    }
  })()
  return async () => {
    isOver = true
    await running
  }
}

function named(name: string, { cold, warm }: Figures): Record<string, number> {
  return {
    [`${name}_cold_ms_p50`]: percentile(cold, 50),
    [`${name}_cold_ms_p99`]: percentile(cold, 99),
    [`${name}_warm_ms_p50`]: percentile(warm, 50),
    [`${name}_warm_ms_p99`]: percentile(warm, 99),
  }
}

function round(value: number, digits: number): number {
  return Number(value.toFixed(digits))
}

function endMs(): number {
  return START_MS + Math.ceil(walkers.rows / DEVICES) * PERIOD_MS
}

async function bytesOf(store: ReadingStore, tier: string): Promise<number> {
  return (await store.storage?.())?.filter((row) => row.tier === tier).reduce((sum, { bytes }) => sum + bytes, 0) ?? Number.NaN
}
