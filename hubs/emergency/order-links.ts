/** Looks up what the ordinary hubs know of emergencies: their orders, and whether these are over. */
import type { Kysely } from 'kysely'
import type { HubTables } from '../hub-tables.ts'
import type { EmergencyLink } from './due-work.ts'

/** States in which the danger was dealt with on site, or proved to be none. */
const SETTLED: ReadonlySet<string> = new Set(['done', 'verified', 'closed', 'cancelled'])

export async function findOrderLinks(database: Kysely<HubTables>, ids: readonly string[]): Promise<ReadonlyMap<string, EmergencyLink>> {
  const rows = await database
    .selectFrom('hub_emergencies as emergency')
    .innerJoin('hub_work_orders as order', 'order.work_order_id', 'emergency.work_order_id')
    .select(['emergency.emergency_id', 'order.work_order_id', 'order.case_id', 'order.state', 'order.settled_at_ms', 'emergency.created_at_ms'])
    .where('emergency.emergency_id', 'in', [...ids])
    .execute()
  return new Map(
    rows.map(({ emergency_id, work_order_id, case_id, state, settled_at_ms, created_at_ms }) => {
      // An order that was over before the danger came says nothing about it.
      const isSettled = SETTLED.has(state) && settled_at_ms !== null && settled_at_ms > created_at_ms
      return [emergency_id, { work_order_id, case_id, isSettled }]
    }),
  )
}
