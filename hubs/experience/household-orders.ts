/** Open orders of a household, by where the registry has their units now. */
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { findOrder } from '../work-orders.ts'

/** Orders of the household whose risk is kept, which are the open ones. */
export async function openOrdersOf(
  hub: HubTransaction,
  { tenant, household }: { readonly tenant: string; readonly household: string },
): Promise<readonly WorkOrderRow[]> {
  const orders: WorkOrderRow[] = []
  const risks = hub.database.selectFrom('hub_order_risks').select(['work_order_id', 'device']).where('tenant', '=', tenant)
  for (const { work_order_id, device } of await risks.where('is_open', '=', 1).execute()) {
    if (hub.places.placeOf(tenant, device).household !== household) continue
    const order = await findOrder(hub, tenant, work_order_id)
    if (order !== undefined) orders.push(order)
  }
  return orders
}
