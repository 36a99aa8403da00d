/**
 * Keeps the risk of each open order: reckoned anew with each move and remark, each hour, at the end of the promised window and of the tags that
 * count; told when it crosses the bound in either direction, and handed to the rules of intervention. When an order is settled its last risk stands.
 */
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import { isOpenPhase, phaseOf } from '../work-order-states.ts'
import { findOrder } from '../work-orders.ts'
import { tagsHoldUntil } from './customer-tags.ts'
import type { OrderRiskRow } from './experience-tables.ts'
import { standardInterventionRules as standard } from './intervention-rules.ts'
import { intervene, lapse } from './interventions.ts'
import { factsNow } from './order-facts-now.ts'
import { keepRating } from './ratings.ts'
import { type OrderFacts, type Risk, riskOf } from './risk-score.ts'

const KIND = 'order_risk'
const EVERY_MS = 3_600_000
const OVERDUE_EVERY_MS = 600_000

/** An order's risk as the API and the events give it. */
export type OrderRisk = Omit<OrderRiskRow, 'reasons' | 'facts' | 'is_above' | 'is_open'> & {
  readonly reasons: Risk['reasons']
  readonly facts: OrderFacts
  readonly is_above: boolean
}

export function toOrderRisk({ is_open: _open, ...row }: OrderRiskRow): OrderRisk {
  return { ...row, reasons: JSON.parse(row.reasons) as Risk['reasons'], facts: JSON.parse(row.facts) as OrderFacts, is_above: row.is_above === 1 }
}

/** Reckons anew with a move or remark. */
export const watchRisk: OrderListener = async (hub, order, move) => {
  if (move.type === 'rated') await keepRating(hub, order, move)
  await refreshRisk(hub, order)
}

export const runRiskTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const order = await findOrder(hub, tenant, subject)
  if (order !== undefined) await refreshRisk(hub, order)
}

/** Reckons the risk of an order from what is known now; whoever keeps a contact about it calls this too. */
export async function refreshRisk(hub: HubTransaction, order: WorkOrderRow): Promise<void> {
  const { tenant, work_order_id: subject, device } = order
  const isOpen = isOpenPhase(phaseOf(await processOf(hub, order), order.state as WorkOrderState))
  const before = await hub.database.selectFrom('hub_order_risks').selectAll().where('work_order_id', '=', subject).executeTakeFirst()
  if (!isOpen && before?.is_open !== 1) return
  const facts = await factsNow(hub, order)
  const risk = riskOf(facts)
  const wasAbove = before?.is_above === 1
  const isAbove = isOpen && risk.score >= (wasAbove ? standard.bound.down : standard.bound.up)
  const row: OrderRiskRow = {
    ...{ work_order_id: subject, tenant, device, score: risk.score, reasons: JSON.stringify(risk.reasons) },
    ...{ weights_version: risk.weights_version, at_ms: hub.nowMs, facts: JSON.stringify(facts) },
    is_above: isAbove ? 1 : 0,
    first_above_at_ms: before?.first_above_at_ms ?? (isAbove ? hub.nowMs : null),
    is_open: isOpen ? 1 : 0,
  }
  await hub.database
    .insertInto('hub_order_risks')
    .values(row)
    .onConflict((conflict) => conflict.column('work_order_id').doUpdateSet(row))
    .execute()
  if (isAbove !== wasAbove) {
    const data = { risk: toOrderRisk(row), bound: standard.bound, is_open: isOpen }
    await emit(hub, { tenant, device, subject, type: 'mendline.experience.risk.v1', atMs: hub.nowMs, data })
  }
  if (!isOpen) {
    await clearTimer(hub, { tenant, kind: KIND, subject })
    return lapse(hub, order)
  }
  const tagsEndMs = facts.is_tagged ? await tagsHoldUntil(hub, order) : undefined
  await setTimer(hub, { tenant, kind: KIND, subject, dueAtMs: Math.min(nextLook(hub, order), tagsEndMs ?? Number.POSITIVE_INFINITY) })
  await intervene(hub, order, risk)
}

/** In an hour; a millisecond behind the promised window when that ends before; sooner while the window is over and nobody is there. */
function nextLook({ nowMs }: HubTransaction, { promised_to_ms, state }: WorkOrderRow): number {
  if (promised_to_ms !== null && promised_to_ms < nowMs && state !== 'on_site') return nowMs + OVERDUE_EVERY_MS
  const inAnHour = nowMs + EVERY_MS
  return promised_to_ms !== null && promised_to_ms >= nowMs ? Math.min(inAnHour, promised_to_ms + 1) : inAnHour
}
