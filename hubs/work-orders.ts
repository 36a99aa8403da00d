/**
 * The work orders as rows: opening one with its case, remaking its packet when more is known, moving it by the process, and keeping
 * remarks. Each change is stored as a move with actor, time and reason, and enqueues its event, in the caller's transaction.
 */
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { assert } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { Outcome, Packet, WorkOrder, WorkOrderState } from '#kernel/work-order.ts'
import { causeWords } from './cases.ts'
import type { WorkOrderRow } from './hub-tables.ts'
import { emit, type HubTransaction } from './hub-transaction.ts'
import { outletFor } from './orders/crews.ts'
import { namesWindow, type RowChanges } from './orders/order-facts.ts'
import { toWorkOrder } from './orders/order-record.ts'
import { processInForce, processOf } from './orders/process-book.ts'
import { changesOfReopening, type FoundAgain } from './orders/reopen.ts'
import { findRepeated } from './orders/repeats.ts'
import { quoteFor } from './orders/terms-book.ts'
import { buildPacket } from './packet.ts'
import { setPartsNeeds } from './parts-needs.ts'
import { checkMove, isOpenPhase, type Move, phaseOf } from './work-order-states.ts'

/** Actor of the moves that Mendline makes by itself. */
export const SYSTEM_ACTOR = 'mendline'

export interface Opening {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly cause: string
  readonly fault: string | null
  readonly safetyClass: SafetyClass
  readonly atMs: number
  readonly diagnosis: Diagnosis | undefined
  readonly alarm: Alarm | undefined
  readonly isPastDanger: boolean
}

export interface Step {
  readonly actor: string
  readonly atMs: number
  readonly reason: string
  readonly data: unknown
}

/** Opens a case and its order. The ids follow from unit, cause and the number of earlier orders for it, so that a replay makes the same. */
export async function openOrder(hub: HubTransaction, opening: Opening): Promise<WorkOrder> {
  const { tenant, device, type, cause, fault } = opening
  const { earlier } = await hub.database
    .selectFrom('hub_work_orders')
    .select((select) => select.fn.countAll<number>().as('earlier'))
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('opening_cause', '=', cause)
    .executeTakeFirstOrThrow()
  const identity = [tenant, device, cause, Number(earlier)] as const
  const process = await processInForce(hub, tenant)
  const packet = buildPacket({ type: hub.catalogue(type), fault, diagnosis: opening.diagnosis, alarm: opening.alarm, locale: hub.locale })
  const repeat_of = await findRepeated(hub, { tenant, device, packet, cause, openedAtMs: opening.atMs })
  const row: WorkOrderRow = {
    work_order_id: contentId('wo', ...identity),
    case_id: contentId('case', ...identity),
    tenant,
    device,
    type,
    state: process.initial,
    revision: 1,
    safety_class: opening.safetyClass,
    fault,
    cause,
    opening_cause: cause,
    diagnosis_id: opening.diagnosis?.diagnosis_id ?? null,
    diagnosed_at_ms: opening.diagnosis?.made_at_ms ?? null,
    alarm_id: opening.alarm?.alarm_id ?? null,
    opened_at_ms: opening.atMs,
    created_at_ms: hub.nowMs,
    updated_at_ms: hub.nowMs,
    settled_at_ms: null,
    move_count: 1,
    packet: JSON.stringify(packet),
    outcome: null,
    process_version: process.version,
    entered_at_ms: hub.nowMs,
    outlet: await outletFor(hub, { tenant, device, type, skills: packet.skills }),
    engineer: null,
    offered_to: null,
    promised_from_ms: null,
    promised_to_ms: null,
    promise_at_ms: null,
    rating_at_ms: null,
    repeat_of,
    facts: '{}',
    quote: await quoteFor(hub, { tenant, device, type, cause, packet, repeat_of, facts: '{}', opened_at_ms: opening.atMs }),
  }
  await hub.database.insertInto('hub_work_orders').values(row).execute()
  await openCase(hub, row, opening.isPastDanger)
  const step: Step = { actor: SYSTEM_ACTOR, atMs: opening.atMs, reason: `${causeWords(cause)} found`, data: {} }
  await addMove(hub, { ...row, move_count: 0 }, { kind: 'move', type: row.state, to: row.state }, step)
  const order = toWorkOrder(row)
  await emitOrder(hub, order, order.state, { from: null, actor: SYSTEM_ACTOR, at_ms: opening.atMs, reason: step.reason })
  await setPartsNeeds(hub, order, { isOpen: true })
  await hub.onOrderMoved(hub, row, { ...step, kind: 'move', type: row.state, from: null, to: row.state })
  return order
}

