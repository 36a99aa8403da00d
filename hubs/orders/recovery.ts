/**
 * Cancel on recovery: when the model no longer finds a fault in a unit for a while, an order that rests on its readings alone, and that
 * nobody has promised to serve, is cancelled with the reason; when the fault is found again, the same order is reopened. A danger, an alarm
 * that stands and an order that a household asked for stay.
 */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { isDanger } from '../quiet-alarms.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import { contactsOf } from '../verify/heard-again.ts'
import { phaseOf } from '../work-order-states.ts'
import { findOrder, moveOrder, SYSTEM_ACTOR } from '../work-orders.ts'
import { processOf } from './process-book.ts'

const KIND = 'order_recovered'

/** A diagnosis of a unit: no fault starts the wait of its orders, any other answer ends it. */
export async function watchRecovery(hub: HubTransaction, { tenant, device, answer, made_at_ms, source }: Diagnosis): Promise<void> {
  if (source !== 'model' || answer === 'not_enough_data') return
  const rows = await hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('settled_at_ms', 'is', null)
    .execute()
  for (const row of rows) {
    if (answer !== 'no_fault') await clearTimer(hub, { tenant, kind: KIND, subject: row.work_order_id })
    else if (!(await isWaitedFor(hub, row.work_order_id)) && (await mayRecover(hub, row))) {
      await setTimer(hub, {
        tenant,
        kind: KIND,
        subject: row.work_order_id,
        dueAtMs: hub.nowMs + hub.policy.recoveredAfterMs,
        data: { since_ms: made_at_ms },
      })
    }
  }
}

/** The wait counts from the first answer of no fault. */
async function isWaitedFor({ database }: HubTransaction, subject: string): Promise<boolean> {
  return (
    (await database.selectFrom('hub_timers').select('timer_id').where('kind', '=', KIND).where('subject', '=', subject).executeTakeFirst()) !==
    undefined
  )
}

async function mayRecover(hub: HubTransaction, row: WorkOrderRow): Promise<boolean> {
  if (row.diagnosis_id === null || row.promised_from_ms !== null || isDanger({ safety_class: row.safety_class as 'E2' })) return false
  if (row.state === 'remote_offered' || phaseOf(await processOf(hub, row), row.state as WorkOrderState) !== 'waiting') return false
  if (row.alarm_id !== null) {
    const alarm = await hub.database.selectFrom('hub_alarms').select('cleared_at_ms').where('alarm_id', '=', row.alarm_id).executeTakeFirst()
    if (alarm === undefined || alarm.cleared_at_ms === null) return false
  }
  return !(await isAskedFor(hub, row))
}

/** Whether the household got in touch about it. */
export async function isAskedFor(hub: HubTransaction, row: WorkOrderRow): Promise<boolean> {
  const contacts = await hub.database
    .selectFrom('hub_contacts')
    .select('contact_id')
    .where('tenant', '=', row.tenant)
    .where('case_id', '=', row.case_id)
    .executeTakeFirst()
  if (contacts !== undefined) return true
  return (await contactsOf(hub, row)).some(({ at_ms }) => at_ms >= row.opened_at_ms)
}

/** Nothing was found for long enough. */
export const runRecoveryTimer: TimerHandler = async (hub, { tenant, subject, data }) => {
  const row = await findOrder(hub, tenant, subject)
  if (row === undefined || row.settled_at_ms !== null || !(await mayRecover(hub, row))) return
  const answers = hub.database.selectFrom('hub_device_answers').select('answer').where('tenant', '=', tenant)
  const newest = await answers.where('device', '=', row.device).executeTakeFirst()
  if (newest?.answer !== 'no_fault') return
  const hours = Math.round(hub.policy.recoveredAfterMs / 3_600_000)
  const reason = `no fault found for ${hours} hours, nobody is promised`
  await moveOrder(hub, row, 'cancelled', {
    actor: SYSTEM_ACTOR,
    atMs: hub.nowMs,
    reason,
    data: { is_recovered: true, since_ms: data.since_ms ?? null },
  })
}

/** Whether an order was cancelled since its unit recovered. */
export async function isRecovered({ database }: HubTransaction, row: WorkOrderRow): Promise<boolean> {
  if (row.state !== 'cancelled') return false
  const move = await database
    .selectFrom('hub_work_order_moves')
    .select('data')
    .where('work_order_id', '=', row.work_order_id)
    .where('kind', '=', 'move')
    .orderBy('sequence', 'desc')
    .executeTakeFirst()
  return move !== undefined && (JSON.parse(move.data) as { is_recovered?: boolean }).is_recovered === true
}
