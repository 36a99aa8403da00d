/**
 * What is written of a danger: the emergency itself with its first rung, how far its safe-state command came, whether the household read
 * the advice, and that the condition ceased. Ids are made of the alarm's, so that a replay of the journal finds everything done.
 */
import type { ApplianceType, Rule, Text } from '#catalogue/appliance-type.ts'
import { safeStateFor } from '#catalogue/safe-state.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { CommandNote } from '#kernel/command.ts'
import { contentId } from '#kernel/ids.ts'
import { isPastDanger } from '../quiet-alarms.ts'
import { type BookTransaction, changeRow, findRow, leadOf, noteStep, placeOfRow, tell } from './book-transaction.ts'
import { takeRung } from './climb.ts'
import { commandIdOf, emergencyOfCommand } from './command-ids.ts'
import type { EmergencyBookRow } from './emergency-tables.ts'
import { commandAround, findLead, joinedRow, makeGraver, noteJoined, raiseJoined } from './told-again.ts'

/** Time a device has to acknowledge; then people must know that it has not (two sendings and a margin; chosen). */
export const ACKNOWLEDGE_MS = 30_000
/** Whoever writes a danger publishes its command at once; the loop sees to it only when that broke off. */
const CLAIM_MS = 1_000
/** Life of the command: a device that comes back within it is still told. */
export const COMMAND_LIFE_MS = 24 * 3_600_000
/** Time in which the household is expected to say that it read the advice (chosen). */
const READ_WITHIN_MS = { E0: 60_000, E1: 300_000 } as const

export interface Danger {
  readonly emergencyId: string
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly alarmId: string
  readonly safetyClass: 'E0' | 'E1'
  readonly fault: string | null
  /** Of the catalogue, or `fault:` or `rule:` with its id. */
  readonly hazard: string
  readonly title: Text
  readonly advice: Text
  readonly raisedAtMs: number
  readonly receivedAtMs: number
  /** Learned of too late to warn: the record only. */
  readonly isPast: boolean
  readonly isDrill: boolean
  readonly tellsHousehold: boolean
  /** Of the safe-state command; undefined = the appliance is told nothing. */
  readonly actions: readonly string[] | undefined
  readonly alarm: Alarm | undefined
  /** Order and case, where they are known before. */
  readonly workOrderId?: string | null
  readonly caseId?: string | null
  /** Household that a person named, for a unit that the registry knows none of. */
  readonly household?: string | null
  /** Emergency of the danger that was told, for another unit of that home which is commanded because of it; such a unit tells of nothing itself. */
  readonly toldAs?: string
}

/** What a danger endangers the home by; a danger that nobody described stands for itself. */
export const hazardOf = (type: ApplianceType | undefined, { fault, rule }: { readonly fault: string | null; readonly rule: string }): string =>
  safeStateFor(type, { fault, rule }).hazard ?? (fault === null ? `rule:${rule}` : `fault:${fault}`)

export const emergencyIdOf = (alarmId: string): string => contentId('em', alarmId)

/** The danger that an alarm of class E0 or E1 tells of. */
export function dangerOf(
  alarm: Alarm,
  { type, rule, pastDangerMs }: { readonly type: ApplianceType | undefined; readonly rule: Rule | undefined; readonly pastDangerMs: number },
): Danger {
  const { tenant, device, alarm_id, safety_class, fault, title, raised_at_ms, received_at_ms } = alarm
  return {
    ...{ emergencyId: emergencyIdOf(alarm_id), tenant, device, type: alarm.type, alarmId: alarm_id, fault, alarm },
    hazard: hazardOf(type, alarm),
    safetyClass: safety_class === 'E0' ? 'E0' : 'E1',
    title: rule?.title ?? { en: title, 'zh-CN': title },
    advice: rule?.advice ?? { en: '', 'zh-CN': '' },
    raisedAtMs: raised_at_ms,
    receivedAtMs: received_at_ms,
    isPast: isPastDanger(alarm, pastDangerMs),
    isDrill: false,
    tellsHousehold: true,
    actions: safeStateFor(type, alarm).actions,
  }
}

