/**
 * The timers of a work order's state: what happens when it stays there longer than the process allows. One timer row a work order stands for
 * the next of them; a move sets it anew or takes it away, and so does another promise. Waiting is counted in platform time from the moment
 * the move was recorded, and lateness from the window that was promised. A call for somebody that nobody answers is repeated, each time
 * behind twice the wait, at least once a day, for as long as the order stays where it is.
 */
import { setImmediate } from 'node:timers/promises'
import type { SafetyClass } from '#kernel/alarm.ts'
import type { Log } from '#kernel/log.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { StateTimer } from '#kernel/work-order-process.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { clearTimer, findTimer, findUnset, setTimer, type TimerHandler } from '../timers.ts'
import { changeOrder, findOrder, moveOrder, orderRow, remarkOrder, type Step, SYSTEM_ACTOR } from '../work-orders.ts'
import { factsOf } from './order-facts.ts'
import { processOf } from './process-book.ts'

const KIND = 'order_state'

/** Remarks that change what timers count from, or how long they wait (an order of a graver class). */
const RETIMING: ReadonlySet<string> = new Set(['rescheduled', 'note', 'amended'])

/** First wait behind a call that came at once, and the longest wait behind any. */
const REPEAT_MS_MIN = 5 * 60_000
const REPEAT_MS_MAX = 24 * 3_600_000

/** What a timer has done: how often, last when, and for which begin of its time; with another begin it counts anew. */
interface Fired {
  readonly base_ms: number
  readonly times: number
  readonly last_at_ms: number
}
type FiredTimers = Readonly<Record<string, Fired>>

/** Sets the next timer of the state that an order has moved into, or takes the last one away. */
export const setOrderTimer: OrderListener = async (hub, order, move) => {
  if (move.kind === 'move') return setNext(hub, order, {})
  if (RETIMING.has(move.type)) await setNext(hub, order, await firedOf(hub, order, (timer) => countsAnew(timer, order, move)))
}

/** Orders looked at in one transaction of `setMissingTimers`. */
const MISSING_ROWS = 128

/**
 * Sets the timers of open orders that have none, since their state may have been given one after they came into it. Each order stands for
 * itself: one that cannot be read is logged. To be called at a start; a second call finds nothing to do.
 */
export async function setMissingTimers(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>, log: Log): Promise<void> {
  for (let last: string | undefined = ''; last !== undefined; ) {
    const behind: string = last
    last = await inTransaction((hub) => setMissingBehind(hub, behind, log))
    await setImmediate()
  }
}

/** Gives the id of the last order that it looked at, undefined behind the last of all. */
async function setMissingBehind(hub: HubTransaction, behind: string, log: Log): Promise<string | undefined> {
  const open = hub.database.selectFrom('hub_work_orders').selectAll().where('settled_at_ms', 'is', null)
  const orders = await open.where('work_order_id', '>', behind).orderBy('work_order_id').limit(MISSING_ROWS).execute()
  const keyed = orders.map((order) => ({ tenant: order.tenant, kind: KIND, subject: order.work_order_id, order }))
  for (const { order } of await findUnset(hub, keyed)) {
    try {
      await setNext(hub, order, await firedOf(hub, order, () => false))
    } catch (cause) {
      log.error('the timers of an order cannot be set', { work_order_id: order.work_order_id, cause: String(cause) })
    }
  }
  return orders.at(-1)?.work_order_id
}

/**
 * What the timers of the state have done so far, as the row that waits tells it. No row is left behind timers that do something once: of
 * those, each whose time is over has done it, unless the time was set by what was told just now.
 */
async function firedOf(hub: HubTransaction, order: WorkOrderRow, isNew: (timer: StateTimer) => boolean): Promise<FiredTimers> {
  const { tenant, work_order_id: subject, state } = order
  const waiting = (await findTimer(hub, { tenant, kind: KIND, subject })) as { readonly state: string; readonly fired: unknown } | undefined
  if (waiting?.state === state) return readFired(hub, order, waiting.fired)
  const isOver = (timer: StateTimer): boolean => (dueOf(timer, order, { nowMs: hub.nowMs }) ?? Number.POSITIVE_INFINITY) <= hub.nowMs
  const timers = await timersOf(hub, order)
  return firedNow(
    hub,
    order,
    timers.filter((timer) => isOnce(timer) && !isNew(timer) && isOver(timer)),
  )
}

/** Whether a remark says what the timer counts from. */
function countsAnew({ from = 'entered' }: StateTimer, order: WorkOrderRow, { type, data }: Parameters<OrderListener>[2]): boolean {
  const { kind, window_from_ms } = (data ?? {}) as { readonly kind?: unknown; readonly window_from_ms?: unknown }
  if (from === 'unpromised') return kind === 'no_show'
  return from !== 'entered' && type === 'rescheduled' && window_from_ms === order.promised_from_ms
}

/** A list of names is what versions without repetition wrote; who is on it has had its effect, and is repeated as if that were now. */
async function readFired(hub: HubTransaction, order: WorkOrderRow, fired: unknown): Promise<FiredTimers> {
  if (!Array.isArray(fired)) return (fired ?? {}) as FiredTimers
  const timers = await timersOf(hub, order)
  return firedNow(
    hub,
    order,
    timers.filter(({ id }) => fired.includes(id)),
  )
}

