/** Tables of the chain: processes of organisations in versions, their outlets and engineers, their service terms, and the columns of orders for it. */
import type { Migration } from '#kernel/migration.ts'

export interface OrderTables {
  hub_processes: { tenant: string; version: number; body: string; actor: string; created_at_ms: number }
  hub_outlets: { tenant: string; outlet: string; name: string; areas: string; types: string; skills: string }
  hub_engineers: { tenant: string; engineer: string; name: string; outlet: string | null; skills: string }
  hub_service_terms: { tenant: string; type: string; version: number; body: string; actor: string; created_at_ms: number }
}

/** Columns of `hub_work_orders` that the chain added. */
export interface ChainColumns {
  /** Version of the tenant's process that it was opened under; 0 = the one that ships. */
  process_version: number
  /** Platform time of the recording of the move into its state; null for orders of before. */
  entered_at_ms: number | null
  outlet: string | null
  /** Who has accepted it. */
  engineer: string | null
  /** Whom it is offered to; null while it is offered = anybody may take it. */
  offered_to: string | null
  promised_from_ms: number | null
  promised_to_ms: number | null
  /** `at_ms` of what the promise rests on, or of what took it away; null = nobody promised anything so far. */
  promise_at_ms: number | null
  /** `at_ms` of the rating; null = there is none. */
  rating_at_ms: number | null
  /** Order for the same unit and kind of fault that was repaired shortly before. */
  repeat_of: string | null
  /** JSON of `OrderFacts`. */
  facts: string
  /** JSON of `Quote`, or null where nobody has terms for the type. */
  quote: string | null
}

const columns = [
  'process_version INTEGER NOT NULL DEFAULT 0',
  'entered_at_ms BIGINT',
  'outlet TEXT',
  'engineer TEXT',
  'offered_to TEXT',
  'promised_from_ms BIGINT',
  'promised_to_ms BIGINT',
  'repeat_of TEXT',
  "facts TEXT NOT NULL DEFAULT '{}'",
  'quote TEXT',
]

export const orderMigrations: readonly Migration[] = [
  {
    id: '0501-order-chain',
    statements: [
      ...columns.map((column) => `ALTER TABLE hub_work_orders ADD COLUMN ${column}`),
      'CREATE INDEX hub_work_orders_by_outlet ON hub_work_orders (tenant, outlet, created_at_ms)',
      'CREATE INDEX hub_work_orders_by_engineer ON hub_work_orders (tenant, engineer, created_at_ms)',
      `CREATE TABLE hub_processes (tenant TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL, actor TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, version))`,
      `CREATE TABLE hub_outlets (tenant TEXT NOT NULL, outlet TEXT NOT NULL, name TEXT NOT NULL, areas TEXT NOT NULL, types TEXT NOT NULL,
        skills TEXT NOT NULL, PRIMARY KEY (tenant, outlet))`,
      `CREATE TABLE hub_engineers (tenant TEXT NOT NULL, engineer TEXT NOT NULL, name TEXT NOT NULL, outlet TEXT, skills TEXT NOT NULL,
        PRIMARY KEY (tenant, engineer))`,
      `CREATE TABLE hub_service_terms (tenant TEXT NOT NULL, type TEXT NOT NULL, version INTEGER NOT NULL, body TEXT NOT NULL,
        actor TEXT NOT NULL, created_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, type, version))`,
    ],
  },
  { id: '0571-orders-open', statements: ['CREATE INDEX hub_work_orders_open ON hub_work_orders (work_order_id) WHERE settled_at_ms IS NULL'] },
  { id: '0572-told-by', statements: ['ALTER TABLE hub_work_order_moves ADD COLUMN told_by TEXT'] },
  {
    id: '0573-promise-in-time',
    statements: [
      'ALTER TABLE hub_work_orders ADD COLUMN promise_at_ms BIGINT',
      `UPDATE hub_work_orders SET promise_at_ms = (SELECT max(m.at_ms) FROM hub_work_order_moves m
        WHERE m.work_order_id = hub_work_orders.work_order_id
        AND (m.data LIKE '%"window_from_ms":%' OR m.data LIKE '%"kind":"no_show"%' OR m.type = 'reopened'))`,
    ],
  },
]
