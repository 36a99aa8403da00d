/**
 * Applies what the dispatch system answers about an order: a move or a remark. The answer to an Idempotency-Key is kept, so that the
 * same request has the same effect once and the same reply each time, and the key with another body is refused.
 */
import { createHash } from 'node:crypto'
import { Value } from 'typebox/value'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { MendlineError } from '#kernel/errors.ts'
import { fieldErrors, fieldsRefused } from '#kernel/field-errors.ts'
import { isDeeperThan, JSON_DEPTH_MAX } from '#kernel/json-depth.ts'
import {
  type Outcome,
  OutcomeSchema,
  WORK_ORDER_REMARKS,
  type WorkOrder,
  type WorkOrderEvent,
  WorkOrderEventSchema,
  type WorkOrderState,
} from '#kernel/work-order.ts'
import type { WorkOrderRow } from './hub-tables.ts'
import type { HubTransaction } from './hub-transaction.ts'
import { addLabel } from './labels.ts'
import { skillsOf } from './orders/crews.ts'
import { changesOfMove, changesOfRemark } from './orders/order-facts.ts'
import { toWorkOrder } from './orders/order-record.ts'
import { warrantyOf } from './orders/terms-book.ts'
import { CLOCKS_MS, checkToldTime } from './told-time.ts'
import { JUDGED } from './work-order-states.ts'
import { changeOrder, moveOrder, remarkOrder, type Step } from './work-orders.ts'

export interface Answer {
  readonly tenant: string
  readonly workOrderId: string
  readonly input: WorkOrderEvent
  readonly idempotencyKey: string | undefined
  /** Refuses with MDL_API_CONFLICT when the order has another revision (If-Match). */
  readonly expectedRevision: number | undefined
}

/** Bytes of one event's `data` as JSON; a larger one is refused. */
const ANSWER_DATA_BYTES_MAX = 16 * 1024

/** Remarks of one order; a further one is refused (a tracker should send positions at a sensible pace). */
const REMARKS_MAX = 10_000

/**
 * Applies an answer and returns the order as it is after it.
 * @throws MendlineError MDL_API_INVALID, MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_TOO_LARGE, MDL_API_IDEMPOTENCY_MISMATCH,
 * MDL_HUBS_ILLEGAL_MOVE, MDL_HUBS_OUTCOME_REQUIRED
 */
export async function applyAnswer(hub: HubTransaction, answer: Answer): Promise<WorkOrder> {
  const { tenant, workOrderId, input, idempotencyKey } = answer
  if (isDeeperThan(input.data, JSON_DEPTH_MAX))
    throw fieldsRefused([{ field: 'body.data', reason: `is nested deeper than ${JSON_DEPTH_MAX} levels` }])
  if (!Value.Check(WorkOrderEventSchema, input)) throw fieldsRefused(fieldErrors(Value.Errors(WorkOrderEventSchema, input), 'body'))
  const bodyHash = createHash('sha256')
    .update(`${workOrderId}\n${canonical(input)}`)
    .digest('hex')
  if (idempotencyKey !== undefined) {
    const kept = await keptReply(hub, { tenant, idempotencyKey, bodyHash })
    if (kept !== undefined) return kept
  }
  const row = await hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', workOrderId)
    .executeTakeFirst()
  if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such work order')
  if (answer.expectedRevision !== undefined && answer.expectedRevision !== row.revision) {
    throw new MendlineError('MDL_API_CONFLICT', 'the work order was changed meanwhile', { details: { revision: row.revision } })
  }
  checkToldTime(input.at_ms, { nowMs: hub.nowMs, notBeforeMs: Math.min(row.opened_at_ms, row.created_at_ms), what: 'the order was opened' })
  const order = await applyInput(hub, row, input)
  if (idempotencyKey !== undefined) {
    const reply = { tenant, idempotency_key: idempotencyKey, body_hash: bodyHash, answer: JSON.stringify(order), at_ms: hub.nowMs }
    await hub.database.insertInto('hub_idempotency').values(reply).execute()
  }
  return order
}

async function keptReply(hub: HubTransaction, key: { tenant: string; idempotencyKey: string; bodyHash: string }): Promise<WorkOrder | undefined> {
  const kept = await hub.database
    .selectFrom('hub_idempotency')
    .select(['body_hash', 'answer'])
    .where('tenant', '=', key.tenant)
    .where('idempotency_key', '=', key.idempotencyKey)
    .executeTakeFirst()
  if (kept === undefined) return undefined
  if (kept.body_hash !== key.bodyHash) throw new MendlineError('MDL_API_IDEMPOTENCY_MISMATCH', 'the Idempotency-Key was used with another body')
  return JSON.parse(kept.answer) as WorkOrder
}

