/**
 * What people do with alarms: acknowledge, assign, snooze, and plan maintenance. A snooze holds for the rule on the unit, a maintenance window for
 * a scope of units between two device times; an alarm that falls into one is stored and grouped but opens no order. A danger (E0, E1)
 * is never held back.
 */
import type { Kysely } from 'kysely'
import type { Alarm } from '#kernel/alarm.ts'
import { GROUP_SCOPES } from '#kernel/alarm-group.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { AlarmHandlingRow, MaintenanceRow } from './alarm-tables.ts'
import { groupThatSpeaks } from './grouping/group-orders.ts'
import type { HubTables } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import { isDanger, quietByPeople } from './quiet-alarms.ts'

export interface AlarmHandling {
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID */
  handleAlarm(tenant: string, alarmId: string, change: HandlingChange, actor: string): Promise<Omit<AlarmHandlingRow, 'tenant'>>
  handlingOf(tenant: string, alarmIds: readonly string[]): Promise<ReadonlyMap<string, AlarmHandlingRow>>
  /** @throws MendlineError MDL_API_INVALID */
  planMaintenance(tenant: string, window: NewMaintenance, actor: string): Promise<MaintenanceRow>
  /** Windows that end behind a time, earliest first. */
  maintenance(tenant: string, fromMs: number, limit: number): Promise<readonly MaintenanceRow[]>
  /** Says whether there was one. */
  endMaintenance(tenant: string, windowId: string): Promise<boolean>
}

export interface HandlingChange {
  readonly acknowledge?: boolean
  readonly assign_to?: string | null
  readonly snooze_until_ms?: number | null
}

export type NewMaintenance = Pick<MaintenanceRow, 'scope' | 'scope_value' | 'from_ms' | 'to_ms' | 'reason'>

export function createAlarmHandling(parts: {
  readonly database: Kysely<HubTables>
  readonly clock: Clock
  /** A registered unit of a tenant; absent = nobody knows. */
  readonly unitOf?: ((tenant: string, device: string) => object | undefined) | undefined
}): AlarmHandling {
  const { database, clock, unitOf } = parts
  return {
    async handleAlarm(tenant, alarmId, { acknowledge, assign_to, snooze_until_ms }, actor) {
      const alarm = await database
        .selectFrom('hub_alarms')
        .select('body')
        .where('tenant', '=', tenant)
        .where('alarm_id', '=', alarmId)
        .executeTakeFirst()
      if (alarm === undefined || alarm.body === '') throw new MendlineError('MDL_API_NOT_FOUND', `there is no alarm ${alarmId}`)
      const nowMs = clock.now()
      const body = JSON.parse(alarm.body) as Alarm
      const refusal = snooze_until_ms === undefined || snooze_until_ms === null ? undefined : snoozeFault(body, snooze_until_ms, nowMs)
      if (refusal !== undefined) throw refused([{ field: 'body.snooze_until_ms', reason: `${refusal}; null ends a snooze` }])
      const acknowledged =
        acknowledge === true
          ? { acknowledged_at_ms: nowMs, acknowledged_by: actor }
          : acknowledge === false
            ? { acknowledged_at_ms: null, acknowledged_by: null }
            : {}
      const set = {
        ...acknowledged,
        ...(assign_to === undefined ? {} : { assigned_to: assign_to }),
        ...(snooze_until_ms === undefined ? {} : { snoozed_until_ms: snooze_until_ms }),
        updated_at_ms: nowMs,
      }
      await writeHandling(database, body, set)
      const { tenant: _tenant, ...row } = await database
        .selectFrom('hub_alarm_handling')
        .selectAll()
        .where('alarm_id', '=', alarmId)
        .executeTakeFirstOrThrow()
      return row
    },
    async handlingOf(tenant, alarmIds) {
      if (alarmIds.length === 0) return new Map()
      const rows = await database
        .selectFrom('hub_alarm_handling')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('alarm_id', 'in', alarmIds)
        .execute()
      return new Map(rows.map((row) => [row.alarm_id, row]))
    },
    async planMaintenance(tenant, window, actor) {
      const created_at_ms = clock.now()
      const errors = maintenanceFaults(window, created_at_ms)
      // Of a unit that nobody knows no alarm comes, while those of the one that was meant go on.
      if (window.scope === 'unit' && unitOf !== undefined && unitOf(tenant, window.scope_value) === undefined && errors.length === 0)
        errors.push({ field: 'body.scope_value', reason: `there is no device ${window.scope_value}` })
      if (errors.length > 0) throw refused(errors)
      const window_id = contentId('mw', tenant, window.scope, window.scope_value, window.from_ms, window.to_ms, created_at_ms)
      const row = { window_id, tenant, ...window, created_by: actor, created_at_ms }
      await database.insertInto('hub_maintenance_windows').values(row).execute()
      return row
    },
    maintenance: (tenant, fromMs, limit) =>
      database
        .selectFrom('hub_maintenance_windows')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('to_ms', '>', fromMs)
        .orderBy('from_ms')
        .orderBy('window_id')
        .limit(limit)
        .execute(),
    async endMaintenance(tenant, windowId) {
      const result = await database
        .deleteFrom('hub_maintenance_windows')
        .where('tenant', '=', tenant)
        .where('window_id', '=', windowId)
        .executeTakeFirst()
      return result.numDeletedRows > 0n
    },
  }
}

