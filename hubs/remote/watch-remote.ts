/**
 * What becomes of offers when their order goes another way: opened, moved, amended to another cause, or in danger. What fits the cause no
 * longer ends with that reason, and what fits the new one is offered, as long as the order has not gone on to its visit.
 */
import type { Alarm } from '#kernel/alarm.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import { causeWords } from '../cases.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction, OrderListener } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { isDanger } from '../quiet-alarms.ts'
import { setTimer } from '../timers.ts'
import { phaseOf } from '../work-order-states.ts'
import { beginVisit, fitsCause, OFFER_TIMER, OPEN_OFFERS, offersOf, settleOffer } from './remote-offers.ts'

/** Offers something behind the opening; what is offered ends when the order goes another way. */
export const watchRemote: OrderListener = async (hub, order, move) => {
  const isGrave = isDanger({ safety_class: order.safety_class as Alarm['safety_class'] })
  if (isGrave && (move.from === null || move.type === 'amended')) await endTrying(hub, order)
  const isGraver = isGrave && order.state === 'remote_offered'
  if (move.type === 'amended' && (move.data as { readonly to?: unknown }).to !== undefined) await followCause(hub, order)
  if (move.kind !== 'move' && !isGraver) return
  if (move.from === null || isGraver) return lookAgain(hub, order)
  const phase = phaseOf(await processOf(hub, order), order.state as WorkOrderState)
  for (const offer of await offersOf(hub, order, OPEN_OFFERS)) {
    const isOver = offer.kind === 'step' ? order.state !== 'remote_offered' : phase !== 'waiting'
    if (isOver) await settleOffer(hub, offer, 'withdrawn', { reason: `the order is ${order.state}`, values: {} })
  }
}

const lookAgain = (hub: HubTransaction, { tenant, work_order_id: subject }: WorkOrderRow): Promise<void> =>
  setTimer(hub, { tenant, kind: OFFER_TIMER, subject, dueAtMs: hub.nowMs })

/** What was to be tried for another cause says nothing of the one that is known now, and cures it no more. An agreed visit is not put off. */
async function followCause(hub: HubTransaction, order: WorkOrderRow): Promise<void> {
  const open = (await offersOf(hub, order, OPEN_OFFERS)).filter(({ kind, action }) => kind === 'step' && !fitsCause(hub, order, action))
  for (const offer of open) await settleOffer(hub, offer, 'withdrawn', { reason: `the cause is ${causeWords(order.cause)}`, values: {} })
  const { initial } = await processOf(hub, order)
  const isUntouched = order.state === initial && order.promised_from_ms === null
  if (isUntouched || order.state === 'remote_offered') await lookAgain(hub, order)
}

/** Where a danger stands nobody tries anything else at the unit, and is asked for nothing. */
async function endTrying(hub: HubTransaction, { tenant, device, work_order_id }: WorkOrderRow): Promise<void> {
  const others = hub.database.selectFrom('hub_work_orders').selectAll().where('tenant', '=', tenant).where('device', '=', device)
  for (const other of await others.where('state', '=', 'remote_offered').where('work_order_id', '!=', work_order_id).execute())
    await beginVisit(hub, other, IN_DANGER)
  const asked = hub.database.selectFrom('hub_remote_offers').selectAll().where('tenant', '=', tenant).where('device', '=', device)
  for (const offer of await asked.where('kind', '=', 'test').where('state', '=', 'offered').execute())
    await settleOffer(hub, offer, 'withdrawn', { reason: IN_DANGER, values: {} })
}

const IN_DANGER = 'a danger stands at the unit'
