/**
 * Lives every policy in one city and says what came of each. `liveCities` gives each city a process of its own, so that they run side by
 * side; as a program, `node eval/service/live-city.ts PLAN` prints the result of a plan (JSON) as its last line.
 */
import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import type { CityPlan } from '../../simulators/city/city-units.ts'
import { inCities, livePolicy } from './cities.ts'
import { type CityMeasures, measure } from './measures.ts'
import { type Caught, caughtOf } from './repairs-caught.ts'
import { POLICIES, type Policy } from './run-policy.ts'

export interface LivedCity {
  readonly measures: Readonly<Record<Policy, CityMeasures>>
  /** Repairs of (c) that were none. */
  readonly caught: Caught
}

const lives = new Map<string, Promise<LivedCity>>()

/** What came of each city, in the order of the plans; a plan is lived once a process, whichever section asks. */
export function liveCities(plans: readonly CityPlan[]): Promise<LivedCity[]> {
  return Promise.all(
    plans.map((plan) => {
      const key = JSON.stringify(plan)
      const life = lives.get(key) ?? (plans.length === 1 ? liveCity(plan) : inProcess(plan))
      lives.set(key, life)
      return life
    }),
  )
}

async function liveCity(plan: CityPlan): Promise<LivedCity> {
  const [lived] = await inCities([plan], async (city) => {
    const measures = {} as Record<Policy, CityMeasures>
    let caught: Caught | undefined
    for (const policy of POLICIES) {
      measures[policy] = await livePolicy(policy, city, (one) => {
        if (policy === 'mendline') caught = caughtOf(one)
        return measure(one.run)
      })
      console.error(`${plan.seed}, ${policy}: ${JSON.stringify(measures[policy])}`)
    }
    return { measures, caught }
  })
  if (lived?.caught === undefined) throw new Error(`nothing came of ${plan.seed}`)
  return { measures: lived.measures, caught: lived.caught }
}

async function inProcess(plan: CityPlan): Promise<LivedCity> {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(plan)], { stdio: ['ignore', 'pipe', 'inherit'] })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) throw new Error(`the city ${plan.seed} ended without a result`)
  return JSON.parse(line) as LivedCity
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  console.log(JSON.stringify(await liveCity(JSON.parse(process.argv[2] ?? '{}') as CityPlan)))
}
