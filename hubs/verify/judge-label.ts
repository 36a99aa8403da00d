/** Writes anew what a label is worth when its repair was judged, from everything that is known of the visit. */
import type { Outcome } from '#kernel/work-order.ts'
import type { LabelRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { contactsBehind } from './heard-again.ts'
import { believeLabel, type LabelFacts } from './label-confidence.ts'
import type { Verdict } from './recovered-cause.ts'
import type { VerificationRow } from './verify-tables.ts'

/** Remakes confidence, correction and reasons of the label of a visit. */
export async function judgeLabel(hub: HubTransaction, row: VerificationRow): Promise<void> {
  const { tenant, work_order_id, visit } = row
  const label = await hub.database
    .selectFrom('hub_labels')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', work_order_id)
    .where('visit', '=', visit)
    .executeTakeFirst()
  const order = await hub.database.selectFrom('hub_work_orders').select('outcome').where('work_order_id', '=', work_order_id).executeTakeFirst()
  if (label === undefined || order === undefined || order.outcome === null) return
  const verdict = row.verdict === null ? undefined : (JSON.parse(row.verdict) as Verdict)
  const isMeasured = verdict?.assessment !== null && verdict?.assessment !== undefined
  await writeBelief(hub, label, {
    outcome: JSON.parse(order.outcome) as Outcome,
    predicted: JSON.parse(row.probabilities) as Record<string, number>,
    recovered: isMeasured && row.state === 'verified' ? verdict.causes : {},
    repair: row.state === 'verified' ? 'verified' : row.state === 'failed' ? 'failed' : 'unknown',
    calledAgain: (await contactsBehind(hub, row)).length > 0,
  })
}

/** Weighs a label and keeps the answer. */
export async function writeBelief(hub: HubTransaction, label: LabelRow, facts: Omit<LabelFacts, 'type' | 'engineer'>): Promise<void> {
  const type = hub.catalogue(label.type)
  const engineer = await recordOf(hub, label)
  const belief = believeLabel({ ...facts, type: type ?? { faults: [] }, engineer })
  const { confidence, corrected_cause, reasons } = belief
  await hub.database
    .updateTable('hub_labels')
    .set({ confidence, corrected_cause, reasons: JSON.stringify(reasons) })
    .where('label_id', '=', label.label_id)
    .execute()
}

/** How an engineer's codes did at other visits that sensors judged. */
async function recordOf(hub: HubTransaction, { tenant, engineer, label_id }: LabelRow): Promise<LabelFacts['engineer']> {
  if (engineer === null || engineer === undefined) return { confirmed: 0, contradicted: 0 }
  const rows = await hub.database
    .selectFrom('hub_labels')
    .innerJoin('hub_verifications', (join) =>
      join.onRef('hub_verifications.work_order_id', '=', 'hub_labels.work_order_id').onRef('hub_verifications.visit', '=', 'hub_labels.visit'),
    )
    .select(['hub_labels.cause', 'corrected_cause', 'hub_verifications.state'])
    .where('hub_labels.tenant', '=', tenant)
    .where('hub_labels.engineer', '=', engineer)
    .where('hub_labels.label_id', '!=', label_id)
    .where('hub_verifications.state', 'in', ['verified', 'failed'])
    .where('hub_verifications.method', '=', 'residuals')
    .execute()
  const contradicted = rows.filter(({ corrected_cause, state }) => corrected_cause !== null || state === 'failed').length
  return { confirmed: rows.length - contradicted, contradicted }
}
