/**
 * Keeps the groups of alarms beside the alarms. Before a batch of events is applied, the alarms in it are put to those of their cause and
 * stretch of time, and the groups of these are made anew, so a storm that comes at once is one group before any order is opened.
 * In a group wider than a unit only the first alarm opens an order; orders of others that nobody has accepted are withdrawn. A danger
 * (E0, E1) is never held back by a group.
 */
import { setImmediate } from 'node:timers/promises'
import type { ExpressionBuilder } from 'kysely'
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { AlarmGroup } from '#kernel/alarm-group.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { AlarmGroupRow } from '../alarm-tables.ts'
import type { HubTables } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { isDanger, opensOrder, quietByPeople } from '../quiet-alarms.ts'
import { phaseOf } from '../work-order-states.ts'
import { moveOrder, SYSTEM_ACTOR } from '../work-orders.ts'
import { type GroupWithMembers, groupAlarms } from './group-alarms.ts'

/** Groups are made within stretches of this length (chosen): what a late alarm can change is bounded. */
const BUCKET_MS = 6 * 3_600_000

/** Alarms of one cause and stretch that are grouped; those above it stand for their unit. */
const BUCKET_ALARMS_MAX = 20_000

const causeOf = (alarm: Alarm): string => alarm.fault ?? alarm.rule
const bucketOf = (alarm: Alarm): number => Math.floor(alarm.began_at_ms / BUCKET_MS) * BUCKET_MS

