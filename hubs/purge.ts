/**
 * Drops what the hubs keep by age: events that were applied, diagnoses and cleared alarms that no order, label or emergency names, webhooks
 * that are settled with their attempts, contacts, codes of stickers and care that was done. Orders, cases and labels stay, and whatever they name stays with them. It works in small batches,
 * some seconds after the start and then each hour; what was dropped is logged and counted.
 */
import { type Kysely, sql } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import type { Log } from '#kernel/log.ts'
import type { HubTables } from './hub-tables.ts'

export interface PurgeRetention {
  readonly hub_events_days: number
  readonly webhook_attempts_days: number
  readonly contacts_days: number
  readonly care_days: number
  readonly intake_codes_days: number
}

export interface Purge {
  start(): void
  /** Ends behind the batch in hand; idempotent. */
  stop(): Promise<void>
  /** Drops what is too old now. Rows by table. */
  run(): Promise<Readonly<Record<string, number>>>
  /** Rows dropped by table since the start. */
  statistics(): Readonly<Record<string, number>>
}

const DAY_MS = 86_400_000
const FIRST_MS = 30_000
const EVERY_MS = 3_600_000
/** Rows that go in one statement, so that no transaction of the hubs waits long. */
const BATCH_ROWS = 1_000

interface Rule {
  readonly table: string
  readonly days: keyof PurgeRetention
  /** Rows that may go, with `before` for the time. */
  readonly where: (beforeMs: number) => ReturnType<typeof sql>
}

