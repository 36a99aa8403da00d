/**
 * Complaints seen before they come: the risk score of the experience hub over every open order of the city, hour by hour, from facts that a
 * dispatch system tells, against who complained. Beside it the flag "late". Households decide by waiting, lateness, moved appointments,
 * further visits, unanswered calls and a temper that nobody sees.
 */
import { type OrderFacts, riskOf } from '../../hubs/experience/risk-score.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from '../../simulators/city/city-clock.ts'
import { cityParameters } from '../../simulators/city/city-parameters.ts'
import { type CityPlan, createCityUnits } from '../../simulators/city/city-units.ts'
import type { CityOrder } from '../../simulators/city/dispatch.ts'
import { createCallService } from '../../simulators/city/plain-service.ts'
import { type CityPorts, runCity } from '../../simulators/city/service-city.ts'
import { type EvalSection, overSeeds } from '../evaluation/table.ts'
import { plansOf } from './cities.ts'

/** Units of each city here: complaints are few. */
const UNITS = 2_000
/** Score from which somebody looks: four times that of an order without a reason (chosen). */
const LOOKED_AT = 0.12
const REPEAT_MS = 30 * DAY_MS

/** What the score and the flag said of one order before it was closed or complained about. */
export interface WatchedOrder {
  readonly order: CityOrder
  highest: number
  isLate: boolean
  lookedAtMs: number | undefined
}

export const complaintsSection: EvalSection = {
  id: 'complaints',
  async run({ isQuick }) {
    const seeds: ComplaintScores[] = []
    for (const plan of plansOf(isQuick, UNITS)) seeds.push(scoresOf(await watchCity(plan)))
    const over = (pick: (one: ComplaintScores) => number) => overSeeds(seeds.map(pick))
    const complaints = seeds.reduce((sum, one) => sum + one.complaints, 0)
    const orders = seeds.reduce((sum, one) => sum + one.orders, 0)
    return [
      {
        id: 'complaints',
        title: 'The service loop in a city: complaints before they come',
        data: 'simulated',
        command: 'npm run eval:service -- --only complaints',
        rows: [
          {
            measure: 'complaints told from other orders (AUC)',
            ...over(({ auc }) => auc),
            baselines: [{ name: 'late flag', value: over(({ lateAuc }) => lateAuc).value ?? 0 }],
            goal: { min: 0.8 },
            note: `${complaints} complaints about ${orders} orders`,
          },
          {
            measure: 'minutes from the score to the complaint, median',
            ...over(({ minutesAhead }) => minutesAhead),
            goal: { min: 60 },
            note: `the score reached ${LOOKED_AT}; a complaint that it did not see counts 0`,
          },
          { measure: 'orders without a complaint that reach that score', ...over(({ needless }) => needless) },
        ],
        notes: [
          `Cities of ${UNITS} units. Orders of policy (a), where complaints are many. Facts are those that the dispatch system tells: promise and arrival, moved appointments, calls, earlier visits. The highest score before the complaint, or before the order is closed, counts. Nobody intervenes.`,
        ],
      },
    ]
  },
}

interface ComplaintScores {
  readonly auc: number
  readonly lateAuc: number
  readonly minutesAhead: number
  readonly needless: number
  readonly complaints: number
  readonly orders: number
}

function scoresOf({ watched, complainedMs }: WatchedCity): ComplaintScores {
  const bad = watched.filter(({ order }) => complainedMs(order) !== undefined)
  const good = watched.filter(({ order }) => complainedMs(order) === undefined)
  const ahead = bad
    .map(({ order, lookedAtMs }) => (lookedAtMs === undefined ? 0 : ((complainedMs(order) ?? 0) - lookedAtMs) / MINUTE_MS))
    .sort((a, b) => a - b)
  return {
    auc: areaUnder(
      bad.map(({ highest }) => highest),
      good.map(({ highest }) => highest),
    ),
    lateAuc: areaUnder(
      bad.map(({ isLate }) => Number(isLate)),
      good.map(({ isLate }) => Number(isLate)),
    ),
    minutesAhead: ahead[Math.floor(ahead.length / 2)] ?? Number.NaN,
    needless: good.filter(({ lookedAtMs }) => lookedAtMs !== undefined).length / Math.max(1, good.length),
    complaints: bad.length,
    orders: watched.length,
  }
}

/** Chance that one of the first scores more than one of the second; ties count half. */
export function areaUnder(bad: readonly number[], good: readonly number[]): number {
  if (bad.length === 0 || good.length === 0) return Number.NaN
  const wins = bad.reduce((sum, one) => sum + good.reduce((part, other) => part + (one > other ? 1 : one === other ? 0.5 : 0), 0), 0)
  return wins / (bad.length * good.length)
}

interface WatchedCity {
  readonly watched: readonly WatchedOrder[]
  readonly complainedMs: (order: CityOrder) => number | undefined
}

async function watchCity(plan: CityPlan): Promise<WatchedCity> {
  const watched = new Map<string, WatchedOrder>()
  let moods: CityPorts['customers']['moods'] = new Map()
  await runCity({
    ...{ plan, units: createCityUnits(plan), parameters: cityParameters },
    createService(ports) {
      moods = ports.customers.moods
      const look = (): void => {
        for (const order of ports.dispatch.orders.values()) lookAt(ports, order, watched)
        if (ports.clock.now() < ports.endMs) ports.clock.at(ports.clock.now() + HOUR_MS, look)
      }
      ports.clock.at(ports.clock.now() + HOUR_MS, look)
      return createCallService(ports)
    },
  })
  return { watched: [...watched.values()], complainedMs: ({ id }) => moods.get(id)?.complainedMs }
}

function lookAt(ports: CityPorts, order: CityOrder, watched: Map<string, WatchedOrder>): void {
  const nowMs = ports.clock.now()
  const known = watched.get(order.id) ?? { order, highest: 0, isLate: false, lookedAtMs: undefined }
  watched.set(order.id, known)
  const complainedMs = ports.customers.moods.get(order.id)?.complainedMs
  if (order.state === 'done' || order.state === 'cancelled' || (complainedMs !== undefined && complainedMs <= nowMs)) return
  const facts = factsOf(ports, order)
  const { score } = riskOf(facts)
  known.highest = Math.max(known.highest, score)
  known.isLate ||= facts.late_minutes > 0
  if (score >= LOOKED_AT) known.lookedAtMs ??= nowMs
}

function factsOf({ clock, customers, dispatch }: CityPorts, order: CityOrder): OrderFacts {
  const nowMs = clock.now()
  const contacts = customers.contacts.filter((contact) => contact.order === order.id && contact.kind !== 'complaint')
  const visits = dispatch.visits.filter(({ device, atMs }) => device === order.device && nowMs - atMs <= REPEAT_MS)
  const lateMs = order.state === 'booked' && order.promise !== undefined ? Math.max(0, nowMs - order.promise.toMs) : 0
  const lastNewsMs = Math.max(order.ownedMs ?? order.openedMs, ...visits.filter((visit) => visit.order === order.id).map(({ atMs }) => atMs))
  return {
    late_minutes: lateMs / MINUTE_MS,
    chase_count: contacts.length,
    reschedule_count: order.moves,
    silent_h: (nowMs - lastNewsMs) / HOUR_MS,
    waiting_h: (nowMs - order.openedMs) / HOUR_MS,
    has_wrong_part: visits.some((visit) => visit.order === order.id && visit.kind === 'part_missing'),
    is_repeat: visits.some((visit) => visit.order !== order.id),
    lowest_rating: null,
    is_tagged: false,
    failed_remote_count: 0,
  }
}
