/**
 * Builds the units of a fleet: where each stands (household, building, outage area, city), when it was installed and of which batch and
 * firmware it is, its plant, sensors, dirt within limits and faults. Fleets of several types with one seed share their households.
 */
import type { LifeCovariate, LifeModel } from '#catalogue/life.ts'
import { plantModels } from '#catalogue/physics-registry.ts'
import type { Plant, PlantModel, Surroundings } from '#catalogue/plant.ts'
import { assert } from '#kernel/errors.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { type Confusion, createConfusion } from './confusers.ts'
import { growthOf } from './fault-growth.ts'
import { DAY_MS, type DrawOptions, drawFaults, drawWear, type FaultTruth, grow, type WearOptions } from './fleet-faults.ts'
import type { FirmwareUpdate, FleetOptions } from './fleet-options.ts'
import { createSensorSet, type SensorSet } from './fleet-sensors.ts'
import { createHabits, type Habits } from './habits.ts'
import { createSupplies, type Supplies } from './supplies.ts'
import { createSurroundings } from './surroundings.ts'
import { CITIES, createWeather, type Weather } from './weather.ts'

/** What the maker and the installer know of a unit; registered with the platform and exported with the truth. */
export interface UnitFacts {
  readonly device: string
  readonly type: string
  readonly household: string
  readonly building: string
  readonly area: string
  readonly city: string
  readonly batch: string
  readonly fw: string
  readonly installed_at_ms: number
}

export interface Unit {
  readonly facts: UnitFacts
  readonly plant: Plant
  readonly habits: Habits
  readonly weather: Weather
  readonly supplies: Supplies
  readonly around: (timeMs: number, stepMs: number) => Surroundings
  readonly sensors: SensorSet
  readonly faults: FaultTruth[]
  /** Dirt and scale within limits, which are no fault. */
  readonly dirt: ReadonlyArray<readonly [fault: string, severity: number]>
  /** Place of the unit within the sample period, 0..1. */
  readonly phase: number
  readonly update: FirmwareUpdate | undefined
  readonly repairs: Random
  readonly severities: Map<string, number>
  /** Until when `severities` hold; 0 = to be made anew. */
  severitiesUntilMs: number
  boot: number
  seq: number
  isDark: boolean
}

const PREFIX: Readonly<Record<string, string>> = { air_conditioner: 'ac', fridge: 'fr', washing_machine: 'wm', gas_water_heater: 'gw' }

/** First part of the device ids of a type. */
export const typePrefix = (type: string): string => PREFIX[type] ?? type.replaceAll('_', '-')

const HOMES_PER_BUILDING = 6
const BUILDINGS_PER_AREA = 4
/** Largest severity of dirt that is no fault, by the fault whose cause it is. */
const DIRT_MAX: Readonly<Record<string, number>> = { 'AC-02': 0.08, 'AC-03': 0.1, 'FR-04': 0.08, 'WM-01': 0.08, 'GW-07': 0.06 }
/** The same for scale in a region of hard water. */
const SCALE_MAX: Readonly<Record<string, number>> = { 'WM-05': 0.1, 'GW-04': 0.1 }
/** Batches B01 (oldest) to B12, made one after the other over these years before the start. */
const BATCHES = 12
const OLDEST_YEARS = 9
const YEAR_MS = 365.25 * DAY_MS
const UPDATE_AFTER_DAYS = 10

export function createUnits(options: FleetOptions): Unit[] {
  const model = (options.plants ?? plantModels).get(options.type.id)
  assert(model !== undefined, `the type ${options.type.id} has a plant`)
  const confusion = createConfusion(options.confusers, options.confuserRate)
  const places = createPlaces(options, confusion)
  const units: Unit[] = []
  for (let index = 1; index <= options.units; index++) units.push(createUnit(options, { model, confusion, places }, index))
  return units.sort((a, b) => a.phase - b.phase)
}

interface Shared {
  readonly model: PlantModel
  readonly confusion: Confusion
  readonly places: (index: number) => Home
}

interface Home {
  readonly city: string
  readonly area: string
  readonly building: string
  readonly household: string
  readonly weather: Weather
  readonly supplies: Supplies
}

