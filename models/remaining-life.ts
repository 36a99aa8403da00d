/**
 * Remaining life of the parts of a unit: for each fault with a life in the catalogue the hazard now, the chance of failure within 30 and 90
 * days and the median remaining life. Age and usage enter by Weibull hazards with covariates, which a site's own failures refine; a standing
 * diagnosis adds a second Weibull from its telling on, weighed by its probability. Intervals (90 %) say how little the parameters are known:
 * delta method over the normal posterior. What is not known (an age, a usage) stands at its reference and widens them.
 */
import type { ApplianceType, Fault } from '#catalogue/appliance-type.ts'
import type { LifeCovariate, LifeModel } from '#catalogue/life.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { CONDITION_LAW, levelOf } from './life/condition-law.ts'
import { type PartAge, type PartHistory, partAges } from './life/part-age.ts'
import { cumulativeHazard, fitWeibull, times, type WatchedLife, type WeibullLaw } from './life/weibull-fit.ts'

export type Usage = Readonly<Partial<Record<LifeCovariate, number>>>

/** What is known of a unit. Ages in years. */
export interface LifeInputs {
  readonly unitAgeYears: number | undefined
  readonly watchedYears: number
  /** Years since a part was renewed, by fault. */
  readonly renewedYears: ReadonlyMap<string, number>
  readonly usage: Usage
  /** Last answer of the models, if it stands, and days since it was told. */
  readonly diagnosis:
    | { readonly record: Pick<Diagnosis, 'answer' | 'fault' | 'probability' | 'rivals' | 'evidence_for'>; readonly sinceDays: number }
    | undefined
}

/** Law of a fault's life in years, its covariates in the catalogue's order. */
export interface FaultLaw {
  readonly law: WeibullLaw
  /** Failures of the site in it; 0 = the catalogue's design values alone. */
  readonly failures: number
}

export interface Estimate {
  readonly value: number
  readonly low: number
  readonly high: number
}

export interface PartOutlook {
  readonly fault: string
  readonly hazardPerYear: Estimate
  readonly failure30dProbability: Estimate
  readonly failure90dProbability: Estimate
  /** Undefined beyond `HORIZON_DAYS`. */
  readonly medianDays: Estimate | undefined
  /** Share that the diagnosis has in it: the chance that the fault has begun. */
  readonly begunProbability: number
  readonly siteFailures: number
  /** Covariates of the life that are known, and those that stand at their reference. */
  readonly known: readonly LifeCovariate[]
  readonly unknown: readonly LifeCovariate[]
}

const YEAR_DAYS = 365.25
const HORIZON_DAYS = 40 * YEAR_DAYS
/** 90 % of a normal distribution. */
const Z_90 = 1.645
/** How far design values may be off: log shape, log scale, and a share of each effect (chosen). */
const SHAPE_SPREAD = 0.15
const SCALE_SPREAD = 0.35
const EFFECT_SHARE = 0.5
/** Units found younger than this share of a life's scale are taken to have their first part; of others nobody knows what was renewed. */
export const YOUNG_SHARE = 0.5
const RIVAL_PROBABILITY_MIN = 0.05

/** The catalogue's life as a law with the spread of design values. */
export function catalogueLaw({ shape, scaleYears, covariates = [] }: LifeModel): WeibullLaw {
  const effects = covariates.map(({ hazardRatio }) => Math.log(hazardRatio))
  const spreads = [SHAPE_SPREAD, SCALE_SPREAD, ...effects.map((effect) => EFFECT_SHARE * Math.abs(effect) + 0.02)]
  return {
    parameters: [Math.log(shape), Math.log(scaleYears), ...effects],
    covariance: spreads.map((spread, i) => spreads.map((_, j) => (i === j ? spread ** 2 : 0))),
  }
}

