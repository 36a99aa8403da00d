/**
 * Takes over what a version without an emergency book left in the operational store: its emergencies, how far each one's command came, the
 * sequence of each one's events, and the deliveries of these that are still owed. What was not over then goes on here: its ladder begins at
 * once. Runs once in the life of a book, before anything leaves; a crash on the way loses nothing and repeats a delivery under its old id.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import { safeStateFor } from '#catalogue/safe-state.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { HubTables } from '../hub-tables.ts'
import { hazardOf } from './book.ts'
import { outboxOf } from './book-transaction.ts'
import type { EmergencyLink } from './due-work.ts'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'
import { findOrderLinks } from './order-links.ts'
import { NO_COMMAND_OWED } from './raise-emergency.ts'

export interface AdoptParts {
  /** The operational store of the ordinary hubs. */
  readonly ordinary: Kysely<HubTables>
  readonly book: Kysely<EmergencyTables>
  readonly catalogue: (type: string) => ApplianceType | undefined
  readonly ruleOf: (alarm: Alarm) => Rule | undefined
  readonly nowMs: number
}

/** Name in `emg_keys` of the note that it was done. */
const DONE = 'older emergencies taken over'
const BATCH = 200
const ANSWERED: ReadonlySet<string> = new Set(['accepted', 'done', 'refused', 'expired', 'cancelled'])

type Older = HubTables['hub_emergencies']

/** Gives how many emergencies were taken over; 0 when that was done before. */
export async function adoptOlder(parts: AdoptParts): Promise<number> {
  const { ordinary, book, nowMs } = parts
  const done = await book.selectFrom('emg_keys').select('name').where('name', '=', DONE).executeTakeFirst()
  if (done !== undefined) return 0
  let adopted = 0
  for (let after = ''; ; ) {
    const older = await ordinary
      .selectFrom('hub_emergencies')
      .selectAll()
      .where('emergency_id', '>', after)
      .orderBy('emergency_id')
      .limit(BATCH)
      .execute()
    if (older.length === 0) break
    adopted += await adoptSome(parts, older)
    after = older.at(-1)?.emergency_id ?? ''
  }
  await book
    .insertInto('emg_keys')
    .values({ name: DONE, secret: String(nowMs) })
    .execute()
  return adopted
}

async function adoptSome({ ordinary, book, ...parts }: AdoptParts, older: readonly Older[]): Promise<number> {
  const ids = older.map(({ emergency_id }) => emergency_id)
  const links = await findOrderLinks(ordinary, older)
  const alarms = await alarmsOf(ordinary, older)
  const rows = older.map((row) => rowOf(row, { ...parts, alarm: alarms.get(row.alarm_id), link: links.get(row.emergency_id) }))
  const subjects = await ordinary.selectFrom('outbox_subjects').selectAll().where('subject', 'in', ids).execute()
  const owed = await ordinary.selectFrom('outbox_deliveries').selectAll().where('subject', 'in', ids).where('state', '=', 'pending').execute()
  const bodies = await ordinary.selectFrom('outbox_events').selectAll().where('subject', 'in', ids).execute()
  const events = bodies.filter(({ event_id }) => owed.some((delivery) => delivery.event_id === event_id))
  await book.transaction().execute(async (transaction) => {
    const outbox = outboxOf(transaction)
    for (const row of rows) await insertOnce(transaction, 'emg_emergencies', row)
    for (const { emergency_id, tenant, created_at_ms } of rows) {
      const detail = JSON.stringify({ created_at_ms })
      await insertOnce(transaction, 'emg_steps', { emergency_id, sequence: 1, tenant, kind: 'taken_over', at_ms: parts.nowMs, detail })
    }
    // Receivers go by the sequence of a subject: it goes on where it was.
    for (const subject of subjects) await insertOnce(outbox, 'outbox_subjects', subject)
    for (const event of events) await insertOnce(outbox, 'outbox_events', event)
    for (const delivery of owed) await insertOnce(outbox, 'outbox_deliveries', delivery)
  })
  await ordinary.deleteFrom('outbox_deliveries').where('subject', 'in', ids).where('state', '=', 'pending').execute()
  return rows.length
}

async function insertOnce<Tables, Name extends keyof Tables & string>(database: Kysely<Tables>, table: Name, row: object): Promise<void> {
  await database
    .insertInto(table)
    .values(row as never)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
}

