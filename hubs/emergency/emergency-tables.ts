/**
 * Tables of the emergency book, which has a database file of its own: what endangers somebody, what was done about it and when, whom it
 * calls, and an outbox of its own. The schema itself forbids that an emergency which is not over has no next instant at which
 * something happens.
 */
import type { Migration } from '#kernel/migration.ts'
import type { HubTables } from '../hub-tables.ts'
import { outboxMigrations } from '../outbox-tables.ts'

type OutboxTables = Pick<HubTables, 'outbox_endpoints' | 'outbox_subjects' | 'outbox_events' | 'outbox_deliveries' | 'outbox_attempts'>

export interface EmergencyTables extends OutboxTables {
  emg_emergencies: EmergencyBookRow
  emg_steps: StepRow
  emg_notices: NoticeRow
  emg_rosters: { tenant: string; name: string; roster: string; updated_at_ms: number; updated_by: string; next_drill_at_ms: number | null }
  emg_keys: { name: string; secret: string }
}

export interface EmergencyBookRow {
  emergency_id: string
  tenant: string
  device: string
  type: string
  alarm_id: string
  safety_class: string
  fault: string | null
  title_en: string
  title_zh: string
  advice_en: string
  advice_zh: string
  /** What it endangers the home by; `fault:` or `rule:` with its id where nobody described it, null in rows of before this was kept. */
  hazard: string | null
  /** The open emergency that this danger is the same as; null = it is one of its own. */
  joined_to: string | null
  /** raised, acknowledged, joined, resolved or past. */
  state: string
  is_drill: number
  /** Whether the household is told and asked for a receipt. */
  tells_household: number
  raised_at_ms: number
  received_at_ms: number
  created_at_ms: number
  cleared_at_ms: number | null
  /** Rungs taken since it was raised or fell back; the next one is this. */
  step: number
  /** When the ladder goes on; never null while the emergency is raised or acknowledged. */
  next_step_at_ms: number | null
  owner: string | null
  acknowledged_at_ms: number | null
  acknowledged_by: string | null
  resolved_at_ms: number | null
  resolved_by: string | null
  resolution: string | null
  /** Actions of the safe-state command; null = none is owed. */
  actions: string | null
  /** queued, sent, delivered, accepted, done, refused, expired, cancelled; null = none is owed. */
  command_state: string | null
  command_state_at_ms: number | null
  command_published_at_ms: number | null
  command_attempts: number
  /** How often the danger came back after it was over; it makes the id of its command. */
  command_round: number
  /** When it is written to the device again; null = answered, or not owed. */
  command_next_at_ms: number | null
  /** When its silence is escalated; null = it was, or it was answered. */
  command_overdue_at_ms: number | null
  /** When the twin is asked to end the command of an emergency that is over; null = it need not be. */
  command_withdraw_at_ms: number | null
  read_at_ms: number | null
  /** When a household that has not read the advice is escalated; null = read, told of, or not asked. */
  unread_at_ms: number | null
  work_order_id: string | null
  case_id: string | null
  /** Household that a person named with the danger; null = nobody did. */
  household: string | null
  alarm: string
}

export interface StepRow {
  emergency_id: string
  sequence: number
  tenant: string
  /** raised, command, rung, notice, acknowledged, read, resolved ... */
  kind: string
  at_ms: number
  detail: string
}

export interface NoticeRow {
  notice_id: string
  emergency_id: string
  tenant: string
  person: string
  channel: string
  target: string
  subject: string
  body: string
  /** pending, delivered, withdrawn. */
  state: string
  attempt_count: number
  next_at_ms: number
  created_at_ms: number
  settled_at_ms: number | null
  error: string | null
}

