/**
 * What the household says to an offer, and what the sensors say of a step that was done. A consent names the version of the text that was
 * read. A step counts as helped when the windows behind it are back to normal in the feature that the catalogue names; the household's word
 * counts only for a unit that cannot be measured.
 */
import { MendlineError } from '#kernel/errors.ts'
import { bodyRefused } from '#kernel/field-errors.ts'
import type { MeasuredResidual, MeasuredWindow } from '#kernel/measured-residuals.ts'
import type { RemoteAnswer, RemoteState } from '#kernel/remote-offer.ts'
import type { Outcome, WorkOrderState } from '#kernel/work-order.ts'
import { UNNAMED_CAUSE } from '../cases.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { addLabel } from '../labels.ts'
import { isAskedFor } from '../orders/recovery.ts'
import { setTimer, type TimerHandler } from '../timers.ts'
import { checkToldTime } from '../told-time.ts'
import { assessRepair } from '../verify/assess-repair.ts'
import { boundsOf, standardVerifyPolicy as policy } from '../verify/verify-policy.ts'
import { moveOrder, orderRow, SYSTEM_ACTOR } from '../work-orders.ts'
import { changeOffer, DUE_TIMER, fitsCause, offerNext, settleOffer, stepOf } from './remote-offers.ts'
import type { RemoteOfferRow } from './remote-tables.ts'
import { tellDiagnosis } from './shift-diagnosis.ts'

/** Time behind the due instant in which late windows are awaited. */
const LATE_MS = 24 * 3_600_000

/**
 * Takes what the household says.
 * @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT when the offer is settled, MDL_API_INVALID for an answer that is none to it,
 * MDL_HUBS_CONSENT_REQUIRED when the text that was read is not named or not the one that was offered
 */
export async function answerOffer(hub: HubTransaction, tenant: string, offerId: string, given: RemoteAnswer): Promise<RemoteOfferRow> {
  const offer = await offerRow(hub, tenant, offerId)
  if (offer.state !== 'offered') throw new MendlineError('MDL_API_CONFLICT', `the offer is ${offer.state}`)
  const checkTime = (): void => checkToldTime(given.at_ms, { nowMs: hub.nowMs, notBeforeMs: offer.offered_at_ms, what: 'it was offered' })
  if (given.answer === 'refuse') {
    checkTime()
    await settleOffer(hub, offer, 'refused', { reason: given.reason ?? 'the household does not want it', values: {} })
    return goOn(hub, offer, 'the household does not want to try it')
  }
  if ((given.answer === 'accept') !== (offer.kind === 'test')) {
    throw new MendlineError('MDL_API_INVALID', offer.kind === 'test' ? 'a test is accepted or refused' : 'a step is done or refused')
  }
  if (given.text_version !== offer.text_version) {
    throw new MendlineError('MDL_HUBS_CONSENT_REQUIRED', `name the text that was read: text_version ${offer.text_version}`)
  }
  checkTime()
  const consent = JSON.stringify({
    at_ms: given.at_ms,
    actor: given.actor,
    text_version: given.text_version,
    ...(hub.by === undefined ? {} : { told_by: hub.by }),
  })
  if (offer.kind === 'test') return await changeOffer(hub, offer, { state: 'accepted', consent })
  return noteDone(hub, { ...offer, consent }, given)
}

