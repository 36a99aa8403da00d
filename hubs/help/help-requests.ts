/**
 * Help during a visit: asking, taking, ending, and telling that nobody took it. An expert takes only what his registered skills cover; a
 * part is taken with the instant at which it is there. The move of an order to `waiting_for_expert` or `waiting_for_part` asks by itself,
 * and an order whose visit is over withdraws what still waits.
 */

import type { SafetyClass } from '#kernel/alarm.ts'
import { epochMs } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { EndHelp, HelpRequest, NewHelp, TakeHelp } from '#kernel/help.ts'
import { contentId } from '#kernel/ids.ts'
import type { Packet, WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { skillsOf } from '../orders/crews.ts'
import { processOf } from '../orders/process-book.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import { phaseOf } from '../work-order-states.ts'
import { findOrder } from '../work-orders.ts'
import type { HelpRow } from './help-tables.ts'
import { wantedIn } from './wanted-help.ts'

const TIMER = 'help_due'
const MINUTE_MS = 60_000
/** Time in which somebody should take a request; then that is told, and again after twice the time, up to an hour (chosen). */
const TAKE_WITHIN_MS: Readonly<Partial<Record<SafetyClass, number>>> = { E0: MINUTE_MS, E1: 2 * MINUTE_MS }
const TAKE_WITHIN_ELSE_MS = 5 * MINUTE_MS
const AGAIN_MS_MAX = 60 * MINUTE_MS
/** A broken promise is told again after this. */
const LATE_AGAIN_MS = 30 * MINUTE_MS
/** States of an order that ask by themselves. */
const ASKS: Readonly<Partial<Record<WorkOrderState, HelpRequest['kind']>>> = { waiting_for_expert: 'expert', waiting_for_part: 'parts' }

export function toHelp({ source, skills, parts, broken_promise_ms: _last, ...row }: HelpRow): HelpRequest {
  const { taken_at_ms, asked_at_ms, promised_ms, needed_by_ms } = row
  return {
    ...(row as Omit<HelpRow, 'source' | 'skills' | 'parts' | 'broken_promise_ms'> & Pick<HelpRequest, 'kind' | 'state' | 'safety_class'>),
    ...{ skills: JSON.parse(skills) as string[], parts: JSON.parse(parts) as HelpRequest['parts'], from: source },
    waited_ms: taken_at_ms === null ? null : taken_at_ms - asked_at_ms,
    saves_visit: promised_ms === null || needed_by_ms === null ? null : promised_ms <= needed_by_ms,
  }
}

/**
 * Asks for help with an order whose visit is under way; while a request of the kind stands, that is the answer.
 * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when no visit is under way, MDL_API_INVALID for parts that name none
 */
export async function askHelp(
  hub: HubTransaction,
  { tenant, workOrderId, given }: { tenant: string; workOrderId: string; given: NewHelp },
): Promise<HelpRow> {
  const order = await findOrder(hub, tenant, workOrderId)
  if (order === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such work order')
  if (!(await isUnderWay(hub, order))) throw new MendlineError('MDL_API_CONFLICT', `no visit is under way: the order is ${order.state}`)
  return ask(hub, order, given)
}

const isUnderWay = async (hub: HubTransaction, order: WorkOrderRow): Promise<boolean> =>
  phaseOf(await processOf(hub, order), order.state as WorkOrderState) === 'committed'

async function ask(hub: HubTransaction, order: WorkOrderRow, given: NewHelp): Promise<HelpRow> {
  const { tenant, device, work_order_id } = order
  const before = await hub.database
    .selectFrom('hub_help_requests')
    .selectAll()
    .where('work_order_id', '=', work_order_id)
    .where('kind', '=', given.kind)
    .execute()
  const standing = before.find(({ state }) => state === 'waiting' || state === 'taken')
  if (standing !== undefined) return standing
  const packet = JSON.parse(order.packet) as Packet
  const parts = given.kind === 'expert' ? [] : (given.parts ?? likelyParts(packet))
  if (given.kind === 'parts' && parts.length === 0) throw new MendlineError('MDL_API_INVALID', 'parts: name at least one')
  const row: HelpRow = {
    ...{
      request_id: contentId('help', work_order_id, given.kind, before.length + 1),
      tenant,
      work_order_id,
      device,
      kind: given.kind,
      state: 'waiting',
    },
    ...{ safety_class: order.safety_class, skills: JSON.stringify(given.kind === 'expert' ? (given.skills ?? packet.skills) : []) },
    ...{
      parts: JSON.stringify(parts),
      text: given.text ?? '',
      asked_by: given.actor,
      asked_at_ms: hub.nowMs,
      needed_by_ms: given.needed_by_ms ?? null,
    },
    ...{ taken_by: null, taken_at_ms: null, promised_ms: null, source: null, escalations: 0 },
    ...{ promises_broken: 0, broken_promise_ms: null, ended_at_ms: null, result: null },
  }
  await hub.database.insertInto('hub_help_requests').values(row).execute()
  await setTimer(hub, { tenant, kind: TIMER, subject: row.request_id, dueAtMs: hub.nowMs + waitOf(row) })
  await tell(hub, row, 'requested')
  return row
}

/** Where nobody says which parts, those that the packet thinks more likely than not. */
const likelyParts = ({ parts }: Packet): Array<{ part: string; qty: number }> =>
  parts.filter(({ probability }) => probability >= 0.5).map(({ part, quantity }) => ({ part, qty: quantity }))

const waitOf = ({ safety_class, escalations }: HelpRow): number =>
  Math.min(AGAIN_MS_MAX, (TAKE_WITHIN_MS[safety_class as SafetyClass] ?? TAKE_WITHIN_ELSE_MS) * 2 ** escalations)

/**
 * Takes a request: an expert with the skills, or whoever brings the parts, who may promise anew.
 * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when another has it or it is over, MDL_API_INVALID without a promise,
 * MDL_HUBS_ILLEGAL_MOVE when the skills are not known to be there
 */
export async function takeHelp(hub: HubTransaction, { tenant, id, given }: { tenant: string; id: string; given: TakeHelp }): Promise<HelpRow> {
  const row = await findHelp(hub, tenant, id)
  if (row.state === 'done' || row.state === 'withdrawn') throw new MendlineError('MDL_API_CONFLICT', `the request is ${row.state}`)
  if (row.state === 'taken' && row.taken_by !== given.by) throw new MendlineError('MDL_API_CONFLICT', `${row.taken_by} has it`)
  if (row.kind === 'expert') {
    if (row.state === 'taken') return row
    await checkSkills(hub, row, given.by)
    await clearTimer(hub, { tenant, kind: TIMER, subject: id })
    return change(hub, row, { state: 'taken', taken_by: given.by, taken_at_ms: hub.nowMs }, 'taken')
  }
  const { promised_ms } = given
  if (promised_ms === undefined || promised_ms <= hub.nowMs)
    throw new MendlineError('MDL_API_INVALID', 'promised_ms: must say when the parts are there')
  if (row.promised_ms === promised_ms) return row
  await setTimer(hub, { tenant, kind: TIMER, subject: id, dueAtMs: promised_ms, isAppointed: true })
  const taken = { state: 'taken', taken_by: given.by, taken_at_ms: row.taken_at_ms ?? hub.nowMs, promised_ms, source: given.from ?? row.source }
  return change(hub, row, { ...taken, ...brokenBy(hub, row) }, 'taken')
}

async function checkSkills(hub: HubTransaction, row: HelpRow, expert: string): Promise<void> {
  const known = await skillsOf(hub, row.tenant, expert)
  const missing = (JSON.parse(row.skills) as string[]).filter((skill) => known?.includes(skill) !== true)
  if (known === undefined || missing.length > 0)
    throw new MendlineError('MDL_HUBS_ILLEGAL_MOVE', `${expert} is not known to have the skills ${missing.join(', ')}`, { details: { missing } })
}

/** Says how it ended. @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when it ended before or nobody has taken it */
export async function endHelp(hub: HubTransaction, { tenant, id, given }: { tenant: string; id: string; given: EndHelp }): Promise<HelpRow> {
  const row = await findHelp(hub, tenant, id)
  if (row.state !== 'taken') throw new MendlineError('MDL_API_CONFLICT', `the request is ${row.state}`)
  return end(hub, row, { state: 'done', result: given.result })
}

async function end(hub: HubTransaction, row: HelpRow, how: { readonly state: 'done' | 'withdrawn'; readonly result: string }): Promise<HelpRow> {
  await clearTimer(hub, { tenant: row.tenant, kind: TIMER, subject: row.request_id })
  return change(hub, row, { ...how, ...brokenBy(hub, row), ended_at_ms: hub.nowMs }, how.state)
}

/** Hears of moves: two states ask by themselves, and what still waits is withdrawn when no visit is under way any more. */
export const watchHelp: OrderListener = async (hub, order, move) => {
  if (move.kind !== 'move') return
  const kind = ASKS[order.state as WorkOrderState]
  if (kind !== undefined) {
    const packet = JSON.parse(order.packet) as Packet
    const { wanted, note } = wantedIn(move.data, kind)
    if (kind === 'expert' || wanted.parts !== undefined || likelyParts(packet).length > 0)
      await ask(hub, order, { kind, actor: move.actor, text: [move.reason, note].filter(Boolean).join('; '), ...wanted })
    return
  }
  if (await isUnderWay(hub, order)) return
  const standing = await hub.database
    .selectFrom('hub_help_requests')
    .selectAll()
    .where('work_order_id', '=', order.work_order_id)
    .where('state', 'in', ['waiting', 'taken'])
    .execute()
  for (const row of standing) await end(hub, row, { state: 'withdrawn', result: `the order is ${order.state}` })
}

/** A promise that is over before the part is there was broken, whatever is promised or becomes of the order behind it; each counts once. */
function brokenBy({ nowMs }: HubTransaction, row: HelpRow): Partial<HelpRow> {
  const { promised_ms, broken_promise_ms, promises_broken } = row
  if (promised_ms === null || nowMs <= promised_ms || broken_promise_ms === promised_ms) return {}
  return { promises_broken: promises_broken + 1, broken_promise_ms: promised_ms }
}

/** Nobody took it in time, or the promised instant is over: told, and looked at again. */
export const runHelpTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const row = await hub.database
    .selectFrom('hub_help_requests')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('request_id', '=', subject)
    .executeTakeFirst()
  if (row === undefined || row.state === 'done' || row.state === 'withdrawn') return
  // Due at the promised instant: whoever comes in that very millisecond is told of as late, and counts so.
  const broken = row.state === 'waiting' ? {} : brokenBy({ ...hub, nowMs: epochMs(hub.nowMs + 1) }, row)
  const reason = row.state === 'waiting' ? 'nobody_took_it' : 'promise_broken'
  const changed = await change(hub, row, { escalations: row.escalations + 1, ...broken }, 'escalated', reason)
  const againMs = row.state === 'waiting' ? waitOf(changed) : LATE_AGAIN_MS
  await setTimer(hub, { tenant, kind: TIMER, subject, dueAtMs: hub.nowMs + againMs })
}

/** @throws MendlineError MDL_API_NOT_FOUND */
export async function findHelp(hub: HubTransaction, tenant: string, id: string): Promise<HelpRow> {
  const row = await hub.database
    .selectFrom('hub_help_requests')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('request_id', '=', id)
    .executeTakeFirst()
  if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such request for help')
  return row
}

type Told = 'requested' | 'taken' | 'done' | 'withdrawn' | 'escalated'

async function change(hub: HubTransaction, row: HelpRow, values: Partial<HelpRow>, told: Told, reason?: string): Promise<HelpRow> {
  await hub.database.updateTable('hub_help_requests').set(values).where('request_id', '=', row.request_id).execute()
  const changed = { ...row, ...values }
  await tell(hub, changed, told, reason)
  return changed
}

async function tell(hub: HubTransaction, row: HelpRow, name: Told, reason?: string): Promise<void> {
  const { tenant, device, work_order_id: subject } = row
  const data = { request: toHelp(row), ...(reason === undefined ? {} : { reason }) }
  await emit(hub, { tenant, device, subject, type: `mendline.help.${name}.v1`, atMs: hub.nowMs, data })
}
