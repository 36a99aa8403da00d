/** Table of the hubs' timers: what is to be looked at again, and when. A row is there until its handler has done its work. */
import type { Migration } from '#kernel/migration.ts'

export interface TimerTables {
  hub_timers: TimerRow
}

export interface TimerRow {
  timer_id: string
  tenant: string
  /** Which handler takes it (`timer-handlers.ts`). */
  kind: string
  /** Id of the order, case, device or emergency that it is about. */
  subject: string
  due_at_ms: number
  /** Times that its handler failed. */
  attempts: number
  /** JSON object that the handler reads. */
  data: string
  /** Platform time at which the wait began; null where the time is no wait from then, and in rows of before. */
  set_at_ms: number | null
}

export const timerMigrations: readonly Migration[] = [
  {
    id: '0500-timers',
    statements: [
      `CREATE TABLE hub_timers (timer_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
        due_at_ms BIGINT NOT NULL, attempts INTEGER NOT NULL, data TEXT NOT NULL)`,
      'CREATE INDEX hub_timers_due ON hub_timers (due_at_ms, timer_id)',
    ],
  },
  { id: '0570-timers-set-at', statements: ['ALTER TABLE hub_timers ADD COLUMN set_at_ms BIGINT'] },
]
