/**
 * Applies what the pipeline found to the hubs: stores the alarm or diagnosis, lets `cases.ts` decide, and carries the decision out.
 * A function of (stored state, event); the same set of findings of one cause gives the same order in whatever order they come.
 */
import type { Alarm, SafetyClass } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { Outcome, WorkOrder, WorkOrderState } from '#kernel/work-order.ts'
import type { Phase } from '#kernel/work-order-process.ts'
import { isHeldBack } from './alarm-handling.ts'
import { causeWords, type Finding, type KnownOrder, routeFinding, UNNAMED_CAUSE } from './cases.ts'
import { noteFirstFault } from './cohort-book.ts'
import { raiseEmergency } from './emergency/raise-emergency.ts'
import { noteGroupOrder, noteSpeaks } from './grouping/group-orders.ts'
import { orderThatExplains, standingAlone } from './grouping/group-release.ts'
import type { WorkOrderRow } from './hub-tables.ts'
import { emit, type HubTransaction } from './hub-transaction.ts'
import { joinBySensor } from './one-sensor.ts'
import { toWorkOrder } from './orders/order-record.ts'
import { processOf } from './orders/process-book.ts'
import { isRecovered, watchRecovery } from './orders/recovery.ts'
import { isDanger, isPastDanger, opensOrder, quietByPeople } from './quiet-alarms.ts'
import { causeOfAlarm, storedAlarm, storedDiagnosis } from './stored-findings.ts'
import type { TimerHandler } from './timers.ts'
import { isWatched, noteNoFault } from './verify/verify.ts'
import { phaseOf } from './work-order-states.ts'
import { amendOrder, moveOrder, type Opening, openOrder, remarkOrder, type Step, SYSTEM_ACTOR } from './work-orders.ts'