/**
 * Writes a danger once; gives the row when its command must leave: it is new, or it was over and became graver. An alarm that became graver
 * raises its emergency with it; a danger that is open already is joined.
 */
export async function raise(book: BookTransaction, danger: Danger): Promise<EmergencyBookRow | undefined> {
  const fresh = rowOf(book, danger)
  if (danger.toldAs !== undefined) return commandAround(book, fresh, danger.toldAs)
  const lead = danger.isPast || danger.isDrill ? undefined : await findLead(book, fresh)
  const row = lead === undefined ? fresh : joinedRow(book, fresh, lead)
  const result = await book.database
    .insertInto('emg_emergencies')
    .values(row)
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (result.numInsertedOrUpdatedRows === 0n) {
    return raiseClass(book, danger)
  }
  if (danger.isPast) return undefined
  if (lead !== undefined) {
    await noteJoined(book, row, lead)
    return row
  }
  await noteStep(book, row, 'raised', { received_at_ms: danger.receivedAtMs, after_receipt_ms: book.nowMs - danger.receivedAtMs })
  const called = await takeRung(book, row, '')
  await tellRaised(book, called, danger)
  if (danger.tellsHousehold) await advise(book, row)
  return called
}

async function tellRaised(book: BookTransaction, row: EmergencyBookRow, { alarm, actions }: Danger): Promise<void> {
  const advice = book.locale === 'en' ? row.advice_en : row.advice_zh
  const texts = { titles: { en: row.title_en, 'zh-CN': row.title_zh }, advices: { en: row.advice_en, 'zh-CN': row.advice_zh } }
  const command = actions === undefined ? null : { command_id: commandIdOf(row), name: 'safe_state', actions }
  const countdown = { owner: row.owner, acknowledge_by_ms: row.next_step_at_ms }
  const place = placeOfRow(book, row)
  await tell(book, row, 'emergency.raised', { alarm: alarm ?? null, advice, ...texts, command, place, ...countdown })
}

async function advise(book: BookTransaction, row: EmergencyBookRow): Promise<void> {
  const texts = { en: row.advice_en, 'zh-CN': row.advice_zh }
  const receipt_path = `/advice/${book.links.sign('receipt', row.emergency_id, '')}`
  const link = book.publicUrl === undefined ? {} : { receipt_url: `${book.publicUrl}${receipt_path}` }
  await tell(book, row, 'household.advice', { text: texts[book.locale], locale: book.locale, texts, receipt_path, ...link })
}

/** The row of a danger that is new. */
export function rowOf({ nowMs }: Pick<BookTransaction, 'nowMs'>, danger: Danger): EmergencyBookRow {
  const isOwed = danger.actions !== undefined && !danger.isPast
  return {
    ...{ emergency_id: danger.emergencyId, tenant: danger.tenant, device: danger.device, type: danger.type, alarm_id: danger.alarmId },
    ...{
      safety_class: danger.safetyClass,
      fault: danger.fault,
      hazard: danger.hazard,
      joined_to: null,
      title_en: danger.title.en,
      title_zh: danger.title['zh-CN'],
    },
    ...{ advice_en: danger.advice.en, advice_zh: danger.advice['zh-CN'], state: danger.isPast ? 'past' : 'raised' },
    ...{ is_drill: danger.isDrill ? 1 : 0, tells_household: danger.tellsHousehold && !danger.isPast ? 1 : 0 },
    ...{ raised_at_ms: danger.raisedAtMs, received_at_ms: danger.receivedAtMs, created_at_ms: nowMs, cleared_at_ms: null },
    ...{ step: 0, next_step_at_ms: danger.isPast ? null : nowMs, owner: null, acknowledged_at_ms: null, acknowledged_by: null },
    ...{ resolved_at_ms: null, resolved_by: null, resolution: null },
    ...{
      actions: isOwed ? JSON.stringify(danger.actions) : null,
      command_state: isOwed ? 'queued' : null,
      command_state_at_ms: isOwed ? nowMs : null,
    },
    command_withdraw_at_ms: null,
    ...{ command_published_at_ms: null, command_attempts: 0, command_round: 0, command_next_at_ms: isOwed ? nowMs + CLAIM_MS : null },
    ...{ command_overdue_at_ms: isOwed ? nowMs + ACKNOWLEDGE_MS : null, read_at_ms: null },
    unread_at_ms: danger.tellsHousehold && !danger.isPast ? nowMs + READ_WITHIN_MS[danger.safetyClass] : null,
    ...{
      work_order_id: danger.workOrderId ?? null,
      case_id: danger.caseId ?? null,
      household: danger.household ?? null,
      alarm: JSON.stringify(danger.alarm ?? null),
    },
  }
}

