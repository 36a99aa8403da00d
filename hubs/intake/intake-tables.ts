/**
 * Tables of what people report: one row for each contact about a unit with what was said in it, and the codes of the page that a household
 * opens from the sticker of its unit. A contact that goes on stays one row. Instants are epoch ms; the token of a code is kept as a hash only.
 */
import type { Migration } from '#kernel/migration.ts'

export interface IntakeTables {
  hub_contacts: ContactRow
  hub_intake_codes: { token_hash: string; tenant: string; device: string; created_at_ms: number }
}

export interface ContactRow {
  contact_id: string
  tenant: string
  device: string
  household: string | null
  /** Null as long as no case stands for it. */
  case_id: string | null
  source: string
  kind: string
  text: string
  /** JSON of `Said`. */
  said: string
  at_ms: number
  actor: string
  created_at_ms: number
  updated_at_ms: number
}

export const intakeMigrations: readonly Migration[] = [
  {
    id: '0510-intake',
    statements: [
      `CREATE TABLE hub_contacts (contact_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, household TEXT, case_id TEXT,
        source TEXT NOT NULL, kind TEXT NOT NULL, text TEXT NOT NULL, said TEXT NOT NULL, at_ms BIGINT NOT NULL, actor TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL)`,
      'CREATE INDEX hub_contacts_by_device ON hub_contacts (tenant, device, at_ms)',
      'CREATE INDEX hub_contacts_by_case ON hub_contacts (tenant, case_id, at_ms)',
      `CREATE TABLE hub_intake_codes (token_hash TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, created_at_ms BIGINT NOT NULL)`,
      'CREATE INDEX hub_intake_codes_by_device ON hub_intake_codes (tenant, device)',
    ],
  },
]
