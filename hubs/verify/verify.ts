/**
 * Watches each repair behind `done`: keeps the windows that follow it, and moves the order to `verified` when the residuals are back to
 * normal, or to `reopened` with the reason when they are not. A fault that only a rule found is verified by the rule's silence, a unit that
 * cannot be measured by the household's. An order that was closed meanwhile is not moved; what the sensors say is still kept and told.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import type { MeasuredResidual, MeasuredWindow } from '#kernel/measured-residuals.ts'
import type { Outcome } from '#kernel/work-order.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction, type OrderListener } from '../hub-transaction.ts'
import { storedDiagnosis } from '../stored-findings.ts'
import { clearTimer, setTimer, type TimerHandler } from '../timers.ts'
import { moveOrder, orderRow, SYSTEM_ACTOR } from '../work-orders.ts'
import { assessRepair, type RepairAssessment } from './assess-repair.ts'
import { departureBefore, isSeenBefore, keepSeen, seenAlready } from './before-repair.ts'
import { heardOfFault } from './heard-again.ts'
import { judgeLabel } from './judge-label.ts'
import { causeProbabilities, codeSign, type FoundSign, signOf, type Verdict } from './recovered-cause.ts'
import { boundsOf, standardVerifyPolicy as policy } from './verify-policy.ts'
import type { VerificationRow } from './verify-tables.ts'

const KIND = 'repair_due'
/** Windows of one repair that are kept; later ones would decide nothing more. */
const WINDOWS_MAX = 200

/** Begins the watch when an order is done, and ends it when somebody else reopens the order. */
export const watchRepair: OrderListener = async (hub, order, move) => {
  if (move.kind !== 'move') return
  if (move.to === 'done') return begin(hub, order, move.atMs)
  if (move.to !== 'reopened') return
  for (const row of await watching(hub, order)) {
    if (row.work_order_id === order.work_order_id) await end(hub, row, { state: 'ended', verdict: null })
  }
}

async function begin(hub: HubTransaction, order: WorkOrderRow, atMs: number): Promise<void> {
  const { tenant, device, type, work_order_id, outcome } = order
  if (outcome === null) return
  const diagnosis = await storedDiagnosis(hub, order.diagnosis_id)
  const before: readonly MeasuredResidual[] =
    diagnosis?.residuals ?? [...(diagnosis?.evidence_for ?? []), ...(diagnosis?.evidence_against ?? [])].filter(({ z_score }) => z_score !== null)
  // What brought the order may be a person's word; the unit is measured all the same where it is connected.
  const method = before.length > 0 || order.alarm_id === null ? 'residuals' : 'rule'
  const bounds = boundsOf(policy, type)
  const waitMs = { residuals: bounds.within_ms, rule: bounds.rule_quiet_ms }[method]
  const row: VerificationRow = {
    verification_id: contentId('ver', work_order_id, order.move_count),
    ...{ tenant, device, type, work_order_id, visit: order.move_count, method, state: 'watching', fault: order.fault },
    outcome_cause: (JSON.parse(outcome) as Outcome).cause,
    done_at_ms: atMs,
    due_at_ms: Math.max(hub.nowMs, atMs) + waitMs,
    before: JSON.stringify(before),
    seen: await seenAlready(hub, order, atMs),
    probabilities: JSON.stringify(probabilitiesOf(diagnosis)),
    judged_at_ms: null,
    verdict: null,
  }
  await hub.database.insertInto('hub_verifications').values(row).execute()
  await setTimer(hub, { tenant, kind: KIND, subject: row.verification_id, dueAtMs: row.due_at_ms })
}

/** Takes a window of a unit; counts for each repair that it began behind, and says of one that it ended before what stood at the visit. */
export async function noteWindow(hub: HubTransaction, window: MeasuredWindow): Promise<void> {
  for (const row of await watching(hub, window)) {
    if (isSeenBefore(row.done_at_ms, window)) await keepSeen(hub, row, window)
    if (window.window_from_ms < row.done_at_ms + boundsOf(policy, row.type).settle_ms) continue
    const { verification_id, tenant, device, work_order_id } = row
    const { window_from_ms, window_to_ms, residuals } = window
    await hub.database
      .insertInto('hub_repair_windows')
      .values({ verification_id, tenant, device, work_order_id, window_from_ms, window_to_ms, residuals: JSON.stringify(residuals) })
      .onConflict((conflict) => conflict.doNothing())
      .execute()
    await judge(hub, row)
  }
}

/** A diagnosis of no fault rests on windows that agree: it verifies when they all began behind the repair and no residual speaks against it. */
export async function noteNoFault(hub: HubTransaction, diagnosis: Diagnosis): Promise<void> {
  for (const row of await watching(hub, diagnosis)) {
    if (row.done_at_ms > diagnosis.window_from_ms) continue
    const { assessment, causes, signIf } = await assess(hub, row)
    if (assessment.verdict !== 'undecided' || assessment.failed_probability > 0.5) continue
    const normal = { ...assessment, verdict: 'normal' } as const
    await settle(hub, row, { isGood: true, reason: 'no fault found in a window after the repair', assessment, sign: signIf(normal), causes })
  }
}

