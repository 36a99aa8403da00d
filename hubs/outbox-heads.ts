/**
 * Which deliveries may leave: the first pending one of each endpoint and subject, marked in its row, so that those that wait behind it cost
 * nothing however many they are. Whoever enqueues, settles or sends again keeps the marks in the same transaction.
 */
import { type Kysely, sql } from 'kysely'
import type { DeliveryRow, HubTables } from './hub-tables.ts'

type Queue = Pick<DeliveryRow, 'endpoint_id' | 'subject'>

/** Whether a further delivery would be the first of its queue. */
export async function isQueueEmpty(database: Kysely<HubTables>, { endpoint_id, subject }: Queue): Promise<boolean> {
  const waiting = await database
    .selectFrom('outbox_deliveries')
    .select('event_id')
    .where('endpoint_id', '=', endpoint_id)
    .where('subject', '=', subject)
    .where('state', '=', 'pending')
    .limit(1)
    .executeTakeFirst()
  return waiting === undefined
}

/** Marks the first that is left when the head of a queue was settled. */
export async function passHead(database: Kysely<HubTables>, { endpoint_id, subject }: Queue): Promise<void> {
  const next = await database
    .selectFrom('outbox_deliveries')
    .select('event_id')
    .where('endpoint_id', '=', endpoint_id)
    .where('subject', '=', subject)
    .where('state', '=', 'pending')
    .orderBy('sequence')
    .limit(1)
    .executeTakeFirst()
  if (next === undefined) return
  await database
    .updateTable('outbox_deliveries')
    .set({ is_head: 1 })
    .where('endpoint_id', '=', endpoint_id)
    .where('event_id', '=', next.event_id)
    .execute()
}

/** Marks anew, for one endpoint or all: after a replay, and at each start, whatever wrote the rows. */
export async function markHeads(database: Kysely<HubTables>, endpointId?: string): Promise<void> {
  const isFirst = sql<number>`state = 'pending' AND NOT EXISTS (SELECT 1 FROM outbox_deliveries AS b
    WHERE b.endpoint_id = outbox_deliveries.endpoint_id AND b.subject = outbox_deliveries.subject AND b.state = 'pending'
    AND b.sequence < outbox_deliveries.sequence)`
  let update = database
    .updateTable('outbox_deliveries')
    .set({ is_head: sql<number>`CASE WHEN ${isFirst} THEN 1 ELSE 0 END` })
    .where(({ or, eb }) => or([eb('state', '=', 'pending'), eb('is_head', '=', 1)]))
  if (endpointId !== undefined) update = update.where('endpoint_id', '=', endpointId)
  await update.execute()
}
