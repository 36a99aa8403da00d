/**
 * Repairs that were done badly, only claimed, or coded wrongly: how many the sensors catch before the household has to call again, and how
 * many good ones are reopened without need. Beside it what an organisation without sensors has: the repeat call within 30 days.
 */
import { type EvalSection, overSeeds } from '../evaluation/table.ts'
import { CITY_UNITS, plansOf } from './cities.ts'
import { caughtInCities } from './live-city.ts'
import { type Caught, WAIT_DAYS } from './repairs-caught.ts'

export const repairsSection: EvalSection = {
  id: 'repairs-caught',
  async run({ isQuick }) {
    const seeds = await caughtInCities(plansOf(isQuick))
    const over = (pick: (one: Caught) => number) => overSeeds(seeds.map(pick))
    const sum = (pick: (one: Caught) => number): number => seeds.reduce((total, one) => total + pick(one), 0)
    return [
      {
        id: 'repairs-caught',
        title: 'The service loop in a city: repairs that were none',
        data: 'simulated',
        command: 'npm run eval:service -- --only repairs-caught',
        rows: [
          {
            measure: 'bad, mis-coded and phantom repairs caught by sensors',
            ...over(({ all }) => all),
            baselines: [{ name: '30-day repeat call', value: over(({ repeatCall }) => repeatCall).value ?? 0 }],
            goal: { min: 0.8 },
            note: `${sum(({ failed }) => failed)} bad or phantom, ${sum(({ wrongCodes }) => wrongCodes)} mis-coded`,
          },
          { measure: 'of these bad and phantom', ...over(({ failedCaught }) => failedCaught) },
          { measure: 'of these mis-coded', ...over(({ wrongCodesCaught }) => wrongCodesCaught) },
          {
            measure: 'good repairs reopened',
            ...over(({ reopenedWrongly }) => reopenedWrongly),
            goal: { max: 0.03 },
            note: `of ${sum(({ good }) => good)}`,
          },
          {
            measure: 'of all good repairs: reopened with no fault at the unit and no report of its household since',
            ...over(({ reopenedForNothing }) => reopenedForNothing),
          },
          { measure: 'good repairs with a sign', ...over(({ signedWrongly }) => signedWrongly) },
        ],
        notes: [
          `Cities of ${CITY_UNITS} units, lived by policy (c). Repairs of orders that Mendline opened, up to ${WAIT_DAYS} days before the end. A bad or phantom one is caught when its order reopens or a sign is raised before the household calls again; a mis-coded one when its sign is raised. A good repair counts as reopened also where the unit has another fault, or its household called about one.`,
        ],
      },
    ]
  },
}
