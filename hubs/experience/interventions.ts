/**
 * Interventions: opened once for each order (anew when it is reopened) and rule when its risk meets the rule, owned by somebody, and asked for again of the next above
 * each time the result is late. One whose order is settled meanwhile lapses, and says so; none stays open in silence.
 */
import { MendlineError } from '#kernel/errors.ts'
import { contentId } from '#kernel/ids.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction } from '../hub-transaction.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import type { InterventionRow } from './experience-tables.ts'
import { isHeldOut, rulesMet, standardInterventionRules as standard } from './intervention-rules.ts'
import type { Risk } from './risk-score.ts'

const KIND = 'intervention_due'
const WAITING = ['open', 'escalated']

/** An intervention as the API and the events give it. */
export type Intervention = Omit<InterventionRow, 'reasons'> & { readonly reasons: readonly string[] }

export const toIntervention = (row: InterventionRow): Intervention => ({ ...row, reasons: JSON.parse(row.reasons) as string[] })

/** How often an order was reopened: what was done for the visit before is done for nobody who waits for the next. */
async function reopenings({ database }: HubTransaction, { tenant, work_order_id }: WorkOrderRow): Promise<number> {
  const moves = database.selectFrom('hub_work_order_moves').where('tenant', '=', tenant).where('work_order_id', '=', work_order_id)
  const reopened = moves.where('kind', '=', 'move').where('type', '=', 'reopened')
  return Number((await reopened.select((select) => select.fn.countAll<number>().as('count')).executeTakeFirstOrThrow()).count)
}

/** Opens what the risk of an order asks for; of a held-out order it is noted only. */
export async function intervene(hub: HubTransaction, order: WorkOrderRow, risk: Risk): Promise<void> {
  const { tenant, work_order_id, device } = order
  const holdsOut = isHeldOut(order, standard.hold_out_share)
  const met = rulesMet(risk, standard)
  const round = met.length === 0 ? 0 : await reopenings(hub, order)
  for (const rule of met) {
    const row: InterventionRow = {
      intervention_id: contentId('int', tenant, work_order_id, rule.id, ...(round === 0 ? [] : [round])),
      ...{ tenant, work_order_id, device, rule: rule.id, rules_version: standard.version, action: rule.action, owner: rule.owner },
      state: holdsOut ? 'held_out' : 'open',
      score: risk.score,
      reasons: JSON.stringify(risk.reasons.map(({ term }) => term)),
      opened_at_ms: hub.nowMs,
      due_at_ms: hub.nowMs + rule.within_ms,
      ...{ escalations: 0, result: null, note: null, actor: null, answered_at_ms: null },
    }
    const { numInsertedOrUpdatedRows: added } = await hub.database
      .insertInto('hub_interventions')
      .values(row)
      .onConflict((conflict) => conflict.doNothing())
      .executeTakeFirstOrThrow()
    if (holdsOut || added !== 1n) continue
    await setTimer(hub, { tenant, kind: KIND, subject: row.intervention_id, dueAtMs: row.due_at_ms })
    await tell(hub, row)
  }
}

/** Nobody has to do anything about a settled order any more. */
export async function lapse(hub: HubTransaction, { tenant, work_order_id }: WorkOrderRow): Promise<void> {
  const rows = await hub.database
    .selectFrom('hub_interventions')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', work_order_id)
    .where('state', 'in', WAITING)
    .execute()
  for (const row of rows) {
    await clearTimer(hub, { tenant, kind: KIND, subject: row.intervention_id })
    await save(hub, { ...row, state: 'lapsed' })
  }
}

/** Hands one that nobody answered to the next above, again and again until somebody does. */
export const runInterventionTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const row = await interventionRow(hub, tenant, subject)
  if (row === undefined || !WAITING.includes(row.state)) return
  const rule = standard.rules.find(({ id }) => id === row.rule)
  const due_at_ms = hub.nowMs + (rule?.within_ms ?? row.due_at_ms - row.opened_at_ms)
  await setTimer(hub, { tenant, kind: KIND, subject, dueAtMs: due_at_ms })
  await save(hub, { ...row, state: 'escalated', owner: rule?.escalate_to ?? row.owner, escalations: row.escalations + 1, due_at_ms })
}

export interface InterventionResult {
  readonly result: 'done' | 'not_possible' | 'declined'
  readonly note?: string | undefined
  readonly actor: string
}

/**
 * Notes what came of an intervention; of one that lapsed it may still be said.
 * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when it was answered before or is held out
 */
export async function answerIntervention(hub: HubTransaction, tenant: string, id: string, answer: InterventionResult): Promise<Intervention> {
  const row = await interventionRow(hub, tenant, id)
  if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', 'there is no such intervention')
  if (row.state === 'answered') throw new MendlineError('MDL_API_CONFLICT', 'the intervention was answered before')
  if (row.state === 'held_out') throw new MendlineError('MDL_API_CONFLICT', 'the order is held out: nothing was to be done')
  await clearTimer(hub, { tenant, kind: KIND, subject: id })
  const { result, note = null, actor } = answer
  return toIntervention(await save(hub, { ...row, state: 'answered', result, note, actor, answered_at_ms: hub.nowMs }))
}

const interventionRow = (hub: HubTransaction, tenant: string, id: string): Promise<InterventionRow | undefined> =>
  hub.database.selectFrom('hub_interventions').selectAll().where('tenant', '=', tenant).where('intervention_id', '=', id).executeTakeFirst()

async function save(hub: HubTransaction, row: InterventionRow): Promise<InterventionRow> {
  const { intervention_id, ...values } = row
  await hub.database.updateTable('hub_interventions').set(values).where('intervention_id', '=', intervention_id).execute()
  await tell(hub, row)
  return row
}

async function tell(hub: HubTransaction, row: InterventionRow): Promise<void> {
  const { tenant, device, work_order_id: subject } = row
  const data = { intervention: toIntervention(row) }
  await emit(hub, { tenant, device, subject, type: 'mendline.experience.intervention.v1', atMs: hub.nowMs, data })
}
