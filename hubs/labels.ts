/** Turns the coded outcome of a visit into a label: what was really wrong with the unit over the window that was diagnosed. */
import { contentId } from '#kernel/ids.ts'
import type { Outcome } from '#kernel/work-order.ts'
import type { LabelRow, WorkOrderRow } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'

/** A label as training reads it; the cause is a fault code, `no_fault_found` or `other`. */
export type Label = LabelRow

/** Writes the label of an outcome; a second visit to the same order writes a second label. */
export async function addLabel(hub: HubTransaction, row: WorkOrderRow, outcome: Outcome, sequence: number): Promise<void> {
  const window = await diagnosedWindow(hub, row)
  await hub.database
    .insertInto('hub_labels')
    .values({
      label_id: contentId('lab', row.work_order_id, sequence),
      tenant: row.tenant,
      device: row.device,
      type: row.type,
      work_order_id: row.work_order_id,
      cause: outcome.cause,
      predicted: row.fault,
      diagnosis_id: row.diagnosis_id,
      ...window,
      source: 'visit',
      labelled_at_ms: hub.nowMs,
    })
    .execute()
}

async function diagnosedWindow(hub: HubTransaction, row: WorkOrderRow): Promise<{ window_from_ms: number; window_to_ms: number }> {
  if (row.diagnosis_id !== null) {
    const found = await hub.database.selectFrom('hub_diagnoses').select('body').where('diagnosis_id', '=', row.diagnosis_id).executeTakeFirst()
    if (found !== undefined) {
      const { window_from_ms, window_to_ms } = JSON.parse(found.body) as { window_from_ms: number; window_to_ms: number }
      return { window_from_ms, window_to_ms }
    }
  }
  return { window_from_ms: row.opened_at_ms, window_to_ms: row.opened_at_ms }
}
