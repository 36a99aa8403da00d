/**
 * The households of the city: they notice a fault when it has grown, call after a while, call again when a visit did not help, ask where
 * the engineer stays, and complain when waiting, lateness, moved appointments and further visits have annoyed them enough. Some call about
 * an appliance without fault. How soon and how patiently is each household's own.
 */
import { createRandom, type Random } from '#kernel/random.ts'
import type { CityClock } from './city-clock.ts'
import { DAY_MS, HOUR_MS } from './city-clock.ts'
import type { CityParameters } from './city-parameters.ts'
import type { CityFault, CityTruth } from './city-truth.ts'
import type { CityOrder, CityVisit } from './dispatch.ts'

export interface Contact {
  readonly kind: 'report' | 'chase' | 'complaint'
  readonly device: string
  readonly household: string
  readonly atMs: number
  /** What the household sees is this fault; undefined when there is none. Only the city knows. */
  readonly fault: CityFault | undefined
  readonly order: string | undefined
}

export interface CustomersOptions {
  readonly seed: string
  readonly clock: CityClock
  readonly parameters: CityParameters
  readonly truth: CityTruth
  readonly untilMs: number
  /** Order of the unit that is not done. */
  readonly orderOf: (device: string) => CityOrder | undefined
  readonly contact: (contact: Contact) => Promise<void>
}

/** How an order has felt so far. */
export interface Mood {
  readonly order: string
  readonly device: string
  annoyance: number
  complainedMs: number | undefined
  lateMs: number | undefined
}

export interface Customers {
  readonly contacts: readonly Contact[]
  readonly moods: ReadonlyMap<string, Mood>
  /** Severity at which the household of a unit notices. */
  noticesAt(device: string): number
  /** When the household would call first if nobody did anything; undefined = not in the quarter. */
  wouldCallMs(fault: CityFault): number | undefined
  start(): void
  /** The household was given an appointment. */
  scheduled(order: CityOrder): void
  /** An appointment was moved. */
  moved(order: CityOrder): void
  visited(visit: CityVisit, order: CityOrder): void
  /** Asks the household to do something itself about a fault, such as cleaning a filter; `answer` is told after a while whether it did. */
  doRemoteStep(device: string, code: string, answer: (isDone: boolean) => Promise<void>): void
  /** Somebody spoke to the household about its order and put it right, as far as words do. */
  soothe(order: string, share: number): void
}

const TICK_MS = HOUR_MS
/** Households call between these hours. */
const CALL_HOURS = [8, 21] as const

export const createCustomers = (options: CustomersOptions): Customers => new Households(options)

class Households implements Customers {
  readonly contacts: Contact[] = []
  readonly moods = new Map<string, Mood>()
  readonly #watched = new Set<string>()
  readonly #options: CustomersOptions

  constructor(options: CustomersOptions) {
    this.#options = options
  }

  noticesAt(device: string): number {
    const { mean, deviation, min, max } = this.#options.parameters.household.noticesAt
    return Math.min(max, Math.max(min, this.#drawOf(device, 'notices').normal(mean, deviation)))
  }

  wouldCallMs(fault: CityFault): number | undefined {
    const { truth, parameters, untilMs } = this.#options
    const noticedMs = truth.reaches(fault, this.noticesAt(fault.device))
    if (noticedMs === undefined) return undefined
    const afterDays = this.#drawOf(fault.device, `call-${fault.code}`).exponential(parameters.household.callAfterDays[fault.safetyClass] ?? 2)
    const atMs = inCallHours(noticedMs + afterDays * DAY_MS)
    return atMs < untilMs ? atMs : undefined
  }

  start(): void {
    const { truth, clock } = this.#options
    for (const fault of truth.faults) {
      const atMs = this.wouldCallMs(fault)
      if (atMs !== undefined) clock.at(atMs, () => this.#call(fault))
    }
    for (const device of truth.units.keys()) this.#planNeedlessCalls(device)
  }

  #planNeedlessCalls(device: string): void {
    const { clock, parameters, untilMs, orderOf } = this.#options
    const draw = this.#drawOf(device, 'needless')
    const spanMs = untilMs - clock.now()
    const meanMs = (90 * DAY_MS) / parameters.household.needlessCallsPerQuarter
    for (let atMs = draw.exponential(meanMs); atMs < spanMs; atMs += draw.exponential(meanMs)) {
      clock.at(inCallHours(clock.now() + atMs), async () => {
        if (orderOf(device) !== undefined) return
        await this.#say({ kind: 'report', device, fault: undefined, order: undefined })
        this.#follow(device)
      })
    }
  }

  scheduled(order: CityOrder): void {
    this.#watch(order)
  }

  moved(order: CityOrder): void {
    this.#annoy(this.#watch(order), this.#options.parameters.complaint.perMove)
  }

  visited(visit: CityVisit, order: CityOrder): void {
    const { clock, parameters, truth } = this.#options
    const mood = this.#watch(order)
    for (const fault of truth.standing(visit.device, clock.now())) {
      if (fault.calledMs === undefined) continue
      this.#annoy(mood, parameters.complaint.perFurtherVisit)
      const afterMs = this.#drawOf(visit.device, `again-${visit.atMs}`).exponential(parameters.household.callAgainAfterDays) * DAY_MS
      clock.at(inCallHours(clock.now() + DAY_MS / 2 + afterMs), () => this.#call(fault))
    }
  }

  doRemoteStep(device: string, code: string, answer: (isDone: boolean) => Promise<void>): void {
    const { clock, parameters, truth } = this.#options
    const draw = this.#drawOf(device, `remote-${clock.now()}`)
    const atMs = inCallHours(clock.now() + draw.exponential(parameters.household.answersAfterHours) * HOUR_MS)
    const isDone = draw.chance(parameters.household.doesRemoteStepShare)
    clock.at(atMs, async () => {
      const fault = truth.standing(device, atMs).find((standing) => standing.code === code)
      // What needs a part is not helped by cleaning.
      if (isDone && fault !== undefined && fault.parts.length === 0 && fault.skills.includes('REM')) truth.end(fault, atMs, 'remote')
      await answer(isDone)
    })
  }

  soothe(order: string, share: number): void {
    const mood = this.moods.get(order)
    if (mood !== undefined) mood.annoyance *= 1 - share
  }

  async #say(contact: Omit<Contact, 'household' | 'atMs'>): Promise<void> {
    const { truth, clock } = this.#options
    const household = truth.units.get(contact.device)?.facts.household ?? ''
    const said = { ...contact, household, atMs: clock.now() }
    this.contacts.push(said)
    await this.#options.contact(said)
  }

  async #call(fault: CityFault): Promise<void> {
    const { truth, clock, orderOf } = this.#options
    if (truth.severity(fault, clock.now()) === 0) return
    // Whoever has an appointment waits for it.
    const order = orderOf(fault.device)
    if (order?.promise !== undefined && order.state !== 'on_site') return
    fault.calledMs ??= clock.now()
    await this.#say({ kind: 'report', device: fault.device, fault, order: order?.id })
    this.#follow(fault.device)
  }

  #follow(device: string): void {
    const order = this.#options.orderOf(device)
    if (order !== undefined) this.#watch(order)
  }

