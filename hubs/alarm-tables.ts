/** Tables of what is made of alarms: which of them one cause explains, what people did with them, and maintenance windows. */
import type { Migration } from '#kernel/migration.ts'

export interface AlarmTables {
  hub_grouped_alarms: {
    alarm_id: string
    tenant: string
    device: string
    cause: string
    safety_class: string
    began_at_ms: number
    /** Begin of the stretch of time in which groups are made; groups do not cross it. */
    bucket_ms: number
    group_id: string
    /** 1: it opens no order by itself, since its rule opens none or people hold it back; such a one does not speak for a group. */
    is_quiet: number
    /** Appliance type; empty on alarms from before it was kept. */
    type: string
  }
  hub_alarm_groups: AlarmGroupRow
  hub_alarm_handling: AlarmHandlingRow
  hub_maintenance_windows: MaintenanceRow
}

export interface AlarmGroupRow {
  group_id: string
  tenant: string
  cause: string
  scope: string
  scope_value: string
  safety_class: string
  bucket_ms: number
  from_ms: number
  to_ms: number
  alarms: number
  units: number
  population: number
  lead_alarm_id: string
  /** The one order of the cause; null while none is open, and of a group that is one unit. */
  work_order_id: string | null
}

export interface AlarmHandlingRow {
  alarm_id: string
  tenant: string
  device: string
  rule: string
  acknowledged_at_ms: number | null
  acknowledged_by: string | null
  assigned_to: string | null
  snoozed_until_ms: number | null
  /** Why it opened no order: a maintenance window, a snooze or a group; null when nothing held it back. */
  quiet_by: string | null
  updated_at_ms: number
}

export interface MaintenanceRow {
  window_id: string
  tenant: string
  /** all, or a scope of groups. */
  scope: string
  scope_value: string
  from_ms: number
  to_ms: number
  reason: string
  created_by: string
  created_at_ms: number
}

export const alarmMigrations: readonly Migration[] = [
  {
    id: '0341-alarm-groups',
    statements: [
      `CREATE TABLE hub_grouped_alarms (alarm_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, cause TEXT NOT NULL,
        safety_class TEXT NOT NULL, began_at_ms BIGINT NOT NULL, bucket_ms BIGINT NOT NULL, group_id TEXT NOT NULL)`,
      'CREATE INDEX hub_grouped_alarms_by_cause ON hub_grouped_alarms (tenant, cause, bucket_ms)',
      `CREATE TABLE hub_alarm_groups (group_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, cause TEXT NOT NULL, scope TEXT NOT NULL,
        scope_value TEXT NOT NULL, safety_class TEXT NOT NULL, bucket_ms BIGINT NOT NULL, from_ms BIGINT NOT NULL, to_ms BIGINT NOT NULL,
        alarms INTEGER NOT NULL, units INTEGER NOT NULL, population INTEGER NOT NULL, lead_alarm_id TEXT NOT NULL)`,
      'CREATE INDEX hub_alarm_groups_by_time ON hub_alarm_groups (tenant, from_ms, group_id)',
      'CREATE INDEX hub_alarm_groups_by_cause ON hub_alarm_groups (tenant, cause, bucket_ms)',
    ],
  },
  {
    id: '0342-alarm-handling',
    statements: [
      `CREATE TABLE hub_alarm_handling (alarm_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, device TEXT NOT NULL, rule TEXT NOT NULL,
        acknowledged_at_ms BIGINT, acknowledged_by TEXT, assigned_to TEXT, snoozed_until_ms BIGINT, quiet_by TEXT, updated_at_ms BIGINT NOT NULL)`,
      'CREATE INDEX hub_alarm_handling_snoozed ON hub_alarm_handling (tenant, device, rule, snoozed_until_ms)',
      `CREATE TABLE hub_maintenance_windows (window_id TEXT PRIMARY KEY, tenant TEXT NOT NULL, scope TEXT NOT NULL, scope_value TEXT NOT NULL,
        from_ms BIGINT NOT NULL, to_ms BIGINT NOT NULL, reason TEXT NOT NULL, created_by TEXT NOT NULL, created_at_ms BIGINT NOT NULL)`,
      'CREATE INDEX hub_maintenance_windows_by_time ON hub_maintenance_windows (tenant, to_ms)',
    ],
  },
  {
    id: '0344-quiet-alarms',
    statements: ['ALTER TABLE hub_grouped_alarms ADD COLUMN is_quiet INTEGER NOT NULL DEFAULT 0'],
  },
  {
    id: '0520-one-order-a-group',
    statements: [
      "ALTER TABLE hub_grouped_alarms ADD COLUMN type TEXT NOT NULL DEFAULT ''",
      'ALTER TABLE hub_alarm_groups ADD COLUMN work_order_id TEXT',
      'ALTER TABLE hub_cases ADD COLUMN merged_into TEXT',
      'CREATE INDEX hub_grouped_alarms_by_unit ON hub_grouped_alarms (tenant, device, cause)',
      'CREATE INDEX hub_grouped_alarms_by_group ON hub_grouped_alarms (group_id)',
    ],
  },
]
