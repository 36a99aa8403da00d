/** What the steps of one transaction of the emergency book share, the history that each step is written into, and its way into the outbox. */
import type { Kysely } from 'kysely'
import type { EpochMs } from '#kernel/clock.ts'
import type { DutyPerson, DutyRoster } from '#kernel/duty-roster.ts'
import type { HubTables } from '../hub-tables.ts'
import { type CloudEvent, enqueueEvent } from '../outbox-events.ts'
import type { EmergencyBookRow, EmergencyTables } from './emergency-tables.ts'
import type { Place } from './emergency-texts.ts'
import type { SignedLinks } from './signed-links.ts'

export interface BookSettings {
  readonly links: SignedLinks
  /** Address under which people reach the API, e.g. `https://mendline.example.com`; undefined = links are not sent. */
  readonly publicUrl: string | undefined
  /** Language of `text` and `advice` in events; both languages stand beside. */
  readonly locale: 'en' | 'zh-CN'
  /** Who is called where a roster has nobody. */
  readonly fallback: readonly DutyPerson[]
  readonly placeOf: (tenant: string, device: string) => Place
}

export interface BookTransaction extends BookSettings {
  readonly database: Kysely<EmergencyTables>
  readonly nowMs: EpochMs
  readonly emitted: CloudEvent[]
}

/** Where the danger is: what the registry knows of the unit, and the household that a person named where it knows none. */
export function placeOfRow({ placeOf }: Pick<BookSettings, 'placeOf'>, row: Pick<EmergencyBookRow, 'tenant' | 'device' | 'household'>): Place {
  const place = placeOf(row.tenant, row.device)
  const household = place.household ?? row.household
  return household === null ? place : { ...place, household }
}

/** The book's outbox has the tables of every outbox. */
export const outboxOf = (database: Kysely<EmergencyTables>): Kysely<HubTables> => database as unknown as Kysely<HubTables>

/** Adds a step to the history of an emergency. */
export async function noteStep(
  book: BookTransaction,
  row: Pick<EmergencyBookRow, 'emergency_id' | 'tenant'>,
  kind: string,
  detail: object,
): Promise<void> {
  const { emergency_id, tenant } = row
  const { last } = await book.database
    .selectFrom('emg_steps')
    .select((select) => select.fn.max('sequence').as('last'))
    .where('emergency_id', '=', emergency_id)
    .executeTakeFirstOrThrow()
  const step = { emergency_id, sequence: Number(last ?? 0) + 1, tenant, kind, at_ms: book.nowMs, detail: JSON.stringify(detail) }
  await book.database.insertInto('emg_steps').values(step).execute()
}

/** Enqueues an event of an emergency with what every one of them says. */
export async function tell(book: BookTransaction, row: EmergencyBookRow, name: string, data: Readonly<Record<string, unknown>>): Promise<void> {
  const { emergency_id, tenant, device, alarm_id, work_order_id, case_id, safety_class } = row
  const ids = { emergency_id, alarm_id, device, type: row.type, safety_class, work_order_id, case_id, is_drill: row.is_drill === 1 }
  const title = book.locale === 'en' ? row.title_en : row.title_zh
  const event = { tenant, device, subject: emergency_id, type: `mendline.${name}.v1`, atMs: book.nowMs, data: { ...ids, title, ...data } }
  book.emitted.push(await enqueueEvent(outboxOf(book.database), event, book.nowMs))
}

export async function findRoster(database: Kysely<EmergencyTables>, tenant: string): Promise<DutyRoster | undefined> {
  const found = await database.selectFrom('emg_rosters').select('roster').where('tenant', '=', tenant).executeTakeFirst()
  return found === undefined ? undefined : (JSON.parse(found.roster) as DutyRoster)
}

export const findRow = (database: Kysely<EmergencyTables>, tenant: string, id: string): Promise<EmergencyBookRow | undefined> =>
  database.selectFrom('emg_emergencies').selectAll().where('tenant', '=', tenant).where('emergency_id', '=', id).executeTakeFirst()

/** Changes a row and gives it as it is now. */
export async function changeRow(book: BookTransaction, row: EmergencyBookRow, change: Partial<EmergencyBookRow>): Promise<EmergencyBookRow> {
  await book.database.updateTable('emg_emergencies').set(change).where('emergency_id', '=', row.emergency_id).execute()
  return { ...row, ...change }
}

/** The emergency that people know a row by: the one that it joined, else itself. */
export async function leadOf({ database }: Pick<BookTransaction, 'database'>, row: EmergencyBookRow): Promise<EmergencyBookRow> {
  if (row.joined_to === null) return row
  return (await findRow(database, row.tenant, row.joined_to)) ?? row
}

/** Rows that joined an emergency and are open with it. */
export const joinedTo = ({ database }: Pick<BookTransaction, 'database'>, { tenant, emergency_id }: EmergencyBookRow): Promise<EmergencyBookRow[]> =>
  database
    .selectFrom('emg_emergencies')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('joined_to', '=', emergency_id)
    .where('state', '=', 'joined')
    .execute()
