/**
 * Which alarms open orders, and what people said that holds one back: a snooze of its rule on the unit, a maintenance window over its place. A
 * danger (E0, E1) opens its order whatever was said.
 */
import type { Alarm } from '#kernel/alarm.ts'
import type { UnitPlace } from '#kernel/alarm-group.ts'
import { CHANNEL_STATE_RULE } from '#kernel/channel-state.ts'
import type { HubTransaction } from './hub-transaction.ts'

export const isDanger = ({ safety_class }: Pick<Alarm, 'safety_class'>): boolean => safety_class === 'E0' || safety_class === 'E1'

/** Whether a danger is long over: a stored reading told of it, so late. What is not marked as stored is there now, whatever its clock says. */
export const isPastDanger = (
  { hist, raised_at_ms, received_at_ms }: Pick<Alarm, 'hist' | 'raised_at_ms' | 'received_at_ms'>,
  pastMs: number,
): boolean => hist === true && received_at_ms - raised_at_ms > pastMs

/** Whether an alarm of this class opens an order when nothing holds it back. */
export function opensOrder(hub: HubTransaction, alarm: Alarm): boolean {
  const rule = hub.ruleOf(alarm)
  const level = rule?.levels?.find(({ safetyClass }) => safetyClass === alarm.safety_class)
  const isSensorFault = alarm.rule.startsWith(CHANNEL_STATE_RULE) && alarm.fault !== null
  return isDanger(alarm) || isSensorFault || rule?.opensWorkOrder === true || level?.opensWorkOrder === true
}

/** The maintenance window or snooze that an alarm falls into; undefined for none. */
export const quietByPeople = async (hub: HubTransaction, alarm: Alarm): Promise<string | undefined> =>
  (await maintenanceOf(hub, alarm)) ?? (await snoozeOf(hub, alarm))

async function maintenanceOf(hub: HubTransaction, { tenant, device, raised_at_ms }: Alarm): Promise<string | undefined> {
  const windows = await hub.database
    .selectFrom('hub_maintenance_windows')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('to_ms', '>', raised_at_ms)
    .where('from_ms', '<=', raised_at_ms)
    .execute()
  if (windows.length === 0) return undefined
  const place: UnitPlace = { ...hub.places.placeOf(tenant, device), unit: device }
  return windows.find(({ scope, scope_value }) => scope === 'all' || place[scope as keyof UnitPlace] === scope_value)?.window_id
}

async function snoozeOf(hub: HubTransaction, { tenant, device, rule, raised_at_ms, alarm_id }: Alarm): Promise<string | undefined> {
  const row = await hub.database
    .selectFrom('hub_alarm_handling')
    .select('alarm_id')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('rule', '=', rule)
    .where('snoozed_until_ms', '>', raised_at_ms)
    .where('alarm_id', '!=', alarm_id)
    .executeTakeFirst()
  return row === undefined ? undefined : `snooze of ${row.alarm_id}`
}