async function openCase(hub: HubTransaction, row: WorkOrderRow, isPastDanger: boolean): Promise<void> {
  const { case_id, tenant, device, type, cause, safety_class, work_order_id, opened_at_ms } = row
  const record = {
    case_id,
    tenant,
    device,
    type,
    cause,
    state: 'open',
    safety_class,
    work_order_id,
    is_past_danger: isPastDanger ? 1 : 0,
    opened_at_ms,
  }
  await hub.database
    .insertInto('hub_cases')
    .values({ ...record, created_at_ms: hub.nowMs, closed_at_ms: null, merged_into: null })
    .execute()
  const data = { case: { ...record, is_past_danger: isPastDanger } }
  await emit(hub, { tenant, device, subject: case_id, type: 'mendline.case.opened.v1', atMs: opened_at_ms, data })
}

export interface Amendment {
  readonly cause?: { readonly cause: string; readonly fault: string | null }
  readonly safetyClass?: SafetyClass
  readonly diagnosis: Diagnosis | undefined
  readonly alarm: Alarm | undefined
  readonly openedAtMs: number
  readonly step: Step
}

/** Remakes the packet of an open order from what is known now; another cause or class is a remark and an event, a better probability is neither. */
export async function amendOrder(hub: HubTransaction, row: WorkOrderRow, amendment: Amendment): Promise<void> {
  const { diagnosis, alarm, step } = amendment
  const { cause, fault } = amendment.cause ?? row
  const packet = buildPacket({ type: hub.catalogue(row.type), fault, diagnosis, alarm, locale: hub.locale })
  const changed: WorkOrderRow = {
    ...row,
    fault,
    cause,
    safety_class: amendment.safetyClass ?? row.safety_class,
    diagnosis_id: diagnosis?.diagnosis_id ?? null,
    diagnosed_at_ms: diagnosis?.made_at_ms ?? null,
    alarm_id: alarm?.alarm_id ?? null,
    opened_at_ms: amendment.openedAtMs,
    packet: JSON.stringify(packet),
    quote: await quoteFor(hub, { ...row, cause, opened_at_ms: amendment.openedAtMs, packet }),
  }
  if (JSON.stringify(changed) === JSON.stringify(row)) return
  const isTold = changed.cause !== row.cause || changed.safety_class !== row.safety_class
  if (isTold) await addMove(hub, changed, { kind: 'remark', type: 'amended', to: row.state }, step)
  const order = await saveOrder(hub, changed)
  await hub.database
    .updateTable('hub_cases')
    .set({ cause: changed.cause, safety_class: changed.safety_class, opened_at_ms: changed.opened_at_ms })
    .where('case_id', '=', row.case_id)
    .execute()
  if (isTold) await emitOrder(hub, order, 'amended', { from: row.state, actor: step.actor, at_ms: step.atMs, reason: step.reason })
  await setPartsNeeds(hub, order, { isOpen: true })
  const { state } = row
  if (isTold)
    await hub.onOrderMoved(hub, await orderRow(hub, row.work_order_id), { ...toldOf(step), kind: 'remark', type: 'amended', from: state, to: state })
}

