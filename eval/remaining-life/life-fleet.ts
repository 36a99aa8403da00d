/**
 * Fleets of lives for the evaluation of remaining life: units of several ages and uses whose parts fail by Weibull lives that are not those
 * of the catalogue (each shape, scale and effect is off by a drawn factor, and each unit has a frailty that nobody measures). What the
 * platform would know of a unit is blurred or missing. No physics; years of thousands of units take a second. Seeded.
 */
import type { ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import type { LifeCovariate, LifeModel } from '#catalogue/life.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import type { Usage } from '../../models/remaining-life.ts'
import { DAY_MS, type WearOptions, wearOf } from '../../simulators/fleet-faults.ts'

const YEAR_MS = 365.25 * DAY_MS
const START_MS = Date.UTC(2024, 0, 1)
const OLDEST_YEARS = 9
/** How far the field is off the catalogue, as spreads of logarithms; frailty is per unit. */
const FIELD = { shape: 0.12, scale: 0.3, effect: 0.4, frailty: 0.3 }
const UNKNOWN_AGE_SHARE = 0.2
const UNKNOWN_USAGE_SHARE = 0.3
const USAGE_BLUR = 0.1

/** A unit with what the platform knows of it, and its failures by fault in days since the start. */
export interface LifeUnit {
  readonly unitAgeYears: number
  readonly isAgeKnown: boolean
  readonly usage: Usage
  readonly failuresDays: ReadonlyMap<string, readonly number[]>
}

/** Draws units that are watched for `days` from the start; their ages are those of the start. */
export function lifeFleet(type: ApplianceType, { seed, units, days }: { seed: string; units: number; days: number }): LifeUnit[] {
  const field = fieldOf(type, createRandom(`${seed}/field`))
  return Array.from({ length: units }, (_, index) => lifeUnit(field, createRandom(`${seed}/${index}`), days))
}

/** The type as its lives are in this field. */
function fieldOf(type: ApplianceType, random: Random): ApplianceType {
  const moved = (life: LifeModel): LifeModel => ({
    shape: life.shape * Math.exp(random.normal(0, FIELD.shape)),
    scaleYears: life.scaleYears * Math.exp(random.normal(0, FIELD.scale)),
    covariates: (life.covariates ?? []).map((one) => ({ ...one, hazardRatio: one.hazardRatio ** (1 + random.normal(0, FIELD.effect)) })),
  })
  return { ...type, faults: type.faults.map((fault): Fault => (fault.life === undefined ? fault : { ...fault, life: moved(fault.life) })) }
}

function lifeUnit(type: ApplianceType, random: Random, days: number): LifeUnit {
  const unitAgeYears = random.uniform() * OLDEST_YEARS
  const frailty = Math.exp(random.normal(0, FIELD.frailty))
  const truth = new Map<LifeCovariate, number>()
  for (const { life } of type.faults)
    for (const { covariate, reference, per } of life?.covariates ?? [])
      if (!truth.has(covariate)) truth.set(covariate, reference + per * random.normal(0, 1))
  const failuresDays = new Map<string, number[]>()
  for (const { code, life } of type.faults) {
    if (life === undefined) continue
    const ratio = (life.covariates ?? []).reduce(
      (product, one) => product * one.hazardRatio ** (((truth.get(one.covariate) ?? one.reference) - one.reference) / one.per),
      frailty,
    )
    const options: WearOptions = {
      ...{ type, device: 'unit', faults: [code], onsetSpanMs: 0, growthScale: 0, acceleration: 1, repairDays: [1, 10] },
      ...{ startMs: START_MS - unitAgeYears * YEAR_MS, installedAtMs: START_MS - unitAgeYears * YEAR_MS, untilMs: START_MS + days * DAY_MS },
      hazardRatio: () => ratio,
    }
    // Lived from the installation, so that ages of parts at the start are what earlier repairs left.
    const lived = wearOf(random.fork(code), options, code, options.installedAtMs)
    const since = lived.map(({ onset_ms }) => (onset_ms - START_MS) / DAY_MS).filter((day) => day >= 0)
    failuresDays.set(code, since)
  }
  const known = random.fork('known')
  const usage = Object.fromEntries(
    [...truth].flatMap(([name, value]) => (known.chance(UNKNOWN_USAGE_SHARE) ? [] : [[name, value * (1 + known.normal(0, USAGE_BLUR))]])),
  ) as Usage
  return { unitAgeYears, isAgeKnown: !known.chance(UNKNOWN_AGE_SHARE), usage, failuresDays }
}
