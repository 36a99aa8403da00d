/**
 * What a query costs after a year, and what a day of a large fleet weighs. A year: devices that give ten channels a minute for 365 days
 * (50 devices: 26 M rows, 263 M readings), archived day by day as the platform does. One device's last 24 h as minutes, a month as hours
 * and the year as local days are asked warm, with ingest beside, and cold: the store is opened anew for each query and the files of the span
 * are dropped from the system's cache (GNU dd; without it the output says so). A fleet's day: 10,000 devices with eight channels a minute,
 * 14.4 M rows, archived and merged into one file. Flags: --devices N, --quick (10 devices x 60 days, a fleet of 1,000). JSON comes last.
 */
import { spawnSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { basename, join } from 'node:path'
import { parseArgs } from 'node:util'
import type { BucketQuery, ReadingStore } from '../../ingest/reading-store.ts'
import { epochMs } from '../../kernel/clock.ts'
import { percentile } from './bench-figures.ts'
import { measureDay } from './capacity-disk.ts'
import { maintainStore, openStore, type TierBytes, tierBytes, withFolder, writeRows } from './store-folder.ts'
import { createWalkers, type Walkers } from './walkers.ts'

const { values: flags } = parseArgs({ options: { quick: { type: 'boolean', default: false }, devices: { type: 'string' } } })

const DAY_MS = 86_400_000
const MINUTE_MS = 60_000
const MINUTES_A_DAY = 1_440
const START_MS = Math.floor(1_760_000_000_000 / DAY_MS) * DAY_MS
const DAYS = flags.quick ? 60 : 365
const DEVICES = Number(flags.devices ?? (flags.quick ? 10 : 50))
const FLEET = flags.quick ? 1_000 : 10_000
const END_MS = START_MS + DAYS * DAY_MS
const COLD_QUERIES = flags.quick ? 10 : 100
const WARM_QUERIES = flags.quick ? 50 : 400
/** Rows a second that are written while the warm queries run, in one batch each second. */
const LIVE_ROWS = 2_000

interface Span {
  readonly name: string
  readonly days: number
  readonly points: number
  readonly tier: 'auto' | 'daily'
}

const SPANS: readonly Span[] = [
  { name: 'last_24_h_as_minutes', days: 1, points: MINUTES_A_DAY, tier: 'auto' },
  { name: 'month_as_hours', days: Math.min(DAYS, 30), points: 720, tier: 'auto' },
  { name: 'year_as_days', days: DAYS, points: DAYS, tier: 'daily' },
]

const report = { bench: 'store-year', ...(await year()), ...(await fleetDay()) }
for (const [name, value] of Object.entries(report)) console.log(`  ${name.replaceAll('_', ' ').padEnd(44)} ${value}`)
console.log(JSON.stringify(report))

async function year(): Promise<Record<string, number | string>> {
  return withFolder(async (folder) => {
    const walkers = createWalkers({ seed: 'year', devices: DEVICES, channels: 10, periodMs: MINUTE_MS, startMs: START_MS })
    const filling = await openStore(folder, walkers)
    const began = performance.now()
    for (let day = 0; day < DAYS; day++) {
      await writeRows(filling, walkers, DEVICES * MINUTES_A_DAY)
      // Half an hour of the next day, so that this one is over; the last day stays hot, as it does in life.
      if (day < DAYS - 1) await maintainStore(filling, START_MS + (day + 1) * DAY_MS + DAY_MS / 48)
    }
    await filling.checkpoint()
    const fillS = (performance.now() - began) / 1_000
    const tiers = await tierBytes(filling)
    await filling.stop()
    const figures: Record<string, number> = {}
    const openMs: number[] = []
    for (const span of SPANS) {
      const coldMs: number[] = []
      const times = span.days > 31 ? Math.ceil(COLD_QUERIES / 4) : COLD_QUERIES
      for (let index = 0; index < times; index++) {
        dropFromCache(folder, span)
        const before = performance.now()
        const store = await openStore(folder, walkers)
        openMs.push(performance.now() - before)
        coldMs.push(await ask(store, walkers.device(index), span))
        await store.stop()
      }
      Object.assign(figures, quantiles(`${span.name}_cold`, coldMs))
    }
    const store = await openStore(folder, walkers)
    const live = ingestBeside(store, walkers)
    for (const span of SPANS) {
      const warmMs: number[] = []
      for (let index = 0; index < DEVICES; index++) await ask(store, walkers.device(index), span)
      for (let index = 0; index < WARM_QUERIES; index++) warmMs.push(await ask(store, walkers.device(index), span))
      Object.assign(figures, quantiles(`${span.name}_warm`, warmMs))
    }
    await live()
    await store.stop()
    const rows = DEVICES * DAYS * MINUTES_A_DAY
    const size = { year_devices: DEVICES, year_days: DAYS, year_rows: rows, year_readings: rows * 10, year_fill_s: round(fillS) }
    return { ...size, ...prefixed('year', tiers), cache: canDrop() ? 'dropped' : 'kept', open_ms_p50: percentile(openMs, 50), ...figures }
  })
}

/** The last of the device's data in the span; an answer without any is an error. */
async function ask(store: ReadingStore, device: string, { days, points, tier }: Span): Promise<number> {
  const query: BucketQuery = {
    tenant: 'home',
    device,
    channels: ['temperature_3_c'],
    from_ms: epochMs(END_MS - days * DAY_MS),
    to_ms: epochMs(END_MS),
    maxPoints: points,
    tier,
  }
  const began = performance.now()
  const rows = await store.buckets(query)
  const elapsedMs = performance.now() - began
  if (rows.length < points * 0.99) throw new Error(`${rows.length} points came where ${points} are`)
  return elapsedMs
}

/** Drops the store's own file and the files of the span's days from the system's cache; nothing else of the machine is touched. */
function dropFromCache(folder: string, { days }: Span): void {
  if (!canDrop()) return
  const firstDay = (END_MS - days * DAY_MS) / DAY_MS - 1
  const files = readdirSync(join(folder, 'cold'), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && Number.parseInt(basename(entry.name), 10) >= firstDay)
    .map((entry) => join(entry.parentPath, entry.name))
  const paths = [join(folder, 'hot.duckdb'), ...files]
  spawnSync('sync', paths)
  for (const path of paths) spawnSync('dd', [`if=${path}`, 'iflag=nocache', 'count=0', 'status=none'])
}

function canDrop(): boolean {
  return (spawnSync('dd', ['--version'], { encoding: 'utf8' }).stdout ?? '').includes('coreutils')
}

function ingestBeside(store: ReadingStore, walkers: Walkers): () => Promise<void> {
  let isOver = false
  const running = (async () => {
    while (!isOver) {
      await store.write({ readings: walkers.next(LIVE_ROWS), quarantine: [], position: walkers.rows })
      await new Promise((resolve) => setTimeout(resolve, 1_000))
    }
  })()
  return async () => {
    isOver = true
    await running
  }
}

async function fleetDay(): Promise<Record<string, number>> {
  const began = performance.now()
  const { raw_rows, raw_bytes, hourly_bytes, daily_bytes } = await measureDay(FLEET, 60)
  const bytes = raw_bytes + hourly_bytes + daily_bytes
  const size = { fleet_devices: FLEET, fleet_rows: raw_rows, fleet_readings: raw_rows * 8, fleet_s: round((performance.now() - began) / 1_000) }
  const parts = { fleet_day_raw_bytes: raw_bytes, fleet_day_hourly_bytes: hourly_bytes, fleet_day_daily_bytes: daily_bytes }
  return { ...size, ...parts, fleet_day_bytes: bytes, fleet_day_bytes_per_reading: round(bytes / (raw_rows * 8)) }
}

function prefixed(prefix: string, tiers: TierBytes): Record<string, number> {
  return Object.fromEntries(Object.entries(tiers).map(([name, value]) => [`${prefix}_${name}`, value]))
}

function quantiles(name: string, values: readonly number[]): Record<string, number> {
  return { [`${name}_ms_p50`]: percentile(values, 50), [`${name}_ms_p99`]: percentile(values, 99) }
}

function round(value: number): number {
  return Number(value.toFixed(2))
}