/** The time of a repair is over. */
export const runRepairTimer: TimerHandler = async (hub, { tenant, subject }) => {
  const row = await hub.database
    .selectFrom('hub_verifications')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('verification_id', '=', subject)
    .where('state', '=', 'watching')
    .executeTakeFirst()
  if (row === undefined) return
  if (row.method === 'residuals') {
    // Too few windows, or none that decide: from here on only the household can say.
    const due_at_ms = Math.max(hub.nowMs, row.done_at_ms + policy.contact_quiet_ms)
    await hub.database.updateTable('hub_verifications').set({ method: 'contact', due_at_ms }).where('verification_id', '=', subject).execute()
    return setTimer(hub, { tenant, kind: KIND, subject, dueAtMs: due_at_ms })
  }
  const heard = await heardOfFault(hub, row)
  const quietDays = Math.round((row.method === 'rule' ? boundsOf(policy, row.type).rule_quiet_ms : policy.contact_quiet_ms) / 86_400_000)
  const quiet = row.method === 'rule' ? `the rule's condition stayed away for ${quietDays} days` : `not measured: no contact in ${quietDays} days`
  const settled = { assessment: null, causes: new Map<string, number>() }
  const sign = heard === undefined ? await unmeasuredSign(hub, row) : undefined
  await settle(hub, row, { ...settled, sign, isGood: heard === undefined, reason: heard ?? quiet })
}

/** Where no window spoke behind the repair, what was measured before it and the parts together may contradict the code. */
async function unmeasuredSign(hub: HubTransaction, row: VerificationRow): Promise<FoundSign | undefined> {
  const { alarm_id, outcome: text, diagnosis_id, fault } = await orderRow(hub, row.work_order_id)
  const outcome = (text === null ? NO_OUTCOME : JSON.parse(text)) as Outcome
  const type = hub.catalogue(row.type)
  const isMeasured = row.before !== '[]' || (diagnosis_id === null && alarm_id !== null)
  if (type === undefined || fault === null || !isMeasured || outcome.parts_used.length === 0) return undefined
  const told = JSON.parse(row.probabilities) as Record<string, number>
  const probabilities = Object.keys(told).length > 0 ? told : { [fault]: RULE_PROBABILITY }
  const causes = causeProbabilities({ type, before: [], after: [], probabilities })
  return codeSign({ type, outcome, causes, because: 'what was measured before and the parts used are' })
}

/** How sure a rule that names a fault is of it (chosen). */
const RULE_PROBABILITY = 0.9

async function judge(hub: HubTransaction, row: VerificationRow): Promise<void> {
  const { assessment, signIf, causes } = await assess(hub, row)
  if (assessment.verdict === 'undecided') return
  const sign = signIf(assessment)
  const isGood = assessment.verdict === 'normal'
  const shown = [...assessment.features].sort((a, b) => Math.abs(b.before_z) - Math.abs(a.before_z)).slice(0, 3)
  const values = shown.map(({ feature, before_z, after_z, observed, expected }) => {
    const against = observed === null || expected === null ? '' : ` (${observed} observed, ${expected} expected)`
    return `${feature} z ${before_z} before, ${after_z} behind${against}`
  })
  const told = `${isGood ? 'residuals are back to normal' : 'residuals are not back to normal'}: ${values.join('; ')}`
  await settle(hub, row, { isGood, reason: told.slice(0, 500), assessment, sign, causes })
}

async function assess(hub: HubTransaction, row: VerificationRow) {
  const type = hub.catalogue(row.type)
  const windows = await hub.database
    .selectFrom('hub_repair_windows')
    .select('residuals')
    .where('verification_id', '=', row.verification_id)
    .orderBy('window_to_ms')
    .limit(WINDOWS_MAX)
    .execute()
  const after = windows.map(({ residuals }) => JSON.parse(residuals) as MeasuredResidual[])
  const probabilities = JSON.parse(row.probabilities) as Record<string, number>
  const fault = type?.faults.find(({ code }) => code === row.fault)
  const departure = departureBefore(row, fault)
  const { before } = departure
  const assessment = assessRepair({ ...departure, after }, { ...policy, ...boundsOf(policy, row.type) })
  const causes = causeProbabilities({ type: type ?? NO_TYPE, before, after, probabilities })
  const order = await orderRow(hub, row.work_order_id)
  const outcome = (order.outcome === null ? NO_OUTCOME : JSON.parse(order.outcome)) as Outcome
  const confidence = Math.max(0, ...Object.values(probabilities))
  return {
    assessment,
    causes,
    signIf: (judged: RepairAssessment) => signOf({ type: type ?? NO_TYPE, outcome, assessment: judged, causes, before, confidence }),
  }
}

