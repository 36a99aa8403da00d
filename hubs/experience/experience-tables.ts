/**
 * Tables of the experience hub: the risk of each order as it was last reckoned, what was done about it or held back, how visits were rated,
 * and what households let be known of themselves. Instants are platform time in epoch ms; JSON text where nobody searches inside.
 */
import type { Migration } from '#kernel/migration.ts'

export interface ExperienceTables {
  hub_order_risks: OrderRiskRow
  hub_interventions: InterventionRow
  hub_ratings: RatingRow
  hub_customer_tags: CustomerTagRow
  hub_tag_uses: TagUseRow
  hub_demand_consents: DemandConsentRow
  hub_demand_signals: DemandSignalRow
  hub_demand_log: DemandLogRow
}

export interface OrderRiskRow {
  work_order_id: string
  tenant: string
  device: string
  /** 0 to 1. */
  score: number
  /** JSON of `Risk['reasons']`. */
  reasons: string
  weights_version: number
  at_ms: number
  /** JSON of `OrderFacts` that the score is of. */
  facts: string
  /** 1 while it is above the bound. */
  is_above: number
  /** When it first went above; null = never. */
  first_above_at_ms: number | null
  /** 0 once the order is settled: then it stands as it was. */
  is_open: number
}

export interface InterventionRow {
  intervention_id: string
  tenant: string
  work_order_id: string
  device: string
  rule: string
  rules_version: number
  action: string
  owner: string
  /** open, escalated, answered, lapsed or held_out. */
  state: string
  score: number
  /** JSON of texts: terms that raised the risk. */
  reasons: string
  opened_at_ms: number
  due_at_ms: number
  escalations: number
  result: string | null
  note: string | null
  actor: string | null
  answered_at_ms: number | null
}

export interface RatingRow {
  work_order_id: string
  tenant: string
  device: string
  household: string | null
  score: number
  nps: number | null
  effort: number | null
  at_ms: number
}

export interface CustomerTagRow {
  tenant: string
  household: string
  tag: string
  consent_at_ms: number
  expires_at_ms: number
  actor: string
  set_at_ms: number
}

export interface TagUseRow {
  tenant: string
  household: string
  tag: string
  work_order_id: string
  used_for: string
  at_ms: number
}

export interface DemandConsentRow {
  tenant: string
  household: string
  text_version: string
  /** That of a withdrawal is the time of it, and `expires_at_ms` the same. */
  consent_at_ms: number
  expires_at_ms: number
  actor: string
  set_at_ms: number
}

export interface DemandSignalRow {
  signal_id: string
  tenant: string
  household: string
  kind: string
  /** household, engineer, call_centre or rule. */
  source: string
  device: string | null
  work_order_id: string | null
  outlet: string | null
  note: string
  consent_text_version: string
  consent_at_ms: number
  expires_at_ms: number
  told_at_ms: number
  actor: string
  owner: string
  /** open or answered. */
  state: string
  result: string | null
  result_note: string | null
  answered_by: string | null
  answered_at_ms: number | null
}

export interface DemandLogRow {
  tenant: string
  household: string
  kind: string
  /** told, shown or answered. */
  what: string
  actor: string
  at_ms: number
}

export const experienceMigrations: readonly Migration[] = [
  {
    id: '0550-experience',
    statements: [
      `CREATE TABLE hub_order_risks (work_order_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, score DOUBLE PRECISION NOT NULL,
        reasons TEXT NOT NULL, weights_version INTEGER NOT NULL, at_ms BIGINT NOT NULL, facts TEXT NOT NULL, is_above INTEGER NOT NULL,
        first_above_at_ms BIGINT, is_open INTEGER NOT NULL)`,
      'CREATE INDEX hub_order_risks_by_score ON hub_order_risks (tenant, is_open, score)',
      `CREATE TABLE hub_interventions (intervention_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, work_order_id TEXT NOT NULL, device TEXT NOT NULL,
        rule TEXT NOT NULL, rules_version INTEGER NOT NULL, action TEXT NOT NULL, owner TEXT NOT NULL, state TEXT NOT NULL,
        score DOUBLE PRECISION NOT NULL, reasons TEXT NOT NULL, opened_at_ms BIGINT NOT NULL, due_at_ms BIGINT NOT NULL,
        escalations INTEGER NOT NULL, result TEXT, note TEXT, actor TEXT, answered_at_ms BIGINT)`,
      'CREATE INDEX hub_interventions_by_time ON hub_interventions (tenant, opened_at_ms, intervention_id)',
      'CREATE INDEX hub_interventions_by_order ON hub_interventions (tenant, work_order_id)',
      `CREATE TABLE hub_ratings (work_order_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, household TEXT,
        score INTEGER NOT NULL, nps INTEGER, effort INTEGER, at_ms BIGINT NOT NULL)`,
      'CREATE INDEX hub_ratings_by_device ON hub_ratings (tenant, device)',
      'CREATE INDEX hub_ratings_by_household ON hub_ratings (tenant, household)',
      `CREATE TABLE hub_customer_tags (tenant TEXT NOT NULL, household TEXT NOT NULL, tag TEXT NOT NULL, consent_at_ms BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL, actor TEXT NOT NULL, set_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, household, tag))`,
      `CREATE TABLE hub_tag_uses (tenant TEXT NOT NULL, household TEXT NOT NULL, tag TEXT NOT NULL, work_order_id TEXT NOT NULL,
        used_for TEXT NOT NULL, at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, household, tag, work_order_id, used_for))`,
    ],
  },
  {
    id: '0551-rating-in-time',
    statements: [
      'ALTER TABLE hub_work_orders ADD COLUMN rating_at_ms BIGINT',
      'UPDATE hub_work_orders SET rating_at_ms = (SELECT r.at_ms FROM hub_ratings r WHERE r.work_order_id = hub_work_orders.work_order_id)',
    ],
  },
  {
    id: '0552-demand-signals',
    statements: [
      `CREATE TABLE hub_demand_consents (tenant TEXT NOT NULL, household TEXT NOT NULL, text_version TEXT NOT NULL, consent_at_ms BIGINT NOT NULL,
        expires_at_ms BIGINT NOT NULL, actor TEXT NOT NULL, set_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, household))`,
      `CREATE TABLE hub_demand_signals (signal_id TEXT NOT NULL, tenant TEXT NOT NULL, household TEXT NOT NULL, kind TEXT NOT NULL,
        source TEXT NOT NULL, device TEXT, work_order_id TEXT, outlet TEXT, note TEXT NOT NULL, consent_text_version TEXT NOT NULL,
        consent_at_ms BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL, told_at_ms BIGINT NOT NULL, actor TEXT NOT NULL, owner TEXT NOT NULL,
        state TEXT NOT NULL, result TEXT, result_note TEXT, answered_by TEXT, answered_at_ms BIGINT, PRIMARY KEY (tenant, household, kind))`,
      'CREATE INDEX hub_demand_signals_by_time ON hub_demand_signals (tenant, told_at_ms, signal_id)',
      'CREATE INDEX hub_demand_signals_by_id ON hub_demand_signals (tenant, signal_id)',
      `CREATE TABLE hub_demand_log (tenant TEXT NOT NULL, household TEXT NOT NULL, kind TEXT NOT NULL, what TEXT NOT NULL, actor TEXT NOT NULL,
        at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, household, kind, what, actor))`,
    ],
  },
]
