/** Tables of the rules of tenants: every version that was saved, and which was in force from when. */
import type { Migration } from '#kernel/migration.ts'

export interface RuleTables {
  rule_versions: {
    tenant: string
    rule_id: string
    version: number
    type: string
    document: string
    note: string
    created_by: string
    created_at_ms: number
  }
  rule_activations: {
    tenant: string
    rule_id: string
    type: string
    from_ms: number
    /** null: the catalogue's. */
    live_version: number | null
    canary_version: number | null
    canary_share_pct: number | null
    activated_by: string
    reason: string
    /** 1: takes back the change before it; 0 also for roll-backs that were made before this was noted. */
    is_roll_back: number
  }
}

export const ruleMigrations: readonly Migration[] = [
  {
    id: '0343-rules',
    statements: [
      `CREATE TABLE rule_versions (tenant TEXT NOT NULL, rule_id TEXT NOT NULL, version INTEGER NOT NULL, type TEXT NOT NULL, document TEXT NOT NULL,
        note TEXT NOT NULL, created_by TEXT NOT NULL, created_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, rule_id, version))`,
      `CREATE TABLE rule_activations (tenant TEXT NOT NULL, rule_id TEXT NOT NULL, type TEXT NOT NULL, from_ms BIGINT NOT NULL, live_version INTEGER,
        canary_version INTEGER, canary_share_pct DOUBLE PRECISION, activated_by TEXT NOT NULL, reason TEXT NOT NULL,
        PRIMARY KEY (tenant, rule_id, from_ms))`,
    ],
  },
  {
    id: '0344-rule-roll-backs',
    statements: ['ALTER TABLE rule_activations ADD COLUMN is_roll_back INTEGER NOT NULL DEFAULT 0'],
  },
]

/** Adds a row to those of its rule. */
export function addRow<Row extends { readonly tenant: string; readonly rule_id: string }>(map: Map<string, Row[]>, row: Row): void {
  const key = `${row.tenant}/${row.rule_id}`
  map.set(key, [...(map.get(key) ?? []), row])
}
