/** Tables of what is tried before a visit: offers with their consent and result, and the windows behind a step that was done. */
import type { Migration } from '#kernel/migration.ts'

export interface RemoteOfferRow {
  offer_id: string
  tenant: string
  device: string
  type: string
  work_order_id: string
  case_id: string
  /** `step` or `test`. */
  kind: string
  action: string
  text_version: string
  state: string
  offered_at_ms: number
  expires_at_ms: number
  /** JSON of the consent, or of what the household said; null before it. */
  consent: string | null
  started_at_ms: number | null
  due_at_ms: number | null
  command_id: string | null
  /** JSON of the residuals that led to the order; the step is measured against them. */
  before: string
  /** JSON of reason and values. */
  result: string | null
}

export interface RemoteTables {
  hub_remote_offers: RemoteOfferRow
  hub_remote_windows: { offer_id: string; tenant: string; device: string; window_from_ms: number; window_to_ms: number; residuals: string }
}

export const remoteMigrations: readonly Migration[] = [
  {
    id: '0520-remote',
    statements: [
      `CREATE TABLE hub_remote_offers (offer_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL,
        work_order_id TEXT NOT NULL, case_id TEXT NOT NULL, kind TEXT NOT NULL, action TEXT NOT NULL, text_version TEXT NOT NULL,
        state TEXT NOT NULL, offered_at_ms BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL, consent TEXT, started_at_ms BIGINT,
        due_at_ms BIGINT, command_id TEXT, before TEXT NOT NULL, result TEXT)`,
      'CREATE INDEX hub_remote_offers_by_order ON hub_remote_offers (tenant, work_order_id, offered_at_ms)',
      'CREATE INDEX hub_remote_offers_by_state ON hub_remote_offers (state, tenant, device)',
      `CREATE TABLE hub_remote_windows (offer_id TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL, window_from_ms BIGINT NOT NULL,
        window_to_ms BIGINT NOT NULL, residuals TEXT NOT NULL, PRIMARY KEY (offer_id, window_to_ms))`,
    ],
  },
]
