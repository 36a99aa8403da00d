/**
 * What the interventions bring: complaints and ratings of settled orders that met a rule, those that were treated against those that were
 * held out. Both groups met a rule, so they differ by chance alone; dangers, which are never held out, are in neither.
 */
import type { Effect } from '#kernel/experience.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { compareRates } from './compare-rates.ts'
import { standardInterventionRules as standard } from './intervention-rules.ts'
import { contactsAbout, keepsContacts } from './order-facts-now.ts'

/** Score from which a household counts as satisfied. */
export const SATISFIED_MIN = 4
/** Newest orders that are looked at. */
const ORDERS_MAX = 10_000

export async function measureEffect(hub: HubTransaction, tenant: string): Promise<Effect> {
  const orders = await hub.database
    .selectFrom('hub_interventions as i')
    .innerJoin('hub_work_orders as o', 'o.work_order_id', 'i.work_order_id')
    .leftJoin('hub_ratings as r', 'r.work_order_id', 'i.work_order_id')
    .select((select) => [
      ...(['o.work_order_id', 'o.tenant', 'o.case_id', 'o.created_at_ms', 'r.score'] as const),
      select.fn.min<number>('i.opened_at_ms').as('met_at_ms'),
      select.fn.min<string>('i.state').as('any_state'),
    ])
    .where('i.tenant', '=', tenant)
    .where('o.safety_class', 'not in', ['E0', 'E1'])
    .where('o.settled_at_ms', 'is not', null)
    .groupBy('i.work_order_id')
    .orderBy('met_at_ms', 'desc')
    .limit(ORDERS_MAX)
    .execute()
  const hasContacts = await keepsContacts(hub.database, tenant)
  const counts = { treated: noneOf(), held_out: noneOf() }
  for (const order of orders) {
    const group = counts[order.any_state === 'held_out' ? 'held_out' : 'treated']
    group.orders++
    if (order.score !== null) group.rated++
    if (order.score !== null && order.score >= SATISFIED_MIN) group.satisfied++
    const contacts = hasContacts ? await contactsAbout(hub.database, order) : []
    if (contacts.some(({ kind, at_ms }) => kind === 'complaint' && at_ms >= order.met_at_ms)) group.complained++
  }
  const { treated, held_out } = counts
  const compare = (of: 'orders' | 'rated', what: 'complained' | 'satisfied') =>
    compareRates({ orders: treated[of], count: treated[what] }, { orders: held_out[of], count: held_out[what] })
  return {
    hold_out_share: standard.hold_out_share,
    rules_version: standard.version,
    complaints: hasContacts ? compare('orders', 'complained') : null,
    satisfied: compare('rated', 'satisfied'),
  }
}

const noneOf = () => ({ orders: 0, complained: 0, rated: 0, satisfied: 0 })