const NO_TYPE: Pick<ApplianceType, 'faults'> = { faults: [] }
const NO_OUTCOME: Outcome = { cause: 'other', parts_used: [], parts_returned: [], minutes: 0 }

interface Settled {
  readonly isGood: boolean
  readonly reason: string
  readonly assessment: RepairAssessment | null
  readonly sign: FoundSign | undefined
  readonly causes: ReadonlyMap<string, number>
}

async function settle(hub: HubTransaction, row: VerificationRow, { isGood, reason, assessment, sign, causes }: Settled): Promise<void> {
  const verdict: Verdict = { reason, assessment, causes: Object.fromEntries(causes) }
  await end(hub, row, { state: isGood ? 'verified' : 'failed', verdict })
  const order = await orderRow(hub, row.work_order_id)
  if (sign !== undefined) await raiseSign(hub, row, order, { ...sign, reason: `${sign.reason}; ${reason}` })
  const isHeld = sign?.reopens === false && !isGood
  const to = isGood ? 'verified' : 'reopened'
  const isOpenTo = order.state === 'done' || (order.state === 'verified' && !isGood)
  if (isOpenTo && !isHeld) {
    const data = { verification_id: row.verification_id, method: row.method, sign: sign?.sign ?? null, assessment }
    await moveOrder(hub, order, to, { actor: SYSTEM_ACTOR, atMs: hub.nowMs, reason, data })
  }
}

async function end(
  hub: HubTransaction,
  row: VerificationRow,
  how: { state: 'verified' | 'failed' | 'ended'; verdict: Verdict | null },
): Promise<void> {
  const { tenant, verification_id } = row
  await clearTimer(hub, { tenant, kind: KIND, subject: verification_id })
  const set = { state: how.state, judged_at_ms: hub.nowMs, verdict: how.verdict === null ? null : JSON.stringify(how.verdict) }
  await hub.database.updateTable('hub_verifications').set(set).where('verification_id', '=', verification_id).execute()
  await judgeLabel(hub, { ...row, ...set })
}

async function raiseSign(hub: HubTransaction, row: VerificationRow, order: WorkOrderRow, found: FoundSign): Promise<void> {
  const { tenant, device, work_order_id, verification_id } = row
  const label = await hub.database
    .selectFrom('hub_labels')
    .select('engineer')
    .where('tenant', '=', tenant)
    .where('work_order_id', '=', work_order_id)
    .where('visit', '=', row.visit)
    .executeTakeFirst()
  const engineer = label?.engineer ?? ''
  const body = { code: row.outcome_cause, sensed: found.sensed, reason: found.reason, reopens: found.reopens, outcome: order.outcome }
  const sign_id = contentId('sgn', verification_id, found.sign)
  await hub.database
    .insertInto('hub_repair_signs')
    .values({
      sign_id,
      tenant,
      device,
      work_order_id,
      verification_id,
      sign: found.sign,
      engineer,
      raised_at_ms: hub.nowMs,
      body: JSON.stringify(body),
    })
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const data = { sign_id, sign: found.sign, work_order_id, device, code: row.outcome_cause, sensed: found.sensed, reason: found.reason, engineer }
  await emit(hub, { tenant, device, subject: work_order_id, type: 'mendline.repair.sign.v1', atMs: hub.nowMs, data })
}

/** Whether windows behind the last repair of an order are awaited, and there is something that they must bring back. */
export async function isWatched({ database }: HubTransaction, { work_order_id }: Pick<WorkOrderRow, 'work_order_id'>): Promise<boolean> {
  const rows = database.selectFrom('hub_verifications').select('verification_id').where('work_order_id', '=', work_order_id)
  const measured = rows.where((where) => where.or([where('before', '!=', '[]'), where('seen', 'is not', null)]))
  return (await measured.where('state', '=', 'watching').where('method', '=', 'residuals').executeTakeFirst()) !== undefined
}

const watching = (hub: HubTransaction, unit: { readonly tenant: string; readonly device: string }): Promise<VerificationRow[]> =>
  hub.database
    .selectFrom('hub_verifications')
    .selectAll()
    .where('tenant', '=', unit.tenant)
    .where('device', '=', unit.device)
    .where('state', '=', 'watching')
    .execute()

function probabilitiesOf(diagnosis: Diagnosis | undefined): Record<string, number> {
  if (diagnosis === undefined) return {}
  const rivals = diagnosis.rivals.map(({ fault, probability }) => [fault, probability] as const)
  return Object.fromEntries([...rivals, ...(diagnosis.fault === null ? [] : [[diagnosis.fault, diagnosis.probability] as const])])
}
