/**
 * Takes a report of a person in one transaction: keeps the contact, ranks the faults by all that was said in it (the readings' standing
 * diagnosis as the prior), answers at once, and when it is decided lets the finding go the way of every finding, so that a unit and cause
 * has one case. A report that names no fault when nothing is left to ask opens an order all the same, unless one of the unit is open: what the
 * household can look at is offered first, then somebody comes.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { hazardName, withHome } from '#catalogue/home-dangers.ts'
import type { SaidDanger } from '#catalogue/intake.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { contentId } from '#kernel/ids.ts'
import type { HouseholdReport, ReportAnswer } from '#kernel/report.ts'
import type { WorkOrderState } from '#kernel/work-order.ts'
import { HOME_CAUSE, UNNAMED_CAUSE } from '../cases.ts'
import { refreshRisk } from '../experience/order-risk.ts'
import { applyFinding } from '../findings.ts'
import type { WorkOrderRow } from '../hub-tables.ts'
import { emit, type HubTransaction } from '../hub-transaction.ts'
import { processOf } from '../orders/process-book.ts'
import { isOpenPhase, phaseOf } from '../work-order-states.ts'
import { orderRow, remarkOrder } from '../work-orders.ts'
import { type Assessed, answerOf, type Came, hasSaid, type OrderIds } from './answer-report.ts'
import { keepContact, readSaid, refuse, saidOf } from './contacts.ts'
import type { ContactRow } from './intake-tables.ts'
import { chooseQuestion, rankCauses, rankFaults, saidDangers } from './rank-faults.ts'
import { withRefusalAdvice } from './refusal-advice.ts'
import { isToldSound, makeDiagnosis, probabilitiesOf, restsOn, standingDiagnosis } from './report-diagnosis.ts'

/** What the registry knows of a unit that is reported. */
export interface ReportedUnit {
  readonly type: string
  readonly household: string | null
  readonly installed_at_ms: number | null
  /** Absent or null = it is in use. */
  readonly revoked_at_ms?: number | null
}

const YEAR_MS = 365.25 * 86_400_000

/**
 * Takes the report and answers it.
 * @throws MendlineError MDL_API_INVALID (names the field), MDL_API_NOT_FOUND for a contact that is not of the unit; with `safety_advice` in
 * the details where the report tells a danger
 */
export async function takeReport(
  hub: HubTransaction,
  report: HouseholdReport,
  { unitOf, key }: { readonly unitOf: (tenant: string, device: string) => ReportedUnit | undefined; readonly key: string | undefined },
): Promise<ReportAnswer> {
  const { tenant, device } = report
  const unit = device === undefined ? undefined : unitOf(tenant, device)
  try {
    return await takeOf(hub, report, { unit, key })
  } catch (error) {
    throw withRefusalAdvice(error, report, withHome(unit === undefined ? undefined : hub.catalogue(unit.type)?.intake))
  }
}

async function takeOf(
  hub: HubTransaction,
  report: HouseholdReport,
  { unit, key }: { readonly unit: ReportedUnit | undefined; readonly key: string | undefined },
): Promise<ReportAnswer> {
  const { tenant, device } = report
  if (device === undefined || unit === undefined) {
    throw refuse('device', 'must name a registered unit; register it first with POST /api/v1/devices, also when it is never connected')
  }
  const type = hub.catalogue(unit.type)
  const said = readSaid(report, withHome(type?.intake), hub.nowMs)
  const contact = await keepContact(hub, { ...report, device }, { said, household: unit.household, key })
  const assessed = await assess(hub, contact, { type, unit })
  const isGone = hub.isGone(tenant, device)
  if (isGone && assessed.danger === undefined) throw refuse('device', 'names a unit that was revoked')
  // A danger is in the home, whatever became of the unit: it is advised on and warned of, and nobody is sent to the unit.
  const came = isGone ? undefined : await decide(hub, assessed)
  return answerOf(hub, assessed, came)
}

async function assess(
  hub: HubTransaction,
  contact: ContactRow,
  { type, unit }: { readonly type: ApplianceType | undefined; readonly unit: ReportedUnit },
): Promise<Assessed> {
  const said = saidOf(contact)
  const intake = type?.intake
  const sayable = withHome(intake)
  const known = { type, typeId: unit.type, sayable, contact, said }
  if (type === undefined || intake === undefined) {
    const dangers = saidDangers(sayable, { ...said, answers: new Map(Object.entries(said.answers)), text: contact.text })
    const [danger] = dangers
    const restsOnSaid = danger === undefined ? [] : restsOn(said, { isAged: false, isMeasured: false })
    return { ...known, ranked: [], soundProbability: 0, danger, dangers, question: undefined, standing: undefined, restsOn: restsOnSaid }
  }
  const standing = await standingDiagnosis(hub, contact)
  const { installed_at_ms } = unit
  const ageYears = installed_at_ms === null ? undefined : Math.max(0, contact.at_ms - installed_at_ms) / YEAR_MS
  const telemetry = standing === undefined ? undefined : probabilitiesOf(standing)
  const evidence = {
    ...{ ...said, answers: new Map(Object.entries(said.answers)), ageYears, telemetry, text: contact.text },
    isToldSound: telemetry === undefined && (await isToldSound(hub, contact)),
  }
  const causes = rankCauses(type, intake, evidence)
  const dangers = saidDangers(sayable, evidence)
  const [danger] = dangers
  const isChat = contact.kind !== 'complaint' && contact.kind !== 'chase'
  const question =
    danger === undefined && (isChat || hasSaid(said)) ? chooseQuestion(intake, rankFaults(type, intake, evidence), evidence) : undefined
  return {
    ...known,
    ...causes,
    danger,
    dangers,
    question,
    standing,
    restsOn: restsOn(said, { isAged: ageYears !== undefined, isMeasured: standing !== undefined }),
  }
}

