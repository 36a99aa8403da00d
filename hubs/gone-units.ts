/**
 * A unit that was revoked gets no work any more: what is open for it is cancelled with that reason, care is forgotten, and what readings from
 * before or people say of it opens nothing. An order that stands for a group of units stays, with a remark. What a person says of a danger is
 * still answered with advice and an emergency, since the danger is in the home.
 */
import { setImmediate } from 'node:timers/promises'
import { MendlineError } from '#kernel/errors.ts'
import type { Log } from '#kernel/log.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import { endCare } from './care/care-tasks.ts'
import type { WorkOrderRow } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import { processOf } from './orders/process-book.ts'
import { isOpenPhase, phaseOf } from './work-order-states.ts'
import { moveOrder, remarkOrder, SYSTEM_ACTOR } from './work-orders.ts'

export interface OfUnit {
  readonly tenant: string
  readonly device: string
}

export const GONE_REASON = 'the unit was revoked'

type InTransaction = <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>

/** Ends what is open for a unit that is gone; gives how many orders were cancelled. Again it changes nothing. */
export async function endUnit(hub: HubTransaction, of: OfUnit): Promise<number> {
  const { tenant, device } = of
  const orders = hub.database.selectFrom('hub_work_orders').selectAll().where('tenant', '=', tenant).where('device', '=', device)
  let cancelled = 0
  for (const row of await orders.where('settled_at_ms', 'is', null).orderBy('work_order_id').execute()) if (await cancelForGone(hub, row)) cancelled++
  await endCare(hub, of)
  return cancelled
}

async function cancelForGone(hub: HubTransaction, row: WorkOrderRow): Promise<boolean> {
  if (!isOpenPhase(phaseOf(await processOf(hub, row), row.state as WorkOrderState)) || (await isToldGone(hub, row))) return false
  const step = { actor: SYSTEM_ACTOR, atMs: Math.max(hub.nowMs, row.opened_at_ms), reason: GONE_REASON, data: { unit: row.device } }
  if (!(await isOfGroup(hub, row))) {
    try {
      await moveOrder(hub, row, 'cancelled', step)
      return true
    } catch (error) {
      // A process of the organisation's own may not cancel from here: whoever has the order is told.
      if (!(error instanceof MendlineError && ['MDL_HUBS_ILLEGAL_MOVE', 'MDL_HUBS_OUTCOME_REQUIRED'].includes(error.code))) throw error
    }
  }
  await remarkOrder(hub, row, 'unit_gone', step)
  return false
}

/** The remark stands already: the order stays, and is told once. */
async function isToldGone({ database }: HubTransaction, { work_order_id }: WorkOrderRow): Promise<boolean> {
  const told = database
    .selectFrom('hub_work_order_moves')
    .select('sequence')
    .where('work_order_id', '=', work_order_id)
    .where('type', '=', 'unit_gone')
  return (await told.executeTakeFirst()) !== undefined
}

/** Other units have the same cause, and this order stands for them. */
async function isOfGroup({ database }: HubTransaction, { work_order_id }: WorkOrderRow): Promise<boolean> {
  const groups = database.selectFrom('hub_alarm_groups').select('group_id').where('work_order_id', '=', work_order_id)
  return (await groups.where('scope', '!=', 'unit').where('units', '>', 1).executeTakeFirst()) !== undefined
}

/** Units looked at in one transaction. */
const ROWS = 128

/** Ends what is open for units that were revoked while nobody told the hubs (a crash in between, an earlier version). */
export async function endGoneUnits(inTransaction: InTransaction, log: Log): Promise<void> {
  let cancelled = 0
  for (let behind: string | undefined = ''; behind !== undefined; ) {
    const last: string = behind
    const looked = await inTransaction((hub) => gonePage(hub, last))
    for (const unit of looked.gone) {
      // One that cannot be ended holds up no other, nor the start.
      await inTransaction((hub) => endUnit(hub, unit)).then(
        (ended) => {
          cancelled += ended
        },
        (cause: unknown) => log.error('orders of a revoked unit could not be cancelled', { ...unit, cause: String(cause) }),
      )
    }
    behind = looked.last
    await setImmediate()
  }
  if (cancelled > 0) log.info('orders of revoked units were cancelled', { orders: cancelled })
}

async function gonePage(hub: HubTransaction, behind: string): Promise<{ readonly last: string | undefined; readonly gone: readonly OfUnit[] }> {
  const open = hub.database.selectFrom('hub_work_orders').select(['work_order_id', 'tenant', 'device']).where('settled_at_ms', 'is', null)
  const rows = await open.where('work_order_id', '>', behind).orderBy('work_order_id').limit(ROWS).execute()
  return { last: rows.at(-1)?.work_order_id, gone: rows.filter(({ tenant, device }) => hub.isGone(tenant, device)) }
}
