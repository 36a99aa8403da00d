import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { epochMs, ManualClock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import type { Reading } from '#kernel/reading.ts'
import { kettle, messageOf, readingOf, retention } from './builders.ts'
import { createDeduplicator } from './deduplicate.ts'
import { createKeptContent } from './kept-content.ts'
import type { ReadingStore, StoreRetention } from './reading-store.ts'
import { createReadingWriter, type ReadingWriter } from './reading-writer.ts'
import { createDuckdbStore } from './stores/duckdb-store.ts'

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const DAY_0 = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS
const NOW = epochMs(DAY_0 + 30 * DAY_MS)

let folder = ''
let store: ReadingStore
let writer: ReadingWriter
let next = 0
const open = async (days: Partial<StoreRetention>): Promise<void> => {
  const own = { ...retention, ...days }
  const files = { file: join(folder, 'hot.duckdb'), coldDirectory: join(folder, 'cold') }
  store = createDuckdbStore({ ...files, log: silentLog, limits, retention: own })
  await store.start()
  await store.prepareType(kettle)
  const clock = new ManualClock(NOW)
  const kept = createKeptContent({ retention: own, types: () => kettle, store, clock })
  writer = createReadingWriter({ store, dedup: createDeduplicator(), types: () => kettle, clock, log: silentLog, limits, kept })
  next = 0
}
const at = (seq: number, ms: number, values: Readonly<Record<string, number>> = { inlet_temperature_c: seq }): Reading =>
  readingOf(values, { seq, observed_at_ms: epochMs(DAY_0 + ms) })
const take = async (...readings: Reading[]): Promise<void> => {
  await writer.take({ readings, quarantine: [], message: messageOf('{}'), refused: 0 }, ++next)
  await writer.flush(next)
}
const settle = async (): Promise<void> => {
  while ((await store.maintain?.(NOW)) !== undefined) {
    // Until nothing is due.
  }
}
/** Stores readings, lets retention take them, and starts anew without dedup's memory. */
const forgetting = async (...readings: Reading[]): Promise<void> => {
  await open({ raw_days: 5 })
  await take(...readings)
  await settle()
  await store.stop()
  await open({ raw_days: 5 })
  await writer.recall()
}
const hours = async () => {
  const span = { from_ms: epochMs(DAY_0), to_ms: epochMs(DAY_0 + DAY_MS), maxPoints: 100, channels: [] }
  return (await store.buckets({ tenant: 'home', device: 'kettle-1', ...span, tier: 'hourly' })).map(({ n, mean }) => ({ n, mean }))
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'mendline-kept-'))
})
afterEach(async () => {
  await store.stop()
  rmSync(folder, { recursive: true, force: true })
})

describe('what retention has taken', () => {
  it('is not counted a second time in hours and days when it comes again, with or without the memory of it', async () => {
    await open({ raw_days: 5 })
    const both = [at(10, 60_000), at(30, 120_000)]
    await take(...both)
    await settle()
    const before = await hours()
    expect(before).toEqual([{ n: 2, mean: 20 }])
    await take(...both)
    await settle()
    expect(await hours()).toEqual(before)
    expect(writer.statistics()).toMatchObject({ stored: 2, duplicates: 2, conflicts: 0 })
    await store.stop()

    // Dedup has forgotten: nobody can tell, so it is kept out with a word.
    await open({ raw_days: 5 })
    await writer.recall()
    await take(...both)
    await settle()
    expect(await hours()).toEqual(before)
    expect(writer.statistics()).toMatchObject({ stored: 0, conflicts: 2 })
    const quarantine = { tenant: 'home', after: 0, limit: 9, code: 'MDL_INGEST_CONFLICT' }
    expect(await store.quarantined(quarantine)).toMatchObject([{ reason: expect.stringContaining('counted') }, { field: 'boot 1, seq 30' }])
    // Of an hour of which nothing was dropped it can be told, and of a time that came never.
    await take(at(20, 5 * HOUR_MS))
    await take(at(5, 5 * HOUR_MS + 1))
    expect(await hours()).toEqual([...before, { n: 2, mean: 12.5 }])
  })

  it('says nothing of a channel that was never there', async () => {
    await forgetting(at(10, 60_000), at(30, 120_000))
    // The second file of a history has another channel at the same instants.
    await take(at(20, 60_000, { outlet_temperature_c: 5 }))
    expect(writer.statistics()).toMatchObject({ stored: 1, conflicts: 0 })
    await take(at(21, 60_000), at(22, 60_000, { inlet_temperature_c: 1, outlet_temperature_c: 5 }))
    expect(writer.statistics()).toMatchObject({ stored: 1, conflicts: 2 })
  })

  it('is asked for once an hour of a device between two flushes, and anew behind one', async () => {
    await forgetting(at(10, 60_000), at(30, 120_000))
    let asked = 0
    const { buckets } = store
    store.buckets = (query) => {
      asked++
      return buckets.call(store, query)
    }
    const sent = Array.from({ length: 20 }, (_, index) => at(index, 60_000 + index))
    await take(...sent)
    // Hours, and what is there one by one.
    expect([asked, writer.statistics().conflicts]).toEqual([2, 20])
    await take(at(20, 60_000), at(21, 5 * HOUR_MS))
    expect([asked, writer.statistics().conflicts]).toEqual([6, 21])
  })

  it('is told of in the quarantine although the store refused the batch at first', async () => {
    await forgetting(at(10, 60_000), at(30, 120_000))
    const { write } = store
    store.write = () => Promise.reject(new MendlineError('MDL_STORE_UNAVAILABLE', 'full', { retryable: true }))
    await expect(take(at(10, 60_000))).rejects.toMatchObject({ code: 'MDL_STORE_UNAVAILABLE' })
    store.write = (batch) => write.call(store, batch)
    await writer.flush(next)
    expect(writer.statistics()).toMatchObject({ stored: 0, duplicates: 0, conflicts: 1, quarantine_entries: 1 })
    expect(await store.quarantined({ tenant: 'home', after: 0, limit: 9, code: 'MDL_INGEST_CONFLICT' })).toHaveLength(1)
  })

  it('does not make another content of a reading whose channel was dropped', async () => {
    await open({ channel_days: { outlet_temperature_c: 5 } })
    const whole = at(1, 0, { inlet_temperature_c: 1, outlet_temperature_c: 50 })
    await take(whole)
    await settle()
    await take(whole)
    expect(writer.statistics()).toMatchObject({ stored: 1, duplicates: 1, conflicts: 0 })
    // Another value of a channel that is kept is another content.
    await take(at(1, 0, { inlet_temperature_c: 2, outlet_temperature_c: 50 }))
    expect(writer.statistics()).toMatchObject({ duplicates: 1, conflicts: 1 })
  })
})
