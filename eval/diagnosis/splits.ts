/**
 * Which simulated fleets train, tune, calibrate and test. Each split has seeds of its own, so its units, their weather and their
 * households are in no other split; each spans the cooling season.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { classesOf, type LabelledUnit, simulateUnits } from './dataset.ts'

export interface Split {
  /** Fleets of the split, one per seed and start. */
  readonly seeds: readonly string[]
  readonly unitsPerFleet: number
  readonly faultShare: number
}

export const SPLITS = {
  train: { seeds: ['train-a', 'train-b', 'train-c', 'train-d', 'train-e'], unitsPerFleet: 240, faultShare: 0.8 },
  tune: { seeds: ['tune-a', 'tune-b', 'tune-c'], unitsPerFleet: 80, faultShare: 0.6 },
  calibrate: { seeds: ['calibrate-a', 'calibrate-b', 'calibrate-c'], unitsPerFleet: 140, faultShare: 0.5 },
  test: { seeds: ['test-a', 'test-b', 'test-c'], unitsPerFleet: 160, faultShare: 0.5 },
} as const satisfies Record<string, Split>

const DAYS = 70

/** Starts of the fleets of a split in turn: late spring, midsummer, late summer, early summer, autumn. */
const STARTS_MS = [Date.UTC(2025, 4, 10), Date.UTC(2025, 6, 1), Date.UTC(2025, 7, 10), Date.UTC(2025, 5, 5), Date.UTC(2025, 9, 1)]

/** Simulates the fleets of a split; `isQuick` takes a sixth of the units. */
export function simulateSplit(type: ApplianceType, name: keyof typeof SPLITS, isQuick = false): LabelledUnit[] {
  const { seeds, unitsPerFleet, faultShare } = SPLITS[name]
  return simulateSeeds(type, { seeds, unitsPerFleet: isQuick ? Math.ceil(unitsPerFleet / 6) : unitsPerFleet, faultShare })
}

/** Simulates one fleet a seed; faults are those that the classifier has as classes. */
export const simulateSeeds = (type: ApplianceType, { seeds, unitsPerFleet, faultShare }: Split): LabelledUnit[] =>
  seeds.flatMap((seed, index) => {
    const startMs = STARTS_MS[index % STARTS_MS.length] ?? 0
    return simulateUnits(type, { seed, units: unitsPerFleet, days: DAYS, startMs, faultShare, faults: classesOf(type).slice(1) })
  })
