/**
 * One cause is one order: what a group of alarms that is wider than a unit does to the orders of its units. One order stands for the group: one
 * that somebody accepted, else that of the first alarm. The others that nobody has accepted are cancelled with a link to it, and their cases
 * merge into its case. A unit that was diagnosed keeps its order, since what its own readings say is its own; so does a danger (E0, E1).
 */
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { AlarmGroup } from '#kernel/alarm-group.ts'
import type { WorkOrder, WorkOrderState } from '#kernel/work-order.ts'
import type { Phase } from '#kernel/work-order-process.ts'
import type { AlarmGroupRow } from '../alarm-tables.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { isDanger } from '../quiet-alarms.ts'
import { setTimer } from '../timers.ts'
import { isOpenPhase, phaseOf } from '../work-order-states.ts'
import { moveOrder, orderRow, remarkOrder, SYSTEM_ACTOR } from '../work-orders.ts'

/** An alarm of a group, with the group that it was in before. */
export interface GroupedAlarm {
  readonly alarm_id: string
  readonly device: string
  readonly group_id: string
  readonly is_quiet: number
}

type PlacedGroup = AlarmGroup & { readonly bucket_ms: number }

/** Kind of the timer that looks at a group again when it should be over. */
export const GROUP_TIMER = 'alarm_group'
/** Time after the last alarm of a group behind which a unit that still has it has it for itself (chosen). */
export const GROUP_OVER_MS = 24 * 3_600_000

interface Coming {
  /** Alarms that came into the group now. */
  readonly moved: readonly GroupedAlarm[]
  /** Groups that they come from, or that it goes on from. */
  readonly from: readonly AlarmGroupRow[]
}

interface PhasedOrder {
  readonly row: WorkOrderRow
  readonly phase: Phase
}

/** Sees to it that a group has one order; that of its first alarm may still be to come. */
export async function oneOrder(hub: HubTransaction, group: PlacedGroup, { moved, from }: Coming): Promise<void> {
  const kept = from.flatMap(({ work_order_id }) => work_order_id ?? [])
  const known = new Map<string, PhasedOrder>()
  for (const row of [...(await rowsById(hub, kept)), ...(await rowsOf(hub, group.tenant, moved))]) {
    known.set(row.work_order_id, { row, phase: phaseOf(await processOf(hub, row), row.state as WorkOrderState) })
  }
  const orders = [...known.values()].sort((a, b) => a.row.opened_at_ms - b.row.opened_at_ms || (a.row.work_order_id < b.row.work_order_id ? -1 : 1))
  const keeper =
    orders.find(({ row, phase }) => phase === 'committed' && !isOwn(row)) ??
    orders.find(({ row, phase }) => isOpenPhase(phase) && row.alarm_id === group.lead_alarm_id) ??
    // An order of the group that is over has done what there was to do.
    orders.find(({ row, phase }) => !isOpenPhase(phase) && row.state !== 'cancelled' && kept.includes(row.work_order_id)) ??
    (await unitOrder(hub, group)) ??
    ((await isApplied(hub, group.lead_alarm_id)) ? orders.find(({ row, phase }) => phase === 'waiting' && !isOwn(row)) : undefined)
  for (const { row, phase } of orders) {
    if (phase !== 'waiting' || isOwn(row) || row.work_order_id === keeper?.row.work_order_id) continue
    const reason = `one cause for ${group.units} units of ${group.scope} ${group.scope_value}`
    const link = { group_id: group.group_id, ...(keeper && { work_order_id: keeper.row.work_order_id, case_id: keeper.row.case_id }) }
    await moveOrder(hub, row, 'cancelled', { actor: SYSTEM_ACTOR, atMs: Math.max(group.to_ms, row.opened_at_ms), reason, data: link })
    if (keeper !== undefined) await mergeCase(hub, row, keeper.row)
  }
  await keepFor(hub, group, keeper?.row)
  const { tenant, cause, scope, scope_value, bucket_ms } = group
  const subject = [cause, scope, scope_value, bucket_ms].join('/')
  await setTimer(hub, {
    ...{ tenant, kind: GROUP_TIMER, subject },
    dueAtMs: hub.nowMs + GROUP_OVER_MS,
    data: { cause, scope, scope_value, bucket_ms },
  })
}

/** What stands beside the group: its own readings were judged, or it is a danger. */
const isOwn = (row: WorkOrderRow): boolean => row.diagnosis_id !== null || isDanger({ safety_class: row.safety_class as SafetyClass })

async function rowsById(hub: HubTransaction, ids: readonly string[]): Promise<WorkOrderRow[]> {
  return ids.length === 0 ? [] : await hub.database.selectFrom('hub_work_orders').selectAll().where('work_order_id', 'in', ids).execute()
}

async function rowsOf(hub: HubTransaction, tenant: string, alarms: readonly GroupedAlarm[]): Promise<WorkOrderRow[]> {
  const rows: WorkOrderRow[] = []
  for (const { device, alarm_id } of alarms) {
    const own = hub.database.selectFrom('hub_work_orders').selectAll().where('tenant', '=', tenant).where('device', '=', device)
    rows.push(...(await own.where('alarm_id', '=', alarm_id).execute()))
  }
  return rows
}