/** Puts the alarms that some events raise into their groups. */
export async function groupRaised(hub: HubTransaction, events: readonly HubEvent[]): Promise<void> {
  const alarms = events.flatMap((event) => (event.kind === 'alarm_raised' ? [event.alarm] : []))
  const dirty = new Map<string, Bucket>()
  for (const [index, alarm] of alarms.entries()) {
    await breathe(index)
    const { alarm_id, tenant, device, safety_class, began_at_ms } = alarm
    const place = { tenant, cause: causeOf(alarm), bucket_ms: bucketOf(alarm) }
    const isQuiet = !isDanger(alarm) && (!opensOrder(hub, alarm) || (await quietByPeople(hub, alarm)) !== undefined)
    const result = await hub.database
      .insertInto('hub_grouped_alarms')
      .values({ alarm_id, device, safety_class, began_at_ms, ...place, group_id: '', is_quiet: isQuiet ? 1 : 0 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (result.numInsertedOrUpdatedRows === 1n) dirty.set(`${tenant}/${place.cause}/${place.bucket_ms}`, place)
  }
  for (const place of dirty.values()) await regroup(hub, place)
}

interface Bucket {
  readonly tenant: string
  readonly cause: string
  readonly bucket_ms: number
}

/** Statements (some tens of microseconds each) before the event loop gets its turn: the store answers synchronously. */
const BREATH_STATEMENTS = 200

async function breathe(index: number): Promise<void> {
  if (index % BREATH_STATEMENTS === BREATH_STATEMENTS - 1) await setImmediate()
}

async function regroup(hub: HubTransaction, bucket: Bucket): Promise<void> {
  const rows = await hub.database
    .selectFrom('hub_grouped_alarms')
    .selectAll()
    .where(isOf(bucket))
    .orderBy('began_at_ms')
    .orderBy('alarm_id')
    .limit(BUCKET_ALARMS_MAX)
    .execute()
  const groups = groupAlarms(
    rows.map(({ safety_class, is_quiet, ...row }) => ({ ...row, safety_class: safety_class as SafetyClass, isQuiet: is_quiet === 1 })),
    hub.places,
  )
  await writeGroups(hub, bucket, groups)
  const known = new Map(rows.map((row) => [row.alarm_id, row]))
  const isQuiet = (alarm_id: string): boolean => known.get(alarm_id)?.is_quiet === 1
  for (const { members, ...group } of groups) {
    const moved = members.filter((alarm_id) => known.get(alarm_id)?.group_id !== group.group_id)
    for (const [index, alarm_id] of moved.entries()) {
      await breathe(index)
      await hub.database.updateTable('hub_grouped_alarms').set({ group_id: group.group_id }).where('alarm_id', '=', alarm_id).execute()
      if (group.scope === 'unit' || alarm_id === group.lead_alarm_id || isQuiet(group.lead_alarm_id)) continue
      await withdrawOrder(hub, { alarm_id, device: known.get(alarm_id)?.device ?? '' }, group)
    }
  }
}

/** Writes what changed: in a storm most groups stay as they are. */
async function writeGroups(hub: HubTransaction, bucket: Bucket, groups: readonly GroupWithMembers[]): Promise<void> {
  const before = new Map(
    (await hub.database.selectFrom('hub_alarm_groups').selectAll().where(isOf(bucket)).execute()).map((row) => [row.group_id, row]),
  )
  for (const [index, { members: _members, ...group }] of groups.entries()) {
    await breathe(index)
    const row = { ...group, bucket_ms: bucket.bucket_ms }
    const known = before.get(group.group_id)
    before.delete(group.group_id)
    if (known === undefined) await hub.database.insertInto('hub_alarm_groups').values(row).execute()
    else if (isOther(known, row)) await hub.database.updateTable('hub_alarm_groups').set(row).where('group_id', '=', group.group_id).execute()
  }
  for (const group_id of before.keys()) await hub.database.deleteFrom('hub_alarm_groups').where('group_id', '=', group_id).execute()
}

const isOf =
  ({ tenant, cause, bucket_ms }: Bucket) =>
  (where: ExpressionBuilder<HubTables, 'hub_grouped_alarms' | 'hub_alarm_groups'>) =>
    where.and({ tenant, cause, bucket_ms })

const isOther = (known: AlarmGroupRow, row: AlarmGroupRow): boolean =>
  (Object.keys(row) as Array<keyof AlarmGroupRow>).some((name) => known[name] !== row[name])

/** An alarm that opened no order does so at its new class: from now on it can speak for a group. */
export async function noteSpeaks(hub: HubTransaction, alarmId: string): Promise<void> {
  await hub.database.updateTable('hub_grouped_alarms').set({ is_quiet: 0 }).where('alarm_id', '=', alarmId).execute()
}

/** The order that an alarm opened before its group was known; one that somebody accepted, and one of a danger, stays. */
async function withdrawOrder(
  hub: HubTransaction,
  { alarm_id, device }: { readonly alarm_id: string; readonly device: string },
  group: AlarmGroup,
): Promise<void> {
  const row = await hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', group.tenant)
    .where('device', '=', device)
    .where('alarm_id', '=', alarm_id)
    .executeTakeFirst()
  if (row === undefined || row.diagnosis_id !== null || row.safety_class <= 'E1') return
  if (phaseOf(hub.process, row.state as WorkOrderState) !== 'waiting') return
  const reason = `one cause for ${group.units} units of ${group.scope} ${group.scope_value}`
  await moveOrder(hub, row, 'cancelled', { actor: SYSTEM_ACTOR, atMs: group.to_ms, reason, data: { group_id: group.group_id } })
}

/** The group of an alarm when it is wider than a unit and another alarm, which opens an order, leads it. */
export async function groupThatSpeaks(hub: HubTransaction, alarmId: string): Promise<string | undefined> {
  const row = await hub.database
    .selectFrom('hub_grouped_alarms as own')
    .innerJoin('hub_alarm_groups as all', 'all.group_id', 'own.group_id')
    .innerJoin('hub_grouped_alarms as lead', 'lead.alarm_id', 'all.lead_alarm_id')
    .select(['all.group_id as group_id', 'all.scope as scope', 'all.lead_alarm_id as lead_alarm_id', 'lead.is_quiet as is_quiet'])
    .where('own.alarm_id', '=', alarmId)
    .executeTakeFirst()
  return row === undefined || row.scope === 'unit' || row.lead_alarm_id === alarmId || row.is_quiet === 1 ? undefined : row.group_id
}