/** In this order: an event goes when none of its deliveries is left. */
const RULES: readonly Rule[] = [
  { table: 'hub_applied_events', days: 'hub_events_days', where: (before) => sql`applied_at_ms < ${before}` },
  { table: 'hub_events_set_aside', days: 'hub_events_days', where: (before) => sql`at_ms < ${before}` },
  { table: 'hub_idempotency', days: 'hub_events_days', where: (before) => sql`at_ms < ${before}` },
  {
    table: 'hub_diagnoses',
    days: 'hub_events_days',
    where: (before) => sql`made_at_ms < ${before}
      AND NOT EXISTS (SELECT 1 FROM hub_work_orders AS o WHERE o.diagnosis_id = hub_diagnoses.diagnosis_id)
      AND NOT EXISTS (SELECT 1 FROM hub_labels AS l WHERE l.diagnosis_id = hub_diagnoses.diagnosis_id)
      AND NOT EXISTS (SELECT 1 FROM hub_device_answers AS a WHERE a.diagnosis_id = hub_diagnoses.diagnosis_id)`,
  },
  {
    table: 'hub_alarms',
    days: 'hub_events_days',
    where: (before) => sql`cleared_at_ms IS NOT NULL AND cleared_at_ms < ${before}
      AND NOT EXISTS (SELECT 1 FROM hub_work_orders AS o WHERE o.alarm_id = hub_alarms.alarm_id)
      AND NOT EXISTS (SELECT 1 FROM hub_emergencies AS e WHERE e.alarm_id = hub_alarms.alarm_id)`,
  },
  // Behind the alarms: what was made of one goes when it has gone.
  {
    table: 'hub_grouped_alarms',
    days: 'hub_events_days',
    where: (before) => sql`bucket_ms < ${before} AND NOT EXISTS (SELECT 1 FROM hub_alarms AS a WHERE a.alarm_id = hub_grouped_alarms.alarm_id)`,
  },
  {
    table: 'hub_alarm_groups',
    days: 'hub_events_days',
    where: (before) => sql`bucket_ms < ${before} AND NOT EXISTS (SELECT 1 FROM hub_grouped_alarms AS g WHERE g.tenant = hub_alarm_groups.tenant
      AND g.cause = hub_alarm_groups.cause AND g.bucket_ms = hub_alarm_groups.bucket_ms)`,
  },
  {
    table: 'hub_alarm_handling',
    days: 'hub_events_days',
    where: (before) => sql`updated_at_ms < ${before} AND COALESCE(snoozed_until_ms, 0) < ${before}
      AND NOT EXISTS (SELECT 1 FROM hub_alarms AS a WHERE a.alarm_id = hub_alarm_handling.alarm_id)`,
  },
  { table: 'hub_maintenance_windows', days: 'hub_events_days', where: (before) => sql`to_ms < ${before}` },
  {
    table: 'hub_repair_windows',
    days: 'hub_events_days',
    where: (before) => sql`window_to_ms < ${before} AND NOT EXISTS (SELECT 1 FROM hub_verifications AS v
      WHERE v.verification_id = hub_repair_windows.verification_id AND v.state = 'watching')`,
  },
  {
    table: 'hub_remote_windows',
    days: 'hub_events_days',
    where: (before) => sql`window_to_ms < ${before} AND NOT EXISTS (SELECT 1 FROM hub_remote_offers AS o
      WHERE o.offer_id = hub_remote_windows.offer_id AND o.state = 'measuring')`,
  },
  { table: 'hub_customer_tags', days: 'hub_events_days', where: (before) => sql`expires_at_ms < ${before}` },
  { table: 'hub_tag_uses', days: 'hub_events_days', where: (before) => sql`at_ms < ${before}` },
  { table: 'hub_demand_consents', days: 'hub_events_days', where: (before) => sql`expires_at_ms < ${before}` },
  { table: 'hub_demand_signals', days: 'hub_events_days', where: (before) => sql`expires_at_ms < ${before}` },
  // Behind the signals: the log of one goes with it.
  {
    table: 'hub_demand_log',
    days: 'hub_events_days',
    where: (before) => sql`at_ms < ${before} AND NOT EXISTS (SELECT 1 FROM hub_demand_signals AS s WHERE s.tenant = hub_demand_log.tenant
      AND s.household = hub_demand_log.household AND s.kind = hub_demand_log.kind)`,
  },
  {
    table: 'hub_contacts',
    days: 'contacts_days',
    where: (before) => sql`updated_at_ms < ${before} AND NOT EXISTS (SELECT 1 FROM hub_cases AS c
      WHERE c.case_id = hub_contacts.case_id AND c.state = 'open')`,
  },
  // The answer of a household that holds stays, however old: it is the consent.
  {
    table: 'hub_care_choices',
    days: 'contacts_days',
    where: (before) => sql`set_at_ms < ${before} AND EXISTS (SELECT 1 FROM hub_care_choices AS newer WHERE newer.tenant = hub_care_choices.tenant
      AND newer.household = hub_care_choices.household AND newer.kind = hub_care_choices.kind AND newer.set_at_ms > hub_care_choices.set_at_ms)`,
  },
  { table: 'hub_care_done', days: 'care_days', where: (before) => sql`recorded_at_ms < ${before}` },
  { table: 'hub_intake_codes', days: 'intake_codes_days', where: (before) => sql`created_at_ms < ${before}` },
  // What a disabled endpoint is owed waits for it as long as attempts are kept: nobody may ever enable it.
  {
    table: 'outbox_deliveries',
    days: 'webhook_attempts_days',
    where: (before) => sql`updated_at_ms < ${before} AND (state <> 'pending' OR EXISTS (SELECT 1 FROM outbox_endpoints AS e
      WHERE e.endpoint_id = outbox_deliveries.endpoint_id AND e.enabled = 0))`,
  },
  {
    table: 'outbox_attempts',
    days: 'webhook_attempts_days',
    where: (before) => sql`at_ms < ${before} AND NOT EXISTS (SELECT 1 FROM outbox_deliveries AS d
      WHERE d.endpoint_id = outbox_attempts.endpoint_id AND d.event_id = outbox_attempts.event_id)`,
  },
  {
    table: 'outbox_events',
    days: 'webhook_attempts_days',
    where: (before) => sql`at_ms < ${before} AND NOT EXISTS (SELECT 1 FROM outbox_deliveries AS d WHERE d.event_id = outbox_events.event_id)`,
  },
]