/** A time that is farther ahead is a slip (seconds for milliseconds, or the reverse), not a plan. */
const AHEAD_MS_MAX = 100 * 366 * 86_400_000
const TOO_FAR = 'lies more than a hundred years ahead'

/** A danger opens its order whatever was said, so a snooze of one would promise a silence that nobody may keep. */
const snoozeFault = (alarm: Alarm, endMs: number, nowMs: number): string | undefined =>
  isDanger(alarm) ? `an alarm of class ${alarm.safety_class} is a danger and cannot be snoozed: acknowledge or assign it` : endFault(endMs, nowMs)

const endFault = (endMs: number, nowMs: number): string | undefined =>
  endMs <= nowMs ? 'lies in the past' : endMs > nowMs + AHEAD_MS_MAX ? TOO_FAR : undefined

function maintenanceFaults({ scope, scope_value, from_ms, to_ms }: NewMaintenance, nowMs: number): Fault[] {
  const faults: Fault[] = []
  const isForAll = scope === 'all'
  if (!isForAll && !(GROUP_SCOPES as readonly string[]).includes(scope))
    faults.push({ field: 'body.scope', reason: `must be all or one of ${GROUP_SCOPES.join(', ')}` })
  if (to_ms <= from_ms) faults.push({ field: 'body.to_ms', reason: 'must lie behind from_ms' })
  if (to_ms > nowMs + AHEAD_MS_MAX) faults.push({ field: 'body.to_ms', reason: TOO_FAR })
  if (isForAll !== (scope_value.trim() === ''))
    faults.push({ field: 'body.scope_value', reason: isForAll ? 'is for another scope than all' : `names the ${scope} whose alarms are quiet` })
  return faults
}

interface Fault {
  readonly field: string
  readonly reason: string
}

const refused = (errors: readonly Fault[]): MendlineError =>
  new MendlineError('MDL_API_INVALID', `it cannot be: ${errors.map(({ field, reason }) => `${field} ${reason}`).join('; ')}`, { details: { errors } })

async function writeHandling(
  database: Kysely<HubTables>,
  { alarm_id, tenant, device, rule }: Alarm,
  set: Partial<AlarmHandlingRow> & { readonly updated_at_ms: number },
): Promise<void> {
  const none = { acknowledged_at_ms: null, acknowledged_by: null, assigned_to: null, snoozed_until_ms: null, quiet_by: null }
  await database
    .insertInto('hub_alarm_handling')
    .values({ alarm_id, tenant, device, rule, ...none, ...set })
    .onConflict((conflict) => conflict.column('alarm_id').doUpdateSet(set))
    .execute()
}

/** Whether something holds back the order of an alarm that is no danger; notes what it was. */
export async function isHeldBack(hub: HubTransaction, alarm: Alarm): Promise<boolean> {
  const quiet_by = (await quietByPeople(hub, alarm)) ?? (await groupThatSpeaks(hub, alarm.alarm_id))
  if (quiet_by === undefined) return false
  await noteQuiet(hub, alarm, quiet_by)
  return true
}

/** Notes what held back the order of an alarm. */
export const noteQuiet = (hub: HubTransaction, alarm: Alarm, quiet_by: string): Promise<void> =>
  writeHandling(hub.database, alarm, { quiet_by, updated_at_ms: hub.nowMs })