/** Stores a diagnosis; one that names a probable fault goes to the orders, a changed answer is sent. */
export async function applyDiagnosis(hub: HubTransaction, diagnosis: Diagnosis): Promise<void> {
  const { diagnosis_id, tenant, device, made_at_ms, answer, fault } = diagnosis
  const stored = await hub.database
    .insertInto('hub_diagnoses')
    .values({ diagnosis_id, tenant, device, made_at_ms, answer, fault, body: JSON.stringify(diagnosis) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  if (stored.numInsertedOrUpdatedRows === 0n || hub.isGone(tenant, device)) return
  if (answer === 'fault' && fault !== null) {
    await noteFirstFault(hub.database, { tenant, device, fault, first_ms: made_at_ms })
    const rivals = diagnosis.rivals.map((rival) => rival.fault)
    await applyFinding(
      hub,
      {
        ...{ kind: 'diagnosis', cause: fault, atMs: made_at_ms, probability: diagnosis.probability, rivals },
        isAsked: diagnosis.source === 'test',
        ...(diagnosis.source === 'model' && { measured: { type: diagnosis.type, safetyClass: diagnosis.safety_class } }),
      },
      { ...diagnosis, cause: fault, safetyClass: diagnosis.safety_class, atMs: made_at_ms, diagnosis, alarm: undefined, isPastDanger: false },
    )
  }
  if (answer === 'no_fault') await noteNoFault(hub, diagnosis)
  await sendChangedAnswer(hub, diagnosis)
  await watchRecovery(hub, diagnosis)
}

/** Stores an alarm; one that opens orders, or warns of a danger, goes to the orders. */
export async function applyAlarm(hub: HubTransaction, alarm: Alarm): Promise<void> {
  const isNew = await storeAlarm(hub, alarm)
  if (!isNew) return
  const { tenant, device, fault, raised_at_ms: first_ms } = alarm
  if (fault !== null) await noteFirstFault(hub.database, { tenant, device, fault, first_ms })
  await routeAlarm(hub, alarm)
}

/** The class of an alarm rose or stepped down; what opens orders at its new class goes to the orders. */
export async function applyAlarmChanged(hub: HubTransaction, alarm: Alarm): Promise<void> {
  const { alarm_id, safety_class } = alarm
  const known = await hub.database.selectFrom('hub_alarms').select('safety_class').where('alarm_id', '=', alarm_id).executeTakeFirst()
  if (known === undefined) return applyAlarm(hub, alarm)
  await hub.database
    .updateTable('hub_alarms')
    .set({ safety_class, body: JSON.stringify(alarm) })
    .where('alarm_id', '=', alarm_id)
    .execute()
  if (safety_class >= known.safety_class) return
  if (opensOrder(hub, alarm)) await noteSpeaks(hub, alarm_id)
  await routeAlarm(hub, alarm)
}

async function routeAlarm(hub: HubTransaction, alarm: Alarm): Promise<void> {
  if (!opensOrder(hub, alarm)) return
  if (!isDanger(alarm) && (await isHeldBack(hub, alarm))) return
  await openForAlarm(hub, alarm, alarm.raised_at_ms)
}

/** Units that still have the alarm of a group that is over get their order. */
export const runGroupTimer: TimerHandler = async (hub, timer) => {
  for (const alarm of await standingAlone(hub, timer)) if ((await quietByPeople(hub, alarm)) === undefined) await openForAlarm(hub, alarm, hub.nowMs)
}

async function openForAlarm(hub: HubTransaction, alarm: Alarm, atMs: number): Promise<void> {
  if (hub.isGone(alarm.tenant, alarm.device)) return
  const isPast = isDanger(alarm) && isPastDanger(alarm, hub.policy.pastDangerMs)
  const cause = causeOfAlarm(alarm)
  const order = await applyFinding(
    hub,
    { kind: 'alarm', cause, atMs, probability: 1, rivals: [] },
    { ...alarm, cause, safetyClass: alarm.safety_class, atMs, diagnosis: undefined, alarm, isPastDanger: isPast },
  )
  if (order !== undefined) await noteGroupOrder(hub, alarm, order)
  const advice = hub.ruleOf(alarm)?.advice[hub.locale] ?? ''
  if (isDanger(alarm) && order !== undefined) await raiseEmergency(hub, { alarm, order, advice, isPast })
}

/** Notes that the condition of an alarm ceased; an order that nobody accepted yet keeps it as a remark, the visit stays. */
export async function applyAlarmCleared(hub: HubTransaction, alarm: Alarm): Promise<void> {
  const { alarm_id, tenant, device, safety_class, raised_at_ms, cleared_at_ms } = alarm
  await hub.database
    .insertInto('hub_alarms')
    .values({ alarm_id, tenant, device, safety_class, raised_at_ms, cleared_at_ms, body: '' })
    .onConflict((conflict) => conflict.column('alarm_id').doUpdateSet({ cleared_at_ms }))
    .execute()
  const row = await hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('alarm_id', '=', alarm_id)
    .executeTakeFirst()
  if (row === undefined || phaseOf(await processOf(hub, row), row.state as WorkOrderState) !== 'waiting') return
  const atMs = cleared_at_ms ?? raised_at_ms
  await remarkOrder(hub, row, 'alarm_cleared', { actor: SYSTEM_ACTOR, atMs, reason: 'the condition of the alarm ceased', data: { alarm_id } })
}

async function storeAlarm(hub: HubTransaction, alarm: Alarm): Promise<boolean> {
  const { alarm_id, tenant, device, safety_class, raised_at_ms, cleared_at_ms } = alarm
  const body = JSON.stringify(alarm)
  // A row without a body was made by the clearance, which overtook the alarm.
  const result = await hub.database
    .insertInto('hub_alarms')
    .values({ alarm_id, tenant, device, safety_class, raised_at_ms, cleared_at_ms, body })
    .onConflict((conflict) => conflict.column('alarm_id').doUpdateSet({ body }).where('hub_alarms.body', '=', ''))
    .executeTakeFirst()
  return (result.numInsertedOrUpdatedRows ?? 0n) > 0n
}

/** Carries out what `cases.ts` decides about a finding; gives the order that it came to. */
export async function applyFinding(hub: HubTransaction, found: Finding, opened: Opening): Promise<WorkOrder | undefined> {
  const rows = await hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', opened.tenant)
    .where('device', '=', opened.device)
    .orderBy('opened_at_ms', 'desc')
    .orderBy('work_order_id')
    .execute()
  const known = await knownOrders(hub, rows)
  const joined = await joinBySensor(hub, { finding: found, opening: opened }, { rows, known })
  if (joined === undefined) return undefined
  const { finding, opening } = joined
  const route = joined.route ?? routeFinding(finding, known, hub)
  if (route.kind === 'ignore') return undefined
  if (route.kind === 'open') return openUnlessExplained(hub, opening)
  const row = rows.find((entry) => entry.work_order_id === route.id)
  if (row === undefined) return undefined
  const { diagnosis, alarm } = opening
  const data = { diagnosis_id: diagnosis?.diagnosis_id, alarm_id: alarm?.alarm_id }
  const step: Step = { actor: SYSTEM_ACTOR, atMs: finding.atMs, reason: `${causeWords(finding.cause)} found again`, data }
  // What was cancelled was not repaired: windows from before count as much.
  const isMixed =
    route.kind === 'reopen' &&
    finding.isSeen !== true &&
    row.state !== 'cancelled' &&
    diagnosis !== undefined &&
    diagnosis.window_from_ms < (row.settled_at_ms ?? 0)
  if (isMixed) await remarkOrder(hub, row, 'finding', { ...step, reason: 'found again, by windows of which some are from before the repair' })
  else if (route.kind === 'remark') await remarkOrder(hub, row, 'finding', { ...step, reason: route.reason })
  else if (route.kind === 'reopen') await moveOrder(hub, row, 'reopened', { ...step, found: { diagnosis, alarm } })
  else if (route.kind === 'amend') await amendCause(hub, row, opening, joined.reason)
  else await mergeFinding(hub, row, opening, step)
  return toWorkOrder(await hub.database.selectFrom('hub_work_orders').selectAll().where('work_order_id', '=', route.id).executeTakeFirstOrThrow())
}

/** A diagnosis that a group explains is a remark on the order of the group. */
async function openUnlessExplained(hub: HubTransaction, opening: Opening): Promise<WorkOrder | undefined> {
  const { diagnosis, atMs, device } = opening
  const order = diagnosis === undefined || diagnosis.source === 'report' ? undefined : await orderThatExplains(hub, diagnosis)
  if (order === undefined) return openOrder(hub, opening)
  const data = { diagnosis_id: diagnosis?.diagnosis_id, device }
  await remarkOrder(hub, order, 'finding', { actor: SYSTEM_ACTOR, atMs, reason: `diagnosed on ${device}, which is one of the group`, data })
  return undefined
}

async function knownOrders(hub: HubTransaction, rows: readonly WorkOrderRow[]): Promise<KnownOrder[]> {
  const known: KnownOrder[] = []
  for (const row of rows) {
    const phase = phaseOf(await processOf(hub, row), row.state as WorkOrderState)
    known.push({
      ...toKnownOrder(row, phase),
      isCancelled: row.state === 'cancelled',
      isMerged: phase === 'final' && (await isMerged(hub, row.case_id)),
      isRecovered: await isRecovered(hub, row),
      isWatched: phase === 'settled' && (await isWatched(hub, row)),
    })
  }
  return known
}

async function isMerged({ database }: HubTransaction, caseId: string): Promise<boolean> {
  const row = await database.selectFrom('hub_cases').select('merged_into').where('case_id', '=', caseId).executeTakeFirst()
  return row !== undefined && row.merged_into !== null
}

function toKnownOrder(row: WorkOrderRow, phase: Phase): KnownOrder {
  const { rivals } = JSON.parse(row.packet) as { rivals: { fault: string }[] }
  return {
    id: row.work_order_id,
    phase,
    cause: row.cause,
    rivals: rivals.map((rival) => rival.fault),
    hasAlarm: row.alarm_id !== null,
    diagnosedAtMs: row.diagnosed_at_ms,
    settledAtMs: row.settled_at_ms,
    outcomeCause: causeOfVisit(row),
  }
}

/** A household that is content after a look of its own was not visited. */
function causeOfVisit({ outcome, cause }: WorkOrderRow): string | undefined {
  const told = outcome === null ? undefined : (JSON.parse(outcome) as Outcome)
  return cause === UNNAMED_CAUSE && told?.minutes === 0 ? undefined : told?.cause
}

async function amendCause(hub: HubTransaction, row: WorkOrderRow, opening: Opening, given?: string): Promise<void> {
  const { cause, fault, safetyClass, diagnosis, alarm, atMs } = opening
  const reason = given ?? (row.cause === UNNAMED_CAUSE ? `${cause} is the cause` : `${cause} is now more probable than ${row.cause}`)
  const step = { actor: SYSTEM_ACTOR, atMs, reason, data: { diagnosis_id: diagnosis?.diagnosis_id, from: row.cause, to: cause } }
  const openedAtMs = alarm === undefined ? row.opened_at_ms : Math.min(row.opened_at_ms, atMs)
  await amendOrder(hub, row, { cause: { cause, fault }, safetyClass, diagnosis, alarm, openedAtMs, step })
}

/** Keeps the newest diagnosis, the first alarm, the gravest class and the earliest time. */
async function mergeFinding(hub: HubTransaction, row: WorkOrderRow, opening: Opening, step: Step): Promise<void> {
  const diagnosis = later(await storedDiagnosis(hub, row.diagnosis_id), opening.diagnosis)
  const alarm = earlier(await storedAlarm(hub, row.alarm_id), opening.alarm)
  const safetyClass = [row.safety_class as SafetyClass, opening.safetyClass].sort()[0] ?? opening.safetyClass
  await amendOrder(hub, row, { safetyClass, diagnosis, alarm, openedAtMs: Math.min(row.opened_at_ms, opening.atMs), step })
}

function later(a: Diagnosis | undefined, b: Diagnosis | undefined): Diagnosis | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a.made_at_ms !== b.made_at_ms) return a.made_at_ms > b.made_at_ms ? a : b
  return a.diagnosis_id > b.diagnosis_id ? a : b
}