async function raiseClass(book: BookTransaction, danger: Danger): Promise<EmergencyBookRow | undefined> {
  const row = await book.database.selectFrom('emg_emergencies').selectAll().where('emergency_id', '=', danger.emergencyId).executeTakeFirst()
  if (row === undefined || danger.safetyClass >= row.safety_class || row.state === 'past') return undefined
  if (row.state === 'resolved') return reopen(book, row, danger, 'graver_class')
  if (row.state === 'joined') await raiseJoined(book, row, danger.safetyClass)
  else await makeGraver(book, row, danger.safetyClass)
  return undefined
}

/** A danger that was called over is there: all that a new one gets, under the same id; its command has a new one. */
async function reopen(
  book: BookTransaction,
  row: EmergencyBookRow,
  danger: Danger,
  reason: 'graver_class' | 'still_standing',
): Promise<EmergencyBookRow> {
  const fresh = rowOf(book, { ...danger, isPast: false, tellsHousehold: row.tells_household === 1 })
  const { work_order_id, case_id, household, title_en, title_zh, advice_en, advice_zh, raised_at_ms, received_at_ms } = row
  const kept = {
    command_round: row.command_round + 1,
    work_order_id,
    case_id,
    household,
    title_en,
    title_zh,
    advice_en,
    advice_zh,
    raised_at_ms,
    received_at_ms,
  }
  const lead = await findLead(book, row)
  if (lead !== undefined) {
    const joined = await changeRow(book, row, joinedRow(book, { ...fresh, ...kept }, lead))
    await noteJoined(book, joined, lead)
    return joined
  }
  const raised = await changeRow(book, row, { ...fresh, ...kept })
  await noteStep(book, raised, 'raised', { reason, safety_class: danger.safetyClass, resolved_at_ms: row.resolved_at_ms })
  // What had joined another is news to everybody under its own id.
  const isNews = row.joined_to !== null
  const called = await takeRung(book, raised, isNews ? '' : reason)
  if (isNews) await tellRaised(book, called, danger)
  if (called.tells_household === 1) await advise(book, called)
  return called
}

/** People said that it is over, and its sensor has not said so since. */
export async function raiseAgain(book: BookTransaction, row: EmergencyBookRow): Promise<void> {
  const { emergency_id, tenant, device, type, alarm_id, fault, title_en, title_zh, advice_en, advice_zh } = row
  await reopen(
    book,
    row,
    {
      ...{ emergencyId: emergency_id, tenant, device, type, alarmId: alarm_id, fault, isPast: false, isDrill: false },
      hazard: row.hazard ?? `fault:${fault}`,
      ...{ title: { en: title_en, 'zh-CN': title_zh }, advice: { en: advice_en, 'zh-CN': advice_zh } },
      safetyClass: row.safety_class === 'E0' ? 'E0' : 'E1',
      raisedAtMs: row.raised_at_ms,
      receivedAtMs: row.received_at_ms,
      tellsHousehold: row.tells_household === 1,
      actions: row.actions === null ? undefined : (JSON.parse(row.actions) as readonly string[]),
      alarm: JSON.parse(row.alarm) as Alarm,
    },
    'still_standing',
  )
}

