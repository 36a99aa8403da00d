/**
 * How often a fault comes among faulty units and how it grows. Weights follow the hazard of the catalogue's life model, days of growth
 * the lead column of the domain catalogue (6.1 to 6.4). Both are design values of the simulator.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'

export interface Growth {
  readonly weight: number
  /** Days from onset to full severity. */
  readonly days: readonly [number, number]
  readonly severity: readonly [number, number]
}

/** Lead column in days; 0 = at once. A fault of a type that is not listed grows in one to eight weeks. */
const LEAD_DAYS: Readonly<Record<string, readonly [number, number]>> = {
  'AC-01': [14, 56],
  'AC-02': [10, 42],
  'AC-03': [10, 42],
  'AC-04': [7, 42],
  'AC-05': [3, 21],
  'AC-06': [10, 35],
  'AC-07': [10, 42],
  'AC-08': [2, 8],
  'AC-09': [0, 0],
  'FR-01': [3, 21],
  'FR-02': [5, 15],
  'FR-03': [14, 60],
  'FR-04': [14, 42],
  'FR-05': [0.2, 4],
  'FR-06': [2, 8],
  'FR-07': [3, 21],
  'FR-08': [14, 60],
  'WM-01': [5, 28],
  'WM-02': [10, 35],
  'WM-03': [14, 60],
  'WM-04': [10, 35],
  'WM-05': [20, 75],
  'WM-06': [10, 35],
  'WM-07': [10, 35],
  'WM-08': [0.1, 4],
  'GW-01': [10, 35],
  'GW-02': [10, 35],
  'GW-03': [2, 21],
  'GW-04': [30, 90],
  'GW-05': [10, 35],
  'GW-06': [10, 35],
  'GW-07': [10, 35],
  'GW-08': [0, 0],
  'GW-09': [10, 35],
  'XX-01': [2, 10],
  'XX-02': [0, 0],
}

/** Severity at full growth where it is not 0.5 to 1. */
const SEVERITY: Readonly<Record<string, readonly [number, number]>> = {
  'AC-04': [0.4, 1],
  'AC-08': [0.85, 1],
  'AC-09': [0.4, 1],
  'GW-08': [0.7, 1],
  'WM-08': [0.6, 1],
  'XX-01': [0.7, 1],
  'XX-02': [1, 1],
}

/** Age at which the hazard is read off, as a share of the life's scale: cleaning and new parts keep units younger than their years. */
const AGE_SHARE = 0.6
/** Weight of a fault without a life model, such as one that a repair brings. */
const EVENT_WEIGHT = 0.25

/**
 * Growth of each fault of a type. The weight is the square root of the hazard, so that rare faults are seen in a fleet of some hundred
 * units, too; fleets with wear (`wear` of FleetOptions) take the hazard itself.
 */
export function growthOf(type: Pick<ApplianceType, 'faults'>, fault: string): Growth {
  const life = type.faults.find(({ code }) => code === fault)?.life
  const weight = life === undefined ? EVENT_WEIGHT : Math.sqrt((life.shape / life.scaleYears) * AGE_SHARE ** (life.shape - 1))
  return { weight, days: LEAD_DAYS[fault] ?? [7, 56], severity: SEVERITY[fault] ?? [0.5, 1] }
}
