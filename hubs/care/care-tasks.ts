/**
 * The life of care tasks: counting begins, windows are counted, a task becomes due by use, by days (a timer, so that units that say nothing have
 * their care too) or by a sign, is told and told again, and is done. An open order of the unit keeps signs and tips quiet: it sees to the cause.
 */
import type { CareTask } from '#catalogue/care.ts'
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { Outcome } from '#kernel/work-order.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import { checkNotAhead } from '../told-time.ts'
import { optedOut } from './care-choices.ts'
import { COUNTED_BACK_MS_MAX, REMIND_AFTER_MS, REMINDERS_MAX, SIGN_AGE_MS_MAX, TIP_PAUSE_MS } from './care-policy.ts'
import { careTask, toCare, useSince } from './care-records.ts'
import type { CareTaskRow, CareUnitRow } from './care-tables.ts'
import { type CareWindow, type Counts, calledBySign, countsOf, dueByUse, NO_USE, plus } from './care-use.ts'

const TIMER = 'care_due'
const DAY_MS = 86_400_000

export interface OfUnit {
  readonly tenant: string
  readonly device: string
}

/** Windows of a unit, oldest first; those that were counted before count no more, but speak of signs. */
export interface CareNote extends OfUnit {
  readonly type: string
  readonly windows: readonly CareWindow[]
  /** End of the last row that was read for them, also of one that counts nothing; 0 = none was. */
  readonly readTo_ms: number
}

export const unitRow = ({ database }: HubTransaction, { tenant, device }: OfUnit): Promise<CareUnitRow | undefined> =>
  database.selectFrom('hub_care_units').selectAll().where('tenant', '=', tenant).where('device', '=', device).executeTakeFirst()

export const taskRows = ({ database }: HubTransaction, { tenant, device }: OfUnit): Promise<CareTaskRow[]> =>
  database.selectFrom('hub_care_tasks').selectAll().where('tenant', '=', tenant).where('device', '=', device).orderBy('task').execute()

/** Counts windows of a unit and looks at each of its tasks; the first time, counting begins. A unit that became another type begins anew. */
export async function noteCare(hub: HubTransaction, { tenant, device, type: typeId, windows, readTo_ms }: CareNote): Promise<void> {
  const care = hub.catalogue(typeId)?.care
  if (care === undefined) return
  if (hub.isGone(tenant, device)) return endCare(hub, { tenant, device })
  const known = await unitRow(hub, { tenant, device })
  if (known !== undefined && known.type !== typeId) await endCare(hub, { tenant, device })
  const counted = known?.type === typeId ? known : undefined
  const before = counted ?? beginning(hub, { tenant, device }, typeId)
  const fresh = windows.filter(({ to_ms }) => to_ms > before.counted_to_ms)
  const counts = fresh.reduce((sum, window) => plus(sum, countsOf(care, window)), {
    ...{ running_h: before.running_h, cycles: before.cycles, litres: before.litres },
  })
  const unit: CareUnitRow = { ...before, ...counts, counted_to_ms: Math.max(before.counted_to_ms, readTo_ms) }
  await hub.database
    .insertInto('hub_care_units')
    .values(unit)
    .onConflict((conflict) => conflict.columns(['tenant', 'device']).doUpdateSet(unit))
    .execute()
  const rows = new Map((await taskRows(hub, { tenant, device })).map((row) => [row.task, row]))
  const isBusy = await hasOpenOrder(hub, { tenant, device })
  const recent = windows.filter(({ to_ms }) => to_ms > hub.nowMs - SIGN_AGE_MS_MAX)
  for (const task of care.tasks) {
    const row = rows.get(task.id) ?? (await beginTask(hub, unit, { task, isUnitNew: counted === undefined }))
    const since = isBusy ? [] : recent.filter(({ from_ms }) => from_ms >= row.since_ms)
    if (task.kind === 'tip') await giveTip(hub, { unit, row, task, windows: since })
    else await judge(hub, { unit, row, task, windows: since })
  }
}

/** Counting begins for a unit of which nothing was counted yet; what is due already is told by the first look. */
export async function beginCare(hub: HubTransaction, of: OfUnit & { readonly type: string }): Promise<void> {
  const care = hub.catalogue(of.type)?.care
  if (care === undefined || (await unitRow(hub, of)) !== undefined) return
  const unit = beginning(hub, of, of.type)
  await hub.database.insertInto('hub_care_units').values(unit).execute()
  for (const task of care.tasks) await beginTask(hub, unit, { task, isUnitNew: true })
}

function beginning(hub: HubTransaction, of: OfUnit, type: string): CareUnitRow {
  const fromMs = countedFrom(hub, of)
  return { tenant: of.tenant, device: of.device, type, counted_from_ms: fromMs, counted_to_ms: fromMs, ...NO_USE }
}