async function applyInput(hub: HubTransaction, row: WorkOrderRow, input: WorkOrderEvent): Promise<WorkOrder> {
  const data = input.data ?? {}
  if (JSON.stringify(data).length > ANSWER_DATA_BYTES_MAX) throw new MendlineError('MDL_API_TOO_LARGE', 'data is larger than 16 KiB')
  const reason = typeof data.reason === 'string' ? data.reason.slice(0, 500) : ''
  const step: Step = { actor: input.actor, atMs: input.at_ms, reason, data }
  if (isRemark(input.type)) {
    if (row.move_count >= REMARKS_MAX) throw new MendlineError('MDL_API_TOO_LARGE', 'the order has too many remarks')
    const { changes, tells } = changesOfRemark(row, input.type, { atMs: input.at_ms, nowMs: hub.nowMs, data })
    if (Object.keys(changes).length > 0) return changeOrder(hub, row, { type: input.type, changes, tells, step })
    await remarkOrder(hub, row, input.type, step)
    return toWorkOrder(row)
  }
  if (input.type === JUDGED) throw judgedByUs(row)
  await checkRound(hub, row, input)
  const outcome = input.type === 'done' || input.type === 'cancelled' ? outcomeOf(hub, row, data) : undefined
  const isCovered = input.type === 'done' && data.charges !== undefined ? await warrantyOf(hub, row) : undefined
  const changes = changesOfMove(row, input.type, { actor: input.actor, atMs: input.at_ms, nowMs: hub.nowMs, data, isCovered })
  const engineerSkills = typeof changes.engineer === 'string' ? await skillsOf(hub, row.tenant, changes.engineer) : undefined
  const isGivenBack = input.type === 'refused' || input.type === 'returned'
  const engineerTelling = isGivenBack && (await skillsOf(hub, row.tenant, input.actor)) !== undefined ? input.actor : undefined
  const order = await moveOrder(hub, row, input.type, {
    ...step,
    changes,
    engineerSkills,
    engineerTelling,
    ...(outcome === undefined ? {} : { outcome }),
  })
  // What was found at a visit that was called off stands in the move; it is no repair, and teaches nothing.
  if (outcome !== undefined && input.type === 'done')
    await addLabel(hub, row, outcome, { visit: row.move_count + 1, engineer: await visitorOf(hub, row, step.actor) })
  return order
}

/** With these an order begins a round anew: who had it before has it no longer. */
const ROUND_BEGINS: readonly string[] = ['refused', 'returned', 'reopened']

/** A move of the round before, told late, would give the order back to somebody who gave it away. */
async function checkRound(hub: HubTransaction, { work_order_id, state }: WorkOrderRow, { type, at_ms }: WorkOrderEvent): Promise<void> {
  if (!ROUND_BEGINS.includes(state)) return
  const moves = hub.database.selectFrom('hub_work_order_moves').select(['at_ms', 'recorded_at_ms']).where('work_order_id', '=', work_order_id)
  const last = await moves.where('kind', '=', 'move').where('type', '=', state).orderBy('sequence', 'desc').executeTakeFirst()
  const beganMs = Math.min(last?.at_ms ?? 0, last?.recorded_at_ms ?? 0)
  if (at_ms >= beganMs - CLOCKS_MS) return
  const reason = `lies before the order was ${state} (${beganMs}): it is of the round before`
  const errors = [{ field: 'body.at_ms', reason }]
  throw new MendlineError('MDL_HUBS_ILLEGAL_MOVE', `the move to ${type} ${reason}`, { details: { from: state, to: type, errors } })
}

/** Whose code an outcome is: of who tells it when that is one who accepted the order, else of the engineer of the order. */
async function visitorOf(hub: HubTransaction, { tenant, work_order_id, engineer }: WorkOrderRow, actor: string): Promise<string> {
  if (engineer === null || engineer === actor) return actor
  const accepted = await hub.database
    .selectFrom('hub_work_order_moves')
    .select(['actor', 'data'])
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', work_order_id)
    .where('type', '=', 'accepted')
    .execute()
  const people = accepted.map((move) => (JSON.parse(move.data) as { readonly engineer?: unknown }).engineer ?? move.actor)
  return people.includes(actor) ? actor : engineer
}

/** Nobody says of a repair that it held: that is what the sensors, or the time without a call, are asked. */
function judgedByUs({ state, work_order_id }: WorkOrderRow): MendlineError {
  const reason = `${JUDGED} is told by Mendline's own verification alone (GET /work-orders/${work_order_id}/lineage)`
  const errors = [{ field: 'body.type', reason }]
  return new MendlineError('MDL_HUBS_ILLEGAL_MOVE', reason, { details: { from: state, to: JUDGED, errors } })
}

const isRemark = (type: WorkOrderEvent['type']): type is Exclude<WorkOrderEvent['type'], WorkOrderState> =>
  (WORK_ORDER_REMARKS as readonly string[]).includes(type)

/** The outcome stands in `data.outcome`; data that is an outcome itself is taken too. */
function outcomeOf(hub: HubTransaction, row: WorkOrderRow, data: Readonly<Record<string, unknown>>): Outcome | undefined {
  const given = data.outcome ?? ('cause' in data ? data : undefined)
  if (given === undefined) return undefined
  const root = data.outcome === undefined ? 'body.data' : 'body.data.outcome'
  if (!Value.Check(OutcomeSchema, given)) throw fieldsRefused(fieldErrors(Value.Errors(OutcomeSchema, given), root))
  const type = hub.catalogue(row.type)
  const isKnown = ['no_fault_found', 'other'].includes(given.cause) || type === undefined || type.faults.some((fault) => fault.code === given.cause)
  if (!isKnown) throw fieldsRefused([{ field: `${root}.cause`, reason: `${given.cause} is no fault code of ${row.type}` }])
  return markUnknown(given, type)
}

/** Marks the parts that the catalogue of the type does not have. A type of somebody's own without a list of parts marks none. */
function markUnknown(outcome: Outcome, type: ApplianceType | undefined): Outcome {
  const known = type === undefined || type.parts.length === 0 ? undefined : new Set(type.parts.map(({ part }) => part))
  const mark = (parts: Outcome['parts_used']): Outcome['parts_used'] =>
    parts.map(({ is_unknown: _told, ...part }) => (known === undefined || known.has(part.part) ? part : { ...part, is_unknown: true }))
  return { ...outcome, parts_used: mark(outcome.parts_used), parts_returned: mark(outcome.parts_returned) }
}

/** JSON with sorted keys, so that the same body in another order of fields is the same. */
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, entry: unknown) =>
    typeof entry === 'object' && entry !== null && !Array.isArray(entry)
      ? Object.fromEntries(Object.entries(entry).sort(([a], [b]) => (a < b ? -1 : 1)))
      : entry,
  )
}
