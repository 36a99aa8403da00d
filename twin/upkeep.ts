/** Upkeep of the twin's books: what is older than its time goes, in small pieces, and what there is is counted for the metrics. */
import { type Kysely, sql } from 'kysely'
import type { Limits } from '#kernel/limits.ts'
import type { TwinTables } from './twin-tables.ts'

const DAY_MS = 86_400_000
/** Rows of each kind that go at one time; the rest at the next. */
const SWEEP_MAX = 500

/** Takes away changes and ended commands that are older than `twinHistoryDays_MAX`. */
export async function sweepHistory(database: Kysely<TwinTables>, nowMs: number, limits: Pick<Limits, 'twinHistoryDays_MAX'>): Promise<void> {
  const beforeMs = nowMs - limits.twinHistoryDays_MAX * DAY_MS
  const changes = await database
    .selectFrom('twin_history')
    .select(['tenant', 'device', 'kind', 'sequence'])
    .where('recorded_at_ms', '<', beforeMs)
    .limit(SWEEP_MAX)
    .execute()
  const commands = await database
    .selectFrom('twin_commands')
    .select(['tenant', 'command_id'])
    .where('ended_at_ms', '<', beforeMs)
    .limit(SWEEP_MAX)
    .execute()
  if (changes.length + commands.length === 0) return
  await database.transaction().execute(async (transaction) => {
    for (const { tenant, device, kind, sequence } of changes) {
      await transaction
        .deleteFrom('twin_history')
        .where('tenant', '=', tenant)
        .where('device', '=', device)
        .where('kind', '=', kind)
        .where('sequence', '=', sequence)
        .execute()
    }
    for (const { tenant, command_id } of commands)
      await transaction.deleteFrom('twin_commands').where('tenant', '=', tenant).where('command_id', '=', command_id).execute()
  })
}

/** Open commands by how far they came, and the age of the oldest that is not answered. */
export async function countTwin(database: Kysely<TwinTables>, nowMs: number): Promise<Record<string, number>> {
  const rows = await database
    .selectFrom('twin_commands')
    .select(['state', sql<number>`count(*)`.as('count'), sql<number>`min(created_at_ms)`.as('oldest')])
    .where('ended_at_ms', 'is', null)
    .groupBy('state')
    .execute()
  const counts: Record<string, number> = { commands_queued: 0, commands_sent: 0, commands_delivered: 0, commands_accepted: 0 }
  let oldestMs = nowMs
  for (const { state, count, oldest } of rows) {
    counts[`commands_${state}`] = Number(count)
    if (state !== 'accepted') oldestMs = Math.min(oldestMs, Number(oldest))
  }
  return { ...counts, commands_oldest_age_ms: nowMs - oldestMs }
}
