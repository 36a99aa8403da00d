/** Tables of an outbox: endpoints, events in the order of their subject, what is owed to whom, and every attempt. Two books have one each. */
import type { Migration } from '#kernel/migration.ts'

export const outboxMigrations: readonly Migration[] = [
  {
    id: '0101-outbox',
    statements: [
      `CREATE TABLE outbox_endpoints (endpoint_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, url TEXT NOT NULL, secret TEXT NOT NULL,
        previous_secret TEXT, previous_until_ms BIGINT, event_types TEXT NOT NULL, description TEXT NOT NULL, enabled INTEGER NOT NULL, disabled_reason TEXT,
        created_at_ms BIGINT NOT NULL)`,
      'CREATE TABLE outbox_subjects (tenant TEXT NOT NULL, subject TEXT NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (tenant, subject))',
      `CREATE TABLE outbox_events (event_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, subject TEXT NOT NULL, sequence INTEGER NOT NULL,
        type TEXT NOT NULL, at_ms BIGINT NOT NULL, body TEXT NOT NULL)`,
      'CREATE INDEX outbox_events_by_time ON outbox_events (tenant, at_ms, event_id)',
      `CREATE TABLE outbox_deliveries (endpoint_id TEXT NOT NULL, event_id TEXT NOT NULL, tenant TEXT NOT NULL, subject TEXT NOT NULL,
        sequence INTEGER NOT NULL, state TEXT NOT NULL, attempt_count INTEGER NOT NULL, next_at_ms BIGINT NOT NULL,
        updated_at_ms BIGINT NOT NULL, PRIMARY KEY (endpoint_id, event_id))`,
      'CREATE INDEX outbox_deliveries_due ON outbox_deliveries (state, endpoint_id, next_at_ms)',
      'CREATE INDEX outbox_deliveries_in_order ON outbox_deliveries (endpoint_id, subject, state, sequence)',
      `CREATE TABLE outbox_attempts (endpoint_id TEXT NOT NULL, event_id TEXT NOT NULL, attempt INTEGER NOT NULL, tenant TEXT NOT NULL,
        at_ms BIGINT NOT NULL, duration_ms BIGINT NOT NULL, status INTEGER, error TEXT, response TEXT NOT NULL,
        PRIMARY KEY (endpoint_id, event_id, attempt))`,
    ],
  },
  {
    // A receiver that takes nothing for days leaves many that wait behind another one: what may leave is found without reading those.
    id: '0540-outbox-heads',
    statements: [
      'ALTER TABLE outbox_deliveries ADD COLUMN is_head INTEGER NOT NULL DEFAULT 0',
      `UPDATE outbox_deliveries SET is_head = 1 WHERE state = 'pending' AND NOT EXISTS (SELECT 1 FROM outbox_deliveries AS b
        WHERE b.endpoint_id = outbox_deliveries.endpoint_id AND b.subject = outbox_deliveries.subject AND b.state = 'pending'
        AND b.sequence < outbox_deliveries.sequence)`,
      'CREATE INDEX outbox_deliveries_heads ON outbox_deliveries (endpoint_id, next_at_ms) WHERE is_head = 1',
    ],
  },
]
