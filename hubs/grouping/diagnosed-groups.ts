/**
 * One cause is one order also where no alarm tells of it: a firmware that spoils a sensor lets the model diagnose the same fault on hundreds of
 * units within hours. Diagnoses that would send somebody are grouped by what their units share, as alarms are and with stricter bounds, since
 * wear that a first hot day shows on some units of a town is each unit's own. The group has one order; the others that nobody has
 * accepted are cancelled with a link to it. A danger, and an order that a household asked for, stay.
 */
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { WorkOrder, WorkOrderState } from '#kernel/work-order.ts'
import { visitProbability } from '../hub-policy.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { isAskedFor } from '../orders/recovery.ts'
import { isDanger, quietByPeople } from '../quiet-alarms.ts'
import { isOpenPhase, phaseOf } from '../work-order-states.ts'
import { moveOrder, orderRow, SYSTEM_ACTOR } from '../work-orders.ts'
import { type Bucket, bucketOf, type GroupingWay, regroup } from './alarm-groups.ts'
import { DIAGNOSES_EXPLAINED, groupFindings } from './group-alarms.ts'
import { type Coming, keepFor, mergeCase, type PhasedOrder, type PlacedGroup, rowsById } from './group-orders.ts'

/** Causes of groups that rest on diagnoses begin so. */
export const DIAGNOSED = 'diagnosis:'

