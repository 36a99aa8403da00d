/** A reading store of a benchmark in a temporary folder of its own, filled and maintained as the platform does. */
import { mkdirSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ReadingStore } from '../../ingest/reading-store.ts'
import { createDuckdbStore } from '../../ingest/stores/duckdb-store.ts'
import { epochMs } from '../../kernel/clock.ts'
import { limits } from '../../kernel/limits.ts'
import { silentLog } from '../../kernel/log.ts'
import type { Walkers } from './walkers.ts'

/** Runs a task with a folder that is removed behind it. */
export async function withFolder<Result>(task: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(join(tmpdir(), 'mendline-store-'))
  try {
    return await task(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Opens the store in a folder with the default limits, ready for the type. */
export async function openStore(folder: string, { type }: Walkers): Promise<ReadingStore> {
  mkdirSync(join(folder, 'cold'), { recursive: true })
  const store = createDuckdbStore({ file: join(folder, 'hot.duckdb'), coldDirectory: join(folder, 'cold'), log: silentLog, limits })
  await store.start()
  await store.prepareType(type)
  return store
}

/** Writes the next rows in batches, then a checkpoint. */
export async function writeRows(store: ReadingStore, walkers: Walkers, rows: number): Promise<void> {
  for (let left = rows; left > 0; ) {
    const readings = walkers.next(Math.min(limits.storeBatchReadings_MAX, left))
    left -= readings.length
    await store.write({ readings, quarantine: [], position: walkers.rows })
  }
  await store.checkpoint()
}

/** Does all that is due at an instant. */
export async function maintainStore(store: ReadingStore, nowMs: number): Promise<void> {
  while ((await store.maintain?.(epochMs(nowMs))) !== undefined);
}

export interface TierBytes {
  readonly raw_bytes: number
  readonly hourly_bytes: number
  readonly daily_bytes: number
  readonly hot_file_bytes: number
  readonly raw_rows: number
  readonly raw_files: number
}

/** Bytes of each tier, and what of the raw readings stands in files. */
export async function tierBytes(store: ReadingStore): Promise<TierBytes> {
  const tiers = (await store.storage?.()) ?? []
  const sum = (name: string, field: 'bytes' | 'rows' | 'files'): number =>
    tiers.filter(({ tier }) => tier === name).reduce((total, tier) => total + tier[field], 0)
  return {
    raw_bytes: sum('cold', 'bytes'),
    hourly_bytes: sum('hourly', 'bytes'),
    daily_bytes: sum('daily', 'bytes'),
    hot_file_bytes: sum('hot_file', 'bytes'),
    raw_rows: sum('cold', 'rows'),
    raw_files: sum('cold', 'files'),
  }
}
