/**
 * Storms: many units of a city raise the same alarm from one cause. An outage ends and every fridge of the area starts warm, a firmware makes a
 * sensor of all its units stand still, a heat wave strains the fridges of a whole city. Each alarm comes to the hubs by itself, as it is
 * raised; counted is what is left for somebody to go to. Without grouping each alarm would be an order.
 */
import type { Alarm } from '#kernel/alarm.ts'
import { contentId } from '#kernel/ids.ts'
import { createRandom } from '#kernel/random.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../simulators/city/city-clock.ts'
import { cityParameters } from '../../simulators/city/city-parameters.ts'
import { type CityPlan, type CityUnit, createCityUnits, QUARTER_START_MS } from '../../simulators/city/city-units.ts'
import { runCity } from '../../simulators/city/service-city.ts'
import { type EvalRow, type EvalSection, overSeeds } from '../evaluation/table.ts'
import { plansOf } from './cities.ts'
import { createMendlineService } from './mendline-service.ts'

const STORMS = ['outage', 'bad firmware', 'heat wave'] as const
type Storm = (typeof STORMS)[number]

/** Rule that the units of a storm raise, share of them that do, and minutes over which it comes (EJ). */
const SHAPE: Readonly<
  Record<Storm, { readonly type: string; readonly rule: string; readonly fault: string; readonly share: number; readonly minutes: number }>
> = {
  outage: { type: 'fridge', rule: 'FR-R01A', fault: 'FR-01', share: 0.8, minutes: 40 },
  'bad firmware': { type: 'air_conditioner', rule: 'AC-R24', fault: 'XX-02', share: 0.6, minutes: 180 },
  'heat wave': { type: 'fridge', rule: 'FR-R01A', fault: 'FR-01', share: 0.5, minutes: 300 },
}

export const stormSection: EvalSection = {
  id: 'storm',
  async run({ isQuick }) {
    const plans = plansOf(isQuick, isQuick ? 400 : 2_000)
    const rows: EvalRow[] = []
    for (const storm of STORMS) {
      const seeds: Array<{ readonly orders: number; readonly alarms: number }> = []
      for (const plan of plans) seeds.push(await liveStorm(storm, plan))
      rows.push({
        measure: `orders per cause: ${storm}`,
        ...overSeeds(seeds.map(({ orders }) => orders)),
        baselines: [{ name: 'one per alarm', value: overSeeds(seeds.map(({ alarms }) => alarms)).value ?? 0 }],
        goal: { max: 1.05 },
      })
    }
    return [
      {
        id: 'storm',
        title: 'The service loop in a city: storms',
        data: 'simulated',
        command: 'npm run eval:service -- --only storm',
        rows,
        notes: [
          'One cause a city: an outage of one area, a firmware of one type, a heat wave over one town with several areas. Orders that were withdrawn before anybody went do not count. Shares and times are chosen; the alarms are made for it and do not come from readings.',
        ],
      },
    ]
  },
}

/** Lives through one storm, and two quiet days. */
export async function liveStorm(storm: Storm, given: CityPlan): Promise<{ readonly orders: number; readonly alarms: number }> {
  const units = createCityUnits(given).map((unit) => ({ ...unit, faults: [] }))
  const random = createRandom(`${given.seed}/storm/${storm}`)
  const struck = struckBy(storm, units).filter(() => random.chance(SHAPE[storm].share))
  const plan = { ...given, days: 3 }
  const services: Array<{ stop(): Promise<void> }> = []
  const parameters = { ...cityParameters, household: { ...cityParameters.household, needlessCallsPerQuarter: 1e-9 } }
  const { dispatch } = await runCity({
    ...{ plan, units, parameters },
    async createService(ports) {
      const service = await createMendlineService(ports)
      services.push(service)
      for (const unit of struck) {
        const alarm = alarmOf(storm, unit, QUARTER_START_MS + DAY_MS / 2 + HOUR_MS + random.uniform() * SHAPE[storm].minutes * MINUTE_MS)
        ports.clock.at(alarm.raised_at_ms, () => service.find({ kind: 'alarm_raised', key: `${alarm.alarm_id}/raised`, alarm }))
      }
      return service
    },
  })
  for (const service of services) await service.stop()
  return { orders: [...dispatch.orders.values()].filter(({ state }) => state !== 'cancelled').length, alarms: struck.length }
}

/** Units that one cause strikes: those of the first area, firmware or city that has the type. */
function struckBy(storm: Storm, units: readonly CityUnit[]): CityUnit[] {
  const own = units.filter(({ type }) => type.id === SHAPE[storm].type)
  const placeOf = ({ facts }: CityUnit): string => (storm === 'outage' ? facts.area : storm === 'bad firmware' ? facts.fw : facts.city)
  const [first] = own
  const place = storm === 'bad firmware' ? '2.5.0' : first === undefined ? '' : placeOf(first)
  return own.filter((unit) => placeOf(unit) === place)
}

function alarmOf(storm: Storm, { facts: { device }, type }: CityUnit, atMs: number): Alarm {
  const { rule, fault } = SHAPE[storm]
  const found = type.rules.find(({ id }) => id === rule)
  const raised_at_ms = Math.floor(atMs)
  return {
    alarm_id: contentId('al', 'home', device, rule, raised_at_ms),
    ...{ tenant: 'home', device, type: type.id, rule, rule_version: found?.version ?? 1, safety_class: found?.safetyClass ?? 'E3', fault },
    ...{ title: found?.title.en ?? rule, began_at_ms: raised_at_ms, raised_at_ms, received_at_ms: raised_at_ms, cleared_at_ms: null, evidence: [] },
  }
}
