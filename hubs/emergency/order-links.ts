/** Looks up what the ordinary hubs know of emergencies: their orders, and whether these are over. */
import type { Kysely } from 'kysely'
import type { HubTables } from '../hub-tables.ts'
import type { EmergencyLink, OpenEmergency } from './due-work.ts'

/** States in which the danger was dealt with on site, or proved to be none. */
const SETTLED: ReadonlySet<string> = new Set(['done', 'verified', 'closed', 'cancelled'])

/** Emergencies of alarms by the record that the ordinary hubs keep of each; those that know their order (a report of a person) by that. */
export async function findOrderLinks(database: Kysely<HubTables>, open: readonly OpenEmergency[]): Promise<ReadonlyMap<string, EmergencyLink>> {
  const ofAlarms = await database
    .selectFrom('hub_emergencies as emergency')
    .innerJoin('hub_work_orders as order', 'order.work_order_id', 'emergency.work_order_id')
    .select(['emergency.emergency_id', 'order.work_order_id', 'order.case_id', 'order.state', 'order.settled_at_ms', 'emergency.created_at_ms'])
    .where(
      'emergency.emergency_id',
      'in',
      open.map(({ emergency_id }) => emergency_id),
    )
    .execute()
  const others = open.filter(
    ({ emergency_id, work_order_id }) => work_order_id !== null && !ofAlarms.some((row) => row.emergency_id === emergency_id),
  )
  const rows = [...ofAlarms, ...(await ofOrders(database, others))]
  return new Map(
    rows.map(({ emergency_id, work_order_id, case_id, state, settled_at_ms, created_at_ms }) => {
      // An order that was over before the danger came says nothing about it.
      const isSettled = SETTLED.has(state) && settled_at_ms !== null && settled_at_ms > created_at_ms
      return [emergency_id, { work_order_id, case_id, isSettled }]
    }),
  )
}

async function ofOrders(database: Kysely<HubTables>, open: readonly OpenEmergency[]) {
  const ids = open.flatMap(({ work_order_id }) => work_order_id ?? [])
  if (ids.length === 0) return []
  const orders = await database
    .selectFrom('hub_work_orders')
    .select(['work_order_id', 'case_id', 'state', 'settled_at_ms'])
    .where('work_order_id', 'in', ids)
    .execute()
  return open.flatMap(({ emergency_id, work_order_id, created_at_ms }) =>
    orders.filter((order) => order.work_order_id === work_order_id).map((order) => ({ ...order, emergency_id, created_at_ms })),
  )
}
