/**
 * What is a unit's own behind a group of alarms. A diagnosis from the time of the group says what the group says, so it opens no order; one from
 * later does. And a day behind the last alarm of a group, when most of its units have recovered, those that still have the alarm get an
 * order of their own.
 */
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { isDanger } from '../quiet-alarms.ts'
import { setTimer, type Timer } from '../timers.ts'
import { GROUP_OVER_MS, GROUP_TIMER } from './group-orders.ts'

/**
 * The order that explains a diagnosis of one unit: that of a group with the same cause, of whose time it is. An order that is settled explains
 * what began before it was; what began later is the unit's own, or a new group's.
 */
export async function orderThatExplains(hub: HubTransaction, diagnosis: Diagnosis): Promise<WorkOrderRow | undefined> {
  if (isDanger(diagnosis)) return undefined
  return await hub.database
    .selectFrom('hub_grouped_alarms as own')
    .innerJoin('hub_alarm_groups as g', 'g.group_id', 'own.group_id')
    .innerJoin('hub_work_orders as o', 'o.work_order_id', 'g.work_order_id')
    .selectAll('o')
    .where('own.tenant', '=', diagnosis.tenant)
    .where('own.device', '=', diagnosis.device)
    .where('own.cause', '=', diagnosis.fault ?? '')
    .where('g.scope', '!=', 'unit')
    .where('g.to_ms', '>=', diagnosis.window_from_ms - GROUP_OVER_MS)
    .where('g.from_ms', '<=', diagnosis.window_to_ms)
    .where((where) => where.or([where('o.settled_at_ms', 'is', null), where('o.settled_at_ms', '>', diagnosis.window_from_ms)]))
    .orderBy('g.to_ms', 'desc')
    .executeTakeFirst()
}

/** Longest time for which a group is looked at again. */
const LOOKED_AT_MS_MAX = 14 * 24 * 3_600_000

/** Alarms of a group that stand although most of its units have recovered; sets the timer again while the group goes on. */
export async function standingAlone(hub: HubTransaction, { tenant, subject, data }: Timer): Promise<Alarm[]> {
  const { cause, scope, scope_value, bucket_ms } = data as Readonly<Record<string, string>> & { readonly bucket_ms: number }
  const members = await hub.database
    .selectFrom('hub_alarm_groups as g')
    .innerJoin('hub_grouped_alarms as m', 'm.group_id', 'g.group_id')
    .innerJoin('hub_alarms as a', 'a.alarm_id', 'm.alarm_id')
    .leftJoin('hub_work_orders as o', 'o.work_order_id', 'g.work_order_id')
    .select(['m.alarm_id as alarm_id', 'm.device as device', 'm.is_quiet as is_quiet', 'a.cleared_at_ms as cleared_at_ms', 'a.body as body'])
    .select(['g.to_ms as to_ms', 'o.device as served'])
    .where('g.tenant', '=', tenant)
    .where('g.cause', '=', cause ?? '')
    .where('g.scope', '=', scope ?? '')
    .where('g.scope_value', '=', scope_value ?? '')
    .where('g.bucket_ms', '=', bucket_ms)
    .execute()
  const standing = members.filter(({ cleared_at_ms }) => cleared_at_ms === null)
  if (standing.length === 0) return []
  if (standing.length > members.length / 2) {
    const isOld = hub.nowMs - Math.max(...members.map(({ to_ms }) => to_ms)) > LOOKED_AT_MS_MAX
    if (!isOld) await setTimer(hub, { tenant, kind: GROUP_TIMER, subject, dueAtMs: hub.nowMs + GROUP_OVER_MS, data })
    return []
  }
  return standing
    .filter(({ is_quiet, device, served, body }) => is_quiet !== 1 && device !== served && body !== '')
    .map(({ body }) => JSON.parse(body) as Alarm)
    .filter((alarm) => !isDanger(alarm))
}
