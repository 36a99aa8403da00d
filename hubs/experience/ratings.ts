/** Ratings of visits beside their order and household, one an order: of several the one that was given last, however late another is told. */
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction, OrderMove } from '../hub-transaction.ts'
import { factsOf } from '../orders/order-facts.ts'
import type { RatingRow } from './experience-tables.ts'

/** Keeps the rating that was just given to an order; a remark that says no score changes nothing. */
export async function keepRating(hub: HubTransaction, order: WorkOrderRow, { atMs, data }: OrderMove): Promise<void> {
  const { rating } = factsOf(order)
  if (rating === undefined || order.rating_at_ms !== atMs || typeof data !== 'object' || data === null || !('score' in data)) return
  const { tenant, device, work_order_id } = order
  const row: RatingRow = {
    ...{ work_order_id, tenant, device, household: hub.places.placeOf(tenant, device).household ?? null },
    ...{ score: rating.score, nps: rating.nps ?? null, effort: rating.effort ?? null, at_ms: atMs },
  }
  await hub.database
    .insertInto('hub_ratings')
    .values(row)
    .onConflict((conflict) => conflict.column('work_order_id').doUpdateSet(row))
    .execute()
}
