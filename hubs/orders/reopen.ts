/**
 * What an order becomes by its reopening, whoever decides that: nobody has it, no window is promised, what was found behind the repair makes
 * the packet and is what the next visit is labelled by, and the order is a repeat of its own repair, which has its price.
 */
import type { Alarm } from '#kernel/alarm.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { Outcome, Packet } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { buildPacket } from '../packet.ts'
import { causeOfAlarm, storedAlarm, storedDiagnosis } from '../stored-findings.ts'
import { endPromise, factsOf, type OrderFacts } from './order-facts.ts'
import { REPEAT_MS } from './repeats.ts'
import { quoteFor } from './terms-book.ts'

/** Newest findings behind a repair that are looked at. */
const FINDINGS_MAX = 20

/** The very finding that reopens an order; it may be of another cause, which the order explains. */
export interface FoundAgain {
  readonly diagnosis: Diagnosis | undefined
  readonly alarm: Alarm | undefined
}

/** Columns of the order that is reopened by what happened at `atMs`. */
export async function changesOfReopening(
  hub: HubTransaction,
  row: WorkOrderRow,
  { atMs, found }: { readonly atMs: number; readonly found?: FoundAgain },
): Promise<Partial<WorkOrderRow>> {
  const settledAtMs = row.settled_at_ms ?? atMs
  // A unit whose clock is ahead ends no promise that is made behind its finding.
  const endedAtMs = Math.max(Math.min(atMs, hub.nowMs), settledAtMs)
  const diagnosis = (await diagnosedBehind(hub, row, settledAtMs)) ?? found?.diagnosis
  const alarm = (await alarmBehind(hub, row, settledAtMs)) ?? found?.alarm
  const isRepeat = isRepair(row) && endedAtMs - settledAtMs <= REPEAT_MS
  const repeat = { repaired_at_ms: settledAtMs, reopened_at_ms: endedAtMs }
  const changed: WorkOrderRow = {
    ...row,
    ...endPromise(row, endedAtMs),
    ...(diagnosis === undefined && alarm === undefined ? {} : await foundAgain(hub, row, { diagnosis, alarm })),
    ...(isRepeat ? { repeat_of: row.work_order_id } : {}),
    ...(isRepair(row) ? { facts: JSON.stringify({ ...chargedBefore(factsOf(row)), repeat }) } : {}),
  }
  return { ...changed, quote: await quoteFor(hub, { ...changed, packet: JSON.parse(changed.packet) as Packet }) }
}

/** What was charged is the price of the visit that ended, and stays beside that of the next. */
function chargedBefore({ charges, earlier_charges = [], ...facts }: OrderFacts): OrderFacts {
  const all = charges === undefined ? earlier_charges : [...earlier_charges, charges]
  return all.length === 0 ? facts : { ...facts, earlier_charges: all }
}

/** A visit was made; what the household did by itself, or what was cancelled, is no repair that anybody answers for. */
function isRepair({ state, outcome }: WorkOrderRow): boolean {
  if (outcome === null || state === 'cancelled') return false
  const { minutes, parts_used } = JSON.parse(outcome) as Outcome
  return minutes > 0 || parts_used.length > 0
}

/** The newest diagnosis of the order's fault that rests on what was seen behind the repair; of what was cancelled, all that was seen counts. */
async function diagnosedBehind(hub: HubTransaction, row: WorkOrderRow, settledAtMs: number): Promise<Diagnosis | undefined> {
  const { tenant, device, fault, state } = row
  if (fault === null) return undefined
  const rows = await hub.database
    .selectFrom('hub_diagnoses')
    .select('body')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('fault', '=', fault)
    .where('made_at_ms', '>', Math.max(settledAtMs, row.diagnosed_at_ms ?? 0))
    .orderBy('made_at_ms', 'desc')
    .limit(FINDINGS_MAX)
    .execute()
  const isBehind = ({ source, window_from_ms }: Diagnosis): boolean => state === 'cancelled' || source === 'report' || window_from_ms >= settledAtMs
  return rows.map(({ body }) => JSON.parse(body) as Diagnosis).find(isBehind)
}

/** The newest alarm of the order's cause that was raised behind the repair. */
async function alarmBehind(hub: HubTransaction, { tenant, device, cause }: WorkOrderRow, settledAtMs: number): Promise<Alarm | undefined> {
  const rows = await hub.database
    .selectFrom('hub_alarms')
    .select('body')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .where('raised_at_ms', '>', settledAtMs)
    .orderBy('raised_at_ms', 'desc')
    .limit(FINDINGS_MAX)
    .execute()
  const alarms = rows.flatMap(({ body }) => (body === '' ? [] : [JSON.parse(body) as Alarm]))
  return alarms.find((alarm) => causeOfAlarm(alarm) === cause)
}

/** The packet of what was found again; the gravest class stays. */
async function foundAgain(hub: HubTransaction, row: WorkOrderRow, found: FoundAgain): Promise<Partial<WorkOrderRow>> {
  const diagnosis = found.diagnosis ?? (await storedDiagnosis(hub, row.diagnosis_id))
  const alarm = found.alarm ?? (await storedAlarm(hub, row.alarm_id))
  const classes = [row.safety_class, found.diagnosis?.safety_class, found.alarm?.safety_class].filter((one) => one !== undefined)
  const safety_class = classes.sort()[0] ?? row.safety_class
  if (safety_class !== row.safety_class)
    await hub.database.updateTable('hub_cases').set({ safety_class }).where('case_id', '=', row.case_id).execute()
  return {
    safety_class,
    diagnosis_id: diagnosis?.diagnosis_id ?? null,
    diagnosed_at_ms: diagnosis?.made_at_ms ?? null,
    alarm_id: alarm?.alarm_id ?? null,
    packet: JSON.stringify(buildPacket({ type: hub.catalogue(row.type), fault: row.fault, diagnosis, alarm, locale: hub.locale })),
  }
}
