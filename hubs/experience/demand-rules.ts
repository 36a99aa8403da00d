/**
 * What Mendline itself foretells of the demand of a household: a new appliance where the price of a repair speaks for one, or where the unit is
 * near the end of its usual life. Looked at with each move and remark of an open order, and when a household consents.
 */
import type { Quote } from '#kernel/service-facts.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction, OrderListener } from '../hub-transaction.ts'
import { foretellDemand } from './demand-signals.ts'

/** A unit beyond this share of its usual life is near the end of it (chosen). */
const NEAR_END = 0.9

/** Why a new appliance is likely wanted, by the quote of an order; undefined = it is not. */
export function newApplianceBy({ advice: { advice, reasons } }: Pick<Quote, 'advice'>): 'replace_advised' | 'near_end_of_life' | undefined {
  if (advice === 'replace') return 'replace_advised'
  const { age_years = 0, life_years = Number.POSITIVE_INFINITY } = reasons.find(({ code }) => code === 'age')?.values ?? {}
  return age_years >= NEAR_END * life_years ? 'near_end_of_life' : undefined
}

/** Foretells the demand of the household of an order, if it has one and consents. */
export async function foretellByOrder(hub: HubTransaction, order: WorkOrderRow): Promise<void> {
  const { tenant, device, quote, settled_at_ms } = order
  if (quote === null || settled_at_ms !== null) return
  const note = newApplianceBy(JSON.parse(quote) as Quote)
  const { household } = note === undefined ? {} : hub.places.placeOf(tenant, device)
  if (note !== undefined && household !== undefined) await foretellDemand(hub, { tenant, household, kind: 'new_appliance' }, { order, note })
}

/** Where the engineer is changes no quote, and is told often. */
export const watchDemand: OrderListener = async (hub, order, { type }) => {
  if (type !== 'position') await foretellByOrder(hub, order)
}
