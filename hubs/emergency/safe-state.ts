/**
 * The safe-state command of an emergency: written in the transaction that raised the emergency, so that a crash loses neither or both,
 * and carried out by the twin, which sends it until the device answers. What becomes of it comes back as events: the emergency shows
 * it, and when the device does not acknowledge in time, refuses, or the command ends unanswered, that is escalated once each.
 */
import { safeStateFor } from '#catalogue/safe-state.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { CommandNote } from '#kernel/command.ts'
import type { EmergencyRow } from '../hub-tables.ts'
import { emit, type HubTransaction } from '../hub-transaction.ts'
import { SAFE_STATE, safeStatePayload } from './safe-commands.ts'

/** Time a device has to acknowledge; then people must know that it has not (chosen: two sendings by the twin's schedule and a margin). */
const ACKNOWLEDGE_MS = 30_000

/** Life of the command: a device that comes back within it is still told. */
const LIFE_MS = 24 * 3_600_000

/** Emergencies from before that get their command at a start. */
const OWED_MAX = 1_000

/** Ends that leave the appliance in a state that nobody knows. */
const ESCALATED: ReadonlySet<string> = new Set(['overdue', 'refused', 'expired', 'cancelled'])

/** Gives the command of an emergency, whose id is the command's; its actions are those of the type for this danger. */
export async function commandSafeState(hub: HubTransaction, row: EmergencyRow, alarm: Pick<Alarm, 'fault' | 'rule'>): Promise<void> {
  if (hub.giveCommand === undefined) return
  const { emergency_id, tenant, device, alarm_id, title } = row
  const { actions } = safeStateFor(hub.catalogue(row.type), alarm)
  const command = {
    ...{ commandId: emergency_id, tenant, device, name: SAFE_STATE, payload: safeStatePayload(alarm_id, title, actions), actor: 'emergency' },
    ...{ expiresAtMs: hub.nowMs + LIFE_MS, acknowledgeByMs: hub.nowMs + ACKNOWLEDGE_MS, isFollowed: true },
  }
  await hub.giveCommand(hub.database, command, hub.nowMs)
  await hub.database
    .updateTable('hub_emergencies')
    .set({ command_id: emergency_id, command_state: 'queued', command_state_at_ms: hub.nowMs })
    .where('emergency_id', '=', emergency_id)
    .execute()
  // The emergency hub publishes it by itself, and does not wait for the twin, which sends it when the device comes back.
  if (!hub.hasEmergencyPath) hub.given.push(command)
}

/** Gives the commands of emergencies that have none yet: of a version that sent them otherwise, or of a run without a twin. */
export async function commandOwed(hub: HubTransaction): Promise<void> {
  const rows = await hub.database
    .selectFrom('hub_emergencies')
    .selectAll()
    .where('command_sent_at_ms', 'is', null)
    .where('command_id', 'is', null)
    .orderBy('created_at_ms')
    .limit(OWED_MAX)
    .execute()
  for (const row of rows) {
    const stored = await hub.database.selectFrom('hub_alarms').select('body').where('alarm_id', '=', row.alarm_id).executeTakeFirst()
    const alarm = stored === undefined || stored.body === '' ? { fault: null, rule: '' } : (JSON.parse(stored.body) as Alarm)
    await commandSafeState(hub, row, alarm)
  }
}

/** Notes how far the command of an emergency came. */
export async function noteCommand(hub: HubTransaction, note: CommandNote): Promise<void> {
  const { tenant, device, command_id, state, reason, at_ms } = note
  const row = await hub.database
    .selectFrom('hub_emergencies')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('emergency_id', '=', command_id)
    // Another unit cannot answer for the one that is in danger.
    .where('device', '=', device)
    .executeTakeFirst()
  if (row === undefined) return
  const isFirstSent = row.command_sent_at_ms === null && state !== 'overdue' && state !== 'expired' && state !== 'cancelled'
  await hub.database
    .updateTable('hub_emergencies')
    .set({ command_state: state, command_state_at_ms: at_ms, ...(isFirstSent ? { command_sent_at_ms: at_ms } : {}) })
    .where('emergency_id', '=', row.emergency_id)
    .execute()
  const ids = { emergency_id: row.emergency_id, work_order_id: row.work_order_id, alarm_id: row.alarm_id, device, safety_class: row.safety_class }
  const data = { ...ids, title: row.title, command_id, command_state: state, reason }
  const event = { tenant, device, subject: row.emergency_id, atMs: at_ms, data }
  if (ESCALATED.has(state) && !hub.hasEmergencyPath) await emit(hub, { ...event, type: 'mendline.emergency.escalated.v1' })
}
