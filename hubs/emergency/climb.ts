/**
 * The ladder of an emergency: each rung calls people at once by every way they have, tells the dispatch system, and sets the countdown to
 * the next. It ends only when somebody acknowledges, and begins anew when who acknowledged does not resolve in time.
 */
import { contentId } from '#kernel/ids.ts'
import { type BookTransaction, changeRow, findRoster, joinedTo, noteStep, placeOfRow, tell } from './book-transaction.ts'
import type { EmergencyBookRow } from './emergency-tables.ts'
import { localeOf, noticeText } from './emergency-texts.ts'
import { type Call, ladderClass, planRung, RESOLVE_WITHIN_MS } from './ladder.ts'

/** A drill that nobody acknowledges ends with that as its finding. */
const DRILL_LIFE_MS = 30 * 60_000

/** Takes the rung that is due and sets the countdown to the next. `reason` says why, empty for the first. */
export async function takeRung(book: BookTransaction, row: EmergencyBookRow, reason: string): Promise<EmergencyBookRow> {
  const roster = await findRoster(book.database, row.tenant)
  const { safety_class, step } = row
  const plan = planRung(roster, { safetyClass: safety_class, step, nowMs: book.nowMs, fallback: book.fallback })
  for (const call of plan.calls) await writeNotice(book, row, { call, reason })
  const owner = plan.calls[0]?.person.person ?? (await dispatchSystemOf(book, row.tenant))
  const next = { step: step + 1, next_step_at_ms: book.nowMs + plan.waitMs, owner }
  const changed = await changeRow(book, row, next)
  const notified = plan.calls.map(({ person, channel }) => ({ person: person.person, channel: channel.kind }))
  await noteStep(book, row, 'rung', {
    rung: plan.rung + 1,
    call: step + 1,
    wait_ms: plan.waitMs,
    owner,
    notified,
    ...(reason === '' ? {} : { reason }),
  })
  if (step > 0 || reason !== '') {
    const told = { reason, rung: plan.rung + 1, call: step + 1, notified, owner, acknowledge_by_ms: next.next_step_at_ms }
    await tell(book, changed, 'emergency.escalated', { ...told, command_state: row.command_state })
  }
  return changed
}

/** An emergency that nobody has taken on. */
export const NOBODYS = { state: 'raised', step: 0, acknowledged_at_ms: null, acknowledged_by: null } as const

/** The countdown of an emergency ran out. */
export async function climb(book: BookTransaction, row: EmergencyBookRow): Promise<void> {
  if (row.is_drill === 1 && book.nowMs - row.created_at_ms >= DRILL_LIFE_MS) {
    await resolveRow(book, row, { by: 'mendline', reason: 'the drill is over: nobody acknowledged' })
    return
  }
  if (row.state !== 'acknowledged') {
    await takeRung(book, row, 'not_acknowledged')
    return
  }
  await takeRung(book, await changeRow(book, row, NOBODYS), 'not_resolved')
}

/** Somebody takes it on; what is still on its way to others is withdrawn. A second acknowledgement changes nothing. */
export async function acknowledgeRow(
  book: BookTransaction,
  row: EmergencyBookRow,
  { by, via, note }: { readonly by: string; readonly via: string; readonly note: string },
): Promise<EmergencyBookRow> {
  if (row.state !== 'raised') return row
  const resolveByMs = book.nowMs + RESOLVE_WITHIN_MS[ladderClass(row.safety_class)]
  const change = { state: 'acknowledged', acknowledged_at_ms: book.nowMs, acknowledged_by: by, owner: by, next_step_at_ms: resolveByMs }
  const changed = await changeRow(book, row, change)
  await withdrawNotices(book, row)
  await noteStep(book, row, 'acknowledged', { by, via, after_ms: book.nowMs - row.created_at_ms, ...(note === '' ? {} : { note }) })
  await tell(book, changed, 'emergency.acknowledged', { by, via, note, after_ms: book.nowMs - row.created_at_ms, resolve_by_ms: resolveByMs })
  if (row.is_drill === 1) return resolveRow(book, changed, { by, reason: 'the drill was acknowledged' })
  return changed
}

