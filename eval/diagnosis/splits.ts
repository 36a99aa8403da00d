/**
 * Which simulated fleets train, tune, calibrate and test a type's model. Each split has seeds of its own, so its units, their weather and
 * their households are in no other split. The evaluation proper runs on the second plant and its frozen seeds (`second.ts`).
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { classesOf } from '../../models/training/training-set.ts'
import { CONFUSERS_OF_LIFE } from '../../simulators/confusers.ts'
import type { FleetPlan, LabelledUnit } from './dataset.ts'
import { restless } from './restless-units.ts'
import { type SimulationJob, simulateJobs } from './simulation.ts'

export interface Split {
  /** Fleets of the split, one per seed and start. */
  readonly seeds: readonly string[]
  readonly unitsPerFleet: number
  readonly faultShare: number
  /** Fleets from this one on are of other makers (`foreign-plant.ts`), each of one of its own; all of the catalogue's when not given. */
  readonly makersFrom?: number
  /** Those fleets are of units that are each of a maker of its own, with physics of its own. */
  readonly isMixed?: boolean
  /** What machines in homes have and plants have not is added to the windows (`restless-units.ts`). */
  readonly isRestless?: boolean
  /** Units, confusers and growth of faults as in life, as an evaluation has them. */
  readonly isAsInLife?: boolean
}

export const SPLITS = {
  train: { seeds: seedsOf('train', 10), unitsPerFleet: 30, faultShare: 0.75, makersFrom: 2 },
  tune: { seeds: seedsOf('tune', 2), unitsPerFleet: 24, faultShare: 0.6, makersFrom: 0 },
  calibrate: { seeds: seedsOf('calibrate', 4), unitsPerFleet: 28, faultShare: 0.6, makersFrom: 0 },
  test: { seeds: seedsOf('held-out', 4), unitsPerFleet: 36, faultShare: 0.6, makersFrom: 0, isAsInLife: true },
  strangers: {
    seeds: seedsOf('stranger', 5),
    unitsPerFleet: 36,
    faultShare: 0.6,
    makersFrom: 0,
    isAsInLife: true,
    isMixed: true,
    isRestless: true,
  },
} as const satisfies Record<string, Split>
export type SplitName = keyof typeof SPLITS

/** Where a type has other splits: each unit is of a maker of its own, and more of them are trained on, tuned and settled on. */
const SPLITS_OF: Readonly<Record<string, Partial<Record<SplitName, Split>>>> = {
  air_conditioner: {
    train: { seeds: seedsOf('train', 12), unitsPerFleet: 30, faultShare: 0.75, makersFrom: 2, isMixed: true, isRestless: true },
    tune: { seeds: seedsOf('tune', 2), unitsPerFleet: 30, faultShare: 0.6, makersFrom: 0, isMixed: true, isRestless: true },
    calibrate: { seeds: seedsOf('calibrate', 5), unitsPerFleet: 30, faultShare: 0.6, makersFrom: 0, isMixed: true, isRestless: true },
  },
  gas_water_heater: {
    train: { seeds: seedsOf('train', 14), unitsPerFleet: 30, faultShare: 0.75, makersFrom: 2, isMixed: true, isRestless: true },
    tune: { seeds: seedsOf('tune', 2), unitsPerFleet: 30, faultShare: 0.6, makersFrom: 0, isMixed: true, isRestless: true },
    calibrate: { seeds: seedsOf('calibrate', 6), unitsPerFleet: 36, faultShare: 0.6, makersFrom: 0, isMixed: true, isRestless: true },
  },
}

/** A split of a type. */
export const splitOf = (type: ApplianceType, name: SplitName): Split => SPLITS_OF[type.id]?.[name] ?? SPLITS[name]

/** One fleet of the catalogue's own make, from which rivals of the diagnosis learn what is usual. */
export const ORDINARY_FLEET: Split = { seeds: seedsOf('ordinary', 1), unitsPerFleet: 40, faultShare: 0.6 }

function seedsOf(name: string, fleets: number): string[] {
  return Array.from({ length: fleets }, (_, index) => `${name}-${String.fromCharCode(97 + index)}`)
}

/** Days of a fleet by type: long enough that each unit is seen without fault first, and that what is used once a day is used often. */
const DAYS: Readonly<Record<string, number>> = { air_conditioner: 105, fridge: 105, washing_machine: 155, gas_water_heater: 125 }
export const daysOf = (type: ApplianceType): number => DAYS[type.id] ?? 125

/** Starts of the fleets of a split in turn: late spring, midsummer, late summer, early summer, autumn, early spring. */
const STARTS_MS = [
  Date.UTC(2025, 4, 10),
  Date.UTC(2025, 6, 1),
  Date.UTC(2025, 7, 10),
  Date.UTC(2025, 5, 5),
  Date.UTC(2025, 9, 1),
  Date.UTC(2025, 2, 20),
]

/** `quick`: a sixth of the units. `trial`: eight units over two months, by which nothing is learned but that all of it runs. */
export type SplitSize = 'whole' | 'quick' | 'trial'

/** Simulates the fleets of a split. */
export function simulateSplit(type: ApplianceType, name: SplitName, size: SplitSize = 'whole'): Promise<LabelledUnit[]> {
  const split = splitOf(type, name)
  if (size === 'trial') return simulateSeeds(type, { ...split, seeds: split.seeds.slice(0, 2), unitsPerFleet: 4 }, { days: 60 })
  return simulateSeeds(type, size === 'quick' ? { ...split, unitsPerFleet: Math.ceil(split.unitsPerFleet / 6) } : split)
}

/** Simulates one fleet a seed; faults are those that the classifier has as classes. */
export async function simulateSeeds(type: ApplianceType, split: Split, plan: Partial<FleetPlan> = {}): Promise<LabelledUnit[]> {
  const units = (await simulateJobs(jobsOf(type, split, plan))).flat()
  return split.isRestless === true ? restless(type, units) : units
}

/** The jobs of a split, one a seed. */
export const jobsOf = (
  type: ApplianceType,
  { seeds, unitsPerFleet, faultShare, makersFrom, isMixed = false, isAsInLife = false }: Split,
  plan: Partial<FleetPlan> = {},
  plants: SimulationJob['plants'] = 'first',
): SimulationJob[] =>
  seeds.map((seed, index) => ({
    type: type.id,
    plants,
    plan: {
      ...(isAsInLife ? { growthScale: 1 } : plants === 'first' && domainOf(index)),
      ...(makersFrom !== undefined && index >= makersFrom && { maker: seed, ...(isMixed && { isMixed }) }),
      seed: `${seed}/${type.id}`,
      units: unitsPerFleet,
      days: daysOf(type),
      startMs: STARTS_MS[index % STARTS_MS.length] ?? 0,
      faultShare,
      faults: classesOf(type).slice(1),
      ...plan,
    },
  }))

/**
 * Fleets differ in how far their units are apart and how often something looks like a fault; in every sixth, faults are there nearly from
 * the first day.
 */
const domainOf = (index: number): Partial<FleetPlan> => ({
  spread: [1, 2.2, 1.5][index % 3] ?? 1,
  growthScale: [1, 0.7][index % 2] ?? 1,
  ...(index % 3 !== 0 && { confusers: [...CONFUSERS_OF_LIFE, 'firmware_rescale'], confuserRate: 2.5 }),
  ...(index % 6 === 5 && { onsetShare: 0.08, growthScale: 0.4 }),
})
