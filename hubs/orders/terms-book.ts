/** Service terms of organisations by type, in versions; where one has none, those of the catalogue hold. */
import { serviceTerms } from '#catalogue/service-terms.ts'
import type { Quote } from '#kernel/service-facts.ts'
import type { ServiceTerms, TermsVersion } from '#kernel/service-terms.ts'
import type { Packet } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { buildQuote } from './quote.ts'

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

/** Quote of an order as JSON, as it stands in its row. */
export async function quoteFor(
  hub: HubTransaction,
  order: Pick<WorkOrderRow, 'tenant' | 'device' | 'type' | 'opened_at_ms' | 'repeat_of'> & { readonly packet: Packet },
): Promise<string | null> {
  const { tenant, device, type, packet } = order
  const terms = await termsOf(hub, tenant, type)
  if (terms === undefined) return null
  const isRepeat = await isWithin(hub, order.repeat_of, order.opened_at_ms - terms.terms.repair_warranty_days * 86_400_000)
  const installedAtMs = hub.installedAt(tenant, device) ?? null
  const quote: Quote = buildQuote({ type: hub.catalogue(type), packet, terms, installedAtMs, openedAtMs: order.opened_at_ms, isRepeat })
  return JSON.stringify(quote)
}

async function isWithin({ database }: HubTransaction, repeatOf: string | null, sinceMs: number): Promise<boolean> {
  if (repeatOf === null) return false
  const row = await database.selectFrom('hub_work_orders').select('settled_at_ms').where('work_order_id', '=', repeatOf).executeTakeFirst()
  return row?.settled_at_ms !== null && row?.settled_at_ms !== undefined && row.settled_at_ms >= sinceMs
}
