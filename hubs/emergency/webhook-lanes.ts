/**
 * The webhook endpoints of a tenant over two outboxes. Events of emergencies leave by the lane of the emergency book alone: to the endpoints
 * that a tenant names for it, and to its ordinary ones whose filter wants them, which are mirrored there under the same id. The mirror is
 * made anew at each change and at each start, so that a crash between the two books loses nothing for longer than that.
 */

import type { Kysely } from 'kysely'
import { MendlineError } from '#kernel/errors.ts'
import type { AttemptRow, EndpointRow, HubTables } from '../hub-tables.ts'
import type { Page } from '../lists.ts'
import type { Delivery, Outbox } from '../outbox.ts'
import type { Endpoint, EndpointChange, NewEndpoint, SecretEnd } from '../outbox-endpoints.ts'

type Lane = 'ordinary' | 'emergency'

/** Ids of endpoints that take emergencies alone begin with this. */
export const EMERGENCY_ENDPOINT = 'whe_'

export type LanedEndpoint = Endpoint & { readonly lane: Lane }
type LanedDelivery = Delivery & { readonly lane: Lane }

export interface WebhookLanes {
  create(tenant: string, given: NewEndpoint & { readonly lane?: Lane | undefined }): Promise<LanedEndpoint & { readonly secret: string }>
  list(query: { readonly tenant: string; readonly after?: string | undefined; readonly limit?: number | undefined }): Promise<Page<LanedEndpoint>>
  get(tenant: string, id: string): Promise<LanedEndpoint | undefined>
  update(tenant: string, id: string, change: EndpointChange): Promise<LanedEndpoint | undefined>
  rotateSecret(tenant: string, id: string, ends?: SecretEnd): ReturnType<Outbox['rotateSecret']>
  remove(tenant: string, id: string): Promise<boolean>
  /** Sends a test by each lane that the endpoint is served by; gives the id of the ordinary one. */
  sendTest(tenant: string, id: string): ReturnType<Outbox['sendTest']>
  /** Attempts of both lanes, newest first. */
  attempts(query: Parameters<Outbox['attempts']>[0]): Promise<Page<AttemptRow & { readonly lane: Lane }>>
  /** Deliveries in a state, of both lanes. */
  deliveries(query: Parameters<Outbox['deliveries']>[0]): Promise<readonly LanedDelivery[]>
  /** Sends dead letters again: all of the endpoint, or one event. @throws MendlineError MDL_API_NOT_FOUND for an event that is not dead */
  replay(tenant: string, id: string, eventId?: string): Promise<{ readonly deliveries: number }>
  /** Makes the emergency lane know the ordinary endpoints as they are. */
  mirror(): Promise<void>
}

