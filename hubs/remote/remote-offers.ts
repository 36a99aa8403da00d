/**
 * Remote first: when an order opens for a fault that begins with guidance (`REM` in the catalogue), its remote steps are offered to the
 * household one after the other, and the order waits in `remote_offered`; where an active test tells the fault from its rivals, it is offered
 * beside the order, which does not wait. Refusal, expiry, or a step that did not help lead to the visit. Dangers are offered nothing.
 */
import type { ActiveTest, ApplianceType, Fault, RemoteStep, Text } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import { contentId } from '#kernel/ids.ts'
import type { MeasuredResidual } from '#kernel/measured-residuals.ts'
import type { RemoteOffer, RemoteState } from '#kernel/remote-offer.ts'
import type { Packet, WorkOrderState } from '#kernel/work-order.ts'
import { UNNAMED_CAUSE } from '../cases.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { isAskedFor } from '../orders/recovery.ts'
import { isDanger } from '../quiet-alarms.ts'
import { storedDiagnosis } from '../stored-findings.ts'
import { clearTimer, findTimer, setTimer, type TimerHandler } from '../timers.ts'
import { type Process, phaseOf } from '../work-order-states.ts'
import { findOrder, moveOrder, orderRow, remarkOrder, SYSTEM_ACTOR } from '../work-orders.ts'
import type { RemoteOfferRow } from './remote-tables.ts'

export const OFFER_TIMER = 'remote_offer'
export const DUE_TIMER = 'remote_due'
/** Time in which a household answers: a step can wait for a day, a test tells before the engineer is sent (chosen). */
const ANSWER_MS = { step: 24 * 3_600_000, test: 4 * 3_600_000 } as const
/** Offers that nobody has settled. */
export const OPEN_OFFERS = ['offered', 'accepted', 'running', 'measuring'] as const satisfies readonly RemoteState[]

/** Whether an order of a danger is open for a unit. */
export async function isInDanger(hub: HubTransaction, { tenant, device }: Pick<WorkOrderRow, 'tenant' | 'device'>): Promise<boolean> {
  const orders = hub.database.selectFrom('hub_work_orders').select('work_order_id').where('tenant', '=', tenant).where('device', '=', device)
  return (await orders.where('safety_class', 'in', ['E0', 'E1']).where('settled_at_ms', 'is', null).executeTakeFirst()) !== undefined
}

const classOf = (order: WorkOrderRow): Pick<Alarm, 'safety_class'> => ({ safety_class: order.safety_class as Alarm['safety_class'] })

/** Nothing is to be tried from afar any more; open offers end with the move. */
export async function beginVisit(hub: HubTransaction, order: WorkOrderRow, reason: string): Promise<void> {
  await moveOrder(hub, order, 'triaged', { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason, data: {} })
}

/** Offers the next thing of an order, or lets the visit go on when there is none left. */
export const runOfferTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const order = await findOrder(hub, tenant, subject)
  if (order !== undefined) await offerNext(hub, order)
}

/** @param before reason why the visit goes on when nothing is left to offer */
export async function offerNext(hub: HubTransaction, order: WorkOrderRow, before = 'nothing is left to try from afar'): Promise<void> {
  const process = await processOf(hub, order)
  const isWaiting = phaseOf(process, order.state as WorkOrderState) === 'waiting'
  const type = hub.catalogue(order.type)
  const fault = type?.faults.find(({ code }) => code === order.fault)
  if (!isWaiting) return
  const steps = stepsFor(type, fault, order)
  const isDangerous = await isInDanger(hub, order)
  if (!hub.policy.remoteFirst || type === undefined || steps === undefined || isDangerous) {
    const reason = isDangerous ? 'a danger stands at the unit' : before
    if (order.state === 'remote_offered') await beginVisit(hub, order, reason)
    return
  }
  const offers = await offersOf(hub, order)
  // One behind the other: what is asked now is waited for.
  if (offers.some(isOpenStep)) return
  const tried = triedOf(offers)
  const step = untriedStep(steps, tried, { process, order })
  if (step !== undefined) {
    await makeOffer(hub, order, { kind: 'step', action: step, type })
    if (order.state === 'remote_offered') return
    const told = { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason: 'the household is asked to try something first', data: { action: step } }
    await moveOrder(hub, await orderRow(hub, order.work_order_id), 'remote_offered', told)
    return
  }
  if (order.state === 'remote_offered') return (await remind(hub, order, type)) ? undefined : beginVisit(hub, order, before)
  const test = fault === undefined ? undefined : tellingTest(type, fault, order).find(({ id }) => !tried.has(id))
  if (test !== undefined && order.diagnosis_id !== null) await makeOffer(hub, order, { kind: 'test', action: test.id, type })
}

