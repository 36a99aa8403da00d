/**
 * Evaluation of remaining life on simulated units that no fit saw: half of a site's units are watched for a year and a half and refine the
 * catalogue's lives, the others are judged at that day and followed for a year. Beside it the catalogue alone, Weibull without covariates
 * and Kaplan-Meier, all made of the same half. The field's lives are not the catalogue's (see life-fleet.ts).
 */

import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { fridge } from '#catalogue/fridge/fridge.ts'
import { gasWaterHeater } from '#catalogue/gas-water-heater/gas-water-heater.ts'
import { washingMachine } from '#catalogue/washing-machine/washing-machine.ts'
import { fitWeibull, type WatchedLife } from '../../models/life/weibull-fit.ts'
import { catalogueLaw, covariatesOf, type FaultLaw, learnLaw, survivalOf, YOUNG_SHARE } from '../../models/remaining-life.ts'
import { type EvalRow, type EvalSection, overSeeds } from '../evaluation/table.ts'
import { type LifeUnit, lifeFleet } from './life-fleet.ts'
import { calibration, concordance, type Forecast, integratedBrier, kaplanMeier } from './scores.ts'

const TYPES = [airConditioner, fridge, washingMachine, gasWaterHeater]
const SEEDS = ['life/one', 'life/two', 'life/three']
const LEARN_DAYS = 548
const FOLLOW_DAYS = 365
const YEAR_DAYS = 365.25
const BRIER_DAYS = Array.from({ length: 12 }, (_, index) => ((index + 1) * FOLLOW_DAYS) / 12)
const HORIZONS = [30, 90] as const

const METHODS = ['learned', 'catalogue', 'without covariates', 'Kaplan-Meier'] as const
type Method = (typeof METHODS)[number]
type Forecasts = Readonly<Record<Method, readonly Forecast[]>>

interface Scores {
  readonly concordance: number
  readonly brier: number
  readonly ratios: readonly number[]
  readonly errors: readonly number[]
  readonly failures: number
}

export const remainingLifeSection: EvalSection = {
  id: 'remaining-life',
  async run({ isQuick }) {
    const seeds = isQuick ? SEEDS.slice(0, 1) : SEEDS
    const units = isQuick ? 200 : 800
    const scored = seeds.map((seed) => scoresOf(TYPES.map((type) => forecastsOf(type, `${seed}/${type.id}`, units))))
    const row = (measure: string, pick: (scores: Scores) => number, more: Partial<EvalRow> = {}): EvalRow => ({
      measure,
      ...overSeeds(scored.map((of) => pick(of.learned))),
      baselines: METHODS.slice(1).map((name) => ({ name, value: overSeeds(scored.map((of) => pick(of[name]))).value ?? 0 })),
      ...more,
    })
    const open = { floor: { max: Number.POSITIVE_INFINITY } }
    return [
      {
        id: 'remaining-life',
        title: 'Remaining life by age and usage',
        data: 'simulated',
        command: 'npm run eval -- --only remaining-life',
        rows: [
          row('concordance within a fault, order of failures in a year', ({ concordance: value }) => value, {
            goal: { min: 0.6 },
            floor: { min: 0.5 },
          }),
          row('integrated Brier score over a year', ({ brier }) => brier, { note: 'of every fault of every unit; less is better' }),
          ...HORIZONS.flatMap((days, index) => [
            row(`failures forecast over seen, ${days} days`, ({ ratios }) => ratios[index] ?? Number.NaN),
            row(`calibration error, ${days} days, ten groups`, ({ errors }) => errors[index] ?? Number.NaN, { goal: { max: 0.01 }, ...open }),
          ]),
        ],
        notes: [
          `Four types, ${units} units each and seed: half of them watched for ${LEARN_DAYS} days, the others judged then and followed for ${FOLLOW_DAYS} days; ${Math.round(overSeeds(scored.map((of) => of.learned.failures)).value ?? 0)} failures a seed in the follow-up. A row of the scores is a fault of a unit.`,
          'A fifth of the units does not tell its age and each usage is unknown for 30 % of the units and blurred by 10 % for the others. No diagnosis takes part here.',
        ],
      },
    ]
  },
}

