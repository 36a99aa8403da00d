/** Looks up what the ordinary hubs know of emergencies: their orders, and whether these are over. */
import type { Kysely } from 'kysely'
import type { HubTables } from '../hub-tables.ts'
import type { EmergencyLink, OpenEmergency } from './due-work.ts'

/** States behind a visit with an outcome; an order that was cancelled, or closed without a visit, proves nothing about the danger. */
const DONE: ReadonlySet<string> = new Set(['done', 'verified'])
const DROPPED: ReadonlySet<string> = new Set(['cancelled', 'closed'])

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
  const closedDone = await findClosedDone(
    database,
    rows.flatMap(({ work_order_id, state }) => (state === 'closed' ? [work_order_id] : [])),
  )
  const begun = new Map(open.map(({ emergency_id, created_at_ms }) => [emergency_id, created_at_ms]))
  return new Map(
    rows.map(({ emergency_id, work_order_id, case_id, state, settled_at_ms, created_at_ms }) => {
      // An order that was over before the danger came, or came back, says nothing about it.
      const isSince = settled_at_ms !== null && settled_at_ms > Math.max(created_at_ms, begun.get(emergency_id) ?? 0)
      const isDone = DONE.has(state) || closedDone.has(work_order_id)
      return [emergency_id, { work_order_id, case_id, isSettled: isSince && isDone, isDropped: isSince && !isDone && DROPPED.has(state) }]
    }),
  )
}

/** Orders that were closed behind a visit. */
async function findClosedDone(database: Kysely<HubTables>, closed: readonly string[]): Promise<ReadonlySet<string>> {
  if (closed.length === 0) return new Set()
  const moves = await database
    .selectFrom('hub_work_order_moves')
    .select('work_order_id')
    .where('work_order_id', 'in', closed)
    .where('kind', '=', 'move')
    .where('to_state', '=', 'closed')
    .where('from_state', 'in', [...DONE])
    .execute()
  return new Set(moves.map(({ work_order_id }) => work_order_id))
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
