/** What the store holds by tier and type: rows, bytes, files, days and age. Costs a count of the hot tables; files are known by their lists. */
import type { DuckDBConnection } from '@duckdb/node-api'
import { epochMs } from '#kernel/clock.ts'
import type { StorageTier } from '../reading-store.ts'
import { DAY_MS } from './duckdb-part.ts'
import type { Registers } from './duckdb-schema.ts'
import { hotReadingsSql } from './duckdb-sources.ts'
import type { PartTier } from './duckdb-view.ts'

const TIER_NAMES = { raw: 'cold', texts: 'texts', hourly: 'hourly', daily: 'daily' } as const satisfies Record<PartTier, StorageTier['tier']>

export async function storageTiers(connection: DuckDBConnection, registers: Registers, fileBytes: number): Promise<StorageTier[]> {
  const rowOf = async (sql: string): Promise<readonly unknown[]> => (await connection.runAndReadAll(sql)).getRowsJS()[0] ?? []
  const tiers: StorageTier[] = []
  for (const type of [...registers.types.keys()].sort()) {
    const counts = 'count(*)::DOUBLE, min(observed_at_ms)::DOUBLE, max(observed_at_ms)::DOUBLE'
    const row = await rowOf(`SELECT ${counts}, count(DISTINCT observed_at_ms // ${DAY_MS})::DOUBLE FROM ${hotReadingsSql(registers, type)}`)
    if (Number(row[0]) > 0) tiers.push({ tier: 'hot', type, rows: Number(row[0]), bytes: 0, files: 0, days: Number(row[3]), ...ages(row[1], row[2]) })
    tiers.push(...coldTiers(registers, type))
  }
  const [count, oldest, newest] = await rowOf('SELECT count(*)::DOUBLE, min(received_at_ms)::DOUBLE, max(received_at_ms)::DOUBLE FROM quarantine')
  const days = await rowOf(`SELECT count(DISTINCT received_at_ms // ${DAY_MS})::DOUBLE FROM quarantine`)
  tiers.push({ tier: 'quarantine', type: '', rows: Number(count), bytes: 0, files: 0, days: Number(days[0]), ...ages(oldest, newest) })
  tiers.push({ tier: 'hot_file', type: '', rows: 0, bytes: fileBytes, files: 1, days: 0, ...ages(null, null) })
  return tiers
}

function coldTiers(registers: Registers, type: string): StorageTier[] {
  const parts = registers.view.parts.filter((part) => part.type === type)
  return (Object.keys(TIER_NAMES) as PartTier[]).flatMap((tier) => {
    const own = parts.flatMap((part) => {
      const file = part.files[tier]
      return file === undefined ? [] : [{ part, file }]
    })
    if (own.length === 0) return []
    const total = (pick: (entry: (typeof own)[number]) => number): number => own.reduce((sum, entry) => sum + pick(entry), 0)
    return [
      {
        tier: TIER_NAMES[tier],
        type,
        rows: total(({ file }) => file.rows),
        bytes: total(({ file }) => file.bytes),
        files: own.length,
        days: new Set(own.map(({ part }) => part.day)).size,
        ...ages(Math.min(...own.map(({ part }) => part.fromMs)), Math.max(...own.map(({ part }) => part.toMs))),
      },
    ]
  })
}

const ages = (oldest: unknown, newest: unknown): Pick<StorageTier, 'oldest_ms' | 'newest_ms'> => ({
  oldest_ms: oldest === null || oldest === undefined ? null : epochMs(Number(oldest)),
  newest_ms: newest === null || newest === undefined ? null : epochMs(Number(newest)),
})
