/**
 * What a label or an order rests on, read in one statement: the readings that were diagnosed, the diagnosis with its versions, the order with
 * its moves, the coded outcome, the windows behind the repair with what they said, the signs, and the labels.
 */
import { type Kysely, sql } from 'kysely'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { limits } from '#kernel/limits.ts'
import type { Lineage } from '#kernel/lineage.ts'
import type { HubTables } from '../hub-tables.ts'
import type { Verdict } from './recovered-cause.ts'

export interface LineageBook {
  /** Undefined when the tenant has no such order. */
  ofOrder(tenant: string, workOrderId: string): Promise<Lineage | undefined>
  /** Of one label alone: the order's other visits are left out of `labels`. Undefined when the tenant has no such label. */
  ofLabel(tenant: string, labelId: string): Promise<Lineage | undefined>
}

/** One row: the order, and everything else as JSON text. */
interface Row {
  readonly device: string
  readonly type: string
  readonly work_order_id: string
  readonly case_id: string
  readonly state: string
  readonly fault: string | null
  readonly opened_at_ms: number
  readonly settled_at_ms: number | null
  readonly outcome: string | null
  /** JSON of what was told at the visit of the label that is asked for. */
  readonly told: string | null
  readonly alarm: string | null
  readonly diagnosis: string | null
  readonly moves: string
  readonly repairs: string
  readonly windows: string
  readonly signs: string
  readonly labels: string
}

/** Creates the reader over the hubs' tables. */
export function createLineage(database: Kysely<HubTables>): LineageBook {
  const read = async (tenant: string, one: { readonly order: string } | { readonly label: string }): Promise<Lineage | undefined> => {
    const label = 'label' in one ? one.label : null
    const id = 'order' in one ? sql`${one.order}` : sql`(SELECT work_order_id FROM hub_labels WHERE tenant = ${tenant} AND label_id = ${one.label})`
    const { rows } = await sql<Row>`
      SELECT o.device, o.type, o.work_order_id, o.case_id, o.state, o.fault, o.opened_at_ms, o.settled_at_ms, o.outcome,
        (SELECT data FROM hub_work_order_moves WHERE work_order_id = o.work_order_id AND sequence = l.visit) AS told,
        (SELECT json_object('alarm_id', alarm_id, 'raised_at_ms', raised_at_ms, 'cleared_at_ms', cleared_at_ms) FROM hub_alarms
          WHERE alarm_id = o.alarm_id AND tenant = o.tenant) AS alarm,
        (SELECT body FROM hub_diagnoses WHERE tenant = o.tenant
          AND diagnosis_id = CASE WHEN l.label_id IS NULL THEN o.diagnosis_id ELSE l.diagnosis_id END) AS diagnosis,
        (SELECT json_group_array(json_object('sequence', sequence, 'kind', kind, 'type', type, 'from', from_state, 'to', to_state, 'actor', actor,
          'at_ms', at_ms, 'recorded_at_ms', recorded_at_ms, 'reason', reason) ORDER BY sequence)
          FROM hub_work_order_moves WHERE work_order_id = o.work_order_id AND tenant = o.tenant) AS moves,
        (SELECT json_group_array(json_object('verification_id', verification_id, 'visit', visit, 'method', method, 'state', state,
          'done_at_ms', done_at_ms, 'judged_at_ms', judged_at_ms, 'verdict', verdict) ORDER BY visit)
          FROM hub_verifications WHERE work_order_id = o.work_order_id AND tenant = o.tenant
          AND (visit = l.visit OR l.visit IS NULL)) AS repairs,
        (SELECT json_group_array(json_object('verification_id', verification_id, 'window_from_ms', window_from_ms, 'window_to_ms', window_to_ms)
          ORDER BY window_to_ms) FROM (SELECT * FROM hub_repair_windows WHERE work_order_id = o.work_order_id AND tenant = o.tenant
          ORDER BY window_to_ms LIMIT ${limits.apiPage_MAX})) AS windows,
        (SELECT json_group_array(json_object('sign_id', sign_id, 'sign', sign, 'engineer', engineer, 'raised_at_ms', raised_at_ms)
          ORDER BY raised_at_ms) FROM hub_repair_signs WHERE work_order_id = o.work_order_id AND tenant = o.tenant AND (l.visit IS NULL OR verification_id IN
          (SELECT verification_id FROM hub_verifications WHERE work_order_id = o.work_order_id AND visit = l.visit))) AS signs,
        (SELECT json_group_array(json_object('label_id', label_id, 'visit', visit, 'cause', cause, 'corrected_cause', corrected_cause,
          'confidence', confidence, 'reasons', reasons, 'origin', origin, 'model_version', model_version, 'predicted', predicted,
          'engineer', engineer, 'window_from_ms', window_from_ms, 'window_to_ms', window_to_ms, 'labelled_at_ms', labelled_at_ms)
          ORDER BY labelled_at_ms) FROM hub_labels WHERE work_order_id = o.work_order_id AND tenant = o.tenant
          AND (label_id = ${label} OR ${label} IS NULL)) AS labels
      FROM hub_work_orders o LEFT JOIN hub_labels l ON l.tenant = o.tenant AND l.label_id = ${label} WHERE o.tenant = ${tenant} AND o.work_order_id = ${id}`.execute(
      database,
    )
    const [row] = rows
    return row === undefined ? undefined : toLineage(row)
  }
  return {
    ofOrder: (tenant, order) => read(tenant, { order }),
    ofLabel: (tenant, label) => read(tenant, { label }),
  }
}

