/**
 * What a fleet's readings weigh on disk, written through the store as the platform writes them: a whole day of a fleet, archived and merged,
 * and a small fleet over a year, archived day by day. Eight channels a message, random walks quantised to the sensor's step.
 */
import { epochMs } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { maintainStore, openStore, type TierBytes, tierBytes, withFolder, writeRows } from './store-folder.ts'
import { createWalkers } from './walkers.ts'

/** Bytes of one day of a fleet; written to capacity.json. */
export interface DiskPoint extends TierBytes {
  readonly devices: number
  readonly period_s: number
}

/** Bytes of a fleet after so many days, nothing dropped; written to capacity.json. */
export interface RetentionPoint extends TierBytes {
  readonly devices: number
  readonly period_s: number
  readonly days: number
}

const DAY_MS = 86_400_000
const CHANNELS = 8
const START_MS = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS

export async function measureDay(devices: number, periodS: number): Promise<DiskPoint> {
  return withFolder(async (folder) => {
    const walkers = createWalkers({ seed: 'fleet', devices, channels: CHANNELS, periodMs: periodS * 1_000, startMs: START_MS })
    const store = await openStore(folder, walkers)
    const rows = (devices * 86_400) / periodS
    while (walkers.rows < rows) {
      await writeRows(store, walkers, Math.min(limits.snapshotRecords, rows - walkers.rows))
      await maintainStore(store, START_MS + DAY_MS - 1)
    }
    await maintainStore(store, epochMs(START_MS + 3 * DAY_MS))
    const bytes = await tierBytes(store)
    await store.stop()
    if (bytes.raw_rows !== rows) throw new Error(`${bytes.raw_rows} rows stand in files where ${rows} were written`)
    return { devices, period_s: periodS, ...bytes }
  })
}

/** Fills day by day and weighs at the given days, which ascend. */
export async function measureRetention(devices: number, periodS: number, atDays: readonly number[]): Promise<RetentionPoint[]> {
  return withFolder(async (folder) => {
    const walkers = createWalkers({ seed: 'retention', devices, channels: CHANNELS, periodMs: periodS * 1_000, startMs: START_MS })
    const store = await openStore(folder, walkers)
    const points: RetentionPoint[] = []
    for (let day = 1; day <= (atDays.at(-1) ?? 0); day++) {
      await writeRows(store, walkers, (devices * 86_400) / periodS)
      await maintainStore(store, START_MS + day * DAY_MS + DAY_MS / 2)
      if (atDays.includes(day)) points.push({ devices, period_s: periodS, days: day, ...(await tierBytes(store)) })
    }
    await store.stop()
    return points
  })
}