/**
 * Moves an order.
 * @throws MendlineError MDL_HUBS_ILLEGAL_MOVE, MDL_HUBS_OUTCOME_REQUIRED
 */
export async function moveOrder(
  hub: HubTransaction,
  row: WorkOrderRow,
  to: WorkOrderState,
  step: Step & {
    readonly outcome?: Outcome
    readonly changes?: RowChanges
    /** What reopens the order. */
    readonly found?: FoundAgain
    readonly engineerSkills?: readonly string[] | undefined
    readonly engineerTelling?: string | undefined
  },
): Promise<WorkOrder> {
  const from = row.state as WorkOrderState
  const process = await processOf(hub, row)
  checkMove(process, { ...moveOf(row, step), from, to })
  const phase = phaseOf(process, to)
  const isOpen = isOpenPhase(phase)
  const changed: WorkOrderRow = {
    ...row,
    ...(to === 'reopened' ? await changesOfReopening(hub, row, step) : {}),
    ...step.changes,
    state: to,
    entered_at_ms: hub.nowMs,
    outcome: step.outcome === undefined || phase !== 'settled' ? row.outcome : JSON.stringify(step.outcome),
    settled_at_ms: isOpen ? null : phase === 'final' && row.settled_at_ms !== null ? row.settled_at_ms : step.atMs,
  }
  await addMove(hub, changed, { kind: 'move', type: to, from, to }, step)
  const order = await saveOrder(hub, changed)
  await emitOrder(hub, order, to, { from, actor: step.actor, at_ms: step.atMs, reason: step.reason })
  await setPartsNeeds(hub, order, { isOpen })
  await setCaseState(hub, order, { isClosed: phase === 'final', atMs: step.atMs })
  await hub.onOrderMoved(hub, await orderRow(hub, row.work_order_id), { ...toldOf(step), kind: 'move', type: to, from, to })
  return order
}

/** What the guards of a move look at. */
function moveOf(row: WorkOrderRow, step: Parameters<typeof moveOrder>[3]): Omit<Move, 'from' | 'to'> {
  const { promised_from_ms, engineer } = { ...row, ...step.changes }
  return {
    safetyClass: row.safety_class as SafetyClass,
    outcome: step.outcome,
    reason: step.reason,
    hasWindow: promised_from_ms !== null || namesWindow(step.data),
    offeredTo: row.offered_to,
    engineer,
    engineerSkills: step.engineerSkills,
    heldBy: row.engineer ?? row.offered_to,
    engineerTelling: step.engineerTelling,
    packet: JSON.parse(row.packet) as Packet,
  }
}

async function setCaseState(hub: HubTransaction, order: WorkOrder, { isClosed, atMs }: { isClosed: boolean; atMs: number }): Promise<void> {
  const { tenant, device, case_id, work_order_id } = order
  const result = await hub.database
    .updateTable('hub_cases')
    .set({ state: isClosed ? 'closed' : 'open', closed_at_ms: isClosed ? atMs : null })
    .where('case_id', '=', case_id)
    .where('state', '=', isClosed ? 'open' : 'closed')
    .executeTakeFirst()
  if (!isClosed || result.numUpdatedRows === 0n) return
  await emit(hub, { tenant, device, subject: case_id, type: 'mendline.case.closed.v1', atMs, data: { case_id, work_order_id, device } })
}

/** Keeps a remark on an order; it moves nothing, changes no revision and sends nothing. */
export async function remarkOrder(hub: HubTransaction, row: WorkOrderRow, type: string, step: Step): Promise<void> {
  await addMove(hub, row, { kind: 'remark', type, to: row.state }, step)
  await hub.database
    .updateTable('hub_work_orders')
    .set({ move_count: row.move_count + 1 })
    .where('work_order_id', '=', row.work_order_id)
    .execute()
  const { state } = row
  await hub.onOrderMoved(hub, { ...row, move_count: row.move_count + 1 }, { ...toldOf(step), kind: 'remark', type, from: state, to: state })
}

