/** Keeps the rows of what each open order will probably need, and says so to the stock's system when they change. */
import type { WorkOrder } from '#kernel/work-order.ts'
import { emit, type HubTransaction } from './hub-transaction.ts'

/** Sets the needs of an order to those of its packet, or to none once it is settled; sends one event when that changes anything. */
export async function setPartsNeeds(hub: HubTransaction, order: WorkOrder, options: { readonly isOpen: boolean }): Promise<void> {
  const { work_order_id, tenant, device, opened_at_ms } = order
  const wanted = options.isOpen ? mergeParts(order.packet.parts) : []
  const before = await hub.database
    .selectFrom('hub_parts_needs')
    .select(['part', 'name', 'quantity', 'probability', 'opened_at_ms'])
    .where('work_order_id', '=', work_order_id)
    .orderBy('part')
    .execute()
  const rows = wanted.map((need) => ({ ...need, opened_at_ms }))
  if (JSON.stringify(before) === JSON.stringify(rows)) return
  await hub.database.deleteFrom('hub_parts_needs').where('work_order_id', '=', work_order_id).execute()
  for (const need of wanted)
    await hub.database
      .insertInto('hub_parts_needs')
      .values({ work_order_id, tenant, device, opened_at_ms, ...need })
      .execute()
  if (isSameDemand(before, wanted)) return
  const data = { work_order_id, device, safety_class: order.safety_class, parts: wanted }
  await emit(hub, { tenant, device, subject: work_order_id, type: 'mendline.parts.need.v1', atMs: order.updated_at_ms, data })
}

interface Need {
  readonly part: string
  readonly name: string
  readonly quantity: number
  readonly probability: number
}

/** One row a part, sorted: two uses of a part add up, the likelier one gives the probability. */
function mergeParts(parts: readonly Need[]): Need[] {
  const merged = new Map<string, Need>()
  for (const { part, name, quantity, probability } of parts) {
    const known = merged.get(part)
    merged.set(part, {
      part,
      name,
      quantity: quantity + (known?.quantity ?? 0),
      probability: Math.max(probability, known?.probability ?? 0),
    })
  }
  return [...merged.values()].sort((a, b) => (a.part < b.part ? -1 : 1))
}

/** The stock hears of other parts, quantities, or chances that moved by a tenth; not of every window's last digit. */
function isSameDemand(before: readonly Need[], after: readonly Need[]): boolean {
  const shape = (needs: readonly Need[]): string => needs.map((need) => `${need.part}:${need.quantity}:${Math.round(need.probability * 10)}`).join()
  return shape(before) === shape(after)
}
