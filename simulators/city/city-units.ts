/**
 * Units of the city and what becomes of them in the quarter: the places and makes of the fleet's units, their faults by the life models of
 * the catalogue, and which of the unit's faults stand at a time. A fault is taken as new in the quarter; what began before was served then.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { plantModels } from '#catalogue/physics-registry.ts'
import { applianceTypes } from '#catalogue/registry.ts'
import { assert } from '#kernel/errors.ts'
import { createFleet, type Fleet } from '../fleet.ts'
import type { FaultTruth } from '../fleet-faults.ts'
import type { UnitFacts } from '../fleet-units.ts'
import { shareOut } from '../mixed-fleet.ts'
import { DAY_MS } from './city-clock.ts'

/** First day of the quarter: summer, when air conditioners are used. */
export const QUARTER_START_MS = Date.UTC(2025, 5, 1)
/** Days before the quarter in which units are seen without fault, so that their own normal can be learned. */
export const WARM_UP_DAYS = 20
/** Types that live in the city; the dryer has no model of its own. */
const CITY_TYPES = ['air_conditioner', 'fridge', 'washing_machine', 'gas_water_heater']
/** Faults that a repair brings, or that are a module that sends nothing. */
const NOT_DRAWN = ['AC-09', 'XX-03']
/** Faults of one unit that are followed; a third in a quarter is left out. */
const FAULTS_MAX = 2
/** Runs of a fridge are short. */
const samplePeriodMs = (type: string): number => (type === 'fridge' ? 300_000 : 600_000)

export interface CityPlan {
  readonly seed: string
  readonly units: number
  readonly days: number
}

export interface CityUnit {
  readonly facts: UnitFacts
  readonly type: ApplianceType
  /** Place of the unit among those of its type, from 0. */
  readonly home: number
  /** In order of onset. */
  readonly faults: readonly FaultTruth[]
}

export const cityTypes = (): ApplianceType[] =>
  CITY_TYPES.map((id) => {
    const type = applianceTypes.find((one) => one.id === id)
    assert(type !== undefined, `the catalogue has ${id}`)
    return type
  })

/** All units of a city with the faults that begin in it. */
export function createCityUnits(plan: CityPlan): CityUnit[] {
  return shareOut(plan.units, cityTypes()).flatMap(({ type, units }) => {
    const fleet = fleetOf(type, plan, { units, firstHome: 0 })
    const truths = fleet.truth()
    return fleet.units.map((facts) => ({
      facts,
      type,
      home: Number(facts.device.slice(facts.device.lastIndexOf('-') + 1)) - 1,
      faults: truths
        .filter((truth) => truth.device === facts.device && truth.onset_ms >= QUARTER_START_MS)
        .toSorted((a, b) => a.onset_ms - b.onset_ms)
        .slice(0, FAULTS_MAX),
    }))
  })
}

/** A fleet of one unit of the city in which only the named faults come. */
export function fleetOfOne(type: ApplianceType, plan: CityPlan, { home, kept }: { home: number; kept: readonly string[] }): Fleet {
  const fleet = fleetOf(type, plan, { units: 1, firstHome: home })
  for (const truth of [...fleet.truth()]) {
    if (truth.onset_ms < QUARTER_START_MS || !kept.includes(truth.fault)) fleet.repair(truth.device, truth.fault, truth.onset_ms)
  }
  return fleet
}

export const fleetStartMs = QUARTER_START_MS - WARM_UP_DAYS * DAY_MS

function fleetOf(type: ApplianceType, { seed, days }: CityPlan, homes: { units: number; firstHome: number }): Fleet {
  const faults = (plantModels.get(type.id)?.faults ?? []).filter((fault) => !NOT_DRAWN.includes(fault))
  return createFleet({
    type,
    ...homes,
    seed,
    startMs: fleetStartMs,
    faultShare: 0,
    samplePeriodMs: samplePeriodMs(type.id),
    tenant: 'home',
    faults,
    wear: { days: WARM_UP_DAYS + days },
  })
}