/** From when on a unit is counted that was never looked at: its installation, or now where that is long ago or not known. */
export function countedFrom(hub: HubTransaction, { tenant, device }: OfUnit): number {
  const installedMs = hub.installedAt(tenant, device)
  const isYoung = installedMs !== undefined && installedMs <= hub.nowMs && hub.nowMs - installedMs < COUNTED_BACK_MS_MAX
  return isYoung ? installedMs : hub.nowMs
}

/** A task that the catalogue names for the first time is counted from now; of a unit that is new here, from where the unit is. */
async function beginTask(
  hub: HubTransaction,
  unit: CareUnitRow,
  { task: { id, kind, who, every }, isUnitNew }: { readonly task: CareTask; readonly isUnitNew: boolean },
): Promise<CareTaskRow> {
  const { tenant, device, type, counted_from_ms } = unit
  const since = isUnitNew ? { since_ms: counted_from_ms, ...sinceCounts(NO_USE) } : { since_ms: hub.nowMs, ...sinceCounts(unit) }
  const row: CareTaskRow = {
    ...{ care_id: contentId('care', tenant, device, id), tenant, device, type, task: id, kind, who, state: 'counting' },
    ...{ ...since, due_at_ms: null, reason: null, told_at_ms: null, told_count: 0, last_done_ms: null, done_count: 0 },
  }
  await hub.database.insertInto('hub_care_tasks').values(row).execute()
  await setDaysTimer(hub, row, every?.days)
  return row
}

const sinceCounts = ({ running_h, cycles, litres }: Counts) => ({ since_running_h: running_h, since_cycles: cycles, since_litres: litres })

async function setDaysTimer(hub: HubTransaction, row: CareTaskRow, days: number | undefined): Promise<void> {
  const { tenant, care_id: subject, device, task, since_ms } = row
  if (days !== undefined)
    await setTimer(hub, { tenant, kind: TIMER, subject, dueAtMs: since_ms + days * DAY_MS, isAppointed: true, data: { device, task } })
}

interface Judged {
  readonly unit: CareUnitRow
  readonly row: CareTaskRow
  readonly task: CareTask
  /** That began since the task was done. */
  readonly windows: readonly CareWindow[]
}

async function judge(hub: HubTransaction, { unit, row, task, windows }: Judged): Promise<void> {
  if (row.state === 'due') return row.told_at_ms === null ? tellDue(hub, unit, row) : undefined
  const reason = dueByUse(task, useSince(unit, row, hub.nowMs)) ?? calledBySign(task, windows)
  if (reason === undefined) return
  const due = await change(hub, row, { state: 'due', due_at_ms: hub.nowMs, reason: JSON.stringify(reason) })
  await tellDue(hub, unit, due)
}

/** Tells the household unless it does not want to hear of it, and sets the timer of the reminder. */
async function tellDue(hub: HubTransaction, unit: CareUnitRow, row: CareTaskRow): Promise<void> {
  const { tenant, device, care_id: subject, task } = row
  await clearTimer(hub, { tenant, kind: TIMER, subject })
  if (await isUnwanted(hub, row)) return
  const told = await change(hub, row, { told_at_ms: hub.nowMs, told_count: row.told_count + 1 })
  await tell(hub, unit, told, 'due')
  if (told.told_count <= REMINDERS_MAX)
    await setTimer(hub, { tenant, kind: TIMER, subject, dueAtMs: hub.nowMs + REMIND_AFTER_MS, data: { device, task } })
}

const isUnwanted = async (hub: HubTransaction, { tenant, device, kind }: CareTaskRow): Promise<boolean> =>
  (await optedOut(hub, tenant, hub.places.placeOf(tenant, device).household)).has(kind)

async function giveTip(hub: HubTransaction, { unit, row, task, windows }: Judged): Promise<void> {
  if (row.told_at_ms !== null && hub.nowMs - row.told_at_ms < TIP_PAUSE_MS) return
  const reason = calledBySign(task, windows)
  if (reason === undefined || (await isUnwanted(hub, row))) return
  const told = await change(hub, row, { reason: JSON.stringify(reason), told_at_ms: hub.nowMs, told_count: row.told_count + 1 })
  await tell(hub, unit, told, 'tip')
}

/** The days are over, or nobody did it since it was told. */
export const runCareTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const row = await hub.database
    .selectFrom('hub_care_tasks')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('care_id', '=', subject)
    .executeTakeFirst()
  const unit = row === undefined ? undefined : await unitRow(hub, row)
  const task = row === undefined ? undefined : careTask(hub.catalogue(row.type), row.task)
  if (row === undefined || unit === undefined || task === undefined) return
  if (hub.isGone(row.tenant, row.device)) return endCare(hub, row)
  if (row.state === 'due') return tellDue(hub, unit, row)
  return judge(hub, { unit, row, task, windows: [] })
}

