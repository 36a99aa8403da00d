/**
 * Tables of the hubs in the operational store: what came in (alarms, diagnoses, applied keys), what was made of it (cases, work
 * orders with their moves, parts needs, emergencies, labels) and what goes out (outbox). Times are integer UTC milliseconds, records
 * that nobody searches inside are JSON text.
 */
import type { Migration } from '#kernel/migration.ts'
import { type AlarmTables, alarmMigrations } from './alarm-tables.ts'
import { type CareTables, careMigrations } from './care/care-tables.ts'
import { type CohortTables, cohortMigrations } from './cohort-tables.ts'
import { type ExperienceTables, experienceMigrations } from './experience/experience-tables.ts'
import { type HelpTables, helpMigrations } from './help/help-tables.ts'
import { type IntakeTables, intakeMigrations } from './intake/intake-tables.ts'
import { type ChainColumns, type OrderTables, orderMigrations } from './orders/order-tables.ts'
import { outboxMigrations } from './outbox-tables.ts'
import { type RemoteTables, remoteMigrations } from './remote/remote-tables.ts'
import { type TimerTables, timerMigrations } from './timer-tables.ts'
import { type VerifyTables, verifyMigrations } from './verify/verify-tables.ts'

export interface HubTables
  extends AlarmTables,
    CohortTables,
    TimerTables,
    OrderTables,
    VerifyTables,
    ExperienceTables,
    IntakeTables,
    RemoteTables,
    HelpTables,
    CareTables {
  hub_applied_events: { event_key: string; applied_at_ms: number }
  /** Events that failed by themselves, with the reason; they have no effect. */
  hub_events_set_aside: { event_key: string; kind: string; body: string; error: string; at_ms: number }
  hub_alarms: {
    alarm_id: string
    tenant: string
    device: string
    safety_class: string
    raised_at_ms: number
    cleared_at_ms: number | null
    body: string
  }
  hub_diagnoses: { diagnosis_id: string; tenant: string; device: string; made_at_ms: number; answer: string; fault: string | null; body: string }
  hub_device_answers: { tenant: string; device: string; diagnosis_id: string; made_at_ms: number; answer: string; fault: string | null }
  hub_cases: CaseRow
  hub_work_orders: WorkOrderRow
  hub_work_order_moves: MoveRow
  hub_parts_needs: PartsNeedRow
  hub_emergencies: EmergencyRow
  hub_labels: LabelRow
  hub_idempotency: { tenant: string; idempotency_key: string; body_hash: string; answer: string; at_ms: number }
  outbox_endpoints: EndpointRow
  outbox_subjects: { tenant: string; subject: string; sequence: number }
  outbox_events: { event_id: string; tenant: string; subject: string; sequence: number; type: string; at_ms: number; body: string }
  outbox_deliveries: DeliveryRow
  outbox_attempts: AttemptRow
}

export interface CaseRow {
  case_id: string
  tenant: string
  device: string
  type: string
  cause: string
  state: string
  safety_class: string
  work_order_id: string
  is_past_danger: number
  opened_at_ms: number
  created_at_ms: number
  closed_at_ms: number | null
  /** Case of the group that it turned out to be one cause with. */
  merged_into: string | null
}

export interface WorkOrderRow extends ChainColumns {
  work_order_id: string
  case_id: string
  tenant: string
  device: string
  type: string
  state: string
  revision: number
  safety_class: string
  fault: string | null
  /** Fault code, or `rule:<id>` for an alarm that names no fault. */
  cause: string
  /** Cause at the time of opening; with `ordinal` it makes the id. */
  opening_cause: string
  diagnosis_id: string | null
  /** Device time of the diagnosis that the packet was made from. */
  diagnosed_at_ms: number | null
  alarm_id: string | null
  opened_at_ms: number
  created_at_ms: number
  updated_at_ms: number
  /** When it was done, cancelled or closed; null while it is open. */
  settled_at_ms: number | null
  move_count: number
  packet: string
  outcome: string | null
}

export interface MoveRow {
  work_order_id: string
  sequence: number
  tenant: string
  /** `move` or `remark`. */
  kind: string
  type: string
  from_state: string
  to_state: string
  actor: string
  at_ms: number
  recorded_at_ms: number
  reason: string
  data: string
  /** Key by which it was told, `key:<id>`; null = Mendline by itself, or of before this was kept. */
  told_by: string | null
}

