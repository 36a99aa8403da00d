/** Reads the emergency book for the API and the metrics: lists newest first by a keyset cursor, one emergency with its history, and counts. */
import { type Kysely, sql } from 'kysely'
import { MendlineError } from '#kernel/errors.ts'
import type { Page } from '../lists.ts'
import { findRow, leadOf } from './book-transaction.ts'
import { commandIdOf } from './command-ids.ts'
import type { EmergencyBookRow, EmergencyTables, StepRow } from './emergency-tables.ts'

/** What the book keeps for itself: whose it is, and where ladder and command stand. */
type Kept =
  | 'joined_to'
  | 'tenant'
  | 'household'
  | 'alarm'
  | 'step'
  | 'command_round'
  | 'command_attempts'
  | 'command_published_at_ms'
  | 'unread_at_ms'

/** An emergency as the API gives it. */
export type Emergency = Omit<EmergencyBookRow, Kept | 'is_drill' | 'tells_household' | 'actions'> & {
  readonly title: string
  readonly advice: string
  readonly is_drill: boolean
  readonly tells_household: boolean
  readonly actions: readonly string[] | null
  /** When the safe-state command first left; null = not yet, -1 = none is owed. */
  readonly command_sent_at_ms: number | null
  readonly command_id: string | null
}

export interface EmergencyStep {
  readonly sequence: number
  readonly kind: string
  readonly at_ms: number
  /** Since the emergency was first written. */
  readonly after_ms: number
  readonly detail: unknown
}