/** Puts the diagnoses that some events bring, and that would send somebody, into their groups. */
export async function groupDiagnosed(hub: HubTransaction, events: readonly HubEvent[]): Promise<void> {
  const dirty = new Map<string, Bucket>()
  for (const event of events) {
    if (event.kind !== 'diagnosis_made' || !(await sendsSomebody(hub, event.diagnosis))) continue
    const { diagnosis_id, tenant, device, type, safety_class, made_at_ms, fault } = event.diagnosis
    const place = { tenant, cause: `${DIAGNOSED}${fault}`, bucket_ms: bucketOf(made_at_ms) }
    const result = await hub.database
      .insertInto('hub_grouped_alarms')
      .values({ alarm_id: diagnosis_id, device, type, safety_class, began_at_ms: made_at_ms, ...place, group_id: '', is_quiet: 0 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (result.numInsertedOrUpdatedRows === 1n) dirty.set(`${tenant}/${place.cause}/${place.bucket_ms}`, place)
  }
  for (const place of [...dirty.values()].sort((a, b) => a.bucket_ms - b.bucket_ms)) await regroup(hub, place, BY_DIAGNOSES)
}

/** Whether readings alone send somebody by it; what people hold back does not speak for others. */
async function sendsSomebody(hub: HubTransaction, diagnosis: Diagnosis): Promise<boolean> {
  const { tenant, device, type, source, answer, fault, probability, safety_class: safetyClass, made_at_ms } = diagnosis
  if (source !== 'model' || answer !== 'fault' || fault === null || isDanger(diagnosis) || hub.isGone(tenant, device)) return false
  if (probability < visitProbability(hub.policy, { type, fault, safetyClass })) return false
  const heldBack = { tenant, device, rule: '', alarm_id: '', raised_at_ms: made_at_ms } as Alarm
  return (await quietByPeople(hub, heldBack)) === undefined
}

const BY_DIAGNOSES: GroupingWay = {
  group: (findings, places, earlier) =>
    groupFindings(findings, places, { earlier, explains: DIAGNOSES_EXPLAINED }).filter(({ scope }) => scope !== 'unit'),
  settle: oneDiagnosedOrder,
}

async function oneDiagnosedOrder(hub: HubTransaction, group: PlacedGroup, { moved, from }: Coming): Promise<void> {
  const known = new Map<string, PhasedOrder>()
  const kept = from.flatMap(({ work_order_id }) => work_order_id ?? [])
  for (const row of [...(await rowsById(hub, kept)), ...(await diagnosedRows(hub, group, moved))]) {
    if (await isOwn(hub, row)) continue
    known.set(row.work_order_id, { row, phase: phaseOf(await processOf(hub, row), row.state as WorkOrderState) })
  }
  const orders = [...known.values()].sort((a, b) => a.row.opened_at_ms - b.row.opened_at_ms || (a.row.work_order_id < b.row.work_order_id ? -1 : 1))
  const isKept = ({ row }: PhasedOrder): boolean => kept.includes(row.work_order_id) && row.state !== 'cancelled'
  const keeper = orders.find(({ phase }) => phase === 'committed') ?? orders.find(isKept) ?? orders.find(({ phase }) => isOpenPhase(phase))
  for (const { row, phase } of orders) {
    if (phase !== 'waiting' || keeper === undefined || row.work_order_id === keeper.row.work_order_id) continue
    const reason = `one cause for ${group.units} units of ${group.scope} ${group.scope_value}`
    const link = { group_id: group.group_id, work_order_id: keeper.row.work_order_id, case_id: keeper.row.case_id }
    await moveOrder(hub, row, 'cancelled', { actor: SYSTEM_ACTOR, atMs: Math.max(group.to_ms, row.opened_at_ms), reason, data: link })
    await mergeCase(hub, row, keeper.row)
  }
  await keepFor(hub, group, keeper?.row)
}

const faultOf = ({ cause }: Pick<PlacedGroup, 'cause'>): string => cause.slice(DIAGNOSED.length)

/** Orders of the units for the fault that rest on their diagnoses. */
async function diagnosedRows(hub: HubTransaction, group: PlacedGroup, moved: Coming['moved']): Promise<WorkOrderRow[]> {
  const rows: WorkOrderRow[] = []
  for (const device of new Set(moved.map((finding) => finding.device))) {
    const own = hub.database.selectFrom('hub_work_orders').selectAll().where('tenant', '=', group.tenant).where('device', '=', device)
    const open = own.where('cause', '=', faultOf(group)).where('alarm_id', 'is', null).where('diagnosis_id', 'is not', null)
    rows.push(...(await open.where('settled_at_ms', 'is', null).execute()))
  }
  return rows
}

const isOwn = async (hub: HubTransaction, row: WorkOrderRow): Promise<boolean> =>
  isDanger({ safety_class: row.safety_class as SafetyClass }) || (await isAskedFor(hub, row))

/** The order of another unit that stands for a diagnosis: that of its group, as long as it is open or was settled behind the diagnosis's windows. */
export async function orderOfGroup(hub: HubTransaction, { tenant, device, fault, window_from_ms }: Diagnosis): Promise<WorkOrderRow | undefined> {
  return await hub.database
    .selectFrom('hub_grouped_alarms as own')
    .innerJoin('hub_alarm_groups as g', 'g.group_id', 'own.group_id')
    .innerJoin('hub_work_orders as o', 'o.work_order_id', 'g.work_order_id')
    .selectAll('o')
    .where('own.tenant', '=', tenant)
    .where('own.device', '=', device)
    .where('own.cause', '=', `${DIAGNOSED}${fault}`)
    .where('g.scope', '!=', 'unit')
    .where('o.device', '!=', device)
    .where('o.state', '!=', 'cancelled')
    .where((where) => where.or([where('o.settled_at_ms', 'is', null), where('o.settled_at_ms', '>', window_from_ms)]))
    .orderBy('g.to_ms', 'desc')
    .executeTakeFirst()
}

/** The first diagnosis of a group that opened an order: from now on it stands for the group. */
export async function noteDiagnosedOrder(hub: HubTransaction, { diagnosis_id }: Diagnosis, order: WorkOrder): Promise<void> {
  const group = await hub.database
    .selectFrom('hub_alarm_groups as g')
    .innerJoin('hub_grouped_alarms as own', 'own.group_id', 'g.group_id')
    .selectAll('g')
    .where('own.alarm_id', '=', diagnosis_id)
    .where('g.scope', '!=', 'unit')
    .where('g.work_order_id', 'is', null)
    .executeTakeFirst()
  if (group !== undefined) await keepFor(hub, group as PlacedGroup, await orderRow(hub, order.work_order_id))
}
