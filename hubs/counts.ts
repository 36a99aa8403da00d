/** Counts of a tenant's records in the hubs, for the console and the terminal. */
import { type Kysely, sql } from 'kysely'
import type { HubTables } from './hub-tables.ts'

/** States in which nothing is left to do on site. */
const ENDED = ['done', 'verified', 'closed', 'cancelled'] as const

/** Creates the counter over the hubs' tables; each call is a handful of indexed counts. */
export function createHubCounts(database: Kysely<HubTables>): (tenant: string) => Promise<Readonly<Record<string, number>>> {
  return async (tenant) => {
    const count = sql<number>`count(*)`
    const [diagnoses, orders, ended, alarms, emergencies] = await Promise.all([
      database.selectFrom('hub_diagnoses').select(count.as('n')).where('tenant', '=', tenant).where('answer', '=', 'fault').executeTakeFirstOrThrow(),
      database.selectFrom('hub_work_orders').select(count.as('n')).where('tenant', '=', tenant).executeTakeFirstOrThrow(),
      database.selectFrom('hub_work_orders').select(count.as('n')).where('tenant', '=', tenant).where('state', 'in', ENDED).executeTakeFirstOrThrow(),
      database.selectFrom('hub_alarms').select(count.as('n')).where('tenant', '=', tenant).executeTakeFirstOrThrow(),
      database.selectFrom('hub_emergencies').select(count.as('n')).where('tenant', '=', tenant).executeTakeFirstOrThrow(),
    ])
    return {
      diagnoses: Number(diagnoses.n),
      work_orders: Number(orders.n),
      work_orders_open: Number(orders.n) - Number(ended.n),
      alarms: Number(alarms.n),
      emergencies: Number(emergencies.n),
    }
  }
}