export const emergencyMigrations: readonly Migration[] = [
  ...outboxMigrations,
  {
    id: '0530-emergency-book',
    statements: [
      `CREATE TABLE emg_emergencies (emergency_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL,
        alarm_id TEXT NOT NULL, safety_class TEXT NOT NULL, fault TEXT, title_en TEXT NOT NULL, title_zh TEXT NOT NULL,
        advice_en TEXT NOT NULL, advice_zh TEXT NOT NULL, state TEXT NOT NULL, is_drill INTEGER NOT NULL, tells_household INTEGER NOT NULL,
        raised_at_ms BIGINT NOT NULL, received_at_ms BIGINT NOT NULL, created_at_ms BIGINT NOT NULL, cleared_at_ms BIGINT,
        step INTEGER NOT NULL, next_step_at_ms BIGINT, owner TEXT, acknowledged_at_ms BIGINT, acknowledged_by TEXT, resolved_at_ms BIGINT,
        resolved_by TEXT, resolution TEXT, actions TEXT, command_state TEXT, command_state_at_ms BIGINT, command_published_at_ms BIGINT,
        command_attempts INTEGER NOT NULL, command_next_at_ms BIGINT, command_overdue_at_ms BIGINT, read_at_ms BIGINT, unread_at_ms BIGINT,
        work_order_id TEXT, case_id TEXT, alarm TEXT NOT NULL,
        CHECK (state IN ('resolved', 'past') OR next_step_at_ms IS NOT NULL))`,
      'CREATE INDEX emg_emergencies_by_time ON emg_emergencies (tenant, created_at_ms, emergency_id)',
      'CREATE INDEX emg_emergencies_by_step ON emg_emergencies (next_step_at_ms) WHERE next_step_at_ms IS NOT NULL',
      'CREATE INDEX emg_emergencies_by_command ON emg_emergencies (command_next_at_ms) WHERE command_next_at_ms IS NOT NULL',
      'CREATE INDEX emg_emergencies_by_overdue ON emg_emergencies (command_overdue_at_ms) WHERE command_overdue_at_ms IS NOT NULL',
      'CREATE INDEX emg_emergencies_by_unread ON emg_emergencies (unread_at_ms) WHERE unread_at_ms IS NOT NULL',
      `CREATE TABLE emg_steps (emergency_id TEXT NOT NULL, sequence INTEGER NOT NULL, tenant TEXT NOT NULL, kind TEXT NOT NULL,
        at_ms BIGINT NOT NULL, detail TEXT NOT NULL, PRIMARY KEY (emergency_id, sequence))`,
      `CREATE TABLE emg_notices (notice_id TEXT PRIMARY KEY, emergency_id TEXT NOT NULL, tenant TEXT NOT NULL, person TEXT NOT NULL,
        channel TEXT NOT NULL, target TEXT NOT NULL, subject TEXT NOT NULL, body TEXT NOT NULL, state TEXT NOT NULL,
        attempt_count INTEGER NOT NULL, next_at_ms BIGINT NOT NULL, created_at_ms BIGINT NOT NULL, settled_at_ms BIGINT, error TEXT)`,
      "CREATE INDEX emg_notices_due ON emg_notices (next_at_ms) WHERE state = 'pending'",
      'CREATE INDEX emg_notices_of ON emg_notices (emergency_id)',
      `CREATE TABLE emg_rosters (tenant TEXT NOT NULL, name TEXT NOT NULL, roster TEXT NOT NULL, updated_at_ms BIGINT NOT NULL, updated_by TEXT NOT NULL,
        next_drill_at_ms BIGINT, PRIMARY KEY (tenant, name))`,
      'CREATE INDEX outbox_attempts_by_time ON outbox_attempts (tenant, endpoint_id, at_ms)',
      'CREATE TABLE emg_keys (name TEXT PRIMARY KEY, secret TEXT NOT NULL)',
    ],
  },
  { id: '0531-emergency-command-round', statements: ['ALTER TABLE emg_emergencies ADD COLUMN command_round INTEGER NOT NULL DEFAULT 0'] },
  {
    id: '0532-emergency-withdraw',
    statements: [
      'ALTER TABLE emg_emergencies ADD COLUMN command_withdraw_at_ms BIGINT',
      'CREATE INDEX emg_emergencies_by_withdraw ON emg_emergencies (command_withdraw_at_ms) WHERE command_withdraw_at_ms IS NOT NULL',
      'CREATE INDEX emg_emergencies_by_unit ON emg_emergencies (tenant, device, state)',
    ],
  },
  {
    id: '0533-emergency-hazard',
    statements: [
      'ALTER TABLE emg_emergencies ADD COLUMN hazard TEXT',
      'ALTER TABLE emg_emergencies ADD COLUMN joined_to TEXT',
      'CREATE INDEX emg_emergencies_open ON emg_emergencies (tenant, hazard) WHERE next_step_at_ms IS NOT NULL',
      'CREATE INDEX emg_emergencies_joined ON emg_emergencies (joined_to) WHERE joined_to IS NOT NULL',
    ],
  },
  { id: '0534-emergency-household', statements: ['ALTER TABLE emg_emergencies ADD COLUMN household TEXT'] },
]
