/**
 * What the ordinary hubs keep of a danger to life or property: a record that links it with its order, and the safe-state command in the
 * twin's book, owed until the device answers (`safe-state.ts`). Where the emergency hub runs, it alone warns, advises and escalates, by
 * the same ids; without it (a hub by itself) the events leave from here. A past danger gets the record only.
 */
import type { Alarm } from '#kernel/alarm.ts'
import { contentId } from '#kernel/ids.ts'
import type { WorkOrder } from '#kernel/work-order.ts'
import type { EmergencyRow } from '../hub-tables.ts'
import { emit, type HubTransaction } from '../hub-transaction.ts'
import { commandSafeState } from './safe-state.ts'

/** Marks an emergency for which no command is owed. */
export const NO_COMMAND_OWED = -1

export interface Danger {
  readonly alarm: Alarm
  readonly order: WorkOrder
  readonly advice: string
  readonly isPast: boolean
}

/** Writes the record once per alarm and, unless it is past, its events. */
export async function raiseEmergency(hub: HubTransaction, { alarm, order, advice, isPast }: Danger): Promise<void> {
  const { tenant, device, type, alarm_id, safety_class, title, raised_at_ms } = alarm
  const { work_order_id, case_id } = order
  const row: EmergencyRow = {
    emergency_id: contentId('em', alarm_id),
    tenant,
    device,
    type,
    alarm_id,
    work_order_id,
    safety_class,
    title,
    advice,
    state: isPast ? 'past' : 'raised',
    raised_at_ms,
    created_at_ms: hub.nowMs,
    command_sent_at_ms: isPast ? NO_COMMAND_OWED : null,
    ...{ command_id: null, command_state: null, command_state_at_ms: null },
  }
  const result = await hub.database
    .insertInto('hub_emergencies')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (isPast || result.numInsertedOrUpdatedRows === 0n) return
  await commandSafeState(hub, row, alarm)
  if (hub.hasEmergencyPath) return
  // A subject of its own: it waits behind no routine event of the order that a receiver does not take (decision 0007).
  const event = { tenant, device, subject: row.emergency_id, atMs: raised_at_ms }
  const ids = { emergency_id: row.emergency_id, work_order_id, case_id, alarm_id, device, safety_class }
  await emit(hub, { ...event, type: 'mendline.emergency.raised.v1', data: { ...ids, title, alarm, advice } })
  await emit(hub, { ...event, type: 'mendline.household.advice.v1', data: { ...ids, text: advice, locale: hub.locale } })
}
