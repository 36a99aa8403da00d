/**
 * Keeps the groups of alarms beside the alarms. Before a batch of events is applied, the alarms in it are put to those of their cause and
 * stretch of time, and the groups of these are made anew, so a storm that comes at once is one group before any order is opened. A group that
 * follows one of the stretch before closely enough goes on from it. What a group does to orders is in `group-orders.ts`.
 */
import { setImmediate } from 'node:timers/promises'
import type { ExpressionBuilder } from 'kysely'
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { AlarmGroupRow } from '../alarm-tables.ts'
import type { HubTables } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { isDanger, opensOrder, quietByPeople } from '../quiet-alarms.ts'
import { type GroupWithMembers, groupAlarms } from './group-alarms.ts'
import { type GroupedAlarm, oneOrder } from './group-orders.ts'

/** Groups are made within stretches of this length (chosen): what a late alarm can change is bounded. */
const BUCKET_MS = 6 * 3_600_000

/** Alarms of one cause and stretch that are grouped; those above it stand for their unit. */
const BUCKET_ALARMS_MAX = 20_000

const causeOf = (alarm: Alarm): string => alarm.fault ?? alarm.rule
const bucketOf = (alarm: Alarm): number => Math.floor(alarm.began_at_ms / BUCKET_MS) * BUCKET_MS

/** Puts the alarms that some events raise into their groups. */
export async function groupRaised(hub: HubTransaction, events: readonly HubEvent[]): Promise<void> {
  const alarms = events.flatMap((event) =>
    event.kind === 'alarm_raised' && !hub.isGone(event.alarm.tenant, event.alarm.device) ? [event.alarm] : [],
  )
  const dirty = new Map<string, Bucket>()
  for (const [index, alarm] of alarms.entries()) {
    await breathe(index)
    const { alarm_id, tenant, device, type, safety_class, began_at_ms } = alarm
    const place = { tenant, cause: causeOf(alarm), bucket_ms: bucketOf(alarm) }
    const isQuiet = !isDanger(alarm) && (!opensOrder(hub, alarm) || (await quietByPeople(hub, alarm)) !== undefined)
    const result = await hub.database
      .insertInto('hub_grouped_alarms')
      .values({ alarm_id, device, type, safety_class, began_at_ms, ...place, group_id: '', is_quiet: isQuiet ? 1 : 0 })
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirst()
    if (result.numInsertedOrUpdatedRows === 1n) dirty.set(`${tenant}/${place.cause}/${place.bucket_ms}`, place)
  }
  for (const place of [...dirty.values()].sort((a, b) => a.bucket_ms - b.bucket_ms)) await regroup(hub, place)
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
  if (rows.length === 0) return
  const earlier = await groupsBefore(hub, bucket)
  const groups = groupAlarms(
    rows.map(({ safety_class, is_quiet, ...row }) => ({ ...row, safety_class: safety_class as SafetyClass, isQuiet: is_quiet === 1 })),
    hub.places,
    earlier,
  )
  const before = await writeGroups(hub, bucket, groups)
  const known = new Map<string, GroupedAlarm>(rows.map((row) => [row.alarm_id, row]))
  for (const { members, ...group } of groups) {
    const moved = members.flatMap((alarm_id) => known.get(alarm_id) ?? []).filter(({ group_id }) => group_id !== group.group_id)
    for (const [index, { alarm_id }] of moved.entries()) {
      await breathe(index)
      await hub.database.updateTable('hub_grouped_alarms').set({ group_id: group.group_id }).where('alarm_id', '=', alarm_id).execute()
    }
    const isSpoken = known.get(group.lead_alarm_id)?.is_quiet !== 1
    if (group.scope === 'unit' || !isSpoken || moved.length === 0) continue
    const from = [...new Set([group.group_id, ...moved.map(({ group_id }) => group_id)])].flatMap((id) => before.rows.get(id) ?? [])
    const follows = earlier.find(({ lead_alarm_id }) => lead_alarm_id === group.lead_alarm_id)
    await oneOrder(hub, { ...group, bucket_ms: bucket.bucket_ms }, { moved, from: follows === undefined ? from : [follows, ...from] })
  }
  if (before.isWiderChanged) await regroup(hub, { ...bucket, bucket_ms: bucket.bucket_ms + BUCKET_MS })
}

/** Groups wider than a unit of the stretch before, the last first; one whose lead opens no order is left out. */
async function groupsBefore(hub: HubTransaction, bucket: Bucket): Promise<AlarmGroupRow[]> {
  return await hub.database
    .selectFrom('hub_alarm_groups as g')
    .innerJoin('hub_grouped_alarms as lead', 'lead.alarm_id', 'g.lead_alarm_id')
    .selectAll('g')
    .where('g.tenant', '=', bucket.tenant)
    .where('g.cause', '=', bucket.cause)
    .where('g.bucket_ms', '=', bucket.bucket_ms - BUCKET_MS)
    .where('g.scope', '!=', 'unit')
    .where('lead.is_quiet', '=', 0)
    .orderBy('g.to_ms', 'desc')
    .orderBy('g.group_id')
    .execute()
}

/** The groups as they were before. */
interface Before {
  readonly rows: ReadonlyMap<string, AlarmGroupRow>
  /** One that is wider than a unit came, went or changed. */
  readonly isWiderChanged: boolean
}

/** Writes what changed: in a storm most groups stay as they are. */
async function writeGroups(hub: HubTransaction, bucket: Bucket, groups: readonly GroupWithMembers[]): Promise<Before> {
  const rows = await hub.database.selectFrom('hub_alarm_groups').selectAll().where(isOf(bucket)).execute()
  const before = new Map(rows.map((row) => [row.group_id, row]))
  const gone = new Map(before)
  const changed: Array<{ readonly scope: string }> = []
  for (const [index, { members: _members, ...group }] of groups.entries()) {
    await breathe(index)
    const row = { ...group, bucket_ms: bucket.bucket_ms }
    const known = before.get(group.group_id)
    gone.delete(group.group_id)
    if (known === undefined)
      await hub.database
        .insertInto('hub_alarm_groups')
        .values({ ...row, work_order_id: null })
        .execute()
    else if (isOther(known, row)) await hub.database.updateTable('hub_alarm_groups').set(row).where('group_id', '=', group.group_id).execute()
    else continue
    changed.push(row)
  }
  for (const group_id of gone.keys()) await hub.database.deleteFrom('hub_alarm_groups').where('group_id', '=', group_id).execute()
  return { rows: before, isWiderChanged: [...changed, ...gone.values()].some(({ scope }) => scope !== 'unit') }
}

const isOf =
  ({ tenant, cause, bucket_ms }: Bucket) =>
  (where: ExpressionBuilder<HubTables, 'hub_grouped_alarms' | 'hub_alarm_groups'>) =>
    where.and({ tenant, cause, bucket_ms })

const isOther = (known: AlarmGroupRow, row: Omit<AlarmGroupRow, 'work_order_id'>): boolean =>
  (Object.keys(row) as Array<keyof typeof row>).some((name) => known[name] !== row[name])
