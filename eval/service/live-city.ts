/**
 * Lives the policies in cities and says what came of each. Several cities are lived side by side, each with three processes of its own; as a
 * program, `node eval/service/live-city.ts PLAN POLICIES` (JSON) prints what came of some policies as its last line.
 */
import { spawn } from 'node:child_process'
import { pathToFileURL } from 'node:url'
import { type CityPlan, createCityUnits } from '../../simulators/city/city-units.ts'
import { inCities, livePolicy } from './cities.ts'
import { type CityMeasures, measure } from './measures.ts'
import { type Caught, caughtOf } from './repairs-caught.ts'
import { POLICIES, type Policy } from './run-policy.ts'
import { streamsOf } from './stream-files.ts'
import { jobsOfCity } from './streams.ts'

export interface LivedCity {
  readonly measures: Readonly<Record<Policy, CityMeasures>>
  /** Repairs of (c) that were none. */
  readonly caught: Caught
}

/** Policies that one process lives, so that none takes much longer than the others. */
const SHARES: ReadonlyArray<readonly Policy[]> = [['mendline'], ['shuffled'], ['calls', 'oracle', 'alarms']]
/** Threads that simulate what the units of one city send. */
const THREADS = 4

type Part = Partial<Record<Policy, CityMeasures>> & { caught?: Caught }

const lives = new Map<string, Promise<LivedCity>>()

/** What came of each city, in the order of the plans; a plan is lived once a process, whichever section asks. */
export function liveCities(plans: readonly CityPlan[]): Promise<LivedCity[]> {
  return Promise.all(
    plans.map((plan) => {
      const key = JSON.stringify(plan)
      const life = lives.get(key) ?? (plans.length === 1 ? livePolicies(plan, POLICIES).then(joined) : inProcesses(plan))
      lives.set(key, life)
      return life
    }),
  )
}

/** Repairs that were none in each city, by (c) alone where nobody asked for the other policies before. */
export function caughtInCities(plans: readonly CityPlan[]): Promise<Caught[]> {
  const isLived = plans.every((plan) => lives.has(JSON.stringify(plan)))
  if (isLived || plans.length === 1) return liveCities(plans).then((cities) => cities.map(({ caught }) => caught))
  return Promise.all(
    plans.map(async (plan) => {
      await streamsOf(plan, jobsOfCity(createCityUnits(plan)), THREADS)
      const { caught } = await inProcess(plan, ['mendline'])
      if (caught === undefined) throw new Error(`nothing was said of the repairs of ${plan.seed}`)
      return caught
    }),
  )
}

async function livePolicies(plan: CityPlan, policies: readonly Policy[]): Promise<Part> {
  const [part = {}] = await inCities([plan], async (city) => {
    const lived: Part = {}
    for (const policy of policies) {
      lived[policy] = await livePolicy(policy, city, (one) => {
        if (policy === 'mendline') lived.caught = caughtOf(one)
        return measure(one.run)
      })
      console.error(`${plan.seed}, ${policy}: ${JSON.stringify(lived[policy])}`)
    }
    return lived
  })
  return part
}

async function inProcesses(plan: CityPlan): Promise<LivedCity> {
  await streamsOf(plan, jobsOfCity(createCityUnits(plan)), THREADS)
  return joined(Object.assign({}, ...(await Promise.all(SHARES.map((policies) => inProcess(plan, policies))))) as Part)
}

function joined({ calls, alarms, mendline, oracle, shuffled, caught }: Part): LivedCity {
  if (!calls || !alarms || !mendline || !oracle || !shuffled || !caught) throw new Error('a policy was not lived')
  return { measures: { calls, alarms, mendline, oracle, shuffled }, caught }
}

async function inProcess(plan: CityPlan, policies: readonly Policy[]): Promise<Part> {
  const child = spawn(process.execPath, [import.meta.filename, JSON.stringify(plan), JSON.stringify(policies)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let output = ''
  for await (const chunk of child.stdout) output += String(chunk)
  const line = output.trimEnd().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) throw new Error(`the city ${plan.seed} ended without a result`)
  return JSON.parse(line) as Part
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [plan = '', policies = '[]'] = process.argv.slice(2)
  console.log(JSON.stringify(await livePolicies(JSON.parse(plan) as CityPlan, JSON.parse(policies) as Policy[])))
}