export interface PartsNeedRow {
  work_order_id: string
  part: string
  tenant: string
  device: string
  name: string
  quantity: number
  probability: number
  opened_at_ms: number
}

export interface EmergencyRow {
  emergency_id: string
  tenant: string
  device: string
  type: string
  alarm_id: string
  work_order_id: string
  safety_class: string
  title: string
  advice: string
  state: string
  raised_at_ms: number
  created_at_ms: number
  /** When the safe-state command first left; null = not yet, -1 = none is owed. */
  command_sent_at_ms: number | null
  /** Id of its command and how far that came, `overdue` included; null = none was given. */
  command_id: string | null
  command_state: string | null
  command_state_at_ms: number | null
}

export interface LabelRow {
  label_id: string
  tenant: string
  device: string
  type: string
  work_order_id: string
  cause: string
  predicted: string | null
  diagnosis_id: string | null
  window_from_ms: number
  window_to_ms: number
  source: string
  labelled_at_ms: number
  /** How far the cause can be believed, 0 to 1; null on labels from before this was weighed. */
  confidence: number | null
  /** Cause that the sensors speak for when the coded one is clearly wrong. */
  corrected_cause: string | null
  /** JSON of texts. */
  reasons: string | null
  /** Actor of the visit. */
  engineer: string | null
  /** What brought the order: `model`, `rule` or `household`. */
  origin: string | null
  /** Model behind the diagnosis, null where there was none. */
  model_version: string | null
  /** Sequence of the move to `done`. */
  visit: number | null
}

export interface EndpointRow {
  endpoint_id: string
  tenant: string
  url: string
  secret: string
  previous_secret: string | null
  previous_until_ms: number | null
  event_types: string
  description: string
  enabled: number
  disabled_reason: string | null
  created_at_ms: number
}

export interface DeliveryRow {
  endpoint_id: string
  event_id: string
  tenant: string
  subject: string
  sequence: number
  /** pending, delivered or dead. */
  state: string
  attempt_count: number
  next_at_ms: number
  updated_at_ms: number
  /** 1 for the first pending one of its endpoint and subject: the only one of them that may leave. */
  is_head: number
}

export interface AttemptRow {
  endpoint_id: string
  event_id: string
  attempt: number
  tenant: string
  at_ms: number
  duration_ms: number
  status: number | null
  error: string | null
  response: string
}

