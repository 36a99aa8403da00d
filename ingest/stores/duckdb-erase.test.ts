import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { epochMs } from '#kernel/clock.ts'
import { limits } from '#kernel/limits.ts'
import { silentLog } from '#kernel/log.ts'
import { kettle, readingOf, retention } from '../builders.ts'
import type { ReadingStore } from '../reading-store.ts'
import { eraseReadings } from './duckdb-erase.ts'
import { createDuckdbStore } from './duckdb-store.ts'

const folder = mkdtempSync(join(tmpdir(), 'mendline-erase-readings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

const MINUTE_MS = 60_000
const DAY_MS = 1_440 * MINUTE_MS
const DAY_0 = Math.floor(1_780_000_000_000 / DAY_MS) * DAY_MS
/** In the middle of an hour. */
const [FROM, TO] = [DAY_0 + 90 * MINUTE_MS, DAY_0 + DAY_MS + 90 * MINUTE_MS]

const file = join(folder, 'hot.duckdb')
const cold = join(folder, 'cold')
const open = async (options = limits): Promise<ReadingStore> => {
  mkdirSync(folder, { recursive: true })
  const store = createDuckdbStore({ file, coldDirectory: cold, log: silentLog, limits: options, retention })
  await store.start()
  await store.prepareType(kettle)
  return store
}
const times = Array.from({ length: 300 }, (_, index) => DAY_0 + index * 10 * MINUTE_MS)
const readings = ['kettle-1', 'kettle-2'].flatMap((device) =>
  times.map((ms, index) => readingOf({ inlet_temperature_c: index }, { device, seq: index + 1, observed_at_ms: epochMs(ms) })),
)
const bucketsOf = (store: ReadingStore, device: string, tier: 'hourly' | 'daily' | 'raw') =>
  store.buckets({ tenant: 'home', device, channels: [], from_ms: epochMs(DAY_0), to_ms: epochMs(DAY_0 + 3 * DAY_MS), maxPoints: 1_000, tier })

describe('readings of a stretch', () => {
  it('leave hot tables, files, hours and days; what lies at their edges is made again of what is left', async () => {
    const first = await open()
    await first.write({ readings, quarantine: [], position: 1 })
    while ((await first.maintain?.(epochMs(DAY_0 + 10 * DAY_MS))) !== undefined) {
      // Until all is archived.
    }
    expect((await first.storage?.())?.some(({ tier }) => tier === 'hourly')).toBe(true)
    const neighbour = await bucketsOf(first, 'kettle-2', 'daily')
    await first.stop()
    const given = { tenant: 'home', devices: [], staying: [{ device: 'kettle-1', spans: [{ from_ms: FROM, to_ms: TO }] }], names: ['Nobody-1'] }
    const kept = times.filter((ms) => ms < FROM || ms >= TO)
    expect(await eraseReadings(file, cold, given)).toMatchObject({ rows: times.length - kept.length, quarantined: 0 })

    const store = await open()
    const raw: number[] = []
    for await (const row of store.raw({ tenant: 'home', device: 'kettle-1', from_ms: epochMs(0), to_ms: epochMs(DAY_0 * 2) }))
      raw.push(row.observed_at_ms)
    expect(raw).toEqual(kept)
    for (const [tier, width] of [['hourly', 60 * MINUTE_MS] as const, ['daily', DAY_MS] as const]) {
      const groups = Map.groupBy(kept, (ms) => Math.floor(ms / width) * width)
      const expected = [...groups].map(([t, all]) => {
        const values = all.map((ms) => times.indexOf(ms))
        return { t, n: all.length, min: Math.min(...values), max: Math.max(...values), mean: values.reduce((a, b) => a + b, 0) / all.length }
      })
      expect((await bucketsOf(store, 'kettle-1', tier)).map(({ t, n, min, max, mean }) => ({ t, n, min, max, mean }))).toEqual(expected)
    }
    expect(await bucketsOf(store, 'kettle-2', 'daily')).toEqual(neighbour)
    expect((await store.verify?.())?.faults).toEqual([])
    await store.stop()
  })
})