/**
 * Somebody did it: counting begins anew. Told again of the same instant, it changes nothing.
 * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID for a tip or an instant ahead of ours by more than clocks differ, MDL_API_CONFLICT when it was done later
 */
export async function doneCare(
  hub: HubTransaction,
  of: OfUnit & { readonly task: string },
  given: { readonly actor: string; readonly at_ms?: number | undefined; readonly note?: string | undefined; readonly work_order_id?: string },
): Promise<CareTaskRow> {
  const { actor, at_ms: told_ms = hub.nowMs, note = '', work_order_id = null } = given
  const unit = await unitRow(hub, of)
  const row = (await taskRows(hub, of)).find(({ task }) => task === of.task)
  if (unit === undefined || row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no care ${of.task} of ${of.device}`)
  if (row.kind === 'tip') throw new MendlineError('MDL_API_INVALID', 'a tip is never due, and nothing to be done once')
  checkNotAhead(told_ms, hub.nowMs)
  const at_ms = Math.min(told_ms, hub.nowMs)
  if (row.last_done_ms === at_ms) return row
  if (at_ms < row.since_ms) throw new MendlineError('MDL_API_CONFLICT', 'it was done, or counting began, behind that instant')
  const { care_id, tenant, device, task } = row
  const done = { care_id, done_at_ms: at_ms, tenant, device, task, actor, note, work_order_id, recorded_at_ms: hub.nowMs }
  // Of a unit that was gone meanwhile it may stand there from before; it was done once.
  await hub.database
    .insertInto('hub_care_done')
    .values(done)
    .onConflict((conflict) => conflict.columns(['care_id', 'done_at_ms']).doNothing())
    .execute()
  const changed = await change(hub, row, {
    ...{ state: 'counting', since_ms: at_ms, ...sinceCounts(unit) },
    ...{ due_at_ms: null, reason: null, told_at_ms: null, told_count: 0, last_done_ms: at_ms, done_count: row.done_count + 1 },
  })
  await clearTimer(hub, { tenant, kind: TIMER, subject: care_id })
  await setDaysTimer(hub, changed, careTask(hub.catalogue(row.type), task)?.every?.days)
  await tell(hub, unit, changed, 'done', { done: { at_ms, actor, note, work_order_id } })
  return changed
}

/** A repair of a fault includes the tasks that the catalogue names for it. */
export const watchCare: OrderListener = async (hub, order, { kind, to, atMs, actor }) => {
  if (kind !== 'move' || to !== 'done' || order.outcome === null) return
  const { cause } = JSON.parse(order.outcome) as Outcome
  const { tenant, device, work_order_id } = order
  const included = (hub.catalogue(order.type)?.care?.tasks ?? []).filter(({ doneWith }) => doneWith?.includes(cause) === true).map(({ id }) => id)
  for (const row of await taskRows(hub, { tenant, device })) {
    const at_ms = Math.min(atMs, hub.nowMs)
    if (row.kind !== 'tip' && included.includes(row.task) && row.since_ms < at_ms) await doneCare(hub, row, { actor, at_ms, work_order_id })
  }
}

/** Forgets the care of a unit that is gone; what was done stays until it is purged. */
export async function endCare(hub: HubTransaction, of: OfUnit): Promise<void> {
  for (const { tenant, care_id } of await taskRows(hub, of)) await clearTimer(hub, { tenant, kind: TIMER, subject: care_id })
  for (const table of ['hub_care_tasks', 'hub_care_units'] as const)
    await hub.database.deleteFrom(table).where('tenant', '=', of.tenant).where('device', '=', of.device).execute()
}

async function hasOpenOrder({ database }: HubTransaction, { tenant, device }: OfUnit): Promise<boolean> {
  const orders = database.selectFrom('hub_work_orders').select('work_order_id').where('tenant', '=', tenant).where('device', '=', device)
  return (await orders.where('settled_at_ms', 'is', null).executeTakeFirst()) !== undefined
}

async function change(hub: HubTransaction, row: CareTaskRow, values: Partial<CareTaskRow>): Promise<CareTaskRow> {
  await hub.database.updateTable('hub_care_tasks').set(values).where('care_id', '=', row.care_id).execute()
  return { ...row, ...values }
}

async function tell(hub: HubTransaction, unit: CareUnitRow, row: CareTaskRow, name: 'due' | 'done' | 'tip', more: object = {}): Promise<void> {
  const { tenant, device } = row
  const care = await toCare(hub, unit, row)
  if (care !== undefined)
    await emit(hub, { tenant, device, subject: device, type: `mendline.care.${name}.v1`, atMs: hub.nowMs, data: { care, ...more } })
}
