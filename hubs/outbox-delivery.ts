/**
 * Makes one attempt at one delivery and writes down what came of it: signs the event by Standard Webhooks, posts it, and settles the
 * row as delivered, due again later, or dead. The attempt may be repeated after a crash; the webhook-id stays, so the receiver can tell.
 */
import type { Kysely } from 'kysely'
import { Webhook } from 'standardwebhooks'
import type { Clock } from '#kernel/clock.ts'
import { assert, MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Random } from '#kernel/random.ts'
import type { AttemptRow, EndpointRow, HubTables } from './hub-tables.ts'
import type { WebhookNotifier } from './notifier.ts'
import { passHead } from './outbox-heads.ts'
import { retryWaitMs, scheduleOf } from './retry-schedule.ts'

export interface DeliveryPorts {
  readonly database: Kysely<HubTables>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'deliveryTimeoutMs' | 'deliveryResponseBytes_MAX'>
  readonly notifier: WebhookNotifier
  readonly random: Random
  readonly signal: AbortSignal
}

/** A delivery that is due. */
export interface DueDelivery {
  readonly endpoint_id: string
  readonly event_id: string
  readonly attempt_count: number
}

/** Characters of the answer that are kept with the attempt. */
const RESPONSE_KEPT = 500

/** Attempts and settles; resolves also when the receiver failed. */
export async function attemptDelivery(ports: DeliveryPorts, due: DueDelivery): Promise<void> {
  const { database, clock } = ports
  const endpoint = await database.selectFrom('outbox_endpoints').selectAll().where('endpoint_id', '=', due.endpoint_id).executeTakeFirst()
  const event = await database.selectFrom('outbox_events').selectAll().where('event_id', '=', due.event_id).executeTakeFirst()
  if (endpoint === undefined || endpoint.enabled !== 1) return
  assert(event !== undefined, 'a delivery has its event')
  const startedMs = clock.monotonicMs()
  const atMs = clock.now()
  const result = await post(ports, endpoint, { id: event.event_id, body: event.body, atMs })
  if (ports.signal.aborted && result.status === null) return
  const attempt = {
    endpoint_id: due.endpoint_id,
    event_id: due.event_id,
    attempt: await nextAttempt(database, due),
    tenant: event.tenant,
    at_ms: atMs,
    duration_ms: Math.round(clock.monotonicMs() - startedMs),
    status: result.status,
    error: result.error,
    response: result.text.slice(0, RESPONSE_KEPT),
  }
  await settle(ports, due, { attempt, event, isDelivered: result.status !== null && result.status >= 200 && result.status < 300 })
}

type EventRow = HubTables['outbox_events']

interface Result {
  readonly status: number | null
  readonly error: string | null
  readonly text: string
}

async function post(ports: DeliveryPorts, endpoint: EndpointRow, event: { id: string; body: string; atMs: number }): Promise<Result> {
  try {
    const { status, text } = await ports.notifier.post({
      url: endpoint.url,
      headers: signedHeaders(endpoint, event),
      body: event.body,
      timeoutMs: ports.limits.deliveryTimeoutMs,
      responseBytes_MAX: ports.limits.deliveryResponseBytes_MAX,
      signal: ports.signal,
    })
    return { status, error: null, text }
  } catch (cause) {
    if (!(cause instanceof MendlineError)) throw cause
    return { status: null, error: `${cause.code}: ${cause.message}`, text: '' }
  }
}

/** Headers of Standard Webhooks; while a secret is being rotated both sign, newest first. */
export function signedHeaders(
  endpoint: Pick<EndpointRow, 'secret' | 'previous_secret' | 'previous_until_ms'>,
  event: { readonly id: string; readonly body: string; readonly atMs: number },
): Record<string, string> {
  const { secret, previous_secret, previous_until_ms } = endpoint
  const isRotating = previous_secret !== null && previous_until_ms !== null && event.atMs < previous_until_ms
  const signatures = [secret, ...(isRotating ? [previous_secret] : [])].map((key) =>
    new Webhook(key).sign(event.id, new Date(event.atMs), event.body),
  )
  return {
    'content-type': 'application/cloudevents+json; charset=utf-8',
    'user-agent': 'mendline-webhooks/1',
    'webhook-id': event.id,
    'webhook-timestamp': String(Math.floor(event.atMs / 1000)),
    'webhook-signature': signatures.join(' '),
  }
}

/** Attempts count on when a dead delivery is sent again; the schedule begins anew. */
async function nextAttempt(database: Kysely<HubTables>, due: DueDelivery): Promise<number> {
  const { last } = await database
    .selectFrom('outbox_attempts')
    .select((select) => select.fn.max('attempt').as('last'))
    .where('endpoint_id', '=', due.endpoint_id)
    .where('event_id', '=', due.event_id)
    .executeTakeFirstOrThrow()
  return Number(last ?? 0) + 1
}

const GONE = 410

async function settle(
  { database, clock, log, random }: DeliveryPorts,
  due: DueDelivery,
  {
    attempt,
    event,
    isDelivered,
  }: { readonly attempt: AttemptRow; readonly event: Pick<EventRow, 'type' | 'subject'>; readonly isDelivered: boolean },
): Promise<void> {
  const { type, subject } = event
  const failed = due.attempt_count + 1
  const waitMs = isDelivered ? undefined : retryWaitMs(failed, random, scheduleOf(type))
  const state = isDelivered ? 'delivered' : waitMs === undefined ? 'dead' : 'pending'
  const nowMs = clock.now()
  await database.transaction().execute(async (transaction) => {
    await transaction.insertInto('outbox_attempts').values(attempt).execute()
    await transaction
      .updateTable('outbox_deliveries')
      .set({ state, attempt_count: failed, next_at_ms: nowMs + (waitMs ?? 0), updated_at_ms: nowMs, ...(state === 'pending' ? {} : { is_head: 0 }) })
      .where('endpoint_id', '=', due.endpoint_id)
      .where('event_id', '=', due.event_id)
      .execute()
    if (state !== 'pending') await passHead(transaction, { endpoint_id: due.endpoint_id, subject })
    if (attempt.status === GONE) {
      const gone = { enabled: 0, disabled_reason: 'the receiver answered 410 Gone' }
      await transaction.updateTable('outbox_endpoints').set(gone).where('endpoint_id', '=', due.endpoint_id).execute()
    }
  })
  const { endpoint_id, event_id, status, error } = attempt
  if (state === 'dead') log.error('webhook delivery is dead', { endpoint_id, event_id, attempts: failed })
  else if (!isDelivered) log.warn('webhook attempt failed', { endpoint_id, event_id, status, error, retry_in_ms: waitMs })
}