/** Refines a fault's law by the lives of a site; too few of them leave it near the catalogue. */
export function learnLaw(life: LifeModel, lives: readonly WatchedLife[]): FaultLaw {
  const failures = lives.filter(({ hasFailed }) => hasFailed).length
  const prior = catalogueLaw(life)
  return lives.length === 0 ? { law: prior, failures: 0 } : { law: fitWeibull(lives, prior), failures }
}

/** Covariates of a life in its order; what is not known is 0, its reference. */
export const covariatesOf = ({ covariates = [] }: LifeModel, usage: Usage): number[] =>
  covariates.map(({ covariate, reference, per }) => {
    const value = usage[covariate]
    return value === undefined ? 0 : (value - reference) / per
  })

/** Outlook of each fault that has a life, likeliest within 90 days first. */
export function outlookOf(type: Pick<ApplianceType, 'faults'>, inputs: LifeInputs, laws: ReadonlyMap<string, FaultLaw>): PartOutlook[] {
  return type.faults
    .flatMap((fault) => (fault.life === undefined ? [] : [outlook(fault, fault.life, { inputs, laws })]))
    .sort((a, b) => b.failure90dProbability.value - a.failure90dProbability.value)
}

interface Given {
  readonly inputs: LifeInputs
  readonly laws: ReadonlyMap<string, FaultLaw>
}

function outlook({ code }: Fault, life: LifeModel, { inputs, laws }: Given): PartOutlook {
  const { law, failures } = laws.get(code) ?? { law: catalogueLaw(life), failures: 0 }
  const x = covariatesOf(life, inputs.usage)
  const ages = partAges(law.parameters, x, { ...inputs, renewedYears: inputs.renewedYears.get(code) })
  const begun = begunOf(inputs, code)
  const condition = { x: [begun.level], sinceDays: begun.sinceDays, probability: begun.probability }
  const names = (life.covariates ?? []).map(({ covariate }) => covariate)
  const isKnown = (name: LifeCovariate): boolean => inputs.usage[name] !== undefined
  // One more parameter stands for the covariates that nobody told: a step of each, either way.
  const unknownVariance = (life.covariates ?? [])
    .filter(({ covariate }) => !isKnown(covariate))
    .reduce((sum, { hazardRatio }) => sum + Math.log(hazardRatio) ** 2, 0)
  const blocks = [...(begun.probability > 0 ? [CONDITION_LAW.covariance] : []), law.covariance, [[unknownVariance]]]
  const centre = [...(begun.probability > 0 ? CONDITION_LAW.parameters : []), ...law.parameters, 0]
  const lasting = (parameters: readonly number[]): ((days: number) => number) => {
    const own = begun.probability > 0 ? parameters.slice(3) : parameters
    return survival({ parameters: own.slice(0, -1), x, shift: own.at(-1) ?? 0, ages }, { ...condition, parameters: parameters.slice(0, 3) })
  }
  const estimate = (quantity: (lasts: (days: number) => number) => number, back: (value: number) => number): Estimate =>
    spread((parameters) => quantity(lasting(parameters)), back, { centre, blocks })
  const failsWithin = (days: number): Estimate => estimate((lasts) => logit(1 - lasts(days)), expit)
  const median = estimate((lasts) => Math.log(medianOf(lasts)), Math.exp)
  return {
    fault: code,
    hazardPerYear: estimate((lasts) => Math.log(Math.max(1e-12, -Math.log(lasts(1)) * YEAR_DAYS)), Math.exp),
    failure30dProbability: failsWithin(30),
    failure90dProbability: failsWithin(90),
    medianDays: median.value >= HORIZON_DAYS * 0.999 ? undefined : median,
    begunProbability: begun.probability,
    siteFailures: failures,
    known: names.filter(isKnown),
    unknown: names.filter((name) => !isKnown(name)),
  }
}

