/**
 * What a household lets be known of itself, so that its orders are handled with care: tags from a closed list, kept with its consent and for
 * as long as that holds. One that has expired is neither shown nor used. Each use for an order stands in a log that the household may see.
 */

import type { CustomerTag, NewCustomerTag } from '#kernel/experience.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { checkConsent } from './consent.ts'

export interface TagKey {
  readonly tenant: string
  readonly household: string
  readonly tag: string
}

/**
 * Keeps a tag of a household, or renews its consent.
 * @throws MendlineError MDL_HUBS_CONSENT_REQUIRED without a consent that was given and still holds
 */
export async function putTag(hub: HubTransaction, key: TagKey, given: NewCustomerTag & { readonly actor: string }): Promise<CustomerTag> {
  const row = { ...key, ...checkConsent(given, hub.nowMs), actor: given.actor, set_at_ms: hub.nowMs }
  await hub.database
    .insertInto('hub_customer_tags')
    .values(row)
    .onConflict((conflict) => conflict.columns(['tenant', 'household', 'tag']).doUpdateSet(row))
    .execute()
  const [tag] = (await tagsOf(hub, key)).filter(({ tag: name }) => name === key.tag)
  return tag ?? { ...row, uses: [] }
}

/** Tags of a household that hold now, by name, with what each was used for. */
export async function tagsOf(hub: HubTransaction, { tenant, household }: Omit<TagKey, 'tag'>): Promise<CustomerTag[]> {
  const tags = await hub.database
    .selectFrom('hub_customer_tags')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('household', '=', household)
    .where('expires_at_ms', '>', hub.nowMs)
    .orderBy('tag')
    .execute()
  if (tags.length === 0) return []
  const uses = await hub.database
    .selectFrom('hub_tag_uses')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('household', '=', household)
    .orderBy('at_ms', 'desc')
    .limit(1_000)
    .execute()
  return tags.map((tag) => ({
    ...tag,
    uses: uses.filter((use) => use.tag === tag.tag).map(({ work_order_id, used_for, at_ms }) => ({ work_order_id, used_for, at_ms })),
  }))
}

/** Takes a tag away with the log of its uses. Whether there was one. */
export async function deleteTag(hub: HubTransaction, { tenant, household, tag }: TagKey): Promise<boolean> {
  for (const table of ['hub_tag_uses', 'hub_customer_tags'] as const) {
    const { numDeletedRows } = await hub.database
      .deleteFrom(table)
      .where('tenant', '=', tenant)
      .where('household', '=', household)
      .where('tag', '=', tag)
      .executeTakeFirstOrThrow()
    if (table === 'hub_customer_tags') return numDeletedRows > 0n
  }
  return false
}

/** Whether the household of an order has a tag that holds; each that does is logged as used, once for an order and purpose. */
export async function useCareTags(hub: HubTransaction, { tenant, device, work_order_id }: WorkOrderRow, used_for: string): Promise<boolean> {
  const { household } = hub.places.placeOf(tenant, device)
  if (household === undefined) return false
  const tags = await hub.database
    .selectFrom('hub_customer_tags')
    .select('tag')
    .where('tenant', '=', tenant)
    .where('household', '=', household)
    .where('expires_at_ms', '>', hub.nowMs)
    .execute()
  for (const { tag } of tags) {
    await hub.database
      .insertInto('hub_tag_uses')
      .values({ tenant, household, tag, work_order_id, used_for, at_ms: hub.nowMs })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
  }
  return tags.length > 0
}

/** When the last tag that holds of the household of an order ends; undefined = none holds. */
export async function tagsHoldUntil({ database, places, nowMs }: HubTransaction, { tenant, device }: WorkOrderRow): Promise<number | undefined> {
  const { household } = places.placeOf(tenant, device)
  if (household === undefined) return undefined
  const { until_ms } = await database
    .selectFrom('hub_customer_tags')
    .select((select) => select.fn.max<number | null>('expires_at_ms').as('until_ms'))
    .where('tenant', '=', tenant)
    .where('household', '=', household)
    .where('expires_at_ms', '>', nowMs)
    .executeTakeFirstOrThrow()
  return until_ms ?? undefined
}
