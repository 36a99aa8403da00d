/**
 * Which simulated fleets train, tune, calibrate and test a type's model. Each split has seeds of its own, so its units, their weather and
 * their households are in no other split. The evaluation proper runs on the second plant and its frozen seeds (`second.ts`).
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { classesOf } from '../../models/training/training-set.ts'
import type { FleetPlan, LabelledUnit } from './dataset.ts'
import { type SimulationJob, simulateJobs } from './simulation.ts'

export interface Split {
  /** Fleets of the split, one per seed and start. */
  readonly seeds: readonly string[]
  readonly unitsPerFleet: number
  readonly faultShare: number
}

export const SPLITS = {
  train: { seeds: ['train-a', 'train-b', 'train-c', 'train-d', 'train-e', 'train-f'], unitsPerFleet: 60, faultShare: 0.8 },
  tune: { seeds: ['tune-a', 'tune-b', 'tune-c'], unitsPerFleet: 30, faultShare: 0.6 },
  calibrate: { seeds: ['calibrate-a', 'calibrate-b', 'calibrate-c'], unitsPerFleet: 40, faultShare: 0.5 },
  test: { seeds: ['test-a', 'test-b', 'test-c'], unitsPerFleet: 40, faultShare: 0.5 },
} as const satisfies Record<string, Split>

/** Days of a fleet by type: long enough that each unit is seen without fault first, and that what is used once a day is used often. */
const DAYS: Readonly<Record<string, number>> = { air_conditioner: 70, fridge: 70, washing_machine: 120, gas_water_heater: 90 }
export const daysOf = (type: ApplianceType): number => DAYS[type.id] ?? 90

/** Starts of the fleets of a split in turn: late spring, midsummer, late summer, early summer, autumn, early spring. */
const STARTS_MS = [
  Date.UTC(2025, 4, 10),
  Date.UTC(2025, 6, 1),
  Date.UTC(2025, 7, 10),
  Date.UTC(2025, 5, 5),
  Date.UTC(2025, 9, 1),
  Date.UTC(2025, 2, 20),
]

/** Simulates the fleets of a split; `isQuick` takes a sixth of the units. */
export function simulateSplit(type: ApplianceType, name: keyof typeof SPLITS, isQuick = false): Promise<LabelledUnit[]> {
  const { seeds, unitsPerFleet, faultShare } = SPLITS[name]
  return simulateSeeds(type, { seeds, unitsPerFleet: isQuick ? Math.ceil(unitsPerFleet / 6) : unitsPerFleet, faultShare })
}

/** Simulates one fleet a seed; faults are those that the classifier has as classes. */
export async function simulateSeeds(type: ApplianceType, split: Split, plan: Partial<FleetPlan> = {}): Promise<LabelledUnit[]> {
  return (await simulateJobs(jobsOf(type, split, plan))).flat()
}

/** The jobs of a split, one a seed. */
export const jobsOf = (
  type: ApplianceType,
  { seeds, unitsPerFleet, faultShare }: Split,
  plan: Partial<FleetPlan> = {},
  plants: SimulationJob['plants'] = 'first',
): SimulationJob[] =>
  seeds.map((seed, index) => ({
    type: type.id,
    plants,
    plan: {
      ...(plants === 'first' && domainOf(index)),
      seed: `${seed}/${type.id}`,
      units: unitsPerFleet,
      days: daysOf(type),
      startMs: STARTS_MS[index % STARTS_MS.length] ?? 0,
      faultShare,
      faults: classesOf(type).slice(1),
      ...plan,
    },
  }))

/** Fleets differ in how far their units are apart; in every sixth, faults are there nearly from the first day. */
const domainOf = (index: number): Partial<FleetPlan> => ({
  spread: [1, 2.2, 1.5][index % 3] ?? 1,
  ...(index % 6 === 5 && { onsetShare: 0.08, growthScale: 0.3 }),
})
