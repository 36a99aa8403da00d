/** Table of help during visits: what was asked for, who took it and when, and how it ended. */
import type { Migration } from '#kernel/migration.ts'

export interface HelpRow {
  request_id: string
  tenant: string
  work_order_id: string
  device: string
  /** expert or parts. */
  kind: string
  /** waiting, taken, done or withdrawn. */
  state: string
  safety_class: string
  /** JSON. */
  skills: string
  /** JSON. */
  parts: string
  text: string
  asked_by: string
  asked_at_ms: number
  needed_by_ms: number | null
  taken_by: string | null
  taken_at_ms: number | null
  promised_ms: number | null
  source: string | null
  escalations: number
  /** Promises that were over before the part was there, and the last of them. */
  promises_broken: number
  broken_promise_ms: number | null
  ended_at_ms: number | null
  result: string | null
}

export interface HelpTables {
  hub_help_requests: HelpRow
}

export const helpMigrations: readonly Migration[] = [
  {
    id: '0531-visit-help',
    statements: [
      `CREATE TABLE hub_help_requests (request_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, work_order_id TEXT NOT NULL, device TEXT NOT NULL,
        kind TEXT NOT NULL, state TEXT NOT NULL, safety_class TEXT NOT NULL, skills TEXT NOT NULL, parts TEXT NOT NULL, text TEXT NOT NULL,
        asked_by TEXT NOT NULL, asked_at_ms BIGINT NOT NULL, needed_by_ms BIGINT, taken_by TEXT, taken_at_ms BIGINT, promised_ms BIGINT,
        source TEXT, escalations INTEGER NOT NULL, ended_at_ms BIGINT, result TEXT)`,
      'CREATE INDEX hub_help_requests_by_state ON hub_help_requests (tenant, state, safety_class, asked_at_ms)',
      'CREATE INDEX hub_help_requests_of ON hub_help_requests (work_order_id, kind)',
    ],
  },
  {
    id: '0535-broken-promises',
    statements: [
      'ALTER TABLE hub_help_requests ADD COLUMN promises_broken INTEGER NOT NULL DEFAULT 0',
      'ALTER TABLE hub_help_requests ADD COLUMN broken_promise_ms BIGINT',
      `UPDATE hub_help_requests SET promises_broken = 1, broken_promise_ms = promised_ms
        WHERE promised_ms IS NOT NULL AND ended_at_ms > promised_ms`,
    ],
  },
]