/** The row of an offer. @throws MendlineError MDL_API_NOT_FOUND */
async function offerRow(hub: HubTransaction, tenant: string, offerId: string): Promise<RemoteOfferRow> {
  const rows = hub.database.selectFrom('hub_remote_offers').selectAll().where('tenant', '=', tenant)
  const row = await rows.where('offer_id', '=', offerId).executeTakeFirst()
  if (row === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no offer ${offerId}`)
  return row
}

async function goOn(hub: HubTransaction, { tenant, offer_id, work_order_id }: RemoteOfferRow, reason: string): Promise<RemoteOfferRow> {
  await offerNext(hub, await orderRow(hub, work_order_id), reason)
  return offerRow(hub, tenant, offer_id)
}

/** That a step was done does not say that it helped, and nothing else would. */
function unsaid(): MendlineError {
  return bodyRefused('helped', 'must say whether the step helped: the sensors of this unit cannot')
}

async function noteDone(hub: HubTransaction, offer: RemoteOfferRow, given: RemoteAnswer): Promise<RemoteOfferRow> {
  const step = stepOf(hub.catalogue(offer.type), offer.action)
  const started_at_ms = Math.max(offer.offered_at_ms, Math.min(given.at_ms, hub.nowMs))
  const isMeasured = offer.before !== '[]' || (step !== undefined && 'isHeardAgain' in step.remeasure)
  if (!isMeasured) {
    if (given.helped === undefined) throw unsaid()
    const state = given.helped ? 'helped' : 'not_helped'
    const said = { ...offer, started_at_ms }
    const noted = hub.database.updateTable('hub_remote_offers').set({ consent: offer.consent, started_at_ms })
    await noted.where('offer_id', '=', offer.offer_id).execute()
    await conclude(hub, said, {
      state,
      reason: `the household says that it ${state === 'helped' ? 'helped' : 'did not help'}; it cannot be measured`,
      values: {},
    })
    return offerRow(hub, offer.tenant, offer.offer_id)
  }
  const due_at_ms = started_at_ms + (step?.remeasure.afterMinutes ?? 0) * 60_000
  await setTimer(hub, { tenant: offer.tenant, kind: DUE_TIMER, subject: offer.offer_id, dueAtMs: Math.max(due_at_ms, hub.nowMs) })
  return await changeOffer(hub, offer, { state: 'measuring', consent: offer.consent, started_at_ms, due_at_ms })
}

/** Takes a window of a unit that is measured behind a step. */
export async function noteRemoteWindow(hub: HubTransaction, window: MeasuredWindow): Promise<void> {
  for (const offer of await measuring(hub, window)) {
    if (window.window_from_ms < (offer.started_at_ms ?? 0)) continue
    const { offer_id, tenant, device } = offer
    const { window_from_ms, window_to_ms, residuals } = window
    await hub.database
      .insertInto('hub_remote_windows')
      .values({ offer_id, tenant, device, window_from_ms, window_to_ms, residuals: JSON.stringify(residuals) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    if (window_to_ms >= (offer.due_at_ms ?? 0)) await measure(hub, offer, { isLast: false })
  }
}

/** A unit is heard again. */
export async function noteHeardAgain(
  hub: HubTransaction,
  unit: { readonly tenant: string; readonly device: string; readonly at_ms: number },
): Promise<void> {
  for (const offer of await measuring(hub, unit)) {
    const step = stepOf(hub.catalogue(offer.type), offer.action)
    if (step === undefined || !('isHeardAgain' in step.remeasure) || unit.at_ms < (offer.started_at_ms ?? 0)) continue
    await conclude(hub, offer, { state: 'helped', reason: 'the unit is heard again', values: {} })
  }
}

const measuring = (hub: HubTransaction, { tenant, device }: { readonly tenant: string; readonly device: string }): Promise<RemoteOfferRow[]> =>
  hub.database
    .selectFrom('hub_remote_offers')
    .selectAll()
    .where('state', '=', 'measuring')
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .execute()

/** Nobody answered, or the time of a measurement is there. */
export const runDueTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const offer = await offerRow(hub, tenant, subject)
  if (offer.state === 'offered') {
    await settleOffer(hub, offer, 'expired', { reason: 'the household did not answer', values: {} })
    await goOn(hub, offer, 'the household did not answer')
  } else if (offer.state === 'measuring') await measure(hub, offer, { isLast: hub.nowMs >= (offer.due_at_ms ?? 0) + LATE_MS })
  else if (offer.state === 'accepted' || offer.state === 'running') {
    const isBegun = offer.state === 'running'
    await settleOffer(hub, offer, isBegun ? 'failed' : 'blocked', { reason: `the test was not ${isBegun ? 'read' : 'run'} in time`, values: {} })
    await goOn(hub, offer, 'the test gave no answer')
  }
}

async function measure(hub: HubTransaction, offer: RemoteOfferRow, { isLast }: { readonly isLast: boolean }): Promise<void> {
  const type = hub.catalogue(offer.type)
  const step = stepOf(type, offer.action)
  const feature = step !== undefined && 'feature' in step.remeasure ? step.remeasure.feature : undefined
  const all = JSON.parse(offer.before) as MeasuredResidual[]
  const named = all.filter((residual) => residual.feature === feature)
  const before = named.length === 0 ? all : named
  const rows = await hub.database
    .selectFrom('hub_remote_windows')
    .select('residuals')
    .where('offer_id', '=', offer.offer_id)
    .orderBy('window_to_ms')
    .execute()
  const after = rows.map(({ residuals }) => JSON.parse(residuals) as MeasuredResidual[])
  const order = await orderRow(hub, offer.work_order_id)
  const fault = type?.faults.find(({ code }) => code === order.fault)
  const { verdict, failed_probability, windows, features } = assessRepair({ before, after, fault }, { ...policy, ...boundsOf(policy, offer.type) })
  if (verdict === 'undecided' && !isLast) {
    return setTimer(hub, {
      tenant: offer.tenant,
      kind: DUE_TIMER,
      subject: offer.offer_id,
      dueAtMs: Math.max(hub.nowMs + 60_000, (offer.due_at_ms ?? 0) + LATE_MS),
    })
  }
  const shown = features.find((entry) => entry.feature === feature) ?? features[0]
  const values = { windows, failed_probability, before_z: shown?.before_z ?? null, after_z: shown?.after_z ?? null }
  if (windows === 0) return conclude(hub, offer, { state: 'not_measured', reason: 'no window behind the step could be measured', values })
  const isHelped = verdict === 'normal' || (verdict === 'undecided' && failed_probability < policy.failed_prior)
  const isLeft = verdict === 'not_normal' || failed_probability > 0.5
  if (!isHelped && !isLeft) return conclude(hub, offer, { state: 'not_measured', reason: 'the windows behind the step do not decide', values })
  const told = shown === undefined ? '' : `: ${shown.feature} z ${shown.before_z} before, ${shown.after_z} behind`
  await conclude(hub, offer, {
    state: isHelped ? 'helped' : 'not_helped',
    reason: `${isHelped ? 'the sensors say that it helped' : 'the sensors do not say that it helped'}${told}`,
    values,
  })
}

interface Conclusion {
  readonly state: Extract<RemoteState, 'helped' | 'not_helped' | 'not_measured'>
  readonly reason: string
  readonly values: Readonly<Record<string, number | null>>
}

/** A step that helped is the repair, and is verified like one; any other leads to the next step or the visit. */
async function conclude(hub: HubTransaction, offer: RemoteOfferRow, { state, ...result }: Conclusion): Promise<void> {
  await settleOffer(hub, offer, state, result)
  const order = await orderRow(hub, offer.work_order_id)
  // What is slight and could not be measured in time is watched like any repair, and comes back by itself.
  const isWatched = state === 'not_measured' && order.safety_class > 'E2'
  if (state !== 'helped' && !isWatched) {
    if (state === 'not_helped' && order.fault !== null) await shiftAway(hub, offer, order.fault, result)
    const shifted = await orderRow(hub, offer.work_order_id)
    await offerNext(hub, shifted, result.reason)
    return dropUnlikely(hub, await orderRow(hub, offer.work_order_id), result.reason)
  }
  if ((order.state as WorkOrderState) !== 'remote_offered') return
  // What cured another cause is no repair of this one.
  if (!fitsCause(hub, order, offer.action)) return offerNext(hub, order, `${offer.action} was for another cause`)
  const isUnnamed = order.cause === UNNAMED_CAUSE
  const outcome: Outcome = {
    cause: isUnnamed ? 'no_fault_found' : (order.fault ?? 'other'),
    parts_used: [],
    parts_returned: [],
    minutes: 0,
    note: `${offer.action}, done by the household`,
  }
  const steps = (JSON.parse(order.packet) as { steps: ReadonlyArray<{ id?: string }> }).steps
  const skipped = steps.flatMap(({ id }) => (id === undefined ? [] : [{ step: id, done: false, reason: `${offer.action} was done` }]))
  const full = skipped.length === 0 ? outcome : { ...outcome, steps: skipped }
  const step = { actor: 'household', atMs: offer.started_at_ms ?? hub.nowMs, reason: result.reason, data: { outcome: full } }
  await moveOrder(hub, order, 'done', { ...step, outcome: full })
  // That a household is content again names no cause that a model could learn.
  if (!isUnnamed) await addLabel(hub, order, full, { visit: order.move_count + 1, engineer: step.actor })
}

/** What a step should have cured and did not speaks against the fault. */
async function shiftAway(hub: HubTransaction, offer: RemoteOfferRow, fault: string, { reason, values }: Omit<Conclusion, 'state'>): Promise<void> {
  const text = reason.slice(0, 200)
  const evidence = { feature: `step_${offer.action}`, text, observed: null, expected: null, unit: 'none' as const, z_score: values.after_z ?? null }
  await tellDiagnosis(hub, offer, { evidence, speaksFor: [], speaksAgainst: [fault] })
}

/** An order that nobody asked for, and whose fault is no longer likely, is not worth a visit; E2 and graver are. */
async function dropUnlikely(hub: HubTransaction, order: WorkOrderRow, reason: string): Promise<void> {
  const { probability } = JSON.parse(order.packet) as { readonly probability: number }
  const isSlight = order.safety_class > 'E2' && order.alarm_id === null && order.state === 'triaged'
  if (!isSlight || probability >= hub.policy.diagnosisProbability_MIN || (await isAskedFor(hub, order))) return
  const told = `${reason}; the fault is no longer likely (${Math.round(probability * 100)} %), and nobody asked for a visit`
  await moveOrder(hub, order, 'cancelled', { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason: told.slice(0, 500), data: {} })
}