function createUnit(options: FleetOptions, { model, confusion, places }: Shared, index: number): Unit {
  const { type, seed } = options
  const home = (options.firstHome ?? 0) + index - 1
  const device = `${options.devicePrefix ?? typePrefix(type.id)}-${String(home + 1).padStart(4, '0')}`
  const { weather, supplies, ...place } = places(home)
  const random = createRandom(`${seed}/${device}`)
  const draw = random.fork('fleet')
  const ageShare = draw.uniform()
  const facts: UnitFacts = {
    device,
    type: type.id,
    ...place,
    batch: `B${String(1 + Math.floor((1 - ageShare) * BATCHES)).padStart(2, '0')}`,
    fw: draw.pick(['2.4.1', '2.4.1', '2.5.0']),
    installed_at_ms: Math.round(options.startMs - (0.1 + ageShare * OLDEST_YEARS) * YEAR_MS),
  }
  const update = updateOf(options, model, confusion)
  const habits = createHabits({ seed, household: place.household, weather, confusion, ...(model.habits && { habits: model.habits }) })
  const dirt = dirtOf(draw, model, { confusion, supplies })
  const indoorOffsetK = draw.between(-1.5, 2.5)
  const floorKpa = draw.between(0, 60)
  return {
    facts,
    plant: model.create(random.fork('plant')),
    habits,
    weather,
    supplies,
    around: createSurroundings({ weather, supplies, habits, indoorOffsetK, floorKpa }),
    sensors: createSensorSet(type, model.noise, random.fork('sensors'), options.aggregated ?? []),
    faults: faultsOf(draw.fork('faults'), options, { facts, model, update, circumstances: circumstancesOf(random, { weather, supplies, habits }) }),
    dirt,
    phase: draw.uniform(),
    update: update?.fromFw === undefined || update.fromFw === facts.fw ? update : undefined,
    repairs: random.fork('repairs'),
    severities: new Map(),
    severitiesUntilMs: 0,
    boot: 1,
    seq: 0,
    isDark: false,
  }
}

/** Homes go round the cities; in a city they fill buildings, and buildings fill outage areas. */
function createPlaces({ cities = CITIES, seed }: FleetOptions, confusion: Confusion): (index: number) => Home {
  const weathers = cities.map((city) => createWeather(city, seed, confusion))
  const areas = new Map<string, Supplies>()
  return (index) => {
    const weather = weathers[index % weathers.length]
    assert(weather !== undefined, 'a fleet has a city')
    const inCity = Math.floor(index / weathers.length)
    const building = Math.floor(inCity / HOMES_PER_BUILDING)
    const area = `${weather.city.name}-a${1 + Math.floor(building / BUILDINGS_PER_AREA)}`
    const supplies = areas.get(area) ?? createSupplies({ area, weather, seed, confusion })
    areas.set(area, supplies)
    const buildingName = `${area}-b${1 + (building % BUILDINGS_PER_AREA)}`
    const household = `${buildingName}-h${1 + (inCity % HOMES_PER_BUILDING)}`
    return { city: weather.city.name, area, building: buildingName, household, weather, supplies }
  }
}

function dirtOf(random: Random, { faults }: PlantModel, { confusion, supplies }: { confusion: Confusion; supplies: Supplies }): Unit['dirt'] {
  const dirt = Object.entries(DIRT_MAX).map(([fault, max]) => [fault, random.uniform() * max * (confusion.has('dirt') ? 1 : 0)] as const)
  const scale = Object.entries(SCALE_MAX).map(([fault, max]) => [fault, random.uniform() * max * (supplies.isHard ? 1 : 0)] as const)
  return [...dirt, ...scale].filter(([fault, severity]) => severity > 0 && faults.includes(fault))
}

/** The update that was asked for, or the one that `firmware_rescale` brings: a cohort whose first noisy temperature is scaled anew. */
function updateOf(options: FleetOptions, model: PlantModel, confusion: Confusion): FirmwareUpdate | undefined {
  if (options.update !== undefined || !confusion.has('firmware_rescale')) return options.update
  const channel = options.type.channels.find(({ name, unit, isSafety }) => unit === 'c' && !isSafety && (model.noise[name] ?? 0) > 0)
  if (channel === undefined) return undefined
  return {
    atMs: options.startMs + UPDATE_AFTER_DAYS * DAY_MS,
    fw: '2.6.0',
    fromFw: '2.5.0',
    rescale: { channel: channel.name, factor: 1.05, offset: 0.4 },
  }
}

