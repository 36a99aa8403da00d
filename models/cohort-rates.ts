/** How often units of an age get a fault, by the life model of the catalogue. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'

const YEAR_DAYS = 365.25
/** Rate a year of namings that know no age (wrong ones, and faults without a life model); the rest of the fleet soon says better. */
const AGELESS_RATE = 0.005

type Life = ApplianceType['faults'][number]['life']

/**
 * Rate of a day by week of age: of a part that is renewed when it fails, since nobody knows what was done before the unit was watched
 * (renewal density of the Weibull life, by the discrete renewal equation), and what knows no age.
 */
export function dailyRates(life: Life, weeks: number): Float64Array {
  const rates = new Float64Array(weeks).fill(AGELESS_RATE / YEAR_DAYS)
  if (life === undefined) return rates
  const survival = (week: number): number => Math.exp(-(((week * 7) / YEAR_DAYS / life.scaleYears) ** life.shape))
  const first = Float64Array.from({ length: weeks }, (_, week) => survival(week) - survival(week + 1))
  const density = new Float64Array(weeks)
  for (let week = 0; week < weeks; week++) {
    let sum = first[week] ?? 0
    for (let before = 0; before < week; before++) sum += (density[before] ?? 0) * (first[week - before - 1] ?? 0)
    density[week] = sum
    rates[week] = (rates[week] ?? 0) + sum / 7
  }
  return rates
}
