/**
 * Services without Mendline in the same city: (a) the household calls and the nearest free engineer comes with the usual parts, (b) as well
 * each threshold alarm is an order of its own, (o) an oracle knows the truth, sends somebody as soon as a fault is present and with what it
 * needs, and answers needless calls by telephone.
 */
import type { CityFault } from './city-truth.ts'
import type { CityPorts, CityService } from './service-city.ts'
import type { VisitPlan } from './visit.ts'

const untold: Pick<CityService, 'answer'> = { answer: async () => true }
const nextId = ({ orders }: CityPorts['dispatch']): string => `order-${orders.size + 1}`

/** Policy (a). */
export function createCallService({ dispatch }: CityPorts): CityService {
  return {
    ...untold,
    async contact({ kind, device, fault }) {
      if (kind !== 'report' || dispatch.standing(device) !== undefined) return
      dispatch.open({ id: nextId(dispatch), device, source: 'call', safetyClass: fault?.safetyClass ?? 'E3', plan: undefined })
    },
  }
}

/** An alarm that opens an order by itself. */
export interface CityAlarm {
  readonly device: string
  readonly fault: string | null
  readonly safetyClass: string
}

/** Policy (b): gives also what takes an alarm. */
export function createAlarmService(ports: CityPorts): CityService & { readonly alarm: (alarm: CityAlarm) => void } {
  return {
    ...createCallService(ports),
    alarm({ device, fault, safetyClass }) {
      const plan = fault === null ? undefined : { fault, rivals: [], parts: [], skills: [] }
      ports.dispatch.open({ id: nextId(ports.dispatch), device, source: 'alarm', safetyClass, plan })
    },
  }
}

/** Policy (o). */
export function createOracle({ dispatch, clock, truth, parameters, endMs }: CityPorts): CityService {
  const send = (fault: CityFault): void => {
    if (fault.endedMs !== undefined || dispatch.standing(fault.device) !== undefined) return
    dispatch.open({ id: nextId(dispatch), device: fault.device, source: 'truth', safetyClass: fault.safetyClass, plan: exactPlan(fault) })
  }
  for (const fault of truth.faults) {
    const presentMs = truth.reaches(fault, parameters.oracleFromSeverity)
    if (presentMs === undefined) continue
    // Asked again daily, until it is done: another order may have been in the way, or the repair did not hold.
    const ask = (): void => {
      if (fault.endedMs !== undefined || clock.now() > endMs) return
      send(fault)
      clock.at(clock.now() + 24 * 3_600_000, ask)
    }
    clock.at(presentMs, ask)
  }
  return {
    ...untold,
    async contact({ kind, fault }) {
      if (kind === 'report' && fault !== undefined) send(fault)
    },
  }
}

const exactPlan = (fault: CityFault): VisitPlan => ({
  fault: fault.code,
  rivals: [],
  parts: fault.parts.map((part) => ({ part, probability: 1 })),
  skills: fault.skills,
})