  /** The household knows of the order, and from now on feels each hour of it. */
  #watch(order: CityOrder): Mood {
    const { clock } = this.#options
    const mood = this.moods.get(order.id) ?? { order: order.id, device: order.device, annoyance: 0, complainedMs: undefined, lateMs: undefined }
    this.moods.set(order.id, mood)
    if (!this.#watched.has(order.id)) clock.at(clock.now() + TICK_MS, () => this.#tick(order, mood))
    this.#watched.add(order.id)
    return mood
  }

  #annoy(mood: Mood, by: number): void {
    const { clock, parameters } = this.#options
    const { personalitySigma, atLeast, beyondMean, complainsAfterHours } = parameters.complaint
    mood.annoyance += by * Math.exp(this.#drawOf(mood.device, 'personality').normal(0, personalitySigma))
    const patience = atLeast + this.#drawOf(mood.device, 'patience').exponential(beyondMean)
    if (mood.complainedMs !== undefined || mood.annoyance < patience) return
    const afterMs = this.#drawOf(mood.device, `complains-${mood.order}`).exponential(complainsAfterHours) * HOUR_MS
    mood.complainedMs = inCallHours(clock.now() + afterMs)
    clock.at(mood.complainedMs, () => this.#say({ kind: 'complaint', device: mood.device, fault: undefined, order: mood.order }))
  }

  /** Another hour of an open order. */
  async #tick(order: CityOrder, mood: Mood): Promise<void> {
    const { clock, truth, parameters, untilMs } = this.#options
    const { perDay, perHourLate, perChase, chasePerDay } = parameters.complaint
    if (order.state === 'done' || order.state === 'cancelled') return void this.#watched.delete(order.id)
    const nowMs = clock.now()
    const isSuffering = truth.standing(order.device, nowMs).some(({ calledMs }) => calledMs !== undefined)
    if (isSuffering && nowMs > order.openedMs + 2 * DAY_MS) this.#annoy(mood, (perDay * TICK_MS) / DAY_MS)
    if (order.state === 'booked' && order.promise !== undefined && nowMs > order.promise.toMs) {
      mood.lateMs ??= nowMs
      this.#annoy(mood, perHourLate)
    }
    const hour = (nowMs % DAY_MS) / HOUR_MS
    const isAwake = hour >= CALL_HOURS[0] && hour < CALL_HOURS[1]
    if (isAwake && this.#drawOf(order.device, `chase-${nowMs}`).chance((chasePerDay * Math.min(2, mood.annoyance)) / 13)) {
      await this.#say({ kind: 'chase', device: order.device, fault: undefined, order: order.id })
      this.#annoy(mood, perChase)
    }
    if (nowMs < untilMs) clock.at(nowMs + TICK_MS, () => this.#tick(order, mood))
  }

  #drawOf(device: string, what: string): Random {
    return createRandom(`${this.#options.seed}/household/${device}/${what}`)
  }
}

/** The same instant, or the next morning when it is night. */
function inCallHours(atMs: number): number {
  const hour = (atMs % DAY_MS) / HOUR_MS
  const dayMs = Math.floor(atMs / DAY_MS) * DAY_MS
  if (hour < CALL_HOURS[0]) return Math.ceil(dayMs + CALL_HOURS[0] * HOUR_MS + (hour / 8) * HOUR_MS)
  return hour < CALL_HOURS[1] ? Math.ceil(atMs) : Math.ceil(dayMs + DAY_MS + CALL_HOURS[0] * HOUR_MS + (hour - CALL_HOURS[1]) * 0.5 * HOUR_MS)
}