/** It is over. Only this, or the end of its order, ends the countdown. */
export async function resolveRow(
  book: BookTransaction,
  row: EmergencyBookRow,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<EmergencyBookRow> {
  if (row.state === 'resolved' || row.state === 'past') return row
  const changed = await endRow(book, row, { by, reason })
  for (const joined of await joinedTo(book, row)) await endRow(book, joined, { by, reason })
  await withdrawNotices(book, row)
  await tell(book, changed, 'emergency.resolved', { by, reason, after_ms: book.nowMs - row.created_at_ms })
  return changed
}

/** A row is over, and its condition watched on where a sensor still tells of it. */
async function endRow(
  book: BookTransaction,
  row: EmergencyBookRow,
  { by, reason }: { readonly by: string; readonly reason: string },
): Promise<EmergencyBookRow> {
  const over = { next_step_at_ms: await watchUntil(book, row), command_next_at_ms: null, command_overdue_at_ms: null, unread_at_ms: null }
  // Whatever this book heard of it, the twin knows best whether it has ended. The command of a later round stands in this book alone.
  const isInTwin = row.actions !== null && row.command_round === 0 && row.command_state !== 'done'
  const command_withdraw_at_ms = isInTwin ? book.nowMs : null
  const change = { state: 'resolved', resolved_at_ms: book.nowMs, resolved_by: by, resolution: reason, ...over, command_withdraw_at_ms }
  const changed = await changeRow(book, row, change)
  await noteStep(book, row, 'resolved', { by, reason, after_ms: book.nowMs - row.created_at_ms })
  return changed
}

/** A danger that its sensor still tells of when people say that it is over is looked at again after this time, doubled by each such word. */
const WATCH_MS = { E0: 10 * 60_000, E1: 30 * 60_000 } as const
const WATCH_MS_MAX = 24 * 3_600_000

/** Looks again later, telling nobody. */
export const watchOn = (book: BookTransaction, row: EmergencyBookRow): Promise<unknown> =>
  changeRow(book, row, { next_step_at_ms: book.nowMs + WATCH_MS[ladderClass(row.safety_class)] })

/** When to look again; null where no sensor tells, or it has said that the condition ceased. */
async function watchUntil(book: BookTransaction, row: EmergencyBookRow): Promise<number | null> {
  if (row.is_drill === 1 || row.alarm === 'null' || row.cleared_at_ms !== null) return null
  const before = await countSteps(book, row, 'resolved')
  return book.nowMs + Math.min(WATCH_MS[ladderClass(row.safety_class)] * 2 ** before, WATCH_MS_MAX)
}

async function writeNotice(
  book: BookTransaction,
  row: EmergencyBookRow,
  { call: { person, channel }, reason }: { call: Call; reason: string },
): Promise<void> {
  const target = channel.kind === 'email' ? channel.address : channel.url
  // Rungs so far, over all falls back to the beginning.
  const notice_id = contentId(
    'ntc',
    row.emergency_id,
    String(row.created_at_ms),
    await countSteps(book, row, 'rung'),
    person.person,
    channel.kind,
    target,
  )
  const token = book.links.sign('acknowledge', row.emergency_id, person.person)
  const link = book.publicUrl === undefined ? undefined : `${book.publicUrl}/emergency-links/${token}`
  const facts = { place: placeOfRow(book, row), call: row.step + 1, link, reason }
  const { subject, body } = noticeText(row, localeOf(person), facts)
  const { emergency_id, tenant } = row
  const pending = { state: 'pending', attempt_count: 0, next_at_ms: book.nowMs, created_at_ms: book.nowMs, settled_at_ms: null, error: null }
  await book.database
    .insertInto('emg_notices')
    .values({ notice_id, emergency_id, tenant, person: person.person, channel: channel.kind, target, subject, body, ...pending })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  // A newer call says all that the older does: a way that hangs gathers no calls.
  await book.database
    .updateTable('emg_notices')
    .set({ state: 'withdrawn', settled_at_ms: book.nowMs })
    .where('emergency_id', '=', emergency_id)
    .where('person', '=', person.person)
    .where('channel', '=', channel.kind)
    .where('target', '=', target)
    .where('state', '=', 'pending')
    .where('notice_id', '<>', notice_id)
    .execute()
}

async function countSteps(book: BookTransaction, { emergency_id }: EmergencyBookRow, kind: 'rung' | 'resolved'): Promise<number> {
  const { steps } = await book.database
    .selectFrom('emg_steps')
    .select((select) => select.fn.countAll<number>().as('steps'))
    .where('emergency_id', '=', emergency_id)
    .where('kind', '=', kind)
    .executeTakeFirstOrThrow()
  return Number(steps)
}

async function withdrawNotices(book: BookTransaction, { emergency_id }: EmergencyBookRow): Promise<void> {
  const settled = { state: 'withdrawn', settled_at_ms: book.nowMs }
  await book.database.updateTable('emg_notices').set(settled).where('emergency_id', '=', emergency_id).where('state', '=', 'pending').execute()
}

/** An endpoint that takes emergencies owns what no person is called to. */
async function dispatchSystemOf(book: BookTransaction, tenant: string): Promise<string | null> {
  const found = await book.database
    .selectFrom('outbox_endpoints')
    .select('endpoint_id')
    .where('tenant', '=', tenant)
    .where('enabled', '=', 1)
    .executeTakeFirst()
  return found === undefined ? null : `webhook:${found.endpoint_id}`
}