const toldOf = ({ actor, atMs, reason, data }: Step): Step => ({ actor, atMs, reason, data })

/** The order of a tenant; undefined when it has none with that id. */
export const findOrder = (hub: Pick<HubTransaction, 'database'>, tenant: string, id: string): Promise<WorkOrderRow | undefined> =>
  hub.database.selectFrom('hub_work_orders').selectAll().where('tenant', '=', tenant).where('work_order_id', '=', id).executeTakeFirst()

/** The order as it is stored. */
export const orderRow = (hub: HubTransaction, id: string): Promise<WorkOrderRow> =>
  hub.database.selectFrom('hub_work_orders').selectAll().where('work_order_id', '=', id).executeTakeFirstOrThrow()

/** Keeps a remark that changes something of an order without moving it, and tells of it by `mendline.work_order.<tells>.v1` unless it tells nobody. */
export async function changeOrder(
  hub: HubTransaction,
  row: WorkOrderRow,
  change: { readonly type: string; readonly changes: RowChanges; readonly tells: string | undefined; readonly step: Step },
): Promise<WorkOrder> {
  const { type, step, tells } = change
  const changed = { ...row, ...change.changes }
  await addMove(hub, changed, { kind: 'remark', type, to: row.state }, step)
  const order = await saveOrder(hub, changed)
  const { state } = row
  if (tells !== undefined) await emitOrder(hub, order, tells, { from: state, actor: step.actor, at_ms: step.atMs, reason: step.reason })
  await hub.onOrderMoved(hub, await orderRow(hub, row.work_order_id), { ...toldOf(step), kind: 'remark', type, from: state, to: state })
  return order
}

interface MoveShape {
  readonly kind: 'move' | 'remark'
  readonly type: string
  readonly from?: string
  readonly to: string
}

async function addMove(hub: HubTransaction, row: WorkOrderRow, shape: MoveShape, step: Step): Promise<void> {
  await hub.database
    .insertInto('hub_work_order_moves')
    .values({
      work_order_id: row.work_order_id,
      sequence: row.move_count + 1,
      tenant: row.tenant,
      kind: shape.kind,
      type: shape.type,
      from_state: shape.from ?? row.state,
      to_state: shape.to,
      actor: step.actor,
      at_ms: step.atMs,
      recorded_at_ms: hub.nowMs,
      reason: step.reason,
      data: JSON.stringify(step.data ?? {}),
      told_by: step.actor === SYSTEM_ACTOR ? null : (hub.by ?? null),
    })
    .execute()
}

/** Saves a changed row with the next revision; the move count follows from the moves that are stored. */
async function saveOrder(hub: HubTransaction, row: WorkOrderRow): Promise<WorkOrder> {
  const { count } = await hub.database
    .selectFrom('hub_work_order_moves')
    .select((select) => select.fn.countAll<number>().as('count'))
    .where('work_order_id', '=', row.work_order_id)
    .executeTakeFirstOrThrow()
  const saved = { ...row, revision: row.revision + 1, updated_at_ms: hub.nowMs, move_count: Number(count) }
  const { work_order_id, ...values } = saved
  const result = await hub.database
    .updateTable('hub_work_orders')
    .set(values)
    .where('work_order_id', '=', work_order_id)
    .where('revision', '=', row.revision)
    .executeTakeFirst()
  assert(result.numUpdatedRows === 1n, 'an order changes only inside the transaction that read it')
  return toWorkOrder(saved)
}

interface MoveView {
  readonly from: string | null
  readonly actor: string
  readonly at_ms: number
  readonly reason: string
}

async function emitOrder(hub: HubTransaction, order: WorkOrder, name: string, move: MoveView): Promise<void> {
  const { tenant, device, work_order_id } = order
  const data = { work_order: order, move: { ...move, to: order.state } }
  await emit(hub, { tenant, device, subject: work_order_id, type: `mendline.work_order.${name}.v1`, atMs: move.at_ms, data })
}
