/**
 * Keeps the groups of alarms beside the alarms. Before a batch of events is applied, the alarms in it are put to those of their cause and
 * stretch of time, and the groups of these are made anew, so a storm that comes at once is one group before any order is opened.
 * In a group wider than a unit only the first alarm opens an order; orders of others that nobody has accepted are withdrawn. A danger
 * (E0, E1) is never held back by a group.
 */
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { AlarmGroup } from '#kernel/alarm-group.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { phaseOf } from '../work-order-states.ts'
import { moveOrder, SYSTEM_ACTOR } from '../work-orders.ts'
import { groupAlarms } from './group-alarms.ts'

/** Groups are made within stretches of this length (chosen): what a late alarm can change is bounded. */
const BUCKET_MS = 6 * 3_600_000

/** Alarms of one cause and stretch that are grouped; those above it stand for their unit. */
const BUCKET_ALARMS_MAX = 20_000

const causeOf = (alarm: Alarm): string => alarm.fault ?? alarm.rule
const bucketOf = (alarm: Alarm): number => Math.floor(alarm.began_at_ms / BUCKET_MS) * BUCKET_MS

/** Puts the alarms that a batch raises into their groups. */
export async function groupRaised(hub: HubTransaction, events: readonly HubEvent[]): Promise<void> {
  const alarms = events.flatMap((event) => (event.kind === 'alarm_raised' ? [event.alarm] : []))
  const dirty = new Map<string, { tenant: string; cause: string; bucket_ms: number }>()
  for (const alarm of alarms) {
    const { alarm_id, tenant, device, safety_class, began_at_ms } = alarm
    const place = { tenant, cause: causeOf(alarm), bucket_ms: bucketOf(alarm) }
    const result = await hub.database
      .insertInto('hub_grouped_alarms')
      .values({ alarm_id, device, safety_class, began_at_ms, ...place, group_id: '' })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (result.numInsertedOrUpdatedRows === 1n) dirty.set(`${tenant}/${place.cause}/${place.bucket_ms}`, place)
  }
  for (const place of dirty.values()) await regroup(hub, place)
}

async function regroup(hub: HubTransaction, { tenant, cause, bucket_ms }: { tenant: string; cause: string; bucket_ms: number }): Promise<void> {
  const { database } = hub
  const rows = await database
    .selectFrom('hub_grouped_alarms')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('cause', '=', cause)
    .where('bucket_ms', '=', bucket_ms)
    .orderBy('began_at_ms')
    .orderBy('alarm_id')
    .limit(BUCKET_ALARMS_MAX)
    .execute()
  const groups = groupAlarms(
    rows.map((row) => ({ ...row, safety_class: row.safety_class as SafetyClass })),
    hub.places,
  )
  const known = new Map(rows.map(({ alarm_id, group_id }) => [alarm_id, group_id]))
  await database.deleteFrom('hub_alarm_groups').where('tenant', '=', tenant).where('cause', '=', cause).where('bucket_ms', '=', bucket_ms).execute()
  for (const { members, ...group } of groups) {
    await database
      .insertInto('hub_alarm_groups')
      .values({ ...group, bucket_ms })
      .execute()
    const moved = members.filter((alarm_id) => known.get(alarm_id) !== group.group_id)
    for (const alarm_id of moved)
      await database.updateTable('hub_grouped_alarms').set({ group_id: group.group_id }).where('alarm_id', '=', alarm_id).execute()
    if (group.scope !== 'unit') for (const alarm_id of moved) if (alarm_id !== group.lead_alarm_id) await withdrawOrder(hub, alarm_id, group)
  }
}

/** The order that an alarm opened before its group was known; one that somebody accepted, and one of a danger, stays. */
async function withdrawOrder(hub: HubTransaction, alarmId: string, group: AlarmGroup): Promise<void> {
  const row = await hub.database.selectFrom('hub_work_orders').selectAll().where('alarm_id', '=', alarmId).executeTakeFirst()
  if (row === undefined || row.diagnosis_id !== null || row.safety_class <= 'E1') return
  if (phaseOf(hub.process, row.state as WorkOrderState) !== 'waiting') return
  const reason = `one cause for ${group.units} units of ${group.scope} ${group.scope_value}`
  await moveOrder(hub, row, 'cancelled', { actor: SYSTEM_ACTOR, atMs: group.to_ms, reason, data: { group_id: group.group_id } })
}

/** The group of an alarm when it is wider than a unit and another alarm leads it. */
export async function groupThatSpeaks(hub: HubTransaction, alarmId: string): Promise<string | undefined> {
  const row = await hub.database
    .selectFrom('hub_grouped_alarms')
    .innerJoin('hub_alarm_groups', 'hub_alarm_groups.group_id', 'hub_grouped_alarms.group_id')
    .select(['hub_alarm_groups.group_id as group_id', 'hub_alarm_groups.scope as scope', 'hub_alarm_groups.lead_alarm_id as lead_alarm_id'])
    .where('hub_grouped_alarms.alarm_id', '=', alarmId)
    .executeTakeFirst()
  return row === undefined || row.scope === 'unit' || row.lead_alarm_id === alarmId ? undefined : row.group_id
}
