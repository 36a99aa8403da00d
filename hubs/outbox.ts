/**
 * The outbox: delivers what the hubs enqueued to the webhook endpoints, at least once, strictly in order within (endpoint, subject).
 * What is owed stands in the operational store, so a restart goes on where the last process stopped. A delivery that failed through
 * the whole schedule is dead and lets those behind it pass; it can be sent again by hand.
 */
import { type Kysely, sql } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Random } from '#kernel/random.ts'
import { watchClock } from './clock-watch.ts'
import type { TargetGuard } from './dispatch/webhook-target.ts'
import type { AttemptRow, DeliveryRow, HubTables } from './hub-tables.ts'
import type { Page } from './lists.ts'
import type { WebhookNotifier } from './notifier.ts'
import { attemptDelivery, type DueDelivery } from './outbox-delivery.ts'
import { createOutboxEndpoints, type OutboxEndpoints } from './outbox-endpoints.ts'
import { enqueueEvent, type OutgoingEvent } from './outbox-events.ts'
import { markHeads } from './outbox-heads.ts'

export interface OutboxOptions {
  readonly database: Kysely<HubTables>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'deliveriesInFlight_MAX' | 'deliveryTimeoutMs' | 'deliveryResponseBytes_MAX'>
  readonly notifier: WebhookNotifier
  readonly guard: TargetGuard
  /** Spreads the retries; seeded differently in each process. */
  readonly random: Random
  /** Begin of the ids of new endpoints. */
  readonly endpointPrefix?: string
  /** Longest sleep between two looks at the store; a minute when not given, a simulation that leaps gives more. */
  readonly napMs?: number
}

/** A delivery as the API gives it. */
export type Delivery = Omit<DeliveryRow, 'is_head'>

export interface Outbox extends OutboxEndpoints {
  /** Begins to deliver what is due. */
  start(): Promise<void>
  /** Ends the attempts in flight (they stay owed), waits for them and stops the notifier. */
  stop(): Promise<void>
  /** Looks for due deliveries now; called after a commit that enqueued. */
  wake(): void
  /** Resolves when nothing is in flight and nothing is due at this instant. */
  settled(): Promise<void>
  /** Enqueues an event in the caller's transaction. */
  enqueue(transaction: Kysely<HubTables>, event: OutgoingEvent): Promise<void>
  /** Enqueues `mendline.test.v1` for this endpoint alone. @throws MendlineError MDL_API_NOT_FOUND */
  sendTest(tenant: string, id: string): Promise<{ readonly event_id: string }>
  /** Attempts of an endpoint, newest first. */
  attempts(query: { tenant: string; id: string; after?: string | undefined; limit?: number | undefined }): Promise<Page<AttemptRow>>
  /** Deliveries of an endpoint in a state (`pending`, `delivered`, `dead`), oldest first. */
  deliveries(query: { tenant: string; id: string; state: string; limit?: number | undefined }): Promise<readonly Delivery[]>
  /** Sends the dead letters of an endpoint again, and what waits for a retry at once: all of them, or one event. */
  replay(tenant: string, id: string, eventId?: string): Promise<{ readonly deliveries: number }>
  /** Deliveries by state over all endpoints. */
  statistics(): Promise<Readonly<Record<string, number>>>
}

/** Share of the deliveries in flight that one endpoint may hold, so that a hanging receiver leaves room for the others. */
const ENDPOINT_SHARE = 4

/** Longest sleep between two looks at the store. */
const SLEEP_MS_MAX = 60_000