function scoresOf(types: readonly Forecasts[]): Readonly<Record<Method, Scores>> {
  const of = (method: Method): Scores => {
    const all = types.flatMap((forecasts) => forecasts[method])
    const by = HORIZONS.map((days) => calibration(all, days))
    return {
      concordance: concordance(all, FOLLOW_DAYS) ?? Number.NaN,
      brier: integratedBrier(all, BRIER_DAYS),
      ratios: by.map(({ expected, seen }) => expected / seen),
      errors: by.map(({ error }) => error),
      failures: all.filter(({ failedDays }) => failedDays !== undefined).length,
    }
  }
  return { learned: of('learned'), catalogue: of('catalogue'), 'without covariates': of('without covariates'), 'Kaplan-Meier': of('Kaplan-Meier') }
}

function forecastsOf(type: ApplianceType, seed: string, units: number): Forecasts {
  const fleet = lifeFleet(type, { seed, units, days: LEARN_DAYS + FOLLOW_DAYS })
  const [learn, judge] = [fleet.filter((_, index) => index % 2 === 0), fleet.filter((_, index) => index % 2 === 1)]
  const found: Record<Method, Forecast[]> = { learned: [], catalogue: [], 'without covariates': [], 'Kaplan-Meier': [] }
  for (const { code, life } of type.faults) {
    if (life === undefined) continue
    const bare = { ...life, covariates: [] }
    const lives = learn.flatMap((unit) => livesOf(unit, { code, youngYears: YOUNG_SHARE * life.scaleYears }, covariatesOf(life, unit.usage)))
    const laws: Record<Exclude<Method, 'Kaplan-Meier'>, FaultLaw> = {
      learned: learnLaw(life, lives),
      catalogue: { law: catalogueLaw(life), failures: 0 },
      'without covariates': {
        law: fitWeibull(
          lives.map((one) => ({ ...one, x: [] })),
          flat(catalogueLaw(bare)),
        ),
        failures: 0,
      },
    }
    const km = kaplanMeier(learn.map((unit) => firstDays(unit.failuresDays.get(code) ?? [], 0, LEARN_DAYS)))
    for (const unit of judge) {
      const failures = unit.failuresDays.get(code) ?? []
      const failedDays = failures.find((day) => day >= LEARN_DAYS)
      const outcome = {
        group: `${type.id}/${code}`,
        failedDays: failedDays === undefined || failedDays - LEARN_DAYS > FOLLOW_DAYS ? undefined : failedDays - LEARN_DAYS,
      }
      const last = failures.findLast((day) => day < LEARN_DAYS)
      const history = {
        unitAgeYears: unit.isAgeKnown ? unit.unitAgeYears + LEARN_DAYS / YEAR_DAYS : undefined,
        watchedYears: LEARN_DAYS / YEAR_DAYS,
        renewedYears: last === undefined ? undefined : (LEARN_DAYS - last) / YEAR_DAYS,
      }
      const by = (law: FaultLaw, x: readonly number[]): Forecast => {
        const lasts = survivalOf(law, x, history)
        return { ...outcome, failsWithin: (days) => 1 - lasts(days) }
      }
      const x = covariatesOf(life, unit.usage)
      found.learned.push(by(laws.learned, x))
      found.catalogue.push(by(laws.catalogue, x))
      found['without covariates'].push(by(laws['without covariates'], []))
      found['Kaplan-Meier'].push({ ...outcome, failsWithin: km })
    }
  }
  return found
}

/** Lives of a part that the site saw; those that began before the watch count from where it found them, where the age is known. */
function livesOf(unit: LifeUnit, { code, youngYears }: { code: string; youngYears: number }, x: readonly number[]): WatchedLife[] {
  const failures = (unit.failuresDays.get(code) ?? []).filter((day) => day < LEARN_DAYS)
  const lives: WatchedLife[] = []
  let from: number | undefined
  for (const day of [...failures, LEARN_DAYS]) {
    const hasFailed = day < LEARN_DAYS
    if (from !== undefined) lives.push({ entry: 0, exit: (day - from) / YEAR_DAYS, hasFailed, x })
    else if (unit.isAgeKnown && unit.unitAgeYears < youngYears)
      lives.push({ entry: unit.unitAgeYears, exit: unit.unitAgeYears + day / YEAR_DAYS, hasFailed, x })
    from = day
  }
  return lives
}

const firstDays = (failures: readonly number[], from: number, to: number): { days: number; hasFailed: boolean } => {
  const first = failures.find((day) => day >= from && day < to)
  return { days: (first ?? to) - from, hasFailed: first !== undefined }
}

/** The same law with a prior that says next to nothing. */
const flat = ({ parameters, covariance }: ReturnType<typeof catalogueLaw>): ReturnType<typeof catalogueLaw> => ({
  parameters,
  covariance: covariance.map((row) => row.map((cell) => cell * 25)),
})
