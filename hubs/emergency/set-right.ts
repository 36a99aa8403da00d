/**
 * Sets the instants of open emergencies right when the clock was ahead and was set back, in this process or between two: nothing waits for
 * as long as it was ahead. Countdowns keep what was left of them; one that no right clock can have set has run out.
 */
import { type Kysely, sql } from 'kysely'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'

type Column = 'next_step_at_ms' | 'command_next_at_ms' | 'command_overdue_at_ms' | 'unread_at_ms'

/** Longest wait that is ever written into each: a rung of a day, a minute between two sendings, the silence of a device, of a household. */
const LONGEST_MS: Readonly<Record<Column, number>> = {
  next_step_at_ms: 86_400_000,
  command_next_at_ms: 60_000,
  command_overdue_at_ms: 30_000,
  unread_at_ms: 300_000,
}
const COLUMNS = Object.keys(LONGEST_MS) as readonly Column[]

/** `setBackMs` = by how much the clock was set back since the last look. Gives how many emergencies were set right. */
export async function setRight(
  database: Kysely<EmergencyTables>,
  { nowMs, setBackMs }: { readonly nowMs: number; readonly setBackMs: number },
): Promise<number> {
  const wrong = COLUMNS.map((column) => sql<boolean>`${sql.ref(column)} > ${nowMs + LONGEST_MS[column]}`)
  const find = (from: Kysely<EmergencyTables>): Promise<EmergencyBookRow[]> => {
    const open = from.selectFrom('emg_emergencies').selectAll().where('next_step_at_ms', 'is not', null)
    return (setBackMs > 0 ? open : open.where((is) => is.or([is('created_at_ms', '>', nowMs), ...wrong]))).execute()
  }
  if ((await find(database)).length === 0) return 0
  return database.transaction().execute(async (transaction) => {
    const rows = await find(transaction)
    for (const row of rows) {
      const aheadMs = Math.max(setBackMs, row.created_at_ms - nowMs)
      const right = Object.fromEntries(COLUMNS.map((column) => [column, rightOf(row[column], { aheadMs, nowMs, longestMs: LONGEST_MS[column] })]))
      await transaction
        .updateTable('emg_emergencies')
        .set({ ...right, created_at_ms: Math.min(row.created_at_ms, nowMs) })
        .where('emergency_id', '=', row.emergency_id)
        .execute()
    }
    return rows.length
  })
}

function rightOf(
  atMs: number | null,
  { aheadMs, nowMs, longestMs }: { readonly aheadMs: number; readonly nowMs: number; readonly longestMs: number },
): number | null {
  if (atMs === null) return null
  const movedMs = aheadMs > 0 ? Math.min(atMs, Math.max(nowMs, atMs - aheadMs)) : atMs
  return movedMs > nowMs + longestMs ? nowMs : movedMs
}
