/**
 * A peak: for thirty days thirty times the usual faults come to a city (frozen in `peak` of its parameters), with four times the crew and no
 * work outside. Households call; with Mendline each call is a report to the hubs, whose orders leave by webhook. Counted are orders that
 * nobody has taken on a day later, and how promises are kept beside the quiet season of the same city.
 */
import { createRandom } from '#kernel/random.ts'
import { DAY_MS } from '../../simulators/city/city-clock.ts'
import { type CityParameters, cityParameters } from '../../simulators/city/city-parameters.ts'
import { type CityPlan, type CityUnit, createCityUnits, QUARTER_START_MS } from '../../simulators/city/city-units.ts'
import { createCrew } from '../../simulators/city/crew.ts'
import { createCallService } from '../../simulators/city/plain-service.ts'
import { type CityRun, runCity } from '../../simulators/city/service-city.ts'
import { type EvalSection, overSeeds } from '../evaluation/table.ts'
import { plansOf } from './cities.ts'
import { measure } from './measures.ts'
import { createMendlineService, type MendlineService } from './mendline-service.ts'

/** Units of each city here. */
const UNITS = 450
/** Faults for one more order: a household calls once about several, and some grow too late. Chosen on development seeds. */
const FAULTS_PER_ORDER = 3.2
const { peak } = cityParameters
const OWNED_MS = DAY_MS

export interface Season {
  readonly orders: number
  readonly unowned: number
  readonly promisesKept: number
}

export const peakSection: EvalSection = {
  id: 'peak',
  async run({ isQuick }) {
    const seeds: Array<Readonly<Record<'calls' | 'mendline', { readonly quiet: Season; readonly peak: Season }>>> = []
    for (const plan of plansOf(isQuick, isQuick ? 80 : UNITS)) {
      seeds.push({
        calls: { quiet: await liveSeason('calls', plan, 1), peak: await liveSeason('calls', plan, peak.orders) },
        mendline: { quiet: await liveSeason('mendline', plan, 1), peak: await liveSeason('mendline', plan, peak.orders) },
      })
    }
    const over = (pick: (seed: (typeof seeds)[number]) => number) => overSeeds(seeds.map(pick))
    const keptOver = ({ quiet, peak: high }: { readonly quiet: Season; readonly peak: Season }): number => high.promisesKept / quiet.promisesKept
    return [
      {
        id: 'peak',
        title: 'The service loop in a city: a peak',
        data: 'simulated',
        command: 'npm run eval:service -- --only peak',
        rows: [
          {
            measure: 'orders that nobody has taken on a day later',
            ...over(({ mendline }) => mendline.peak.unowned),
            baselines: [{ name: '(a) calls', value: over(({ calls }) => calls.peak.unowned).value ?? Number.NaN }],
            goal: { max: 0 },
            note: `${seeds.reduce((sum, { mendline }) => sum + mendline.peak.orders, 0)} orders`,
          },
          {
            measure: "promises kept over the quiet season's",
            ...over(({ mendline }) => keptOver(mendline)),
            baselines: [{ name: '(a) calls', value: over(({ calls }) => keptOver(calls)).value ?? Number.NaN }],
            goal: { min: 0.9 },
          },
          { measure: 'promises kept in the peak', ...over(({ mendline }) => mendline.peak.promisesKept) },
          { measure: 'orders in the peak over those of the quiet season', ...over(({ mendline }) => mendline.peak.orders / mendline.quiet.orders) },
        ],
        notes: [
          `Cities of ${UNITS} units over ${peak.days} days; ${peak.orders} times the faults, ${peak.crew} times the crew, no work outside the city. Households call; nothing comes from readings. The dispatch system of the city books and delays as in the quiet season, so the figures say whether hubs, outbox and answers keep up, not how an organisation copes.`,
        ],
      },
    ]
  },
}

/** Lives through a season with so many times the usual faults. */
export async function liveSeason(policy: 'calls' | 'mendline', given: CityPlan, times: number): Promise<Season> {
  const plan = { ...given, days: peak.days }
  const services: MendlineService[] = []
  const run = await runCity({
    ...{ plan, units: manyFaults(given, times === 1 ? 1 : times * FAULTS_PER_ORDER), parameters: parametersOf(given, times), afterDays: 2 },
    async createService(ports) {
      if (policy === 'calls') return createCallService(ports)
      const service = await createMendlineService(ports)
      services.push(service)
      return service
    },
  })
  const unowned = services[0] === undefined ? unownedInCity(run) : await unownedInHubs(services[0], run.endMs)
  for (const service of services) await service.stop()
  return { orders: run.dispatch.orders.size, unowned, promisesKept: measure(run).promisesKept }
}

function parametersOf({ seed, units }: CityPlan, times: number): CityParameters {
  if (times === 1) return cityParameters
  const usual = createCrew(seed, units, cityParameters).engineers.length
  return { ...cityParameters, engineer: { ...cityParameters.engineer, perUnits: units / (usual * peak.crew), busyShare: 0 } }
}

/** The usual faults of a month, so many times over, each on some unit of its type. */
function manyFaults(plan: CityPlan, times: number): CityUnit[] {
  const units = createCityUnits(plan)
  const random = createRandom(`${plan.seed}/peak/${times}`)
  const byType = Map.groupBy(units, ({ type }) => type.id)
  const faults = new Map<string, Array<CityUnit['faults'][number]>>()
  const usual = units.flatMap((unit) => unit.faults.map((fault) => ({ fault, type: unit.type.id })))
  const count = Math.round((usual.length * times * peak.days) / plan.days)
  for (let index = 0; index < count; index++) {
    const draw = random.fork(`fault-${index}`)
    const { fault, type } = draw.pick(usual)
    const { device } = draw.pick(byType.get(type) ?? units).facts
    const own = faults.get(device) ?? []
    // A unit has each fault once.
    if (own.some((other) => other.fault === fault.fault)) continue
    const onset_ms = Math.floor(QUARTER_START_MS + draw.uniform() * peak.days * DAY_MS)
    own.push({ ...fault, device, onset_ms, full_ms: onset_ms + (fault.full_ms - fault.onset_ms) })
    faults.set(device, own)
  }
  return units.map((unit) => ({ ...unit, faults: faults.get(unit.facts.device) ?? [] }))
}

const unownedInCity = ({ dispatch, endMs }: CityRun): number =>
  [...dispatch.orders.values()].filter(
    ({ openedMs, ownedMs, state }) => state !== 'cancelled' && state !== 'done' && openedMs < endMs - OWNED_MS && ownedMs === undefined,
  ).length

/** By the hubs' own rows: open for a day, and nobody has accepted it or tries something from afar. */
async function unownedInHubs({ database }: MendlineService, endMs: number): Promise<number> {
  const rows = await database
    .selectFrom('hub_work_orders')
    .select('work_order_id')
    .where('settled_at_ms', 'is', null)
    .where('engineer', 'is', null)
    .where('state', '!=', 'remote_offered')
    .where('entered_at_ms', '<', endMs - OWNED_MS)
    .execute()
  return rows.length
}