/** Order of the contact; undefined as long as nothing is decided, or when nothing can be named and no order is open. */
async function decide(hub: HubTransaction, assessed: Assessed): Promise<Came | undefined> {
  const { contact, danger, ranked, question, said } = assessed
  const open = await openOrders(hub, contact)
  const top = ranked[0]
  const isSure = top !== undefined && hasSaid(said) && top.probability >= hub.policy.diagnosisProbability_MIN
  if (danger !== undefined || isSure) {
    const came = await applyReport(hub, assessed, danger === undefined ? (top?.fault ?? null) : danger.fault)
    return came && { ...came, further: await applyFurther(hub, assessed) }
  }
  const own = open.find(({ case_id }) => case_id === contact.case_id)
  const ofCause = top === undefined ? undefined : open.find((order) => concerns(order, top.fault))
  const joined = own ?? ofCause ?? (question === undefined ? (open[0] ?? (await lastOf(hub, contact))) : undefined)
  if (joined !== undefined) return joinOrder(hub, contact, joined)
  return question === undefined ? openUnnamed(hub, assessed) : undefined
}

/** Somebody wants help with what nobody can name yet: an order with what is likeliest, unless the contact is about something else. */
async function openUnnamed(hub: HubTransaction, assessed: Assessed): Promise<Came | undefined> {
  const diagnosis = diagnosisOf(hub, assessed, null)
  if (!(await storeDiagnosis(hub, diagnosis)) || assessed.contact.kind !== 'report') return undefined
  const { tenant, device, type, made_at_ms: atMs, safety_class: safetyClass, probability } = diagnosis
  const of = { tenant, device, type, cause: UNNAMED_CAUSE, atMs }
  const rivals = diagnosis.rivals.map((rival) => rival.fault)
  const order = await applyFinding(
    hub,
    { ...of, kind: 'diagnosis', probability, rivals, isSeen: true, isAsked: true },
    { ...of, fault: null, safetyClass, diagnosis, alarm: undefined, isPastDanger: false },
  )
  return order === undefined ? undefined : noteCase(hub, assessed.contact, { order: await orderRow(hub, order.work_order_id), joined: false })
}

/** A complaint or chase without an open order is about the last one of the unit. */
const lastOf = async (hub: HubTransaction, { kind, tenant, device }: ContactRow): Promise<WorkOrderRow | undefined> =>
  kind === 'complaint' || kind === 'chase' ? (await ordersOf(hub, tenant, device))[0] : undefined

/** Whether an order is for a fault, or names it as a rival. */
function concerns({ cause, packet }: WorkOrderRow, fault: string): boolean {
  const { rivals } = JSON.parse(packet) as { readonly rivals: ReadonlyArray<{ readonly fault: string }> }
  return cause === fault || rivals.some((rival) => rival.fault === fault)
}

/** Open orders of the unit, newest first. */
async function openOrders(hub: HubTransaction, { tenant, device }: ContactRow): Promise<WorkOrderRow[]> {
  const rows = await ordersOf(hub, tenant, device)
  const open: WorkOrderRow[] = []
  for (const row of rows) if (isOpenPhase(phaseOf(await processOf(hub, row), row.state as WorkOrderState))) open.push(row)
  return open
}

const ordersOf = (hub: HubTransaction, tenant: string, device: string): Promise<WorkOrderRow[]> =>
  hub.database
    .selectFrom('hub_work_orders')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('device', '=', device)
    .orderBy('opened_at_ms', 'desc')
    .orderBy('work_order_id')
    .execute()

function diagnosisOf(hub: HubTransaction, assessed: Assessed, fault: string | null): Diagnosis {
  const { danger } = assessed
  const made = makeDiagnosis({ ...assessed, fault, locale: hub.locale, nowMs: hub.nowMs })
  if (danger === undefined) return made
  // What is only written is no part of the id: a danger that follows in the same contact is another diagnosis.
  const diagnosis = { ...made, diagnosis_id: contentId('dg', made.diagnosis_id, danger.hazard) }
  const safety_class = [diagnosis.safety_class, danger.safetyClass].sort()[0] ?? danger.safetyClass
  if (fault !== null) return { ...diagnosis, safety_class }
  // A danger of the home is no fault of the unit, and needs no part of it; its name says to whoever reads the packet what it is.
  const fault_name = hazardName(danger.hazard)[hub.locale]
  return { ...diagnosis, answer: 'unknown_fault', safety_class, fault_name, rivals: [], parts: [], skills: [] }
}