const isOpenStep = ({ kind, state }: RemoteOfferRow): boolean => kind === 'step' && OPEN_OFFERS.some((open) => open === state)

/** What was tried or answered; what was taken back before anybody answered may be offered again. */
const triedOf = (offers: readonly RemoteOfferRow[]): ReadonlySet<string> =>
  new Set(offers.flatMap(({ state, consent, action }) => (state === 'withdrawn' && consent === null ? [] : [action])))

/** Whether a step is one for the cause of the order. */
export function fitsCause(hub: HubTransaction, order: WorkOrderRow, action: string): boolean {
  const type = hub.catalogue(order.type)
  const fault = type?.faults.find(({ code }) => code === order.fault)
  return stepsFor(type, fault, order)?.includes(action) === true
}

/** Steps that may be offered for an order, in their order; undefined where the catalogue knows none of its cause. */
const stepsFor = (type: ApplianceType | undefined, fault: Fault | undefined, order: WorkOrderRow): readonly string[] | undefined =>
  order.cause === UNNAMED_CAUSE ? type?.intake?.checks : fault?.skills[0] === 'REM' ? fault.remoteSteps : fault && []

/** The step that is offered next; undefined where none is left, or the process lets the order wait for none. */
function untriedStep(
  steps: readonly string[],
  tried: ReadonlySet<string>,
  { process, order }: { readonly process: Process; readonly order: WorkOrderRow },
): string | undefined {
  const mayWait = order.state === 'remote_offered' || process.states[order.state as WorkOrderState]?.next.includes('remote_offered') === true
  return mayWait ? steps.find((id) => !tried.has(id)) : undefined
}

/**
 * What a household that asks is to try before anybody comes, also in the moment before it is offered; undefined when the visit goes on. A step
 * that nothing is about to offer is not named: it could not be answered.
 */
export async function stepBeforeVisit(
  hub: HubTransaction,
  order: WorkOrderRow,
): Promise<{ readonly step: RemoteStep; readonly isMeasured: boolean } | undefined> {
  const process = await processOf(hub, order)
  const type = hub.catalogue(order.type)
  const steps = stepsFor(
    type,
    type?.faults.find(({ code }) => code === order.fault),
    order,
  )
  if (phaseOf(process, order.state as WorkOrderState) !== 'waiting' || steps === undefined || isDanger(classOf(order))) return undefined
  const offers = await offersOf(hub, order)
  const open = offers.find(isOpenStep)
  const next = (await isAboutToOffer(hub, order)) ? untriedStep(steps, triedOf(offers), { process, order }) : undefined
  const step = type?.remoteSteps?.find(({ id }) => id === (open?.action ?? next))
  return step === undefined ? undefined : { step, isMeasured: open?.state === 'measuring' }
}

async function isAboutToOffer(hub: HubTransaction, order: WorkOrderRow): Promise<boolean> {
  if (!hub.policy.remoteFirst || (await isInDanger(hub, order))) return false
  return (await findTimer(hub, { tenant: order.tenant, kind: OFFER_TIMER, subject: order.work_order_id })) !== undefined
}

