/**
 * The timers of a work order's state: what happens when it stays there longer than the process allows. One timer row a work order stands for
 * the next of them; a move sets it anew or takes it away. Waiting is counted in platform time from the moment the move was recorded.
 */
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import type { StateTimer } from '../work-order-states.ts'
import { moveOrder, orderRow, remarkOrder, SYSTEM_ACTOR } from '../work-orders.ts'

const KIND = 'order_state'

/** Sets the next timer of the state that an order has moved into, or takes the last one away. */
export const setOrderTimer: OrderListener = async (hub, order, move) => {
  if (move.kind !== 'move') return
  await setNext(hub, order, { state: order.state, entered_at_ms: hub.nowMs, fired: [] })
}

interface Waiting {
  readonly state: string
  readonly entered_at_ms: number
  /** Ids of the state's timers that had their effect. */
  readonly fired: readonly string[]
}

async function setNext(hub: HubTransaction, order: WorkOrderRow, waiting: Waiting): Promise<void> {
  const { tenant, work_order_id: subject } = order
  const timers = hub.process.states[order.state as WorkOrderState].timers ?? []
  const [next] = timers.filter(({ id }) => !waiting.fired.includes(id)).sort((a, b) => a.after_ms - b.after_ms)
  if (next === undefined) return clearTimer(hub, { tenant, kind: KIND, subject })
  await setTimer(hub, { tenant, kind: KIND, subject, dueAtMs: waiting.entered_at_ms + next.after_ms, data: { ...waiting, timer: next.id } })
}

/** Carries out the effects of a state's timer; of an order that has moved on or is gone it does nothing. */
export const runOrderTimer: TimerHandler = async (hub, { tenant, subject, data }) => {
  const waiting = data as unknown as Waiting & { readonly timer: string }
  const order = await hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', subject)
    .executeTakeFirst()
  if (order === undefined || order.state !== waiting.state) return
  const timer = hub.process.states[order.state as WorkOrderState].timers?.find(({ id }) => id === waiting.timer)
  const { state, entered_at_ms } = waiting
  if (timer !== undefined) await takeEffect(hub, order, timer)
  const isMoved = timer?.effects.some(({ kind }) => kind === 'move') === true
  if (!isMoved) await setNext(hub, order, { state, entered_at_ms, fired: [...waiting.fired, waiting.timer] })
}

async function takeEffect(hub: HubTransaction, order: WorkOrderRow, timer: StateTimer): Promise<void> {
  const { tenant, device, work_order_id, state } = order
  const step = { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason: timer.reason, data: { timer: timer.id } }
  for (const effect of timer.effects) {
    if (effect.kind === 'escalate') {
      await remarkOrder(hub, order, 'escalated', { ...step, data: { timer: timer.id, to: effect.to } })
      const told = { work_order_id, device, state, timer: timer.id, to: effect.to, reason: timer.reason }
      await emit(hub, { tenant, device, subject: work_order_id, type: 'mendline.work_order.escalated.v1', atMs: hub.nowMs, data: told })
    }
  }
  for (const effect of timer.effects) if (effect.kind === 'move') await moveOrder(hub, await orderRow(hub, work_order_id), effect.to, step)
}