function firedNow({ nowMs }: HubTransaction, order: WorkOrderRow, timers: readonly StateTimer[]): FiredTimers {
  const entries = timers.flatMap((timer) => {
    const base_ms = baseOf(timer, order)
    return base_ms === undefined ? [] : [[timer.id, { base_ms, times: 1, last_at_ms: nowMs }] as const]
  })
  return Object.fromEntries(entries)
}

async function setNext(hub: HubTransaction, order: WorkOrderRow, fired: FiredTimers): Promise<void> {
  const { tenant, work_order_id: subject, state } = order
  const waiting = (await timersOf(hub, order)).flatMap((timer) => {
    const dueAtMs = dueOf(timer, order, { fired: fired[timer.id], nowMs: hub.nowMs })
    return dueAtMs === undefined
      ? []
      : [{ id: timer.id, dueAtMs, isAppointed: isPromise(timer) && fired[timer.id]?.base_ms !== baseOf(timer, order) }]
  })
  const [next] = waiting.sort((a, b) => a.dueAtMs - b.dueAtMs)
  if (next === undefined) return clearTimer(hub, { tenant, kind: KIND, subject })
  const { id, ...due } = next
  await setTimer(hub, { tenant, kind: KIND, subject, ...due, data: { state, fired, timer: id } })
}

const isPromise = ({ from }: StateTimer): boolean => from === 'promised_from' || from === 'promised_to'

/** A timer that only calls for somebody is repeated, any other does what it does once. */
const isOnce = ({ effects }: StateTimer): boolean => effects.some(({ kind }) => kind !== 'escalate')

async function timersOf(hub: HubTransaction, order: WorkOrderRow): Promise<readonly StateTimer[]> {
  return (await processOf(hub, order)).states[order.state as WorkOrderState]?.timers ?? []
}

/** Platform time at which a timer is due (again); undefined where what it counts from is not there, or where it does something once and has. */
function dueOf(
  timer: StateTimer,
  order: WorkOrderRow,
  { fired, nowMs }: { readonly fired?: Fired | undefined; readonly nowMs: number },
): number | undefined {
  const base = baseOf(timer, order)
  if (base === undefined) return undefined
  const afterMs = timer.after_ms_by_class?.[order.safety_class as SafetyClass] ?? timer.after_ms
  // What our clock noted while it was ahead was now at the latest; a promise may lie ahead.
  if (fired === undefined || fired.base_ms !== base) return (isPromise(timer) ? base : Math.min(base, nowMs)) + afterMs
  if (isOnce(timer)) return undefined
  return Math.min(fired.last_at_ms, nowMs) + Math.min(REPEAT_MS_MAX, Math.max(REPEAT_MS_MIN, afterMs) * 2 ** Math.min(fired.times, 30))
}

function baseOf({ from = 'entered' }: StateTimer, order: WorkOrderRow): number | undefined {
  const entered = order.entered_at_ms ?? order.updated_at_ms
  switch (from) {
    case 'entered':
      return entered
    case 'promised_from':
      return order.promised_from_ms ?? undefined
    case 'promised_to':
      return order.promised_to_ms ?? undefined
    case 'unpromised':
      return order.promised_to_ms === null ? Math.max(entered, factsOf(order).no_show_at_ms ?? 0) : undefined
  }
}

/** Carries out the effects of a state's timer; of an order that has moved on or is gone it does nothing. */
export const runOrderTimer: TimerHandler = async (hub, { tenant, subject, data }) => {
  const waiting = data as { readonly state?: unknown; readonly fired?: unknown; readonly timer?: unknown }
  const order = await findOrder(hub, tenant, subject)
  if (order === undefined || order.state !== waiting.state) return
  const fired = await readFired(hub, order, waiting.fired)
  const timer = (await timersOf(hub, order)).find(({ id }) => id === waiting.timer)
  const base = timer === undefined ? undefined : baseOf(timer, order)
  // The process was changed meanwhile, or what the timer counted from is gone.
  if (timer === undefined || base === undefined) return setNext(hub, order, fired)
  const before = fired[timer.id]
  const times = before?.base_ms === base ? before.times + 1 : 1
  // Set before the effects, so that a move among them has the last word.
  await setNext(hub, order, { ...fired, [timer.id]: { base_ms: base, times, last_at_ms: hub.nowMs } })
  await takeEffect(hub, order, { timer, times })
}

async function takeEffect(
  hub: HubTransaction,
  { tenant, work_order_id: id, device }: WorkOrderRow,
  { timer, times }: { readonly timer: StateTimer; readonly times: number },
): Promise<void> {
  const step: Step = { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason: timer.reason, data: { timer: timer.id } }
  for (const effect of timer.effects) {
    const order = await orderRow(hub, id)
    if (effect.kind === 'escalate') {
      await remarkOrder(hub, order, 'escalated', { ...step, data: { timer: timer.id, to: effect.to, times } })
      const { state, outlet, engineer } = order
      const told = { work_order_id: id, device, state, outlet, engineer, timer: timer.id, to: effect.to, reason: timer.reason, times }
      await emit(hub, { tenant, device, subject: id, type: 'mendline.work_order.escalated.v1', atMs: hub.nowMs, data: told })
    } else if (effect.kind === 'open_pool') {
      const data = { timer: timer.id, offered_to: order.offered_to }
      if (order.offered_to === null) continue
      await changeOrder(hub, order, { type: 'pooled', changes: { offered_to: null }, tells: 'pooled', step: { ...step, data } })
    } else await moveOrder(hub, order, effect.to, step)
  }
}