/**
 * Advice sends nobody, so what the household did not take is offered again after a while; one that called is not put off by it. False when
 * there is nothing to wait for.
 */
async function remind(hub: HubTransaction, order: WorkOrderRow, type: ApplianceType): Promise<boolean> {
  const offers = (await offersOf(hub, order)).filter(({ kind, action }) => kind === 'step' && fitsCause(hub, order, action))
  const last = offers.at(-1)
  if (order.safety_class !== 'E4' || last === undefined || (last.state !== 'refused' && last.state !== 'expired')) return false
  const times = offers.filter(({ action }) => action === last.action).length
  if (times > hub.policy.reminders_MAX || (await isAskedFor(hub, order))) return false
  const dueAtMs = last.offered_at_ms + hub.policy.remindAfterMs
  if (dueAtMs > hub.nowMs) await setTimer(hub, { tenant: order.tenant, kind: OFFER_TIMER, subject: order.work_order_id, dueAtMs })
  else await makeOffer(hub, order, { kind: 'step', action: last.action, type })
  return true
}

/** Tests of a fault whose answers tell it from a rival of the packet. */
function tellingTest(type: ApplianceType, fault: Fault, order: WorkOrderRow): ActiveTest[] {
  const rivals = new Set((JSON.parse(order.packet) as Packet).rivals.map((rival) => rival.fault))
  const tests = (fault.activeTests ?? []).flatMap((id) => type.activeTests?.find((test) => test.id === id) ?? [])
  return tests.filter(({ answers }) =>
    answers.some(({ speaksFor, speaksAgainst }) => [...speaksFor, ...speaksAgainst].some((code) => rivals.has(code))),
  )
}

async function makeOffer(
  hub: HubTransaction,
  order: WorkOrderRow,
  { kind, action, type }: { readonly kind: 'step' | 'test'; readonly action: string; readonly type: ApplianceType },
): Promise<void> {
  const { tenant, device, work_order_id, case_id } = order
  const times = (await offersOf(hub, order)).filter((offer) => offer.action === action).length
  const needsConsent = kind === 'step' || testOf(type, action)?.consent === 'household'
  const row: RemoteOfferRow = {
    offer_id: times === 0 ? contentId('rem', work_order_id, action) : contentId('rem', work_order_id, action, times),
    ...{ tenant, device, type: type.id, work_order_id, case_id, kind, action },
    text_version: textVersion(type, action),
    state: needsConsent ? 'offered' : 'accepted',
    offered_at_ms: hub.nowMs,
    expires_at_ms: hub.nowMs + ANSWER_MS[kind],
    ...{ consent: null, started_at_ms: null, due_at_ms: null, command_id: null, result: null },
    before: JSON.stringify(await residualsOf(hub, order)),
  }
  await hub.database.insertInto('hub_remote_offers').values(row).execute()
  await setTimer(hub, { tenant, kind: DUE_TIMER, subject: row.offer_id, dueAtMs: row.expires_at_ms })
  const reason = kind === 'step' ? 'a remote step is offered' : 'an active test is offered'
  await remarkOrder(hub, order, 'remote', {
    actor: SYSTEM_ACTOR,
    atMs: hub.nowMs,
    reason,
    data: { offer_id: row.offer_id, action, state: row.state },
  })
  await tell(hub, row)
}

async function residualsOf(hub: HubTransaction, { diagnosis_id }: WorkOrderRow): Promise<readonly MeasuredResidual[]> {
  const diagnosis = await storedDiagnosis(hub, diagnosis_id)
  if (diagnosis === undefined) return []
  return diagnosis.residuals ?? [...diagnosis.evidence_for, ...diagnosis.evidence_against].filter(({ z_score }) => z_score !== null)
}

