/**
 * Tables of care: what each unit was used, how far each task is from due, what was done, and what households want to hear of. Instants are
 * platform time in epoch ms, but for `counted_to_ms`, which is the device's.
 */
import type { Migration } from '#kernel/migration.ts'

export interface CareTables {
  hub_care_units: CareUnitRow
  hub_care_tasks: CareTaskRow
  hub_care_done: CareDoneRow
  hub_care_choices: CareChoiceRow
}

export interface CareUnitRow {
  tenant: string
  device: string
  type: string
  /** Use is counted from then; windows that end before are not. */
  counted_from_ms: number
  /** End of the last stored window that was read, whether it counted or not. */
  counted_to_ms: number
  running_h: number
  cycles: number
  litres: number
}

export interface CareTaskRow {
  care_id: string
  tenant: string
  device: string
  type: string
  task: string
  kind: string
  who: string
  /** counting or due. */
  state: string
  /** When it was done last, or counting began, with the unit's counts of then. */
  since_ms: number
  since_running_h: number
  since_cycles: number
  since_litres: number
  due_at_ms: number | null
  /** JSON of `Care['reason']`. */
  reason: string | null
  told_at_ms: number | null
  told_count: number
  last_done_ms: number | null
  done_count: number
}

export interface CareDoneRow {
  care_id: string
  done_at_ms: number
  tenant: string
  device: string
  task: string
  actor: string
  note: string
  /** Order whose repair included it; null = told by itself. */
  work_order_id: string | null
  recorded_at_ms: number
}

export interface CareChoiceRow {
  tenant: string
  household: string
  kind: string
  set_at_ms: number
  wants: number
  answered_at_ms: number
  actor: string
}

export const careMigrations: readonly Migration[] = [
  {
    id: '0521-care',
    statements: [
      `CREATE TABLE hub_care_units (tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL, counted_from_ms BIGINT NOT NULL,
        counted_to_ms BIGINT NOT NULL, running_h DOUBLE PRECISION NOT NULL, cycles DOUBLE PRECISION NOT NULL, litres DOUBLE PRECISION NOT NULL,
        PRIMARY KEY (tenant, device))`,
      `CREATE TABLE hub_care_tasks (care_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL, task TEXT NOT NULL,
        kind TEXT NOT NULL, who TEXT NOT NULL, state TEXT NOT NULL, since_ms BIGINT NOT NULL, since_running_h DOUBLE PRECISION NOT NULL,
        since_cycles DOUBLE PRECISION NOT NULL, since_litres DOUBLE PRECISION NOT NULL, due_at_ms BIGINT, reason TEXT, told_at_ms BIGINT,
        told_count INTEGER NOT NULL, last_done_ms BIGINT, done_count INTEGER NOT NULL)`,
      'CREATE INDEX hub_care_tasks_of ON hub_care_tasks (tenant, device)',
      'CREATE INDEX hub_care_tasks_by_state ON hub_care_tasks (tenant, state, due_at_ms)',
      `CREATE TABLE hub_care_done (care_id TEXT NOT NULL, done_at_ms BIGINT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL,
        task TEXT NOT NULL, actor TEXT NOT NULL, note TEXT NOT NULL, work_order_id TEXT, recorded_at_ms BIGINT NOT NULL,
        PRIMARY KEY (care_id, done_at_ms))`,
      `CREATE TABLE hub_care_choices (tenant TEXT NOT NULL, household TEXT NOT NULL, kind TEXT NOT NULL, set_at_ms BIGINT NOT NULL,
        wants INTEGER NOT NULL, answered_at_ms BIGINT NOT NULL, actor TEXT NOT NULL, PRIMARY KEY (tenant, household, kind, set_at_ms))`,
    ],
  },
]
