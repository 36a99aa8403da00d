/**
 * The dispatch system of the city: books an order into the calendars, promises a window, and sends the engineer, who may be absent, late,
 * before a closed door, or without a part. It tells each step to whoever gave the order; what it promised and what became of it is kept.
 */
import { createRandom, type Random } from '#kernel/random.ts'
import type { CityClock } from './city-clock.ts'
import { DAY_MS, HOUR_MS, MINUTE_MS } from './city-clock.ts'
import type { CityParameters } from './city-parameters.ts'
import type { CityTruth } from './city-truth.ts'
import type { CityUnit } from './city-units.ts'
import { type Crew, delaysOf, outletOf, type Slot } from './crew.ts'
import { type VisitPlan, type VisitResult, visitUnit } from './visit.ts'

export interface CityOrder {
  readonly id: string
  readonly device: string
  /** `call`, `alarm`, `diagnosis` or `truth`. */
  readonly source: string
  readonly openedMs: number
  safetyClass: string
  plan: VisitPlan | undefined
  state: 'open' | 'held' | 'booked' | 'on_site' | 'done' | 'cancelled'
  slot: Slot | undefined
  promise: Promised | undefined
  /** Parts that were taken along or came for it. */
  readonly loaded: Set<string>
  /** Skills that a visit found to be needed. */
  readonly needed: Set<string>
  moves: number
  visits: number
  ownedMs: number | undefined
  closedMs: number | undefined
}

export interface Promised {
  readonly fromMs: number
  readonly toMs: number
  /** When the engineer came; undefined when the promise was moved or nobody came. */
  cameMs: number | undefined
}

export interface CityVisit extends VisitResult {
  readonly order: string
  readonly device: string
  readonly atMs: number
}

export interface DispatchAnswer {
  readonly type:
    | 'scheduled'
    | 'accepted'
    | 'rescheduled'
    | 'en_route'
    | 'position'
    | 'on_site'
    | 'waiting_for_part'
    | 'returned'
    | 'note'
    | 'done'
    | 'remote_offered'
    | 'cancelled'
    | 'triaged'
  readonly data: Readonly<Record<string, unknown>>
}

export interface DispatchOptions {
  readonly seed: string
  readonly clock: CityClock
  readonly parameters: CityParameters
  readonly truth: CityTruth
  readonly crew: Crew
  /** Tells a step to whoever gave the order; false = the step was refused and is not done. */
  readonly answer: (order: CityOrder, answer: DispatchAnswer) => Promise<boolean>
  readonly onVisit: (visit: CityVisit, order: CityOrder) => void
}

export interface Dispatch {
  readonly orders: ReadonlyMap<string, CityOrder>
  readonly visits: readonly CityVisit[]
  readonly promises: readonly Promised[]
  open(given: Pick<CityOrder, 'id' | 'device' | 'source' | 'safetyClass' | 'plan'>): CityOrder
  /** Serves an order again whose repair did not hold. */
  reopen(id: string, plan: VisitPlan | undefined): void
  /** Books nothing for now: the household tries something first. */
  hold(id: string): void
  /** Books what was held. */
  release(id: string): void
  /** What was held is settled without a visit. */
  finish(id: string): void
  /** Nobody goes there any more. */
  cancel(id: string): void
  /** Order of the unit that is not done, if any. */
  standing(device: string): CityOrder | undefined
}

/** Hours after which somebody may come at the soonest, by safety class: the household is asked for its time first (EJ). */
const LEAD_HOURS: Readonly<Record<string, number>> = { E0: 1, E1: 1, E2: 3, E3: 5, E4: 20 }
const REPAIR_MINUTES = 60
/** Times offered to a household before the next best is taken. */
const OFFERS_MAX = 4

export const createDispatch = (options: DispatchOptions): Dispatch => new Desk(options)

class Desk implements Dispatch {
  readonly orders = new Map<string, CityOrder>()
  readonly visits: CityVisit[] = []
  readonly promises: Promised[] = []
  readonly #ordersOf = new Map<string, CityOrder[]>()
  readonly #options: DispatchOptions

  constructor(options: DispatchOptions) {
    this.#options = options
  }