/** Offers of an order, oldest first; in these states when some are named. */
export async function offersOf(
  hub: Pick<HubTransaction, 'database'>,
  { tenant, work_order_id }: Pick<WorkOrderRow, 'tenant' | 'work_order_id'>,
  states?: readonly RemoteState[],
): Promise<RemoteOfferRow[]> {
  return await hub.database
    .selectFrom('hub_remote_offers')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', work_order_id)
    .$if(states !== undefined, (query) => query.where('state', 'in', [...(states ?? [])]))
    .orderBy('offered_at_ms')
    .orderBy('offer_id')
    .execute()
}

interface Result {
  readonly reason: string
  readonly values: Readonly<Record<string, number | null>>
}

/** Changes an offer and tells of it. */
export async function changeOffer(hub: HubTransaction, offer: RemoteOfferRow, changes: Partial<RemoteOfferRow>): Promise<RemoteOfferRow> {
  const changed = { ...offer, ...changes }
  await hub.database.updateTable('hub_remote_offers').set(changes).where('offer_id', '=', offer.offer_id).execute()
  await tell(hub, changed)
  return changed
}

/** Ends an offer with its result, which stands on the order as a remark. */
export async function settleOffer(hub: HubTransaction, offer: RemoteOfferRow, state: RemoteState, result: Result): Promise<void> {
  await clearTimer(hub, { tenant: offer.tenant, kind: DUE_TIMER, subject: offer.offer_id })
  // An appliance that connects a little later would run a test that nobody wants any more.
  if (offer.command_id !== null && state !== 'answered') {
    await hub.cancelCommand?.(hub.database, { tenant: offer.tenant, commandId: offer.command_id, actor: 'remote' }, hub.nowMs)
  }
  await changeOffer(hub, offer, { state, result: JSON.stringify(result) })
  if (state === 'withdrawn') return
  const { offer_id, action, work_order_id } = offer
  const data = { offer_id, action, state, ...result }
  await remarkOrder(hub, await orderRow(hub, work_order_id), 'remote', { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason: result.reason, data })
}

const tell = async (hub: HubTransaction, row: RemoteOfferRow): Promise<void> => {
  const { tenant, device, work_order_id: subject } = row
  const type = row.state === 'offered' ? 'mendline.remote.offered.v1' : 'mendline.remote.moved.v1'
  await emit(hub, { tenant, device, subject, type, atMs: hub.nowMs, data: { offer: toOffer(row, hub.catalogue(row.type)) } })
}

/** Version of the text of an action, as a consent names it. */
export const textVersion = (type: ApplianceType | undefined, action: string): string => `${type?.version ?? ''}/${action}`

export const testOf = (type: ApplianceType | undefined, id: string): ActiveTest | undefined => type?.activeTests?.find((test) => test.id === id)
export const stepOf = (type: ApplianceType | undefined, id: string): RemoteStep | undefined => type?.remoteSteps?.find((step) => step.id === id)

/** The record of the API and the events. */
export function toOffer(row: RemoteOfferRow, type: ApplianceType | undefined): RemoteOffer {
  const { offer_id, work_order_id, case_id, device, action, text_version, offered_at_ms, expires_at_ms, started_at_ms, due_at_ms } = row
  const test = testOf(type, action)
  const step = stepOf(type, action)
  const nothing: Text = { en: action, 'zh-CN': action }
  return {
    ...{ offer_id, work_order_id, case_id, device, action, text_version, offered_at_ms, expires_at_ms, started_at_ms, due_at_ms },
    kind: row.kind === 'test' ? 'test' : 'step',
    text: step?.action ?? test?.name ?? nothing,
    minutes: step?.minutes ?? test?.minutes ?? 0,
    wants_photo: step?.wantsPhoto ?? false,
    needs_consent: step !== undefined || test?.consent === 'household',
    state: row.state as RemoteState,
    consent: row.consent === null ? null : (JSON.parse(row.consent) as RemoteOffer['consent']),
    result: row.result === null ? null : (JSON.parse(row.result) as RemoteOffer['result']),
  }
}