function earlier(a: Alarm | undefined, b: Alarm | undefined): Alarm | undefined {
  if (a === undefined || b === undefined) return a ?? b
  if (a.raised_at_ms !== b.raised_at_ms) return a.raised_at_ms < b.raised_at_ms ? a : b
  return a.alarm_id < b.alarm_id ? a : b
}

/** Sends a diagnosis when it answers otherwise than the unit's last one; the windows in between are in the list. */
async function sendChangedAnswer(hub: HubTransaction, diagnosis: Diagnosis): Promise<void> {
  const { tenant, device, diagnosis_id, made_at_ms, answer, fault } = diagnosis
  const last = await hub.database
    .selectFrom('hub_device_answers')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .executeTakeFirst()
  if (last !== undefined && last.made_at_ms > made_at_ms) return
  const answered = { diagnosis_id, made_at_ms, answer, fault }
  await hub.database
    .insertInto('hub_device_answers')
    .values({ tenant, device, ...answered })
    .onConflict((conflict) => conflict.columns(['tenant', 'device']).doUpdateSet(answered))
    .execute()
  const isNews = last === undefined ? answer === 'fault' || answer === 'unknown_fault' : last.answer !== answer || last.fault !== fault
  if (!isNews || answer === 'not_enough_data') return
  const order = await hub.database
    .selectFrom('hub_work_orders')
    .select(['case_id', 'work_order_id'])
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('diagnosis_id', '=', diagnosis_id)
    .executeTakeFirst()
  const subject = order?.case_id ?? diagnosis_id
  const data = { diagnosis, case_id: order?.case_id ?? null, work_order_id: order?.work_order_id ?? null }
  await emit(hub, { tenant, device, subject, type: 'mendline.diagnosis.made.v1', atMs: made_at_ms, data })
}