type Window = { readonly verification_id: string; readonly window_from_ms: number; readonly window_to_ms: number }
type Stored<Item, Text extends keyof Item> = Omit<Item, Text> & { readonly [Name in Text]: string | null }

function toLineage(row: Row): Lineage {
  const { device, type, work_order_id, case_id, state, fault, opened_at_ms, settled_at_ms } = row
  const diagnosis = row.diagnosis === null || row.diagnosis === '' ? undefined : (JSON.parse(row.diagnosis) as Diagnosis)
  const windows = JSON.parse(row.windows) as Window[]
  const repairs = JSON.parse(row.repairs) as Array<Omit<Lineage['repairs'][number], 'reason' | 'windows'> & { readonly verdict: string | null }>
  const labels = JSON.parse(row.labels) as Array<Stored<Lineage['labels'][number], 'reasons'>>
  return {
    readings: diagnosis === undefined ? null : { device, from_ms: diagnosis.window_from_ms, to_ms: diagnosis.window_to_ms },
    diagnosis: diagnosis === undefined ? null : shown(diagnosis),
    alarm: row.alarm === null ? null : (JSON.parse(row.alarm) as Lineage['alarm']),
    order: {
      ...{ work_order_id, case_id, device, type, state, fault, opened_at_ms, settled_at_ms },
      moves: JSON.parse(row.moves) as Lineage['order']['moves'],
    },
    outcome: outcomeOf(row),
    repairs: repairs.map(({ verdict, ...repair }) => ({
      ...repair,
      reason: verdict === null ? null : (JSON.parse(verdict) as Verdict).reason,
      windows: windows
        .filter(({ verification_id }) => verification_id === repair.verification_id)
        .map(({ window_from_ms, window_to_ms }) => ({ window_from_ms, window_to_ms })),
    })),
    signs: JSON.parse(row.signs) as Lineage['signs'],
    labels: labels.map((label) => ({ ...label, reasons: label.reasons === null ? [] : (JSON.parse(label.reasons) as string[]) })),
  }
}

/** The outcome of the visit that a label is of; of an order that of its last visit. */
function outcomeOf({ outcome, told }: Row): Lineage['outcome'] {
  const { outcome: named, cause } = (told === null ? {} : JSON.parse(told)) as { readonly outcome?: unknown; readonly cause?: unknown }
  const ofVisit = named ?? (cause === undefined ? undefined : JSON.parse(told ?? '{}'))
  return (ofVisit ?? (outcome === null ? null : JSON.parse(outcome))) as Lineage['outcome']
}

const shown = ({ diagnosis_id, source, made_at_ms, answer, fault, probability, versions }: Diagnosis): NonNullable<Lineage['diagnosis']> => ({
  ...{ diagnosis_id, source, made_at_ms, answer, fault, probability },
  versions,
})