export const hubMigrations: readonly Migration[] = [
  {
    id: '0100-hubs',
    statements: [
      'CREATE TABLE hub_applied_events (event_key TEXT PRIMARY KEY, applied_at_ms BIGINT NOT NULL)',
      `CREATE TABLE hub_alarms (alarm_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, safety_class TEXT NOT NULL,
        raised_at_ms BIGINT NOT NULL, cleared_at_ms BIGINT, body TEXT NOT NULL)`,
      'CREATE INDEX hub_alarms_by_time ON hub_alarms (tenant, raised_at_ms, alarm_id)',
      `CREATE TABLE hub_diagnoses (diagnosis_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, made_at_ms BIGINT NOT NULL,
        answer TEXT NOT NULL, fault TEXT, body TEXT NOT NULL)`,
      'CREATE INDEX hub_diagnoses_by_time ON hub_diagnoses (tenant, made_at_ms, diagnosis_id)',
      'CREATE INDEX hub_diagnoses_by_device ON hub_diagnoses (tenant, device, made_at_ms)',
      `CREATE TABLE hub_device_answers (tenant TEXT NOT NULL, device TEXT NOT NULL, diagnosis_id TEXT NOT NULL, made_at_ms BIGINT NOT NULL,
        answer TEXT NOT NULL, fault TEXT, PRIMARY KEY (tenant, device))`,
      `CREATE TABLE hub_cases (case_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL, cause TEXT NOT NULL,
        state TEXT NOT NULL, safety_class TEXT NOT NULL, work_order_id TEXT NOT NULL, is_past_danger INTEGER NOT NULL,
        opened_at_ms BIGINT NOT NULL, created_at_ms BIGINT NOT NULL, closed_at_ms BIGINT)`,
      'CREATE INDEX hub_cases_by_time ON hub_cases (tenant, created_at_ms, case_id)',
      `CREATE TABLE hub_work_orders (work_order_id TEXT PRIMARY KEY, case_id TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL,
        type TEXT NOT NULL, state TEXT NOT NULL, revision INTEGER NOT NULL, safety_class TEXT NOT NULL, fault TEXT, cause TEXT NOT NULL,
        opening_cause TEXT NOT NULL, diagnosis_id TEXT, diagnosed_at_ms BIGINT, alarm_id TEXT, opened_at_ms BIGINT NOT NULL,
        created_at_ms BIGINT NOT NULL, updated_at_ms BIGINT NOT NULL, settled_at_ms BIGINT, move_count INTEGER NOT NULL,
        packet TEXT NOT NULL, outcome TEXT)`,
      'CREATE INDEX hub_work_orders_by_time ON hub_work_orders (tenant, created_at_ms, work_order_id)',
      'CREATE INDEX hub_work_orders_by_device ON hub_work_orders (tenant, device)',
      `CREATE TABLE hub_work_order_moves (work_order_id TEXT NOT NULL, sequence INTEGER NOT NULL, tenant TEXT NOT NULL, kind TEXT NOT NULL,
        type TEXT NOT NULL, from_state TEXT NOT NULL, to_state TEXT NOT NULL, actor TEXT NOT NULL, at_ms BIGINT NOT NULL,
        recorded_at_ms BIGINT NOT NULL, reason TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (work_order_id, sequence))`,
      `CREATE TABLE hub_parts_needs (work_order_id TEXT NOT NULL, part TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL,
        name TEXT NOT NULL, quantity INTEGER NOT NULL, probability DOUBLE PRECISION NOT NULL, opened_at_ms BIGINT NOT NULL,
        PRIMARY KEY (work_order_id, part))`,
      `CREATE TABLE hub_emergencies (emergency_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL,
        alarm_id TEXT NOT NULL, work_order_id TEXT NOT NULL, safety_class TEXT NOT NULL, title TEXT NOT NULL, advice TEXT NOT NULL,
        state TEXT NOT NULL, raised_at_ms BIGINT NOT NULL, created_at_ms BIGINT NOT NULL, command_sent_at_ms BIGINT)`,
      `CREATE TABLE hub_labels (label_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, type TEXT NOT NULL,
        work_order_id TEXT NOT NULL, cause TEXT NOT NULL, predicted TEXT, diagnosis_id TEXT, window_from_ms BIGINT NOT NULL,
        window_to_ms BIGINT NOT NULL, source TEXT NOT NULL, labelled_at_ms BIGINT NOT NULL)`,
      `CREATE TABLE hub_idempotency (tenant TEXT NOT NULL, idempotency_key TEXT NOT NULL, body_hash TEXT NOT NULL, answer TEXT NOT NULL,
        at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, idempotency_key))`,
    ],
  },
  ...outboxMigrations,
  {
    id: '0102-counted',
    statements: [
      'CREATE INDEX hub_diagnoses_by_answer ON hub_diagnoses (tenant, answer)',
      'CREATE INDEX hub_work_orders_by_state ON hub_work_orders (tenant, state)',
      'CREATE INDEX hub_emergencies_by_time ON hub_emergencies (tenant, created_at_ms, emergency_id)',
      'CREATE INDEX hub_emergencies_owed ON hub_emergencies (command_sent_at_ms, created_at_ms)',
      'CREATE INDEX outbox_attempts_by_time ON outbox_attempts (tenant, endpoint_id, at_ms)',
    ],
  },
  {
    id: '0103-set-aside',
    statements: [
      `CREATE TABLE hub_events_set_aside (event_key TEXT PRIMARY KEY, kind TEXT NOT NULL, body TEXT NOT NULL, error TEXT NOT NULL,
        at_ms BIGINT NOT NULL)`,
    ],
  },
  {
    id: '0221-emergency-command',
    statements: [
      'ALTER TABLE hub_emergencies ADD COLUMN command_id TEXT',
      'ALTER TABLE hub_emergencies ADD COLUMN command_state TEXT',
      'ALTER TABLE hub_emergencies ADD COLUMN command_state_at_ms BIGINT',
    ],
  },
  ...alarmMigrations,
  {
    id: '0400-boards',
    statements: [
      'CREATE INDEX hub_alarms_by_device ON hub_alarms (tenant, device, raised_at_ms)',
      'CREATE INDEX hub_alarms_standing ON hub_alarms (tenant, device, safety_class, raised_at_ms) WHERE cleared_at_ms IS NULL',
    ],
  },
  ...cohortMigrations,
  ...timerMigrations,
  ...orderMigrations,
  ...verifyMigrations,
  ...experienceMigrations,
  ...intakeMigrations,
  ...remoteMigrations,
  ...helpMigrations,
  ...careMigrations,
]