/** The condition ceased. People decide whether the danger is over, so the countdown goes on. */
export async function noteCleared(book: BookTransaction, alarm: Alarm): Promise<void> {
  const id = emergencyIdOf(alarm.alarm_id)
  const row = await book.database.selectFrom('emg_emergencies').selectAll().where('emergency_id', '=', id).executeTakeFirst()
  if (row === undefined || row.cleared_at_ms !== null) return
  const watched = row.state === 'resolved' ? { next_step_at_ms: null } : {}
  await changeRow(book, row, { cleared_at_ms: alarm.cleared_at_ms ?? book.nowMs, ...watched })
  await noteStep(book, row, 'cleared', { at_ms: alarm.cleared_at_ms })
}

/** How far a command can be; it only goes on. */
const RANKS: Readonly<Record<string, number>> = { queued: 0, sent: 1, delivered: 2, accepted: 3, done: 4, refused: 4, expired: 4, cancelled: 4 }
/** Ends that leave the appliance in a state that nobody knows. */
const UNSAFE_ENDS: ReadonlySet<string> = new Set(['refused', 'expired', 'cancelled'])

/** Notes how far the safe-state command came, from whichever side it is heard first; what is not further changes nothing. */
export async function noteCommand(
  book: BookTransaction,
  note: Pick<CommandNote, 'command_id' | 'tenant' | 'state' | 'reason'> & { readonly device?: string },
): Promise<void> {
  const { tenant, device, command_id, state, reason } = note
  const row = await findRow(book.database, tenant, emergencyOfCommand(command_id))
  // Another unit cannot answer for the one that is in danger, nor an answer of the first time for a danger that is back.
  if (row === undefined || commandIdOf(row) !== command_id || (device !== undefined && device !== row.device)) return
  if (row.command_state === null || state === 'overdue') return
  if ((RANKS[state] ?? 0) <= (RANKS[row.command_state] ?? 0)) return
  const isAnswered = (RANKS[state] ?? 0) >= 3
  const answered = isAnswered ? { command_next_at_ms: null, command_overdue_at_ms: null } : {}
  const changed = await changeRow(book, row, { command_state: state, command_state_at_ms: book.nowMs, ...answered })
  await noteStep(book, row, 'command', { state, reason, after_ms: book.nowMs - row.created_at_ms })
  if (UNSAFE_ENDS.has(state) && row.state !== 'resolved') await escalateCommand(book, changed, state, reason)
}

/** People hear that the appliance is not known to be safe; who is called next is called at once. */
export async function escalateCommand(book: BookTransaction, row: EmergencyBookRow, state: string, reason: string | null): Promise<void> {
  const told = { reason: `command_${state}`, command_id: commandIdOf(row), command_state: state, device_reason: reason }
  const lead = await leadOf(book, row)
  // The same word of the same unit to the same actions is said once.
  if (lead !== row && lead.device === row.device && lead.actions === row.actions && lead.command_state === state) return
  if (lead.state === 'raised') await takeRung(book, lead, `command_${state}`)
  else await tell(book, lead, 'emergency.escalated', { ...told, owner: lead.owner, notified: [], acknowledge_by_ms: lead.next_step_at_ms })
}

/** The household says that it read the advice; again changes nothing. */
export async function noteRead(book: BookTransaction, row: EmergencyBookRow): Promise<EmergencyBookRow> {
  if (row.read_at_ms !== null) return row
  const changed = await changeRow(book, row, { read_at_ms: book.nowMs, unread_at_ms: null })
  await noteStep(book, row, 'read', { after_ms: book.nowMs - row.created_at_ms })
  await tell(book, changed, 'household.advice_read', { read_at_ms: book.nowMs, after_ms: book.nowMs - row.created_at_ms })
  return changed
}
