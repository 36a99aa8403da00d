/** Service terms of organisations by type, in versions; where one has none, those of the catalogue hold. */
import { serviceTerms } from '#catalogue/service-terms.ts'
import type { ServiceTerms, TermsVersion } from '#kernel/service-terms.ts'
import type { Packet } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { factsOf } from './order-facts.ts'
import { buildQuote, partWarrantyUntil } from './quote.ts'
import { findRepeated, REPEAT_MS } from './repeats.ts'

/** Terms that hold for a type; undefined where nobody has any. */
export async function termsOf({ database }: Pick<HubTransaction, 'database'>, tenant: string, type: string): Promise<TermsVersion | undefined> {
  const row = await database
    .selectFrom('hub_service_terms')
    .select(['version', 'body'])
    .where('tenant', '=', tenant)
    .where('type', '=', type)
    .orderBy('version', 'desc')
    .limit(1)
    .executeTakeFirst()
  if (row !== undefined) return { type, version: row.version, terms: JSON.parse(row.body) as ServiceTerms }
  const ships = serviceTerms[type]
  return ships === undefined ? undefined : { type, version: 0, terms: ships }
}

/** Puts terms into force for packets that are made from now on. */
export async function putTerms(
  hub: HubTransaction,
  given: { readonly tenant: string; readonly type: string; readonly terms: ServiceTerms; readonly actor: string },
): Promise<TermsVersion> {
  const { tenant, type, terms, actor } = given
  const version = ((await termsOf(hub, tenant, type))?.version ?? 0) + 1
  const row = { tenant, type, version, body: JSON.stringify(terms), actor, created_at_ms: hub.nowMs }
  await hub.database.insertInto('hub_service_terms').values(row).execute()
  return { type, version, terms }
}

type Quoted = Pick<WorkOrderRow, 'tenant' | 'device' | 'type' | 'cause' | 'opened_at_ms' | 'repeat_of' | 'facts'> &
  Partial<Pick<WorkOrderRow, 'work_order_id'>> & { readonly packet: Packet }

/** Quote of an order as JSON, as it stands in its row. */
export async function quoteFor(hub: HubTransaction, order: Quoted): Promise<string | null> {
  const { tenant, device, type, packet, opened_at_ms: openedAtMs } = order
  const terms = await termsOf(hub, tenant, type)
  if (terms === undefined) return null
  const isRepeat = await isUnderRepairWarranty(hub, order, terms.terms.repair_warranty_days * 86_400_000)
  const installedAtMs = hub.installedAt(tenant, device) ?? null
  return JSON.stringify(buildQuote({ type: hub.catalogue(type), packet, terms, installedAtMs, openedAtMs, isRepeat }))
}

/** Whether a repair of the same kind is answered for: one of the order itself that did not hold, or that of an order before it. */
async function isUnderRepairWarranty(hub: HubTransaction, order: Quoted, withinMs: number): Promise<boolean> {
  const { tenant, device, cause, packet, opened_at_ms: openedAtMs, repeat_of } = order
  const { repeat } = factsOf(order)
  if (repeat !== undefined && repeat.reopened_at_ms - repeat.repaired_at_ms <= withinMs) return true
  if (repeat_of !== null && repeat_of !== order.work_order_id && (await isWithin(hub, repeat_of, openedAtMs - withinMs))) return true
  // The warranty may be longer than the time in which an order counts as a repeat.
  return withinMs > REPEAT_MS && (await findRepeated(hub, { tenant, device, cause, packet, openedAtMs, withinMs })) !== null
}

async function isWithin({ database }: HubTransaction, repeatOf: string, sinceMs: number): Promise<boolean> {
  const row = await database.selectFrom('hub_work_orders').select('settled_at_ms').where('work_order_id', '=', repeatOf).executeTakeFirst()
  return row?.settled_at_ms !== null && row?.settled_at_ms !== undefined && row.settled_at_ms >= sinceMs
}

/** Says of any part of the type whether the warranty of an order covers it, by the terms that hold now; undefined where nobody has any. */
export async function warrantyOf(hub: HubTransaction, row: WorkOrderRow): Promise<((part: string) => boolean) | undefined> {
  const version = await termsOf(hub, row.tenant, row.type)
  if (version === undefined) return undefined
  const { terms } = version
  const installedAtMs = hub.installedAt(row.tenant, row.device) ?? null
  const order = { ...row, packet: JSON.parse(row.packet) as Packet }
  const isRepeat = await isUnderRepairWarranty(hub, order, terms.repair_warranty_days * 86_400_000)
  return (part) => isRepeat || row.opened_at_ms < (partWarrantyUntil(terms, part, installedAtMs) ?? 0)
}