/** Chance by the standing diagnosis that this fault has begun. */
function begunOf({ diagnosis }: LifeInputs, code: string): { readonly probability: number; readonly level: number; readonly sinceDays: number } {
  if (diagnosis === undefined || diagnosis.record.answer !== 'fault') return { probability: 0, level: 0, sinceDays: 0 }
  const { record, sinceDays } = diagnosis
  if (record.fault === code) return { probability: record.probability, level: levelOf(record), sinceDays }
  const rival = record.rivals.find(({ fault }) => fault === code)?.probability ?? 0
  return { probability: rival < RIVAL_PROBABILITY_MIN ? 0 : rival, level: 0, sinceDays }
}

/** Chance that a part lasts so many days more, by age and usage alone. */
export function survivalOf({ law }: FaultLaw, x: readonly number[], history: PartHistory): (days: number) => number {
  const { parameters } = law
  return survival({ parameters, x, shift: 0, ages: partAges(parameters, x, history) }, NOT_BEGUN)
}

const NOT_BEGUN = { parameters: [], x: [], sinceDays: 0, probability: 0 } as const

interface AgeLife {
  readonly parameters: readonly number[]
  readonly x: readonly number[]
  /** Added to the logarithm of the hazard. */
  readonly shift: number
  readonly ages: readonly PartAge[]
}

interface ConditionLife {
  readonly parameters: readonly number[]
  readonly x: readonly number[]
  readonly sinceDays: number
  readonly probability: number
}

/** Chance to last so many days more, given all that lasted until now. */
function survival({ parameters, x, shift, ages }: AgeLife, condition: ConditionLife): (days: number) => number {
  const factor = Math.exp(shift)
  const until = ages.map(({ ageYears }) => cumulativeHazard(parameters, ageYears, x))
  return (days) => {
    const byAge = ages.reduce((sum, { ageYears, weight }, index) => {
      const hazard = cumulativeHazard(parameters, ageYears + days / YEAR_DAYS, x) - (until[index] ?? 0)
      return sum + weight * Math.exp(-factor * hazard)
    }, 0)
    if (condition.probability === 0) return byAge
    const { parameters: its, x: level, sinceDays, probability } = condition
    // That it has lasted since the telling speaks against the diagnosis, too.
    const lasted = Math.exp(-cumulativeHazard(its, sinceDays, level))
    const begun = (probability * lasted) / (probability * lasted + 1 - probability || 1)
    const lasts = Math.exp(cumulativeHazard(its, sinceDays, level) - cumulativeHazard(its, sinceDays + days, level))
    return begun * lasts + (1 - begun) * byAge
  }
}

function medianOf(lasts: (days: number) => number): number {
  if (lasts(HORIZON_DAYS) > 0.5) return HORIZON_DAYS
  let [low, high] = [0, HORIZON_DAYS]
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2
    if (lasts(middle) > 0.5) low = middle
    else high = middle
  }
  return Math.max(high, 0.01)
}

const logit = (share: number): number => Math.log(Math.max(1e-12, share) / Math.max(1e-12, 1 - share))
const expit = (value: number): number => 1 / (1 + Math.exp(-value))

/** Value and 90 % interval of a quantity on the scale of `back`, by its gradient over the parameters. */
function spread(
  quantity: (parameters: readonly number[]) => number,
  back: (value: number) => number,
  { centre, blocks }: { readonly centre: readonly number[]; readonly blocks: ReadonlyArray<ReadonlyArray<readonly number[]>> },
): Estimate {
  const value = quantity(centre)
  const step = 1e-3
  const moved = (index: number, by: number): number => quantity(centre.map((parameter, at) => (at === index ? parameter + by : parameter)))
  const gradient = centre.map((_, index) => (moved(index, step) - moved(index, -step)) / (2 * step))
  let from = 0
  let variance = 0
  for (const block of blocks) {
    const part = gradient.slice(from, from + block.length)
    variance += times(block, part).reduce((sum, cell, index) => sum + cell * (part[index] ?? 0), 0)
    from += block.length
  }
  const half = Z_90 * Math.sqrt(Math.max(0, variance))
  return { value: back(value), low: back(value - half), high: back(value + half) }
}