  open(given: Parameters<Dispatch['open']>[0]): CityOrder {
    const { clock } = this.#options
    const order: CityOrder = {
      ...given,
      openedMs: clock.now(),
      state: 'open',
      slot: undefined,
      promise: undefined,
      loaded: new Set(),
      needed: new Set(),
      moves: 0,
      visits: 0,
      ownedMs: undefined,
      closedMs: undefined,
    }
    this.orders.set(order.id, order)
    this.#ordersOf.set(order.device, [...(this.#ordersOf.get(order.device) ?? []), order])
    const leadMs = (LEAD_HOURS[order.safetyClass] ?? 5) * HOUR_MS
    clock.at(clock.now() + leadMs / 4, () => (order.state === 'open' ? this.#book(order, order.openedMs + leadMs) : undefined))
    return order
  }

  reopen(id: string, plan: VisitPlan | undefined): void {
    const { clock } = this.#options
    const order = this.orders.get(id)
    if (order === undefined || order.state === 'open' || order.state === 'booked') return
    order.plan = plan ?? order.plan
    order.state = 'open'
    order.closedMs = undefined
    clock.at(clock.now() + HOUR_MS, () => (order.state === 'open' ? this.#book(order, clock.now() + 2 * HOUR_MS) : undefined))
  }

  hold(id: string): void {
    const order = this.orders.get(id)
    if (order?.state === 'open') order.state = 'held'
  }

  release(id: string): void {
    const { clock } = this.#options
    const order = this.orders.get(id)
    if (order?.state !== 'held') return
    order.state = 'open'
    clock.at(clock.now() + HOUR_MS, () => (order.state === 'open' ? this.#book(order, clock.now() + 2 * HOUR_MS) : undefined))
  }

  finish(id: string): void {
    const order = this.orders.get(id)
    if (order?.state !== 'held') return
    order.state = 'done'
    order.closedMs = this.#options.clock.now()
  }

  cancel(id: string): void {
    const { clock, crew } = this.#options
    const order = this.orders.get(id)
    if (order === undefined || order.state === 'done' || order.state === 'on_site') return
    if (order.slot !== undefined) crew.free(order.slot)
    order.state = 'cancelled'
    order.closedMs = clock.now()
  }

  standing(device: string): CityOrder | undefined {
    return this.#ordersOf.get(device)?.find(({ state }) => state !== 'done' && state !== 'cancelled')
  }

  async #book(order: CityOrder, earliestMs: number): Promise<void> {
    const { clock, crew, parameters } = this.#options
    const unit = this.#unitOf(order)
    const outlet = outletOf(unit.facts.area, parameters.engineer.outlets)
    const skills = [...new Set([...(order.plan?.skills ?? []), ...order.needed])].filter((skill) => skill !== 'REM')
    let fromMs = Math.max(earliestMs, this.#partsReadyMs(order))
    const draw = this.#drawOf(order, 'book')
    const wish = { type: unit.type.id, outlet }
    let slot: Slot | undefined
    for (let offer = 1; offer <= OFFERS_MAX; offer++) {
      slot = crew.find({ ...wish, skills, fromMs }) ?? crew.find({ ...wish, skills: [], fromMs })
      if (slot === undefined || draw.chance(parameters.household.timeSuitsShare)) break
      fromMs = slot.startMs + 1
    }
    if (slot === undefined) return void clock.at(clock.now() + DAY_MS, () => this.#book(order, clock.now()))
    crew.book(slot)
    const promised: Promised = { fromMs: slot.startMs, toMs: slot.startMs + parameters.engineer.promisedHours * HOUR_MS, cameMs: undefined }
    const isMoved = order.promise !== undefined && order.visits === 0
    order.slot = slot
    order.promise = promised
    order.state = 'booked'
    this.promises.push(promised)
    const window = { window_from_ms: promised.fromMs, window_to_ms: promised.toMs, outlet: slot.engineer.outlet }
    await this.#options.answer(order, { type: 'scheduled', data: { ...window, ...(isMoved && { reason: 'moved' }) } })
    await this.#options.answer(order, { type: 'accepted', data: { engineer: slot.engineer.id, outlet: slot.engineer.outlet } })
    order.ownedMs ??= clock.now()
    this.#sendOut(order, slot, promised)
  }

  /** What the day of the appointment brings. */
  #sendOut(order: CityOrder, slot: Slot, promised: Promised): void {
    const { clock, crew, parameters } = this.#options
    const { delay, travel } = delaysOf(this.#drawOf(order, 'delay'), parameters.engineer)
    const comesMs = slot.startMs + delay * MINUTE_MS
    const isStill = (): boolean => order.slot === slot && order.state === 'booked'
    clock.at(slot.startMs - HOUR_MS, async () => {
      if (isStill() && crew.isAbsent(slot)) await this.#move(order, 'the engineer is absent', 'organisation')
    })
    clock.at(comesMs - travel * MINUTE_MS, async () => {
      if (!isStill()) return
      await this.#options.answer(order, { type: 'en_route', data: {} })
      await this.#options.answer(order, { type: 'position', data: { lat: 0, lon: 0, eta_ms: comesMs } })
    })
    clock.at(comesMs, async () => {
      if (!isStill()) return
      if (this.#drawOf(order, 'home').chance(parameters.household.notAtHomeShare)) {
        promised.cameMs = comesMs
        await this.#options.answer(order, { type: 'note', data: { kind: 'no_show', text: 'nobody was at home' } })
        return this.#move(order, 'nobody was at home', 'household')
      }
      await this.#visit(order, slot, promised)
    })
  }

  async #move(order: CityOrder, reason: string, by: string): Promise<void> {
    const { clock, crew } = this.#options
    if (order.slot !== undefined) crew.free(order.slot)
    order.moves++
    const before = order.promise
    await this.#book(order, clock.now() + 2 * HOUR_MS)
    const { promise } = order
    if (promise !== undefined && promise !== before) {
      await this.#options.answer(order, { type: 'rescheduled', data: { window_from_ms: promise.fromMs, window_to_ms: promise.toMs, by, reason } })
    }
  }

  /** Parts of the packet that are worth it are taken along; one that is likely needed and not there is waited for. */
  #partsReadyMs(order: CityOrder): number {
    const { clock, crew, parameters, seed } = this.#options
    const { type } = this.#unitOf(order)
    let readyMs = 0
    for (const { part, probability } of order.plan?.parts ?? []) {
      if (probability < parameters.van.takesFrom || order.loaded.has(part)) continue
      const draw = createRandom(`${seed}/part/${order.device}/${order.openedMs}/${part}`)
      const isThere = crew.isUsual(type, part) || draw.chance(parameters.van.outletHas)
      if (isThere || probability >= 0.5) order.loaded.add(part)
      if (!isThere && probability >= 0.5) readyMs = Math.max(readyMs, clock.now() + draw.between(...parameters.van.partDays) * DAY_MS)
    }
    return readyMs
  }

  async #visit(order: CityOrder, slot: Slot, promised: Promised): Promise<void> {
    const { clock, crew, parameters, truth } = this.#options
    const nowMs = clock.now()
    promised.cameMs = nowMs
    order.state = 'on_site'
    await this.#options.answer(order, { type: 'on_site', data: {} })
    const { type } = this.#unitOf(order)
    const random = this.#drawOf(order, 'visit')
    const result = visitUnit({
      type,
      standing: truth.standing(order.device, nowMs).map((fault) => ({ fault, severity: truth.severity(fault, nowMs) })),
      plan: order.plan,
      skills: slot.engineer.skills,
      hasPart: (part) => order.loaded.has(part) || (crew.isUsual(type, part) && random.fork(part).chance(parameters.van.usualInStock)),
      random,
      parameters,
    })
    const made: CityVisit = { ...result, order: order.id, device: order.device, atMs: nowMs }
    this.visits.push(made)
    order.visits++
    clock.at(nowMs + REPAIR_MINUTES * MINUTE_MS, () => this.#leave(order, made))
  }

  async #leave(order: CityOrder, made: CityVisit): Promise<void> {
    const { clock, parameters, truth } = this.#options
    const nowMs = clock.now()
    for (const fault of made.fixed) truth.end(fault, nowMs, 'visit')
    if (made.kind === 'part_missing' || made.kind === 'skill_missing') {
      order.state = 'open'
      order.plan = { fault: made.fault?.code ?? null, rivals: [], parts: [], skills: made.fault?.skills ?? [] }
      for (const skill of made.fault?.skills ?? []) order.needed.add(skill)
      for (const part of made.fault?.parts ?? []) order.loaded.add(part)
      const isPart = made.kind === 'part_missing'
      await this.#options.answer(order, {
        type: isPart ? 'waiting_for_part' : 'note',
        data: isPart ? { parts: made.partsMissing } : { kind: 'skill', text: 'another skill is needed' },
      })
      this.#options.onVisit(made, order)
      const waitDays = isPart ? this.#drawOf(order, 'part').between(...parameters.van.partDays) : 0
      return this.#book(order, nowMs + waitDays * DAY_MS + 2 * HOUR_MS)
    }
    order.state = 'done'
    order.closedMs = nowMs
    const outcome = { cause: made.code, parts_used: made.partsUsed.map((part) => ({ part, qty: 1 })), parts_returned: [], minutes: REPAIR_MINUTES }
    await this.#options.answer(order, { type: 'done', data: { outcome } })
    this.#options.onVisit(made, order)
  }

  #drawOf(order: CityOrder, what: string): Random {
    return createRandom(`${this.#options.seed}/${order.device}/${order.openedMs}/${what}/${order.moves}/${order.visits}`)
  }

  #unitOf(order: CityOrder): CityUnit {
    const unit = this.#options.truth.units.get(order.device)
    if (unit === undefined) throw new Error(`the city has no unit ${order.device}`)
    return unit
  }
}
