/**
 * A small city to live in: households, units, engineers and a dispatch system, joined on one clock around whoever decides that somebody
 * should come. That service is a port: the plain ones are in `plain-service.ts`, Mendline is joined over its hubs and webhooks. A run gives
 * what was done, and the truth beside it.
 */
import { CityClock, DAY_MS } from './city-clock.ts'
import type { CityParameters } from './city-parameters.ts'
import { type CityTruth, createCityTruth } from './city-truth.ts'
import { type CityPlan, type CityUnit, QUARTER_START_MS } from './city-units.ts'
import { type Crew, createCrew } from './crew.ts'
import { type Contact, type Customers, createCustomers } from './customers.ts'
import { type CityOrder, createDispatch, type Dispatch, type DispatchAnswer } from './dispatch.ts'

/** Whoever decides that somebody should come. */
export interface CityService {
  /** A household called, asked or complained. */
  contact(contact: Contact): Promise<void>
  /** A step of the dispatch system; false = refused. */
  answer(order: CityOrder, answer: DispatchAnswer): Promise<boolean>
}

/** What a service may use of the city. */
export interface CityPorts {
  readonly plan: CityPlan
  readonly parameters: CityParameters
  readonly clock: CityClock
  readonly truth: CityTruth
  readonly dispatch: Dispatch
  readonly customers: Customers
  readonly endMs: number
}

export interface CityRun extends CityPorts {
  readonly crew: Crew
}

export interface CityOptions {
  readonly plan: CityPlan
  readonly units: readonly CityUnit[]
  readonly parameters: CityParameters
  readonly createService: (ports: CityPorts) => CityService | Promise<CityService>
  /** Days after the quarter in which orders are still served and watched. */
  readonly afterDays?: number
}

/** Lives through the quarter. */
export async function runCity({ plan, units, parameters, createService, afterDays = 0 }: CityOptions): Promise<CityRun> {
  const endMs = QUARTER_START_MS + (plan.days + afterDays) * DAY_MS
  const clock = new CityClock(QUARTER_START_MS)
  const truth = createCityTruth(plan.seed, units)
  const crew = createCrew(plan.seed, units.length, parameters)
  let service: CityService | undefined
  const common = { seed: plan.seed, clock, parameters, truth }
  const dispatch: Dispatch = createDispatch({
    ...common,
    crew,
    async answer(order, answer) {
      const isTaken = (await service?.answer(order, answer)) ?? true
      if (answer.type === 'scheduled') customers.scheduled(order)
      if (answer.type === 'rescheduled') customers.moved(order)
      return isTaken
    },
    onVisit: (visit, order) => customers.visited(visit, order),
  })
  const customers = createCustomers({
    ...common,
    untilMs: endMs,
    orderOf: (device) => dispatch.standing(device),
    contact: async (contact) => service?.contact(contact),
  })
  const ports = { plan, parameters, clock, truth, dispatch, customers, endMs }
  service = await createService(ports)
  customers.start()
  await clock.run(endMs)
  return { ...ports, crew }
}
