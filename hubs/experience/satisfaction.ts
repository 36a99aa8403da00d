/**
 * Satisfaction in a span: CSAT, NPS and effort of the orders that were repaired in it, and whom they are from: who is silent may have been
 * served otherwise, so the share of late orders is said of those that rated and of those that did not.
 */
import type { Satisfaction } from '#kernel/experience.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { SATISFIED_MIN } from './effect.ts'
import type { OrderFacts } from './risk-score.ts'

interface Repaired {
  readonly score: number | null
  readonly nps: number | null
  readonly effort: number | null
  readonly facts: string | null
}

/** Of the repairs that were settled from `from_ms` up to `to_ms`. */
export async function measureSatisfaction(
  hub: HubTransaction,
  { tenant, from_ms, to_ms }: { readonly tenant: string; readonly from_ms: number; readonly to_ms: number },
): Promise<Satisfaction> {
  const orders: readonly Repaired[] = await hub.database
    .selectFrom('hub_work_orders as o')
    .leftJoin('hub_ratings as r', 'r.work_order_id', 'o.work_order_id')
    .leftJoin('hub_order_risks as k', 'k.work_order_id', 'o.work_order_id')
    .select(['r.score', 'r.nps', 'r.effort', 'k.facts'])
    .where('o.tenant', '=', tenant)
    .where('o.outcome', 'is not', null)
    .where('o.settled_at_ms', '>=', from_ms)
    .where('o.settled_at_ms', '<', to_ms)
    .execute()
  const scores = orders.flatMap(({ score }) => score ?? [])
  const promoters = orders.flatMap(({ nps }) => (nps === null ? [] : nps >= 9 ? 1 : nps <= 6 ? -1 : 0))
  const efforts = orders.flatMap(({ effort }) => effort ?? [])
  const nps = mean(promoters)
  return {
    ...{ from_ms, to_ms, responses: scores.length },
    csat: mean(scores.map((score) => (score >= SATISFIED_MIN ? 1 : 0))),
    nps: nps === null ? null : nps * 100,
    nps_responses: promoters.length,
    mean_effort: mean(efforts),
    effort_responses: efforts.length,
    response_rate: orders.length === 0 ? null : scores.length / orders.length,
    responders: latenessOf(orders.filter(({ score }) => score !== null)),
    non_responders: latenessOf(orders.filter(({ score }) => score === null)),
  }
}

function latenessOf(orders: readonly Repaired[]): Satisfaction['responders'] {
  const late = orders.filter(({ facts }) => facts !== null && (JSON.parse(facts) as OrderFacts).late_minutes > 0).length
  return { orders: orders.length, late, late_share: orders.length === 0 ? null : late / orders.length }
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
