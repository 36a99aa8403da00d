/** What the watch over cohorts keeps in the operational store: first faults, firmware as it was heard, and flags that were raised. */
import type { Kysely } from 'kysely'
import type { CohortTables } from './cohort-tables.ts'
import type { HubTables } from './hub-tables.ts'

/** Cohort of a type with a fault. */
export interface CohortKey {
  readonly tenant: string
  readonly type: string
  readonly scope: string
  readonly cohort: string
  readonly fault: string
}

export interface CohortBook {
  firstFaults(tenant: string): Promise<ReadonlyArray<{ readonly device: string; readonly fault: string; readonly at_ms: number }>>
  /** Versions of each unit, oldest first. */
  firmware(tenant: string): Promise<ReadonlyMap<string, ReadonlyArray<{ readonly from_ms: number; readonly version: string }>>>
  noteFirmware(rows: ReadonlyArray<CohortTables['hub_unit_firmware']>): Promise<void>
  /** Notes a flag; false when it was raised before. */
  flag(key: CohortKey, times: { readonly flaggedMs: number; readonly nowMs: number }): Promise<boolean>
  /** When flagged cohorts were flagged first, by `type/scope/cohort/fault`. */
  flags(tenant: string): Promise<ReadonlyMap<string, number>>
}

/** Rows of one INSERT. */
const INSERT_ROWS = 500

export function createCohortBook(database: Kysely<HubTables>): CohortBook {
  return {
    async firstFaults(tenant) {
      const rows = await database.selectFrom('hub_first_faults').select(['device', 'fault', 'first_ms']).where('tenant', '=', tenant).execute()
      return rows.map(({ device, fault, first_ms }) => ({ device, fault, at_ms: first_ms }))
    },
    async firmware(tenant) {
      const rows = await database
        .selectFrom('hub_unit_firmware')
        .selectAll()
        .where('tenant', '=', tenant)
        .orderBy('device')
        .orderBy('since_ms')
        .execute()
      const versions = new Map<string, Array<{ from_ms: number; version: string }>>()
      for (const { device, since_ms, firmware } of rows) {
        const list = versions.get(device) ?? []
        list.push({ from_ms: since_ms, version: firmware })
        versions.set(device, list)
      }
      return versions
    },
    async noteFirmware(rows) {
      for (let from = 0; from < rows.length; from += INSERT_ROWS) {
        await database
          .insertInto('hub_unit_firmware')
          .values(rows.slice(from, from + INSERT_ROWS))
          .onConflict((conflict) => conflict.doNothing())
          .execute()
      }
    },
    async flag(key, { flaggedMs, nowMs }) {
      const result = await database
        .insertInto('hub_cohort_flags')
        .values({ ...key, flagged_at_ms: flaggedMs, told_at_ms: nowMs })
        .onConflict((conflict) => conflict.doNothing())
        .executeTakeFirst()
      return result.numInsertedOrUpdatedRows === 1n
    },
    async flags(tenant) {
      const rows = await database.selectFrom('hub_cohort_flags').selectAll().where('tenant', '=', tenant).execute()
      return new Map(rows.map(({ type, scope, cohort, fault, flagged_at_ms }) => [`${type}/${scope}/${cohort}/${fault}`, flagged_at_ms]))
    },
  }
}

/** Keeps the earliest time at which a unit was said to have a fault, whatever the order in which it is told. */
export async function noteFirstFault(database: Kysely<HubTables>, row: CohortTables['hub_first_faults']): Promise<void> {
  await database
    .insertInto('hub_first_faults')
    .values(row)
    .onConflict((conflict) =>
      conflict.columns(['tenant', 'device', 'fault']).doUpdateSet({ first_ms: row.first_ms }).where('hub_first_faults.first_ms', '>', row.first_ms),
    )
    .execute()
}