/** Creates the outbox over its tables; nothing is delivered before `start`. */
export function createOutbox(options: OutboxOptions): Outbox {
  const { database, clock } = options
  const loop = createDeliveryLoop(options)
  const endpoints = createOutboxEndpoints({ database, clock, guard: options.guard, onChange: loop.wake, prefix: options.endpointPrefix ?? 'wh_' })
  return {
    ...endpoints,
    ...loop,
    ...createReports(database),
    async enqueue(transaction, event) {
      await enqueueEvent(transaction, event, clock.now())
    },
    async sendTest(tenant, id) {
      if ((await endpoints.get(tenant, id)) === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such webhook endpoint')
      const event = { tenant, device: undefined, subject: contentId('test', id), type: 'mendline.test.v1', atMs: clock.now(), endpointId: id }
      const { id: event_id } = await database.transaction().execute((transaction) => enqueueEvent(transaction, { ...event, data: {} }, clock.now()))
      loop.wake()
      return { event_id }
    },
    async replay(tenant, id, eventId) {
      const again = { state: 'pending', attempt_count: 0, next_at_ms: clock.now() }
      const result = await database.transaction().execute(async (transaction) => {
        let update = transaction
          .updateTable('outbox_deliveries')
          .set(again)
          .where('tenant', '=', tenant)
          .where('endpoint_id', '=', id)
          .where('state', 'in', ['pending', 'dead'])
        if (eventId !== undefined) update = update.where('event_id', '=', eventId)
        const updated = await update.executeTakeFirst()
        await markHeads(transaction, id)
        return updated
      })
      loop.wake()
      return { deliveries: Number(result.numUpdatedRows) }
    },
  }
}

function createDeliveryLoop(options: OutboxOptions): Pick<Outbox, 'start' | 'stop' | 'wake' | 'settled'> {
  const { database, clock, log, limits, napMs = SLEEP_MS_MAX } = options
  const inFlight = new Map<string, Promise<void>>()
  const resting = new Set<string>()
  const setBackMs = watchClock(clock)
  let isFirstLook = true
  const abort = new AbortController()
  let isRunning = false
  let isWanted = false
  let looking: Promise<void> | undefined
  let cancelSleep = (): void => {}

  const look = async (): Promise<void> => {
    while (isWanted && isRunning) {
      isWanted = false
      cancelSleep()
      const isSetBack = setBackMs() > 0
      if (isFirstLook || isSetBack) await setRight(database, clock.now())
      isFirstLook = false
      const heads = await findHeads(database, clock.now() + napMs)
      let sleepMs = napMs
      for (const head of heads) {
        const waitMs = head.next_at_ms - clock.now()
        if (waitMs > 0) sleepMs = Math.min(sleepMs, waitMs)
        else if (hasRoom(inFlight, head.endpoint_id, limits.deliveriesInFlight_MAX)) begin(head)
      }
      cancelSleep = clock.after(sleepMs, wake)
    }
    looking = undefined
  }
  const begin = (head: DueDelivery): void => {
    const key = `${head.endpoint_id}/${head.event_id}`
    if (inFlight.has(key) || resting.has(key)) return
    const attempt = attemptDelivery({ ...options, signal: abort.signal }, head)
      .catch((cause: unknown) => {
        log.error('webhook attempt could not be recorded', { ...head, cause })
        // The row still says that it is due; without a rest the receiver would be posted to without end.
        resting.add(key)
        clock.after(SLEEP_MS_MAX, () => {
          resting.delete(key)
          wake()
        })
      })
      .finally(() => {
        inFlight.delete(key)
        wake()
      })
    inFlight.set(key, attempt)
  }
  const wake = (): void => {
    isWanted = true
    if (isRunning) looking ??= look().catch(lookFailed)
  }
  const lookFailed = (cause: unknown): void => {
    looking = undefined
    log.error('due webhooks cannot be read', { cause })
    cancelSleep = clock.after(SLEEP_MS_MAX, wake)
  }
  return {
    async start() {
      await markHeads(database)
      isRunning = true
      wake()
    },
    async stop() {
      isRunning = false
      cancelSleep()
      abort.abort()
      await Promise.all([looking, ...inFlight.values()])
      await options.notifier.stop()
    },
    wake,
    async settled() {
      while (looking !== undefined || inFlight.size > 0) await Promise.all([looking, ...inFlight.values()])
    },
  }
}

/** What was written while the clock was ahead is due: it would wait for as long as that was. */
async function setRight(database: Kysely<HubTables>, nowMs: number): Promise<void> {
  const due = { next_at_ms: nowMs, updated_at_ms: nowMs }
  await database.updateTable('outbox_deliveries').set(due).where('state', '=', 'pending').where('updated_at_ms', '>', nowMs).execute()
}

function hasRoom(inFlight: ReadonlyMap<string, unknown>, endpointId: string, inFlight_MAX: number): boolean {
  const own = [...inFlight.keys()].filter((key) => key.startsWith(`${endpointId}/`)).length
  return inFlight.size < inFlight_MAX && own < Math.max(1, inFlight_MAX / ENDPOINT_SHARE)
}

/** Heads read at one look for each endpoint; the rest follow when these are settled. */
const HEADS_MAX = 64

/** First pending delivery of each subject, for each enabled endpoint, that is due before `untilMs`; soonest first. */
async function findHeads(database: Kysely<HubTables>, untilMs: number): Promise<ReadonlyArray<DueDelivery & { readonly next_at_ms: number }>> {
  const endpoints = await database.selectFrom('outbox_endpoints').select('endpoint_id').where('enabled', '=', 1).execute()
  const heads = []
  for (const { endpoint_id } of endpoints) {
    const found = await database
      .selectFrom('outbox_deliveries')
      .select(['endpoint_id', 'event_id', 'attempt_count', 'next_at_ms'])
      .where('is_head', '=', 1)
      .where('endpoint_id', '=', endpoint_id)
      .where('next_at_ms', '<=', untilMs)
      .orderBy('next_at_ms')
      .limit(HEADS_MAX)
      .execute()
    heads.push(...found)
  }
  return heads.sort((a, b) => a.next_at_ms - b.next_at_ms)
}

function createReports(database: Kysely<HubTables>): Pick<Outbox, 'attempts' | 'deliveries' | 'statistics'> {
  return {
    async attempts({ tenant, id, after, limit = 100 }) {
      const offset = after === undefined ? 0 : Number.parseInt(after, 10)
      if (!Number.isSafeInteger(offset) || offset < 0) throw new MendlineError('MDL_API_INVALID', 'the cursor cannot be read')
      const rows = await database
        .selectFrom('outbox_attempts')
        .selectAll()
        .where('tenant', '=', tenant)
        .where('endpoint_id', '=', id)
        .orderBy('at_ms', 'desc')
        .orderBy('event_id')
        .orderBy('attempt', 'desc')
        .offset(offset)
        .limit(limit + 1)
        .execute()
      return { items: rows.slice(0, limit), next: rows.length > limit ? String(offset + limit) : null }
    },
    deliveries: ({ tenant, id, state, limit = 100 }) =>
      database
        .selectFrom('outbox_deliveries')
        .select(['endpoint_id', 'event_id', 'tenant', 'subject', 'sequence', 'state', 'attempt_count', 'next_at_ms', 'updated_at_ms'])
        .where('tenant', '=', tenant)
        .where('endpoint_id', '=', id)
        .where('state', '=', state)
        .orderBy('updated_at_ms')
        .limit(limit)
        .execute(),
    async statistics() {
      const rows = await database
        .selectFrom('outbox_deliveries')
        .select(['state', sql<number>`count(*)`.as('count')])
        .groupBy('state')
        .execute()
      return Object.fromEntries(rows.map((row) => [row.state, Number(row.count)]))
    },
  }
}
