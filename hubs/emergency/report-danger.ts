/**
 * Dangers that people tell of: a household that smells gas raises an emergency as a sensor does, by the same path. The intake has given the
 * advice already, so no receipt is asked for. A danger of the home that is none of the appliance commands nothing where a command would switch;
 * gas and fumes command what else burns gas in that home, whose own safe state shuts its valve and switches nothing that could spark.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { HAZARDS, type Hazard } from '#catalogue/hazards.ts'
import { hazardName } from '#catalogue/home-dangers.ts'
import { safeStateFor, safeStateForHazard } from '#catalogue/safe-state.ts'
import type { Log } from '#kernel/log.ts'
import type { HouseholdReport, ReportAnswer } from '#kernel/report.ts'
import type { HubTables } from '../hub-tables.ts'
import { type Danger, emergencyIdOf, hazardOf } from './book.ts'
import type { EmergencyHub } from './emergency-hub.ts'

/** The dangers that a report tells of, one a hazard, so that one that is told later in the same contact is an emergency of its own. */
export function dangersOfReport(
  { tenant, at_ms }: Pick<HouseholdReport, 'tenant' | 'at_ms'>,
  { contact_id, device, household = null, dangers = [] }: ReportAnswer,
  { type, nowMs }: { readonly type: ApplianceType | undefined; readonly nowMs: number },
): Danger[] {
  const isGas = dangers.some(({ hazard }) => hazard === 'gas')
  return dangers.flatMap(({ hazard, fault, safety_class, advice, work_order_id, case_id }) => {
    if (safety_class !== 'E0' && safety_class !== 'E1') return []
    const alarmId = `report_${contact_id}_${hazard}`
    const known = HAZARDS.find((each) => each === hazard)
    const name = type?.faults.find(({ code }) => code === fault)?.name ?? (known === undefined ? undefined : hazardName(known))
    const safeState = fault === null && known !== undefined ? safeStateForHazard(type, known) : safeStateFor(type, { fault, rule: '' })
    // Where gas is told of as well, nothing is switched from afar but what shuts it.
    const actions = isGas && hazard !== 'gas' ? undefined : safeState?.actions
    return {
      ...{ emergencyId: emergencyIdOf(alarmId), tenant, device, type: type?.id ?? '', alarmId, safetyClass: safety_class, fault },
      hazard: known ?? hazardOf(type, { fault, rule: '' }),
      title: { en: `Reported: ${name?.en ?? 'a danger'}`, 'zh-CN': `用户报告：${name?.['zh-CN'] ?? '危险'}` },
      ...{ advice, raisedAtMs: Math.min(at_ms, nowMs), receivedAtMs: nowMs, isPast: false, isDrill: false, tellsHousehold: false },
      ...{ actions, alarm: undefined, workOrderId: work_order_id ?? null, caseId: case_id ?? null, household },
    }
  })
}

/** Hazards that another appliance of the home may feed or light, and that its own safe state ends. */
const OF_THE_HOME: readonly string[] = ['gas', 'carbon_monoxide'] satisfies readonly Hazard[]

/**
 * What is commanded in the same home: each other unit whose type has a safe state for the hazard. It joins the emergency that was told, with a command of
 * its own that is waited for. Where gas is among what was told, only what gas asks for is done: the safe state of fumes starts a fan.
 */
function dangersAround(
  danger: Danger,
  {
    units,
    typeOf,
    isGas,
  }: {
    readonly units: ReadonlyArray<{ readonly device: string }>
    readonly typeOf: (device: string) => ApplianceType | undefined
    readonly isGas: boolean
  },
): Danger[] {
  if (!OF_THE_HOME.includes(danger.hazard) || (isGas && danger.hazard !== 'gas')) return []
  return units.flatMap(({ device }) => {
    const type = typeOf(device)
    const actions = device === danger.device ? undefined : type?.safeStates?.find(({ hazard }) => hazard === danger.hazard)?.actions
    if (type === undefined || actions === undefined) return []
    const alarmId = `${danger.alarmId}_${device}`
    const around = { emergencyId: emergencyIdOf(alarmId), alarmId, device, type: type.id, fault: null, actions, toldAs: danger.emergencyId }
    return [{ ...danger, ...around, workOrderId: null, caseId: null }]
  })
}

export interface ReportDesk {
  report(report: HouseholdReport, idempotencyKey?: string): Promise<ReportAnswer>
}

/** The same desk, whose answer comes when the emergency of a danger is written and its command published. */
export function raisingDangers<Desk extends ReportDesk>(
  desk: Desk,
  parts: {
    readonly hub: Pick<EmergencyHub, 'raise'>
    readonly typeOf: (tenant: string, device: string) => ApplianceType | undefined
    /** Units of a household. */
    readonly unitsOf: (tenant: string, household: string) => ReadonlyArray<{ readonly device: string }>
    readonly nowMs: () => number
  },
): Desk {
  const report: ReportDesk['report'] = async (given, idempotencyKey) => {
    const answer = await desk.report(given, idempotencyKey)
    const type = parts.typeOf(given.tenant, answer.device)
    const dangers = dangersOfReport(given, answer, { type, nowMs: parts.nowMs() })
    const isGas = dangers.some(({ hazard }) => hazard === 'gas')
    const isOfTheHome = dangers.some(({ hazard }) => OF_THE_HOME.includes(hazard))
    const units = isOfTheHome && typeof answer.household === 'string' ? parts.unitsOf(given.tenant, answer.household) : []
    for (const danger of dangers) {
      await parts.hub.raise(danger)
      const around = dangersAround(danger, { units, typeOf: (device) => parts.typeOf(given.tenant, device), isGas })
      for (const other of around) await parts.hub.raise(other)
    }
    return answer
  }
  return { ...desk, report }
}

/** A server that was down for longer is not what lies between a report and its emergency. */
const TAKEN_UP_MS = 24 * 3_600_000

/**
 * Raises what a crash left between the order of a reported danger and its emergency: reports of the last day with such an order are heard once
 * more, which changes nothing where the emergency is written. Whoever reported has had no answer.
 */
export async function takeUpReports(
  desk: ReportDesk,
  { ordinary, nowMs, log }: { readonly ordinary: Kysely<HubTables>; readonly nowMs: number; readonly log: Log },
): Promise<void> {
  const contacts = await ordinary
    .selectFrom('hub_contacts as c')
    .innerJoin('hub_work_orders as o', 'o.case_id', 'c.case_id')
    .select(['c.contact_id', 'c.tenant', 'c.device', 'c.source', 'c.kind', 'c.at_ms'])
    .where('c.at_ms', '>=', nowMs - TAKEN_UP_MS)
    .where('o.safety_class', 'in', ['E0', 'E1'])
    .where('o.settled_at_ms', 'is', null)
    .execute()
  for (const { contact_id, tenant, device, source, kind, at_ms } of contacts) {
    const again = { contact_id, tenant, device, at_ms, actor: 'mendline', source: source as 'household', kind: kind as 'report' }
    await desk.report(again).catch((cause: unknown) => log.error('a reported danger could not be taken up', { contact_id, cause: String(cause) }))
  }
}
