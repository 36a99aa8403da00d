/**
 * Measures of a run of the city, with the denominators of the domain's definitions: a first-time fix is a visited order without a second
 * visit for the same unit and fault within 30 days; what was found is counted by visit. Truth is the city's, never the service's.
 */
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import type { CityFault } from '../../simulators/city/city-truth.ts'
import type { CityVisit } from '../../simulators/city/dispatch.ts'
import type { CityRun } from '../../simulators/city/service-city.ts'
import { growthOf } from '../../simulators/fault-growth.ts'

export interface CityMeasures {
  readonly orders: number
  readonly visits: number
  readonly fixedFaults: number
  /** Visited orders with no second visit for the same unit and fault family within 30 days / visited orders. */
  readonly firstTimeFix: number
  /** Faults ended by the first visit that was about them / faults that were visited. */
  readonly fixedAtFirstVisit: number
  readonly visitsPerFix: number
  /** Visits that found no fault, or changed a part on a unit that has none / visits. */
  readonly noFaultFound: number
  /** Wear faults of which a household would have called in the quarter, ended before that call / those. */
  readonly fixedBeforeCall: number
  readonly wearFaults: number
  readonly calls: number
  readonly complaints: number
  readonly promisesKept: number
  readonly remoteFixes: number
}

const REPEAT_MS = 30 * DAY_MS

export function measure(run: CityRun): CityMeasures {
  const { dispatch, truth, customers } = run
  const { visits } = dispatch
  const families = new Map<string, CityVisit[]>()
  for (const visit of visits) {
    const key = `${visit.device}/${visit.fault?.code ?? 'none'}`
    families.set(key, [...(families.get(key) ?? []), visit])
  }
  const firstOfOrder = new Map<string, CityVisit>()
  for (const visit of visits) if (!firstOfOrder.has(visit.order)) firstOfOrder.set(visit.order, visit)
  const isFirstTime = (first: CityVisit): boolean =>
    !(families.get(`${first.device}/${first.fault?.code ?? 'none'}`) ?? []).some(({ atMs }) => atMs > first.atMs && atMs - first.atMs <= REPEAT_MS)
  const visited = [...firstOfOrder.values()]
  const byFault = new Map<CityFault, CityVisit[]>()
  for (const visit of visits) if (visit.fault !== null) byFault.set(visit.fault, [...(byFault.get(visit.fault) ?? []), visit])
  const fixed = truth.faults.filter(({ endedMs }) => endedMs !== undefined)
  const wear = truth.faults.flatMap((fault) => {
    const type = truth.units.get(fault.device)?.type
    const calledMs = customers.wouldCallMs(fault)
    return type !== undefined && calledMs !== undefined && growthOf(type, fault.code).days[0] >= 2 ? [{ fault, calledMs }] : []
  })
  const due = dispatch.promises.filter(({ toMs }) => toMs < run.endMs)
  return {
    orders: dispatch.orders.size,
    visits: visits.length,
    fixedFaults: fixed.length,
    firstTimeFix: share(visited, isFirstTime),
    fixedAtFirstVisit: share([...byFault], ([fault, made]) => made[0]?.fixed.includes(fault) === true),
    visitsPerFix: visits.length / Math.max(1, fixed.length),
    noFaultFound: share(visits, ({ kind, fault }) => kind === 'no_fault_found' || (kind === 'guessed' && fault === null)),
    fixedBeforeCall: share(wear, ({ fault, calledMs }) => fault.endedMs !== undefined && fault.endedMs < calledMs),
    wearFaults: wear.length,
    calls: customers.contacts.filter(({ kind }) => kind === 'report').length,
    complaints: customers.contacts.filter(({ kind }) => kind === 'complaint').length,
    promisesKept: share(due, ({ cameMs, toMs }) => cameMs !== undefined && cameMs <= toMs),
    remoteFixes: fixed.filter(({ endedBy }) => endedBy === 'remote').length,
  }
}

export const share = <T>(items: readonly T[], isHit: (item: T) => boolean): number =>
  items.length === 0 ? Number.NaN : items.filter(isHit).length / items.length
