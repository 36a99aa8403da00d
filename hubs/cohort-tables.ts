/**
 * Tables of cohorts: when each unit was first said to have a fault (kept when diagnoses and alarms are dropped by age), which firmware it
 * ran since when, and which cohorts were flagged.
 */
import type { Migration } from '#kernel/migration.ts'

export interface CohortTables {
  hub_first_faults: { tenant: string; device: string; fault: string; first_ms: number }
  hub_unit_firmware: { tenant: string; device: string; since_ms: number; firmware: string }
  hub_cohort_flags: { tenant: string; type: string; scope: string; cohort: string; fault: string; flagged_at_ms: number; told_at_ms: number }
}

export const cohortMigrations: readonly Migration[] = [
  {
    id: '0401-cohorts',
    statements: [
      'CREATE TABLE hub_first_faults (tenant TEXT NOT NULL, device TEXT NOT NULL, fault TEXT NOT NULL, first_ms BIGINT NOT NULL, PRIMARY KEY (tenant, device, fault))',
      `INSERT INTO hub_first_faults (tenant, device, fault, first_ms)
        SELECT tenant, device, fault, min(made_at_ms) FROM hub_diagnoses WHERE answer = 'fault' AND fault IS NOT NULL GROUP BY tenant, device, fault`,
      `CREATE TABLE hub_unit_firmware (tenant TEXT NOT NULL, device TEXT NOT NULL, since_ms BIGINT NOT NULL, firmware TEXT NOT NULL,
        PRIMARY KEY (tenant, device, since_ms))`,
      `CREATE TABLE hub_cohort_flags (tenant TEXT NOT NULL, type TEXT NOT NULL, scope TEXT NOT NULL, cohort TEXT NOT NULL, fault TEXT NOT NULL,
        flagged_at_ms BIGINT NOT NULL, told_at_ms BIGINT NOT NULL, PRIMARY KEY (tenant, type, scope, cohort, fault))`,
    ],
  },
]
