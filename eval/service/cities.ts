/** The cities of the evaluation, and how a policy is lived in one. */
import { type CityPlan, type CityUnit, createCityUnits } from '../../simulators/city/city-units.ts'
import { SERVICE_SEEDS } from '../../simulators/city/frozen.ts'
import { type Policy, type PolicyCity, type PolicyRun, runPolicy } from './run-policy.ts'
import { createSignals } from './signals.ts'

/** Units of a city of the evaluation. */
export const CITY_UNITS = 600
export const CITY_DAYS = 90
const QUICK = { seed: 'city-dev', units: 80, days: 25 }

/** Plans of the cities, of `units` units; one small one of development when quick. */
export const plansOf = (isQuick: boolean, units = CITY_UNITS): CityPlan[] =>
  isQuick ? [QUICK] : SERVICE_SEEDS.map((seed) => ({ seed, units, days: CITY_DAYS }))

/** Runs `use` with the city of each plan in turn; a city is let go before the next. */
export async function inCities<T>(plans: readonly CityPlan[], use: (city: PolicyCity) => Promise<T>): Promise<T[]> {
  const results: T[] = []
  for (const plan of plans) {
    const units: readonly CityUnit[] = createCityUnits(plan)
    const signals = await createSignals({ plan, units })
    results.push(await use({ plan, units, signals }))
    await signals.stop()
  }
  return results
}

/** Lives a policy and gives what `use` makes of it. */
export async function livePolicy<T>(policy: Policy, city: PolicyCity, use: (lived: PolicyRun) => Promise<T> | T): Promise<T> {
  const lived = await runPolicy(policy, city)
  try {
    return await use(lived)
  } finally {
    await lived.close()
  }
}
