/** What remaining life takes from the hubs' records: the last answer of the models about a unit, and what visits found and renewed. */
import type { Kysely } from 'kysely'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubTables } from './hub-tables.ts'

export interface LifeBook {
  lastDiagnosis(tenant: string, device: string): Promise<Diagnosis | undefined>
  /** Last visit that found each fault, by fault code. */
  repairs(tenant: string, device: string): Promise<ReadonlyMap<string, number>>
}

export function createLifeBook(database: Kysely<HubTables>): LifeBook {
  return {
    async lastDiagnosis(tenant, device) {
      const row = await database
        .selectFrom('hub_diagnoses')
        .select('body')
        .where('tenant', '=', tenant)
        .where('device', '=', device)
        .orderBy('made_at_ms', 'desc')
        .limit(1)
        .executeTakeFirst()
      return row === undefined || row.body === '' ? undefined : (JSON.parse(row.body) as Diagnosis)
    },
    async repairs(tenant, device) {
      const rows = await database
        .selectFrom('hub_labels')
        .select(['cause', 'labelled_at_ms'])
        .where('tenant', '=', tenant)
        .where('device', '=', device)
        .orderBy('labelled_at_ms')
        .execute()
      return new Map(rows.map(({ cause, labelled_at_ms }) => [cause, labelled_at_ms]))
    },
  }
}