/** The open order of the first alarm's unit for the cause, which another alarm opened before. */
async function unitOrder(hub: HubTransaction, { tenant, cause, lead_alarm_id }: AlarmGroup): Promise<PhasedOrder | undefined> {
  const rows = await hub.database
    .selectFrom('hub_work_orders as o')
    .innerJoin('hub_grouped_alarms as lead', 'lead.device', 'o.device')
    .selectAll('o')
    .where('lead.alarm_id', '=', lead_alarm_id)
    .where('o.tenant', '=', tenant)
    .where('o.cause', 'in', [cause, `rule:${cause}`])
    .execute()
  for (const row of rows) {
    const phase = phaseOf(await processOf(hub, row), row.state as WorkOrderState)
    if (isOpenPhase(phase)) return { row, phase }
  }
  return undefined
}

/** Its order was opened, or will never be. */
async function isApplied(hub: HubTransaction, alarmId: string): Promise<boolean> {
  const row = await hub.database.selectFrom('hub_alarms').select('body').where('alarm_id', '=', alarmId).executeTakeFirst()
  return row !== undefined && row.body !== ''
}

/** Writes which order stands for a group; the order says from when on it does. */
async function keepFor(hub: HubTransaction, { group_id, scope, scope_value, units }: AlarmGroup, row: WorkOrderRow | undefined): Promise<void> {
  const before = await hub.database.selectFrom('hub_alarm_groups').select('work_order_id').where('group_id', '=', group_id).executeTakeFirst()
  const work_order_id = row?.work_order_id ?? null
  if (before === undefined || before.work_order_id === work_order_id) return
  await hub.database.updateTable('hub_alarm_groups').set({ work_order_id }).where('group_id', '=', group_id).execute()
  if (row === undefined) return
  const reason = `stands for ${units} units of ${scope} ${scope_value} with one cause`
  await remarkOrder(hub, await orderRow(hub, row.work_order_id), 'group', {
    actor: SYSTEM_ACTOR,
    atMs: hub.nowMs,
    reason,
    data: { group_id, scope, scope_value, units },
  })
}

/** The case of an order turned out to be one with that of another. */
export async function mergeCase(hub: HubTransaction, row: WorkOrderRow, keeper: WorkOrderRow): Promise<void> {
  const { tenant, device, case_id } = keeper
  await hub.database.updateTable('hub_cases').set({ merged_into: case_id }).where('case_id', '=', row.case_id).execute()
  const data = {
    ...{ case_id, work_order_id: keeper.work_order_id, device },
    merged: { case_id: row.case_id, work_order_id: row.work_order_id, device: row.device },
  }
  await emit(hub, { tenant, device, subject: case_id, type: 'mendline.case.merged.v1', atMs: hub.nowMs, data })
}

/** The first alarm of a group has its order: orders that were cancelled for the group before are linked to it. */
export async function noteGroupOrder(hub: HubTransaction, alarm: Alarm, order: WorkOrder): Promise<void> {
  const group = await hub.database
    .selectFrom('hub_alarm_groups as g')
    .innerJoin('hub_grouped_alarms as own', 'own.group_id', 'g.group_id')
    .selectAll('g')
    .where('own.alarm_id', '=', alarm.alarm_id)
    .where('g.lead_alarm_id', '=', alarm.alarm_id)
    .where('g.scope', '!=', 'unit')
    .where('g.work_order_id', 'is', null)
    .executeTakeFirst()
  if (group === undefined) return
  const keeper = await orderRow(hub, order.work_order_id)
  await keepFor(hub, group as AlarmGroupRow & AlarmGroup, keeper)
  const merged = await hub.database
    .selectFrom('hub_grouped_alarms as m')
    .innerJoin('hub_work_orders as o', (join) =>
      join.onRef('o.tenant', '=', 'm.tenant').onRef('o.device', '=', 'm.device').onRef('o.alarm_id', '=', 'm.alarm_id'),
    )
    .innerJoin('hub_cases as c', 'c.case_id', 'o.case_id')
    .selectAll('o')
    .where('m.group_id', '=', group.group_id)
    .where('o.state', '=', 'cancelled')
    .where('c.merged_into', 'is', null)
    .execute()
  for (const row of merged) await mergeCase(hub, row, keeper)
}

/** The group that holds back the order of an alarm: one wider than a unit, led by another alarm that opens an order, or that has its order on another unit. */
export async function groupThatSpeaks(hub: HubTransaction, alarmId: string): Promise<string | undefined> {
  const row = await hub.database
    .selectFrom('hub_grouped_alarms as own')
    .innerJoin('hub_alarm_groups as all', 'all.group_id', 'own.group_id')
    .innerJoin('hub_grouped_alarms as lead', 'lead.alarm_id', 'all.lead_alarm_id')
    .leftJoin('hub_work_orders as o', 'o.work_order_id', 'all.work_order_id')
    .select(['all.group_id as group_id', 'all.scope as scope', 'all.lead_alarm_id as lead_alarm_id', 'lead.is_quiet as is_quiet'])
    .select(['own.device as device', 'o.device as served'])
    .where('own.alarm_id', '=', alarmId)
    .executeTakeFirst()
  if (row === undefined || row.scope === 'unit' || row.is_quiet === 1) return undefined
  const isHeld = row.lead_alarm_id === alarmId ? row.served !== null && row.served !== row.device : row.served !== row.device
  return isHeld ? row.group_id : undefined
}

/** An alarm that opened no order does so at its new class: from now on it can speak for a group. */
export async function noteSpeaks(hub: HubTransaction, alarmId: string): Promise<void> {
  await hub.database.updateTable('hub_grouped_alarms').set({ is_quiet: 0 }).where('alarm_id', '=', alarmId).execute()
}
