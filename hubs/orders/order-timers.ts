/**
 * The timers of a work order's state: what happens when it stays there longer than the process allows. One timer row a work order stands for
 * the next of them; a move sets it anew or takes it away, and so does another promise. Waiting is counted in platform time from the moment
 * the move was recorded, and lateness from the window that was promised.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { StateTimer } from '#kernel/work-order-process.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import { changeOrder, findOrder, moveOrder, orderRow, remarkOrder, type Step, SYSTEM_ACTOR } from '../work-orders.ts'
import { processOf } from './process-book.ts'

const KIND = 'order_state'

/** Remarks that change what timers count from. */
const RETIMING: ReadonlySet<string> = new Set(['rescheduled', 'note'])

/** Sets the next timer of the state that an order has moved into, or takes the last one away. */
export const setOrderTimer: OrderListener = async (hub, order, move) => {
  if (move.kind === 'move') return setNext(hub, order, [])
  if (!RETIMING.has(move.type)) return
  // What counts from the entry and is over has had its effect; what counts from the promise counts anew.
  const timers = await timersOf(hub, order)
  const over = timers.filter((timer) => (timer.from ?? 'entered') === 'entered' && (dueOf(timer, order) ?? 0) <= hub.nowMs)
  await setNext(
    hub,
    order,
    over.map(({ id }) => id),
  )
}

async function setNext(hub: HubTransaction, order: WorkOrderRow, fired: readonly string[]): Promise<void> {
  const { tenant, work_order_id: subject, state } = order
  const waiting = (await timersOf(hub, order)).flatMap((timer) => {
    const dueAtMs = dueOf(timer, order)
    return dueAtMs === undefined || fired.includes(timer.id) ? [] : [{ id: timer.id, dueAtMs }]
  })
  const [next] = waiting.sort((a, b) => a.dueAtMs - b.dueAtMs)
  if (next === undefined) return clearTimer(hub, { tenant, kind: KIND, subject })
  await setTimer(hub, { tenant, kind: KIND, subject, dueAtMs: next.dueAtMs, data: { state, fired, timer: next.id } })
}

async function timersOf(hub: HubTransaction, order: WorkOrderRow): Promise<readonly StateTimer[]> {
  return (await processOf(hub, order)).states[order.state as WorkOrderState]?.timers ?? []
}

/** Platform time at which a timer is due; undefined where nothing is promised. */
function dueOf({ from = 'entered', after_ms, after_ms_by_class }: StateTimer, order: WorkOrderRow): number | undefined {
  const afterMs = after_ms_by_class?.[order.safety_class as SafetyClass] ?? after_ms
  const entered = order.entered_at_ms ?? order.updated_at_ms
  const base = { entered, promised_from: order.promised_from_ms, promised_to: order.promised_to_ms }[from]
  return base === null ? undefined : base + afterMs
}

/** Carries out the effects of a state's timer; of an order that has moved on or is gone it does nothing. */
export const runOrderTimer: TimerHandler = async (hub, { tenant, subject, data }) => {
  const waiting = data as unknown as { readonly state: string; readonly fired: readonly string[]; readonly timer: string }
  const order = await findOrder(hub, tenant, subject)
  if (order === undefined || order.state !== waiting.state) return
  const timer = (await timersOf(hub, order)).find(({ id }) => id === waiting.timer)
  if (timer !== undefined) {
    // Set before the effects, so that a move among them has the last word.
    await setNext(hub, order, [...waiting.fired, timer.id])
    await takeEffect(hub, order, timer)
  } else await setNext(hub, order, waiting.fired)
}

async function takeEffect(hub: HubTransaction, { tenant, work_order_id: id, device }: WorkOrderRow, timer: StateTimer): Promise<void> {
  const step: Step = { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason: timer.reason, data: { timer: timer.id } }
  for (const effect of timer.effects) {
    const order = await orderRow(hub, id)
    if (effect.kind === 'escalate') {
      await remarkOrder(hub, order, 'escalated', { ...step, data: { timer: timer.id, to: effect.to } })
      const { state, outlet, engineer } = order
      const told = { work_order_id: id, device, state, outlet, engineer, timer: timer.id, to: effect.to, reason: timer.reason }
      await emit(hub, { tenant, device, subject: id, type: 'mendline.work_order.escalated.v1', atMs: hub.nowMs, data: told })
    } else if (effect.kind === 'open_pool') {
      const data = { timer: timer.id, offered_to: order.offered_to }
      if (order.offered_to === null) continue
      await changeOrder(hub, order, { type: 'pooled', changes: { offered_to: null }, tells: 'pooled', step: { ...step, data } })
    } else await moveOrder(hub, order, effect.to, step)
  }
}
