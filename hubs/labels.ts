/**
 * Turns the coded outcome of a visit into a label: what was really wrong with the unit over the window that was diagnosed, who said so, what
 * brought the order, and how far the code can be believed so far. The belief is weighed again when the repair is judged.
 */
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import type { Outcome } from '#kernel/work-order.ts'
import { HOME_CAUSE } from './cases.ts'
import type { LabelRow, WorkOrderRow } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import { factsOf } from './orders/order-facts.ts'
import { storedDiagnosis } from './stored-findings.ts'
import { contactsOf } from './verify/heard-again.ts'
import { writeBelief } from './verify/judge-label.ts'

/** A label as training reads it; the cause is a fault code, `no_fault_found` or `other`. */
export type Label = LabelRow

/** Writes the label of an outcome; a second visit to the same order writes a second label. */
export async function addLabel(
  hub: HubTransaction,
  row: WorkOrderRow,
  outcome: Outcome,
  { visit, engineer }: { readonly visit: number; readonly engineer: string },
): Promise<void> {
  // A danger of the home is none of the appliance, and teaches nothing about it.
  if (row.cause.startsWith(HOME_CAUSE)) return
  const diagnosis = await storedDiagnosis(hub, row.diagnosis_id)
  const { tenant, device, type, work_order_id, diagnosis_id } = row
  const { window_from_ms, window_to_ms } = await windowOf(hub, row, diagnosis)
  const label: LabelRow = {
    label_id: contentId('lab', work_order_id, visit),
    ...{ tenant, device, type, work_order_id, cause: outcome.cause, predicted: row.fault, diagnosis_id },
    ...{ window_from_ms, window_to_ms },
    source: 'visit',
    labelled_at_ms: hub.nowMs,
    ...{ confidence: null, corrected_cause: null, reasons: null },
    ...{ engineer, visit, origin: await originOf(hub, row, diagnosis), model_version: diagnosis?.versions.model ?? null },
  }
  await hub.database.insertInto('hub_labels').values(label).execute()
  const named = diagnosis === undefined || diagnosis.fault === null ? [] : [[diagnosis.fault, diagnosis.probability] as const]
  const rivals = diagnosis?.rivals.map(({ fault, probability }) => [fault, probability] as const) ?? []
  const predicted = Object.fromEntries([...rivals, ...named])
  await writeBelief(hub, label, { outcome, predicted, recovered: {}, repair: 'unknown', calledAgain: false })
}

/** What brought the order first: the household by its contact, else a rule's alarm, else a model. */
async function originOf(hub: HubTransaction, row: WorkOrderRow, diagnosis: Diagnosis | undefined): Promise<string> {
  const contacts = await contactsOf(hub, row)
  const isCalled = contacts.some(({ at_ms, kind }) => (kind === 'report' || kind === 'call') && at_ms <= row.created_at_ms)
  if (isCalled || (diagnosis === undefined && row.alarm_id === null)) return 'household'
  if (row.alarm_id === null) return 'model'
  const alarm = await hub.database.selectFrom('hub_alarms').select('raised_at_ms').where('alarm_id', '=', row.alarm_id).executeTakeFirst()
  return diagnosis !== undefined && diagnosis.made_at_ms <= (alarm?.raised_at_ms ?? 0) ? 'model' : 'rule'
}

/** Readings that a label is about, device time. */
type LabelWindow = Pick<LabelRow, 'window_from_ms' | 'window_to_ms'>

/** What was diagnosed; of a further visit for the same diagnosis, what brought it: windows that say that the visit before failed, else the alarm or the reopening. */
async function windowOf(hub: HubTransaction, row: WorkOrderRow, diagnosis: Diagnosis | undefined): Promise<LabelWindow> {
  const { work_order_id, diagnosis_id, opened_at_ms, alarm_id } = row
  const { repeat } = factsOf(row)
  const labels = hub.database.selectFrom('hub_labels').select(['visit', 'diagnosis_id']).where('work_order_id', '=', work_order_id)
  const before = await labels.where('visit', 'is not', null).orderBy('visit', 'desc').executeTakeFirst()
  if (before === undefined || repeat === undefined || before.diagnosis_id !== diagnosis_id) return diagnosis ?? pointAt(opened_at_ms)
  const behind = await hub.database
    .selectFrom('hub_repair_windows as w')
    .innerJoin('hub_verifications as v', 'v.verification_id', 'w.verification_id')
    .select((select) => [
      select.fn.min<number | null>('w.window_from_ms').as('window_from_ms'),
      select.fn.max<number | null>('w.window_to_ms').as('window_to_ms'),
    ])
    .where('v.work_order_id', '=', work_order_id)
    .where('v.visit', '=', before.visit)
    .where('v.state', '=', 'failed')
    .executeTakeFirst()
  const { window_from_ms = null, window_to_ms = null } = behind ?? {}
  if (window_from_ms !== null && window_to_ms !== null) return { window_from_ms, window_to_ms }
  const alarm =
    alarm_id === null
      ? undefined
      : await hub.database.selectFrom('hub_alarms').select('raised_at_ms').where('alarm_id', '=', alarm_id).executeTakeFirst()
  return pointAt(alarm !== undefined && alarm.raised_at_ms > repeat.repaired_at_ms ? alarm.raised_at_ms : repeat.reopened_at_ms)
}

const pointAt = (atMs: number): LabelWindow => ({ window_from_ms: atMs, window_to_ms: atMs })
