/**
 * Writes an outgoing event into the outbox: one CloudEvent with the next sequence of its subject, and one pending delivery for each
 * endpoint that wants it. Called inside the transaction that makes the event true, so that neither exists without the other.
 */
import type { Kysely } from 'kysely'
import type { EpochMs } from '#kernel/clock.ts'
import { contentId } from '#kernel/ids.ts'
import type { HubTables } from './hub-tables.ts'
import { isQueueEmpty } from './outbox-heads.ts'

export interface OutgoingEvent {
  readonly tenant: string
  /** Device the event is about, undefined for the system's own. */
  readonly device: string | undefined
  /** Id of the order or case; deliveries keep their order within it. */
  readonly subject: string
  readonly type: string
  readonly atMs: number
  readonly data: Readonly<Record<string, unknown>>
  /** Only this endpoint, whatever its filter (test events). */
  readonly endpointId?: string
}

/** CloudEvents 1.0, structured JSON. */
export interface CloudEvent {
  readonly specversion: '1.0'
  readonly id: string
  readonly source: string
  readonly type: string
  readonly subject: string
  readonly time: string
  readonly datacontenttype: 'application/json'
  readonly data: Readonly<Record<string, unknown>> & { readonly sequence: number; readonly tenant: string }
}

/**
 * Enqueues the event and its deliveries; the id follows from tenant, subject and sequence. A disabled endpoint is owed it, too, and has it when it
 * is enabled.
 */
export async function enqueueEvent(database: Kysely<HubTables>, event: OutgoingEvent, nowMs: EpochMs): Promise<CloudEvent> {
  const { tenant, subject, type } = event
  const { sequence } = await database
    .insertInto('outbox_subjects')
    .values({ tenant, subject, sequence: 1 })
    .onConflict((conflict) =>
      conflict.columns(['tenant', 'subject']).doUpdateSet((update) => ({ sequence: update('outbox_subjects.sequence', '+', 1) })),
    )
    .returning('sequence')
    .executeTakeFirstOrThrow()
  const cloudEvent: CloudEvent = {
    specversion: '1.0',
    id: contentId('evt', tenant, subject, sequence),
    source: event.device === undefined ? `/tenants/${tenant}` : `/tenants/${tenant}/devices/${event.device}`,
    type,
    subject,
    time: new Date(event.atMs).toISOString(),
    datacontenttype: 'application/json',
    data: { ...event.data, tenant, sequence },
  }
  await database
    .insertInto('outbox_events')
    .values({ event_id: cloudEvent.id, tenant, subject, sequence, type, at_ms: event.atMs, body: JSON.stringify(cloudEvent) })
    .execute()
  const endpoints = await database.selectFrom('outbox_endpoints').select(['endpoint_id', 'event_types']).where('tenant', '=', tenant).execute()
  const wanting = endpoints.filter((endpoint) =>
    event.endpointId === undefined ? wants(JSON.parse(endpoint.event_types), type) : endpoint.endpoint_id === event.endpointId,
  )
  for (const { endpoint_id } of wanting) {
    const is_head = (await isQueueEmpty(database, { endpoint_id, subject })) ? 1 : 0
    const due = { state: 'pending', attempt_count: 0, next_at_ms: nowMs, updated_at_ms: nowMs, is_head }
    await database
      .insertInto('outbox_deliveries')
      .values({ endpoint_id, event_id: cloudEvent.id, tenant, subject, sequence, ...due })
      .execute()
  }
  return cloudEvent
}

/** Tells whether a filter lets a type through: exact types, `*` at the end stands for any rest, an empty filter for all. */
export function wants(filter: readonly string[], type: string): boolean {
  return filter.length === 0 || filter.some((entry) => entry === type || (entry.endsWith('*') && type.startsWith(entry.slice(0, -1))))
}