async function alarmsOf(ordinary: Kysely<HubTables>, older: readonly Older[]): Promise<ReadonlyMap<string, Alarm>> {
  const ids = older.map(({ alarm_id }) => alarm_id)
  const stored = await ordinary.selectFrom('hub_alarms').select(['alarm_id', 'body', 'cleared_at_ms']).where('alarm_id', 'in', ids).execute()
  return new Map(
    stored
      .filter(({ body }) => body !== '')
      .map(({ alarm_id, body, cleared_at_ms }) => [alarm_id, { ...(JSON.parse(body) as Alarm), cleared_at_ms }]),
  )
}

type Known = Pick<AdoptParts, 'catalogue' | 'ruleOf' | 'nowMs'> & { readonly alarm: Alarm | undefined; readonly link: EmergencyLink | undefined }

function rowOf(older: Older, { catalogue, ruleOf, nowMs, alarm, link }: Known): EmergencyBookRow {
  const { emergency_id, tenant, device, type, alarm_id, safety_class, title, advice, raised_at_ms, created_at_ms } = older
  const rule = alarm === undefined ? undefined : ruleOf(alarm)
  // That version ended a danger with its order; one whose condition still stood when its order was cancelled is taken up again.
  const isDropped = link?.isDropped === true && (alarm?.cleared_at_ms ?? null) !== null
  const state = older.state === 'past' ? 'past' : link?.isSettled === true || isDropped ? 'resolved' : 'raised'
  const resolution = isDropped ? 'its work order was cancelled and the condition had ceased' : 'its work order is done'
  const over = state === 'resolved' ? { resolved_at_ms: nowMs, resolved_by: 'mendline', resolution } : NOT_OVER
  return {
    ...{ emergency_id, tenant, device, type, alarm_id, safety_class, fault: alarm?.fault ?? null },
    ...{ hazard: alarm === undefined ? null : hazardOf(catalogue(type), alarm), joined_to: null, household: null },
    ...{ title_en: rule?.title.en ?? title, title_zh: rule?.title['zh-CN'] ?? title },
    ...{ advice_en: rule?.advice.en ?? advice, advice_zh: rule?.advice['zh-CN'] ?? advice },
    // The household was advised then, and had nothing to say that it read it.
    ...{ state, is_drill: 0, tells_household: 0, read_at_ms: null, unread_at_ms: null, command_withdraw_at_ms: null },
    ...{ raised_at_ms, received_at_ms: alarm?.received_at_ms ?? created_at_ms, created_at_ms, cleared_at_ms: alarm?.cleared_at_ms ?? null },
    ...{ step: 0, next_step_at_ms: state === 'raised' ? nowMs : null, owner: null, acknowledged_at_ms: null, acknowledged_by: null },
    ...over,
    ...commandOf(older, { state, nowMs, actions: safeStateFor(catalogue(type), alarm ?? { fault: null, rule: '' }).actions }),
    ...{ work_order_id: link?.work_order_id ?? older.work_order_id, case_id: link?.case_id ?? null, alarm: JSON.stringify(alarm ?? null) },
  }
}

const NOT_OVER = { resolved_at_ms: null, resolved_by: null, resolution: null }

type CommandColumns = Pick<
  EmergencyBookRow,
  | 'actions'
  | 'command_state'
  | 'command_state_at_ms'
  | 'command_published_at_ms'
  | 'command_attempts'
  | 'command_round'
  | 'command_next_at_ms'
  | 'command_overdue_at_ms'
>

/** A command that the device never answered is sent on under the same id, or said to have ended when its life is over. */
function commandOf(older: Older, { state, nowMs, actions }: { state: string; nowMs: number; actions: readonly string[] }): CommandColumns {
  const { command_sent_at_ms, command_state, command_state_at_ms } = older
  const rest = { command_attempts: 0, command_round: 0, command_overdue_at_ms: null }
  if (command_sent_at_ms === NO_COMMAND_OWED) {
    return { actions: null, command_state: null, command_state_at_ms: null, command_published_at_ms: null, command_next_at_ms: null, ...rest }
  }
  const reached = command_state === null ? 'queued' : command_state === 'overdue' ? 'sent' : command_state
  const isOwed = state === 'raised' && !ANSWERED.has(reached)
  return {
    ...{ actions: JSON.stringify(actions), command_state: reached, command_state_at_ms: command_state_at_ms ?? older.created_at_ms },
    ...{ command_published_at_ms: command_sent_at_ms, command_next_at_ms: isOwed ? nowMs : null, ...rest },
  }
}