interface FaultSource {
  readonly facts: UnitFacts
  readonly model: PlantModel
  readonly update: FirmwareUpdate | undefined
  readonly circumstances: Circumstances
}

/** What is known of a unit's circumstances among the covariates of the life models; the others stand at their reference. */
type Circumstances = Readonly<Partial<Record<LifeCovariate, number>>>

function circumstancesOf(random: Random, { weather, supplies, habits }: Pick<Unit, 'weather' | 'supplies' | 'habits'>): Circumstances {
  const { city } = weather
  return {
    cycles_per_week: 7 * (0.15 + 0.2 * habits.people),
    outdoor_summer_c: city.meanC + city.seasonC,
    room_humidity_pct: 25 + 40 * city.humidity,
    is_coastal: city.name === 'coast' ? 1 : 0,
    dust_level: random.fork('dust').pick([0, 1, 1, 1, 2]),
    water_hardness_mmol_l: supplies.hardnessMmolL,
  }
}

function covariateRatio(life: LifeModel | undefined, known: Circumstances): number {
  return (life?.covariates ?? []).reduce((ratio, { covariate, reference, per, hazardRatio }) => {
    const value = known[covariate]
    return value === undefined ? ratio : ratio * hazardRatio ** ((value - reference) / per)
  }, 1)
}

function faultsOf(random: Random, options: FleetOptions, { facts, model, update, circumstances }: FaultSource): FaultTruth[] {
  const { type, startMs, wear, badBatch, badFirmware } = options
  const faults = options.faults ?? model.faults
  const draw: DrawOptions = {
    type,
    device: facts.device,
    faults,
    startMs,
    onsetSpanMs: options.onsetSpanMs ?? 21 * DAY_MS,
    growthScale: options.growthScale ?? 1,
  }
  const inBatch = badBatch?.batch === facts.batch ? badBatch : undefined
  const hasFirmware = badFirmware !== undefined && (facts.fw === badFirmware.fw || (update?.fw === badFirmware.fw && isUpdated(update, facts)))
  if (wear !== undefined) {
    return drawWear(random, {
      ...draw,
      installedAtMs: facts.installed_at_ms,
      untilMs: startMs + wear.days * DAY_MS,
      acceleration: wear.acceleration ?? 1,
      repairDays: wear.repairDays,
      hazardRatio: (fault) =>
        covariateRatio(type.faults.find(({ code }) => code === fault)?.life, circumstances) *
        (inBatch?.fault === fault ? inBatch.hazardRatio : 1) *
        (hasFirmware && badFirmware.fault === fault ? badFirmware.hazardRatio : 1),
    } satisfies WearOptions)
  }
  const drawn = random.chance(options.faultShare) ? drawFaults(random, draw) : []
  const extra = (bad: { fault: string; hazardRatio: number }, cause: 'batch' | 'firmware', fromMs: number): FaultTruth[] => {
    const weights = faults.map((fault) => growthOf(type, fault).weight)
    const base = (options.faultShare * growthOf(type, bad.fault).weight) / weights.reduce((sum, weight) => sum + weight, 0)
    if (!random.chance(1 - (1 - base) ** (bad.hazardRatio - 1)) || drawn.some(({ fault }) => fault === bad.fault)) return []
    return [grow(random, draw, { fault: bad.fault, onsetMs: fromMs + random.uniform() * draw.onsetSpanMs, cause })]
  }
  if (inBatch !== undefined) drawn.push(...extra(inBatch, 'batch', startMs))
  if (hasFirmware) drawn.push(...extra(badFirmware, 'firmware', update?.fw === badFirmware.fw ? update.atMs : startMs))
  return drawn
}

const isUpdated = (update: FirmwareUpdate, facts: UnitFacts): boolean => update.fromFw === undefined || update.fromFw === facts.fw