export interface EmergencyQuery {
  readonly tenant: string
  readonly device?: string | undefined
  readonly state?: string | undefined
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

export interface EmergencyLists {
  list(query: EmergencyQuery): Promise<Page<Emergency>>
  get(tenant: string, id: string): Promise<Emergency | undefined>
  /** Each step with its time, oldest first; deliveries of webhooks are among them. */
  steps(tenant: string, id: string): Promise<readonly EmergencyStep[]>
  statistics(): Promise<Readonly<Record<string, number>>>
}

/** Marks an emergency for which no command is owed. */
const NO_COMMAND_OWED = -1
/** Longest time in which an emergency has to have an owner and a countdown. */
const UNOWNED_AFTER_MS = 60_000

export function createEmergencyLists({
  database,
  nowMs,
  locale,
}: {
  database: Kysely<EmergencyTables>
  nowMs: () => number
  locale: 'en' | 'zh-CN'
}): EmergencyLists {
  const toEmergency = (row: EmergencyBookRow): Emergency => {
    const { tenant: _tenant, alarm: _alarm, household: _household, step: _step, command_round: _round, command_attempts: _attempts, ...told } = row
    const { command_published_at_ms, unread_at_ms: _unread, joined_to: _joined, ...shown } = told
    const actions = row.actions === null ? null : (JSON.parse(row.actions) as string[])
    return {
      ...shown,
      ...{ title: locale === 'en' ? row.title_en : row.title_zh, advice: locale === 'en' ? row.advice_en : row.advice_zh },
      ...{ is_drill: row.is_drill === 1, tells_household: row.tells_household === 1, actions },
      command_sent_at_ms: actions === null ? NO_COMMAND_OWED : command_published_at_ms,
      command_id: actions === null ? null : commandIdOf(row),
    }
  }
  // What joined an emergency is known by it.
  const find = async (tenant: string, id: string): Promise<EmergencyBookRow | undefined> => {
    const row = await findRow(database, tenant, id)
    return row === undefined ? undefined : leadOf({ database }, row)
  }
  return {
    async list({ tenant, device, state, after, limit = 100 }) {
      let select = database.selectFrom('emg_emergencies').selectAll().where('tenant', '=', tenant).where('joined_to', 'is', null)
      if (device !== undefined) select = select.where('device', '=', device)
      if (state !== undefined) select = select.where('state', '=', state)
      if (after !== undefined) {
        const [, atMs, id = ''] = /^(\d{1,15}) (.+)$/.exec(after) ?? []
        if (atMs === undefined) throw new MendlineError('MDL_API_INVALID', 'the cursor cannot be read')
        select = select.where(sql<boolean>`(created_at_ms, emergency_id) < (${Number(atMs)}, ${id})`)
      }
      const rows = await select
        .orderBy('created_at_ms', 'desc')
        .orderBy('emergency_id', 'desc')
        .limit(limit + 1)
        .execute()
      const shown = rows.slice(0, limit)
      const last = rows.length > limit ? shown.at(-1) : undefined
      return { items: shown.map(toEmergency), next: last === undefined ? null : `${last.created_at_ms} ${last.emergency_id}` }
    },
    async get(tenant, id) {
      const row = await find(tenant, id)
      return row === undefined ? undefined : toEmergency(row)
    },
    async steps(tenant, id) {
      const row = await find(tenant, id)
      if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such emergency')
      const steps = await stepsOf(database, row)
      const deliveries = await deliveriesOf(database, row)
      // One that came back graver was written anew; its history goes back to the first time.
      const writtenMs = Math.min(row.created_at_ms, ...steps.map(({ at_ms }) => at_ms))
      return [
        ...steps.map(({ emergency_id, sequence, kind, at_ms, detail }) => {
          const joined = emergency_id === row.emergency_id ? {} : { joined: emergency_id }
          return { sequence, kind, at_ms, detail: { ...(JSON.parse(detail) as object), ...joined } }
        }),
        ...deliveries.map((delivery) => ({ sequence: 0, ...delivery })),
      ]
        .sort((a, b) => a.at_ms - b.at_ms || a.sequence - b.sequence)
        .map((step, index) => ({ ...step, sequence: index + 1, after_ms: step.at_ms - writtenMs }))
    },
    statistics: () => count(database, nowMs()),
  }
}

/** Steps of an emergency and of what joined it, each by its own order. */
function stepsOf(database: Kysely<EmergencyTables>, { emergency_id }: EmergencyBookRow): Promise<StepRow[]> {
  const joined = database.selectFrom('emg_emergencies').select('emergency_id').where('joined_to', '=', emergency_id)
  return database
    .selectFrom('emg_steps')
    .selectAll()
    .where((is) => is.or([is('emergency_id', '=', emergency_id), is('emergency_id', 'in', joined)]))
    .where('kind', '<>', 'joined')
    .orderBy('at_ms')
    .orderBy('sequence')
    .execute()
}

async function deliveriesOf(
  database: Kysely<EmergencyTables>,
  row: EmergencyBookRow,
): Promise<Array<{ kind: string; at_ms: number; detail: object }>> {
  const attempts = await database
    .selectFrom('outbox_attempts as attempt')
    .innerJoin('outbox_events as event', 'event.event_id', 'attempt.event_id')
    .select(['attempt.endpoint_id', 'attempt.attempt', 'attempt.at_ms', 'attempt.duration_ms', 'attempt.status', 'attempt.error', 'event.type'])
    .where('event.tenant', '=', row.tenant)
    .where('event.subject', '=', row.emergency_id)
    .execute()
  return attempts.map(({ at_ms, duration_ms, ...detail }) => ({ kind: 'webhook', at_ms: at_ms + duration_ms, detail: { ...detail, duration_ms } }))
}

async function count(database: Kysely<EmergencyTables>, nowMs: number): Promise<Record<string, number>> {
  const emergencies = await database
    .selectFrom('emg_emergencies')
    .select([
      sql<number>`coalesce(sum(joined_to IS NULL), 0)`.as('total'),
      sql<number>`coalesce(sum(state = 'raised'), 0)`.as('raised'),
      sql<number>`coalesce(sum(state = 'acknowledged'), 0)`.as('acknowledged'),
      // What was written in the future has no countdown that anybody can trust.
      sql<number>`coalesce(sum(state = 'raised' AND (created_at_ms > ${nowMs} OR (created_at_ms <= ${nowMs - UNOWNED_AFTER_MS}
        AND (owner IS NULL OR next_step_at_ms < ${nowMs - UNOWNED_AFTER_MS})))), 0)`.as('unowned'),
      sql<number>`coalesce(sum(command_overdue_at_ms IS NULL AND actions IS NOT NULL AND state <> 'resolved'
        AND command_state IN ('queued', 'sent', 'delivered')), 0)`.as('commands_unanswered'),
      sql<number | null>`min(CASE WHEN state = 'raised' THEN created_at_ms END)`.as('oldest'),
    ])
    .executeTakeFirstOrThrow()
  const { notices } = await database
    .selectFrom('emg_notices')
    .select(sql<number>`count(*)`.as('notices'))
    .where('state', '=', 'pending')
    .executeTakeFirstOrThrow()
  const { oldest, ...counted } = emergencies
  const numbers = Object.fromEntries(Object.entries(counted).map(([name, value]) => [name, Number(value)]))
  return { ...numbers, calls_pending: Number(notices), oldest_raised_age_ms: oldest === null ? 0 : nowMs - Number(oldest) }
}
