/**
 * Tables of the twin in the operational store: settings as they should be and as they are, their changes, commands with their state,
 * the presence of devices, and the position in the journal up to which messages of devices were applied. Times are integer UTC
 * milliseconds, documents are JSON text.
 */
import type { Migration } from '#kernel/migration.ts'

export interface DesiredRow {
  tenant: string
  device: string
  version: number
  document: string
  expires_at_ms: number | null
  set_at_ms: number
  set_by: string
  /** The expiry stands in the history. */
  is_expiry_noted: number
}

export interface ReportedRow {
  tenant: string
  device: string
  /** `{setting: [value, at_ms]}`; null as value = taken away at that time. */
  document: string
  /** Highest version of the desired settings that the device said it has taken in. */
  desired_version: number | null
  /** Device time of the newest message. */
  observed_at_ms: number
  received_at_ms: number
}

export interface HistoryRow {
  tenant: string
  device: string
  /** Rises within a device and kind. */
  sequence: number
  kind: string
  /** Time of the change: device time of a report, time of the order of settings. */
  at_ms: number
  recorded_at_ms: number
  version: number | null
  actor: string
  change: string
}

export interface CommandRow {
  command_id: string
  tenant: string
  device: string
  name: string
  payload: string
  state: string
  attempts: number
  created_at_ms: number
  expires_at_ms: number
  /** When the schedule sends it again; null = not before the device subscribes. */
  next_try_at_ms: number | null
  acknowledge_by_ms: number | null
  sent_at_ms: number | null
  delivered_at_ms: number | null
  accepted_at_ms: number | null
  ended_at_ms: number | null
  actor: string
  reason: string | null
  data: string | null
  late_state: string | null
  late_at_ms: number | null
  is_followed: number
  /** `acknowledge_by_ms` passed without an answer. */
  is_overdue: number
  /** What the giver has not heard yet, with its time. */
  owed_note: string | null
  owed_note_at_ms: number | null
}

export interface PresenceRow {
  tenant: string
  device: string
  is_online: number
  since_ms: number
  /** The hubs were told that it is silent. */
  is_said: number
}

export interface TwinTables {
  twin_desired: DesiredRow
  twin_reported: ReportedRow
  twin_history: HistoryRow
  twin_commands: CommandRow
  twin_presence: PresenceRow
  /** One row a name: `journal` = position of the consumer, `alive` = when the server last ran. */
  twin_marks: { name: string; value: number }
}

export const twinMigrations: readonly Migration[] = [
  {
    id: '0220-twin',
    statements: [
      `CREATE TABLE twin_desired (tenant TEXT NOT NULL, device TEXT NOT NULL, version INTEGER NOT NULL, document TEXT NOT NULL,
        expires_at_ms BIGINT, set_at_ms BIGINT NOT NULL, set_by TEXT NOT NULL, is_expiry_noted INTEGER NOT NULL, PRIMARY KEY (tenant, device))`,
      'CREATE INDEX twin_desired_expiring ON twin_desired (is_expiry_noted, expires_at_ms)',
      `CREATE TABLE twin_reported (tenant TEXT NOT NULL, device TEXT NOT NULL, document TEXT NOT NULL, desired_version INTEGER,
        observed_at_ms BIGINT NOT NULL, received_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, device))`,
      `CREATE TABLE twin_history (tenant TEXT NOT NULL, device TEXT NOT NULL, kind TEXT NOT NULL, sequence INTEGER NOT NULL,
        at_ms BIGINT NOT NULL, recorded_at_ms BIGINT NOT NULL, version INTEGER, actor TEXT NOT NULL, change TEXT NOT NULL,
        PRIMARY KEY (tenant, device, kind, sequence))`,
      'CREATE INDEX twin_history_by_age ON twin_history (recorded_at_ms)',
      `CREATE TABLE twin_commands (command_id TEXT NOT NULL, tenant TEXT NOT NULL, device TEXT NOT NULL, name TEXT NOT NULL,
        payload TEXT NOT NULL, state TEXT NOT NULL, attempts INTEGER NOT NULL, created_at_ms BIGINT NOT NULL, expires_at_ms BIGINT NOT NULL,
        next_try_at_ms BIGINT, acknowledge_by_ms BIGINT, sent_at_ms BIGINT, delivered_at_ms BIGINT, accepted_at_ms BIGINT, ended_at_ms BIGINT,
        actor TEXT NOT NULL, reason TEXT, data TEXT, late_state TEXT, late_at_ms BIGINT, is_followed INTEGER NOT NULL,
        is_overdue INTEGER NOT NULL, owed_note TEXT,
        owed_note_at_ms BIGINT, PRIMARY KEY (tenant, command_id))`,
      'CREATE INDEX twin_commands_by_device ON twin_commands (tenant, device, created_at_ms, command_id)',
      'CREATE INDEX twin_commands_due ON twin_commands (next_try_at_ms)',
      'CREATE INDEX twin_commands_open ON twin_commands (ended_at_ms, expires_at_ms)',
      'CREATE INDEX twin_commands_owed ON twin_commands (owed_note)',
      'CREATE INDEX twin_commands_overdue ON twin_commands (is_overdue, acknowledge_by_ms)',
      `CREATE TABLE twin_presence (tenant TEXT NOT NULL, device TEXT NOT NULL, is_online INTEGER NOT NULL, since_ms BIGINT NOT NULL,
        is_said INTEGER NOT NULL, PRIMARY KEY (tenant, device))`,
      'CREATE TABLE twin_marks (name TEXT PRIMARY KEY, value BIGINT NOT NULL)',
    ],
  },
]
