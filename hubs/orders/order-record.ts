/** The record of a work order, as the API and the events give it, from its row. */
import type { SafetyClass } from '#kernel/alarm.ts'
import type { Quote } from '#kernel/service-facts.ts'
import type { Outcome, Packet, WorkOrder, WorkOrderState } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { factsOf } from './order-facts.ts'

/** The record of the contract from its row. */
export function toWorkOrder(row: WorkOrderRow): WorkOrder {
  return {
    work_order_id: row.work_order_id,
    case_id: row.case_id,
    tenant: row.tenant,
    device: row.device,
    type: row.type,
    state: row.state as WorkOrderState,
    revision: row.revision,
    safety_class: row.safety_class as SafetyClass,
    fault: row.fault,
    diagnosis_id: row.diagnosis_id,
    alarm_id: row.alarm_id,
    opened_at_ms: row.opened_at_ms,
    created_at_ms: row.created_at_ms,
    updated_at_ms: row.updated_at_ms,
    packet: JSON.parse(row.packet) as Packet,
    outcome: row.outcome === null ? null : (JSON.parse(row.outcome) as Outcome),
    ...chainOf(row),
  }
}

function chainOf(row: WorkOrderRow): Partial<WorkOrder> {
  const { process_version, outlet, engineer, offered_to, promised_from_ms, promised_to_ms, repeat_of } = row
  const facts = factsOf(row)
  return {
    ...{ process_version, outlet, engineer, offered_to, promised_from_ms, promised_to_ms, repeat_of },
    verified_need: facts.verified_need ?? null,
    preferred_windows: [...(facts.preferred_windows ?? [])],
    reschedule_count: facts.reschedule_count ?? 0,
    no_show_count: facts.no_show_count ?? 0,
    quote: row.quote === null ? null : (JSON.parse(row.quote) as Quote),
    charges: facts.charges ?? null,
    earlier_charges: [...(facts.earlier_charges ?? [])],
    rating: facts.rating ?? null,
  }
}