/** Key columns of a table, by which a batch is picked. */
const KEYS: Readonly<Record<string, readonly string[]>> = {
  hub_applied_events: ['event_key'],
  hub_events_set_aside: ['event_key'],
  hub_idempotency: ['tenant', 'idempotency_key'],
  hub_diagnoses: ['diagnosis_id'],
  hub_alarms: ['alarm_id'],
  hub_grouped_alarms: ['alarm_id'],
  hub_alarm_groups: ['group_id'],
  hub_alarm_handling: ['alarm_id'],
  hub_maintenance_windows: ['window_id'],
  hub_remote_windows: ['offer_id', 'window_to_ms'],
  hub_repair_windows: ['verification_id', 'window_to_ms'],
  hub_customer_tags: ['tenant', 'household', 'tag'],
  hub_tag_uses: ['tenant', 'household', 'tag', 'work_order_id', 'used_for'],
  hub_demand_consents: ['tenant', 'household'],
  hub_demand_signals: ['tenant', 'household', 'kind'],
  hub_demand_log: ['tenant', 'household', 'kind', 'what', 'actor'],
  hub_contacts: ['contact_id'],
  hub_care_choices: ['tenant', 'household', 'kind', 'set_at_ms'],
  hub_care_done: ['care_id', 'done_at_ms'],
  hub_intake_codes: ['token_hash'],
  outbox_deliveries: ['endpoint_id', 'event_id'],
  outbox_attempts: ['endpoint_id', 'event_id', 'attempt'],
  outbox_events: ['event_id'],
}

export function createPurge(parts: {
  readonly database: Kysely<HubTables>
  readonly retention: PurgeRetention
  readonly clock: Clock
  readonly log: Log
  /** `outbox` = the book of emergencies, which has no other tables of these; it keeps all but what was delivered. */
  readonly of?: 'hubs' | 'outbox'
}): Purge {
  const { database, retention, clock, log, of = 'hubs' } = parts
  const rules = of === 'hubs' ? RULES : RULES.filter(({ table }) => table.startsWith('outbox_'))
  const counts: Record<string, number> = Object.fromEntries(rules.map(({ table }) => [table, 0]))
  let cancel: () => void = () => {}
  let isStopped = false
  let running: Promise<unknown> = Promise.resolve()

  const dropBatch = async ({ table, where }: Rule, beforeMs: number): Promise<number> => {
    const keys = sql.join((KEYS[table] ?? []).map((key) => sql.ref(key)))
    const picked = sql`SELECT ${keys} FROM ${sql.table(table)} WHERE ${where(beforeMs)} LIMIT ${sql.lit(BATCH_ROWS)}`
    const answer = await sql`DELETE FROM ${sql.table(table)} WHERE (${keys}) IN (${picked})`.execute(database)
    return Number(answer.numAffectedRows ?? 0)
  }
  const run = async (): Promise<Record<string, number>> => {
    const dropped: Record<string, number> = {}
    for (const rule of rules) {
      const beforeMs = clock.now() - retention[rule.days] * DAY_MS
      for (let rows = BATCH_ROWS; rows === BATCH_ROWS && !isStopped; ) {
        rows = await dropBatch(rule, beforeMs)
        if (rows > 0) dropped[rule.table] = (dropped[rule.table] ?? 0) + rows
        counts[rule.table] = (counts[rule.table] ?? 0) + rows
      }
    }
    if (Object.keys(dropped).length > 0) log.info('records older than they are kept were dropped', dropped)
    return dropped
  }
  const later = (pauseMs: number): void => {
    cancel = clock.after(pauseMs, () => {
      running = run()
        .catch((error: unknown) => log.error('records could not be dropped by age', { cause: String(error) }))
        .finally(() => isStopped || later(EVERY_MS))
    })
  }

  return {
    start: () => later(FIRST_MS),
    async stop() {
      isStopped = true
      cancel()
      await running
    },
    run,
    statistics: () => ({ ...counts }),
  }
}