export function createWebhookLanes(parts: {
  readonly ordinary: Outbox
  readonly emergency: Outbox
  readonly ordinaryDatabase: Kysely<HubTables>
  /** Of the emergency book's outbox. */
  readonly emergencyDatabase: Kysely<HubTables>
}): WebhookLanes {
  const { ordinary, emergency, ordinaryDatabase, emergencyDatabase } = parts
  const isOwn = (id: string): boolean => id.startsWith(EMERGENCY_ENDPOINT)
  const of = (id: string): Outbox => (isOwn(id) ? emergency : ordinary)
  const laned = <T extends Endpoint>(endpoint: T): T & { lane: Lane } => ({
    ...endpoint,
    lane: isOwn(endpoint.endpoint_id) ? 'emergency' : 'ordinary',
  })
  /** With what keeps dangers alone from an endpoint that takes the rest. */
  const told = <T extends Endpoint>(endpoint: T, there: readonly Endpoint[]): T & { lane: Lane } => {
    const twin = there.find(({ endpoint_id }) => endpoint_id === endpoint.endpoint_id)
    const isGone = endpoint.enabled && twin?.enabled === false
    return laned(isGone ? { ...endpoint, disabled_reason: `no dangers: ${twin.disabled_reason ?? 'disabled'}` } : endpoint)
  }
  const both = [['ordinary', ordinary] as const, ['emergency', emergency] as const]
  const mirror = async (): Promise<void> => mirrorEndpoints(ordinaryDatabase, emergencyDatabase)
  const mirrored = async <T>(act: () => Promise<T>): Promise<T> => {
    const result = await act()
    await mirror()
    emergency.wake()
    return result
  }
  return {
    mirror,
    create: async (tenant, { lane, ...given }) =>
      laned(lane === 'emergency' ? await emergency.create(tenant, given) : await mirrored(() => ordinary.create(tenant, given))),
    async list({ tenant, after, limit = 100 }) {
      const first = await ordinary.list({ tenant, after, limit })
      const more = await emergency.list({ tenant, after, limit: 1_000 })
      const all = [...first.items, ...more.items.filter(({ endpoint_id }) => isOwn(endpoint_id))].sort((a, b) =>
        a.endpoint_id < b.endpoint_id ? -1 : 1,
      )
      const items = all.slice(0, limit).map((endpoint) => told(endpoint, more.items))
      return { items, next: all.length > limit || first.next !== null ? (items.at(-1)?.endpoint_id ?? null) : null }
    },
    async get(tenant, id) {
      const found = await of(id).get(tenant, id)
      if (found === undefined) return undefined
      const there = await emergency.get(tenant, id)
      return told(found, there === undefined ? [] : [there])
    },
    async update(tenant, id, change) {
      const changed = isOwn(id) ? await emergency.update(tenant, id, change) : await mirrored(() => ordinary.update(tenant, id, change))
      if (changed === undefined) return undefined
      // What the owner says of it holds for the lane that disabled it by itself, too; what it was owed is due at once.
      const { enabled } = change
      const there = isOwn(id) || enabled === undefined ? await emergency.get(tenant, id) : await emergency.update(tenant, id, { enabled })
      return told(changed, there === undefined ? [] : [there])
    },
    rotateSecret: (tenant, id, ends) =>
      isOwn(id) ? emergency.rotateSecret(tenant, id, ends) : mirrored(() => ordinary.rotateSecret(tenant, id, ends)),
    remove: (tenant, id) => (isOwn(id) ? emergency.remove(tenant, id) : mirrored(() => ordinary.remove(tenant, id))),
    async sendTest(tenant, id) {
      const sent = await of(id).sendTest(tenant, id)
      // Both lanes are tried; a test of the other goes by its own.
      if (!isOwn(id) && (await emergency.get(tenant, id)) !== undefined) await emergency.sendTest(tenant, id)
      return sent
    },
    async attempts({ tenant, id, after, limit = 100 }) {
      const offset = after === undefined ? 0 : Number(after)
      if (!Number.isSafeInteger(offset) || offset < 0) throw new MendlineError('MDL_API_INVALID', 'the cursor cannot be read')
      const pages = await Promise.all(
        both.map(async ([lane, outbox]) => {
          const { items } = await outbox.attempts({ tenant, id, limit: offset + limit + 1 })
          return items.map((attempt) => ({ ...attempt, lane }))
        }),
      )
      const all = pages.flat().sort((a, b) => b.at_ms - a.at_ms || (a.event_id < b.event_id ? -1 : 1) || b.attempt - a.attempt)
      return { items: all.slice(offset, offset + limit), next: all.length > offset + limit ? String(offset + limit) : null }
    },
    async deliveries(query) {
      const found = await Promise.all(both.map(async ([lane, outbox]) => (await outbox.deliveries(query)).map((row) => ({ ...row, lane }))))
      return found.flat().sort((a, b) => a.updated_at_ms - b.updated_at_ms)
    },
    async replay(tenant, id, eventId) {
      const counts = await Promise.all(both.map(([, outbox]) => outbox.replay(tenant, id, eventId)))
      const deliveries = counts.reduce((sum, count) => sum + count.deliveries, 0)
      if (eventId !== undefined && deliveries === 0) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such delivery that waits or is dead')
      return { deliveries }
    },
  }
}

/** Copies what changed; an endpoint that is gone goes with what it was owed. An endpoint that this lane itself disabled stays so until its owner changes it. */
async function mirrorEndpoints(from: Kysely<HubTables>, to: Kysely<HubTables>): Promise<void> {
  const wanted = await from.selectFrom('outbox_endpoints').selectAll().execute()
  const there = await to.selectFrom('outbox_endpoints').selectAll().where('endpoint_id', 'not like', `${EMERGENCY_ENDPOINT}%`).execute()
  const known = new Map(there.map((row) => [row.endpoint_id, row]))
  const gone = there.filter(({ endpoint_id }) => !wanted.some((row) => row.endpoint_id === endpoint_id))
  const changed = wanted.filter((row) => !isSame(row, known.get(row.endpoint_id)))
  if (gone.length + changed.length === 0) return
  await to.transaction().execute(async (transaction) => {
    for (const { endpoint_id } of gone) {
      for (const table of ['outbox_attempts', 'outbox_deliveries', 'outbox_endpoints'] as const) {
        await transaction.deleteFrom(table).where('endpoint_id', '=', endpoint_id).execute()
      }
    }
    for (const row of changed) {
      const { endpoint_id: _id, ...values } = row
      await transaction
        .insertInto('outbox_endpoints')
        .values(row)
        .onConflict((conflict) => conflict.column('endpoint_id').doUpdateSet(values))
        .execute()
    }
  })
}

/** `410 Gone` in this lane sets `enabled` here alone, which is no change of the owner's. */
function isSame(row: EndpointRow, known: EndpointRow | undefined): boolean {
  if (known === undefined) return false
  const isOwnGone = row.enabled === 1 && known.enabled === 0 && known.disabled_reason?.includes('410') === true
  const fields = Object.keys(row) as ReadonlyArray<keyof EndpointRow>
  return fields.every((field) => row[field] === known[field] || (isOwnGone && (field === 'enabled' || field === 'disabled_reason')))
}
