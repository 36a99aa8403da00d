/**
 * One danger that is told twice, by a person and a sensor or by two of either, is one emergency with one ladder: while the first is open, a
 * second of the same hazard on the same unit or in the same household joins it. What joins keeps a row of its own for its safe-state command
 * and its condition, is listed nowhere, and is a step in the history of the first, whose people are called anew where what was taken on is not what is there now.
 */
import { HAZARDS } from '#catalogue/hazards.ts'
import { type BookTransaction, changeRow, findRow, joinedTo, leadOf, noteStep, placeOfRow, tell } from './book-transaction.ts'
import { NOBODYS, takeRung } from './climb.ts'
import type { EmergencyBookRow } from './emergency-tables.ts'

/** What joined is looked at so often; whatever ends the first ends it, too, in the same transaction. */
const LOOK_MS = 30 * 60_000
/** A sensor that flickers calls nobody who took it on just now (chosen). */
const AGAIN_MS = 5 * 60_000
const OPEN = ['raised', 'acknowledged'] as const

/** The open emergency that a danger is the same as; undefined for none. */
export async function findLead(book: BookTransaction, row: EmergencyBookRow): Promise<EmergencyBookRow | undefined> {
  const { tenant, device, hazard, fault, emergency_id } = row
  const open = await book.database
    .selectFrom('emg_emergencies')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('next_step_at_ms', 'is not', null)
    .where('state', 'in', OPEN)
    .where('is_drill', '=', 0)
    .where('emergency_id', '<>', emergency_id)
    .where((is) => is.or([is('hazard', '=', hazard), is.and([is('hazard', 'is', null), is('fault', '=', fault), is('device', '=', device)])]))
    .orderBy('created_at_ms')
    .execute()
  const ofUnit = open.find((other) => other.device === device)
  // A hazard that nobody described is the unit's own.
  if (ofUnit !== undefined || !HAZARDS.some((known) => known === hazard)) return ofUnit
  const { household } = placeOfRow(book, row)
  return household === undefined || household === null ? undefined : open.find((other) => placeOfRow(book, other).household === household)
}

/** The row of a danger that joins another. The appliance that was told the same already is sent what its alarm's command says, and waited for once. */
export function joinedRow(book: BookTransaction, row: EmergencyBookRow, lead: EmergencyBookRow): EmergencyBookRow {
  const joined = { ...row, state: 'joined', joined_to: lead.emergency_id, next_step_at_ms: book.nowMs + LOOK_MS, unread_at_ms: null }
  if (lead.device !== row.device || lead.actions !== row.actions) return joined
  // A report of a person has no command that the twin would keep; the one of the first is on its way.
  const isReport = row.alarm === 'null'
  const none = { actions: null, command_state: null, command_state_at_ms: null, command_next_at_ms: null }
  return { ...joined, command_overdue_at_ms: null, ...(isReport ? none : {}) }
}

/**
 * Joins another unit of the home to the emergency that was told, so that it is commanded; gives the row when its command must leave. It is no sign of
 * its own, so nobody is called for it. What is over, or has commanded that unit the same already, commands nothing.
 */
export async function commandAround(book: BookTransaction, row: EmergencyBookRow, toldAs: string): Promise<EmergencyBookRow | undefined> {
  const told = await findRow(book.database, row.tenant, toldAs)
  const lead = told === undefined ? undefined : await leadOf(book, told)
  if (lead === undefined || !OPEN.some((state) => state === lead.state)) return undefined
  const rows = [lead, ...(await joinedTo(book, lead))]
  const isCommanded = rows.some((other) => other.device === row.device && other.actions === row.actions && other.command_state !== 'expired')
  if (isCommanded) return undefined
  const joined = { ...row, state: 'joined', joined_to: lead.emergency_id, next_step_at_ms: book.nowMs + LOOK_MS, unread_at_ms: null }
  const result = await book.database
    .insertInto('emg_emergencies')
    .values(joined)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows === 0n) return undefined
  await noteBoth(book, joined, lead)
  return joined
}

/** Notes in both histories that a danger joined another, which becomes as grave as it. */
export async function noteJoined(book: BookTransaction, row: EmergencyBookRow, lead: EmergencyBookRow): Promise<void> {
  await noteBoth(book, row, lead)
  const { work_order_id, case_id, safety_class } = row
  const linked = lead.work_order_id === null && work_order_id !== null ? await changeRow(book, lead, { work_order_id, case_id }) : lead
  if (safety_class < linked.safety_class) return makeGraver(book, linked, safety_class)
  if (linked.state === 'acknowledged') await tellOwner(book, linked, row)
}

async function noteBoth(book: BookTransaction, row: EmergencyBookRow, lead: EmergencyBookRow): Promise<void> {
  const { emergency_id, alarm_id, device, fault, safety_class, title_en, raised_at_ms } = row
  const by = row.alarm === 'null' ? 'report' : 'sensor'
  await noteStep(book, row, 'joined', { to: lead.emergency_id })
  const told = { by, alarm_id, device, fault, safety_class, title: title_en, raised_at_ms, joined: emergency_id }
  await noteStep(book, lead, 'told_again', told)
}

/**
 * Somebody takes care of it already; the dispatch system is told. Where it is another unit of the home, or had ceased and is back, people are called anew:
 * what was taken on is not what is there now.
 */
async function tellOwner(book: BookTransaction, lead: EmergencyBookRow, row: EmergencyBookRow): Promise<void> {
  const sensors = [lead, ...(await joinedTo(book, lead))].filter((own) => own.alarm !== 'null' && own.emergency_id !== row.emergency_id)
  const hadCeased = sensors.length > 0 && sensors.every(({ cleared_at_ms }) => cleared_at_ms !== null)
  const isBack = hadCeased && book.nowMs - (lead.acknowledged_at_ms ?? 0) >= AGAIN_MS
  if (row.device !== lead.device || isBack) return void (await takeRung(book, await changeRow(book, lead, NOBODYS), 'told_again'))
  const { owner, next_step_at_ms: acknowledge_by_ms } = lead
  await tell(book, lead, 'emergency.escalated', { reason: 'told_again', owner, notified: [], acknowledge_by_ms })
}

/** The ladder of an open emergency begins anew when it is graver than it was. */
export async function makeGraver(book: BookTransaction, row: EmergencyBookRow, safetyClass: string): Promise<void> {
  if (safetyClass >= row.safety_class) return
  await takeRung(book, await changeRow(book, row, { safety_class: safetyClass, ...NOBODYS }), 'graver_class')
}

/** What joined graver than before makes its emergency graver. */
export async function raiseJoined(book: BookTransaction, row: EmergencyBookRow, safetyClass: string): Promise<void> {
  await changeRow(book, row, { safety_class: safetyClass })
  const lead = await findRow(book.database, row.tenant, row.joined_to ?? '')
  if (lead !== undefined) await makeGraver(book, lead, safetyClass)
}

/** Looks again later: what joined waits for the end of its emergency. */
export const waitOn = (book: BookTransaction, row: EmergencyBookRow): Promise<unknown> =>
  changeRow(book, row, { next_step_at_ms: book.nowMs + LOOK_MS })