async function storeDiagnosis(hub: HubTransaction, diagnosis: Diagnosis): Promise<boolean> {
  const { diagnosis_id, tenant, device, made_at_ms, answer, fault } = diagnosis
  const stored = await hub.database
    .insertInto('hub_diagnoses')
    .values({ diagnosis_id, tenant, device, made_at_ms, answer, fault, body: JSON.stringify(diagnosis) })
    .onConflict((conflict) => conflict.doNothing())
    .executeTakeFirst()
  return stored.numInsertedOrUpdatedRows === 1n
}

/** Lets the fault go the way of every finding. A danger is a fact at once, like an alarm; the same report again changes nothing. */
async function applyReport(hub: HubTransaction, assessed: Assessed, fault: string | null): Promise<Came | undefined> {
  const { contact, danger } = assessed
  const cause = danger === undefined ? (fault ?? '') : causeOf(danger)
  const { tenant, device } = contact
  const diagnosis = diagnosisOf(hub, assessed, fault)
  const before = await ordersOf(hub, tenant, device)
  const own = before.find((row) => row.cause === cause && danger !== undefined) ?? before.find(({ case_id }) => case_id === contact.case_id)
  if (!(await storeDiagnosis(hub, diagnosis))) return own === undefined ? undefined : { order: own, joined: false }
  const { made_at_ms: atMs, probability, safety_class: safetyClass, type } = diagnosis
  const order = await applyFinding(
    hub,
    {
      kind: danger === undefined ? 'diagnosis' : 'alarm',
      cause,
      atMs,
      probability,
      rivals: diagnosis.rivals.map((rival) => rival.fault),
      isSeen: true,
    },
    { tenant, device, type, cause, fault, safetyClass, atMs, diagnosis, alarm: undefined, isPastDanger: false },
  )
  if (order === undefined) return undefined
  const data = { diagnosis, case_id: order.case_id, work_order_id: order.work_order_id }
  await emit(hub, { tenant, device, subject: order.case_id, type: 'mendline.diagnosis.made.v1', atMs, data })
  const row = (await ordersOf(hub, tenant, device)).find(({ work_order_id }) => work_order_id === order.work_order_id)
  if (row === undefined) return undefined
  return noteCase(hub, contact, { order: row, joined: before.some(({ work_order_id }) => work_order_id === order.work_order_id) })
}

/** Each further danger has an order of its own: what is done about one says nothing of another. The same report again changes nothing. */
async function applyFurther(hub: HubTransaction, assessed: Assessed): Promise<NonNullable<Came['further']>> {
  const orders = new Map<string, OrderIds>()
  for (const danger of assessed.dangers.slice(1)) {
    const { fault, hazard } = danger
    const diagnosis = diagnosisOf(hub, { ...assessed, danger }, fault)
    const { tenant, device, type, made_at_ms: atMs, probability, safety_class: safetyClass } = diagnosis
    const of = { tenant, device, type, cause: causeOf(danger), atMs }
    const finding = { ...of, kind: 'alarm', probability, rivals: [], isSeen: true } as const
    const order = (await storeDiagnosis(hub, diagnosis))
      ? await applyFinding(hub, finding, { ...of, fault, safetyClass, diagnosis, alarm: undefined, isPastDanger: false })
      : (await ordersOf(hub, tenant, device)).find(({ cause }) => cause === of.cause)
    if (order !== undefined) orders.set(hazard, order)
  }
  return orders
}

const causeOf = ({ fault, hazard }: SaidDanger): string => fault ?? `${HOME_CAUSE}${hazard}`

/** The contact comes to an order that stands, without a finding: a remark tells whoever goes there. */
async function joinOrder(hub: HubTransaction, contact: ContactRow, order: WorkOrderRow): Promise<Came> {
  if (contact.case_id !== order.case_id) {
    const { contact_id, kind, source, actor, at_ms } = contact
    await remarkOrder(hub, order, 'contact', { actor, atMs: at_ms, reason: `${kind} of ${source}`, data: { contact_id, kind, source } })
  }
  return noteCase(hub, contact, { order, joined: true })
}

/** Notes the case on the contact; one that comes into a case that stood is told. */
async function noteCase(hub: HubTransaction, contact: ContactRow, came: Came): Promise<Came> {
  const { contact_id, tenant, device, kind, source, at_ms } = contact
  const { case_id, work_order_id } = came.order
  if (contact.case_id === case_id) return came
  await hub.database.updateTable('hub_contacts').set({ case_id }).where('contact_id', '=', contact_id).execute()
  await refreshRisk(hub, await orderRow(hub, work_order_id))
  if (!came.joined) return came
  const data = { case_id, work_order_id, device, contact: { contact_id, kind, source, at_ms } }
  await emit(hub, { tenant, device, subject: case_id, type: 'mendline.case.merged.v1', atMs: at_ms, data })
  return came
}
