/**
 * How a household lives with its appliances, seeded: hours of the day, set-point, days away, windows left open, people in the room,
 * things before the vents, a gas cylinder that runs low, and now and then new people with other habits. Units of one household share
 * what concerns the household. A day is planned when it is first asked for; asking in order of time is cheapest.
 */
import { NO_USE, type PlantHabits, type Use } from '#catalogue/plant.ts'
import { createRandom } from '#kernel/random.ts'
import type { Confuser, ConfuserSpan, Confusion } from './confusers.ts'
import { type DoorOpening, type Draw, drawDoors, drawWashes, drawWater, type Lasting, type WashStart } from './daily-uses.ts'
import type { Weather } from './weather.ts'

type Writable<T> = { -readonly [K in keyof T]: T[K] }

export interface LifeNow {
  isWanted: boolean
  setPointC: number
  windowIsOpen: boolean
  people: number
  /** Share of the gas pressure that a cylinder still gives; 1 = mains gas or a full cylinder. */
  gasShare: number
  readonly use: Writable<Use>
}

export interface Habits {
  readonly people: number
  /** Life during the step that ends at `timeMs`; the same object each time. */
  at(timeMs: number, stepMs: number): LifeNow
  spans(fromMs: number, toMs: number): ConfuserSpan[]
}

export interface HabitOptions {
  readonly seed: string
  readonly household: string
  readonly weather: Weather
  readonly confusion: Confusion
  readonly habits?: PlantHabits
}

type Hours = readonly [from: number, to: number]

/** Usual hours of use by kind of room; bedrooms run over midnight. */
const ROOMS: ReadonlyArray<readonly Hours[]> = [
  [
    [0, 6.5],
    [21.5, 24],
  ],
  [
    [12, 14],
    [17, 23.5],
  ],
  [[8.5, 19.5]],
  [
    [0, 7],
    [13, 24],
  ],
]

const ROOM_HABITS: PlantHabits = { setPointC: [22.5, 26.5], isAlwaysOn: false, uses: [] }

/** Those who live there; a new user replaces them. */
interface People {
  readonly spans: readonly Hours[]
  readonly usualC: number
  readonly airing: number
  readonly count: number
}

interface DayPlan {
  readonly isAway: boolean
  readonly spans: readonly Hours[]
  readonly setPointC: number
  readonly usualC: number
  readonly windowHours: Hours
  readonly people: number
  readonly ventsBlockedShare: number
  readonly gasShare: number
  readonly doors: readonly DoorOpening[]
  readonly washes: readonly WashStart[]
  readonly draws: readonly Draw[]
}

/** Stretches of days in which a household's rarer things are drawn. */
const STRETCH_DAYS = 60
const HOLIDAY_STRETCH_DAYS = 40
/** A draw of water counts for a step when it lasts for this share of it. */
const DRAW_SHARE_MIN = 0.3
/** Days at the end of a cylinder in which its pressure falls. */
const CYLINDER_LOW_DAYS = 3

export function createHabits(options: HabitOptions): Habits {
  return new HouseholdLife(options)
}

class HouseholdLife implements Habits {
  readonly people: number
  readonly #options: HabitOptions
  readonly #key: string
  readonly #habits: PlantHabits
  readonly #cylinderDays: number
  readonly #now: LifeNow = { isWanted: false, setPointC: 0, windowIsOpen: false, people: 0, gasShare: 1, use: { ...NO_USE } }
  #plannedDay = Number.NaN
  #plan: DayPlan
  #door = 0
  #wash = 0
  #draw = 0

  constructor(options: HabitOptions) {
    this.#options = options
    this.#key = `${options.seed}/${options.household}`
    this.#habits = options.habits ?? ROOM_HABITS
    const random = createRandom(`${this.#key}/cylinder`)
    this.#cylinderDays = random.chance(0.25) && options.confusion.has('low_gas_pressure') ? random.integer(40, 80) : 0
    this.#plan = this.#planDay(0)
    this.people = this.#peopleOf(0).count
  }

  at(timeMs: number, stepMs: number): LifeNow {
    const { weather } = this.#options
    const day = weather.localDay(timeMs)
    if (day !== this.#plannedDay) {
      this.#plannedDay = day
      this.#plan = this.#planDay(day)
      this.#door = this.#wash = this.#draw = 0
    }
    const plan = this.#plan
    const now = this.#now
    const hour = weather.localHour(timeMs)
    const isThere = !plan.isAway && plan.spans.some(([from, to]) => hour >= from && hour < to)
    now.isWanted = isThere || this.#habits.isAlwaysOn
    now.setPointC = plan.setPointC
    now.windowIsOpen = hour >= plan.windowHours[0] && hour < plan.windowHours[1]
    now.people = isThere ? plan.people : 0
    now.gasShare = plan.gasShare
    now.use.ventsBlockedShare = plan.ventsBlockedShare
    if (this.#habits.uses.length > 0) this.#useAt(hour * 3600, stepMs / 1000)
    return now
  }

  spans(fromMs: number, toMs: number): ConfuserSpan[] {
    const { weather, household } = this.#options
    const found: ConfuserSpan[] = []
    let before = this.#planDay(weather.localDay(fromMs) - 1)
    for (let day = weather.localDay(fromMs); day <= weather.localDay(toMs); day++) {
      const plan = this.#planDay(day)
      const beginMs = weather.dayBeginMs(day)
      const tell = (confuser: Confuser, [fromS, forS]: readonly [number, number], size: number, unit: string): void => {
        found.push({
          confuser,
          scope: 'household',
          name: household,
          from_ms: beginMs + fromS * 1000,
          to_ms: beginMs + (fromS + forS) * 1000,
          size,
          unit,
        })
      }
      const wholeDay = [0, 86_400] as const
      if (plan.isAway) tell('holiday', wholeDay, 0, 'people')
      if (plan.windowHours[1] > plan.windowHours[0]) {
        tell('open_window', [plan.windowHours[0] * 3600, (plan.windowHours[1] - plan.windowHours[0]) * 3600], 1, 'window')
      }
      if (plan.setPointC !== plan.usualC) tell('set_point_habits', wholeDay, plan.setPointC - plan.usualC, 'k')
      if (plan.ventsBlockedShare > 0) tell('blocked_vents', wholeDay, plan.ventsBlockedShare, 'share')
      if (plan.gasShare < 1) tell('low_gas_pressure', wholeDay, (plan.gasShare - 1) * 100, 'pct')
      if (this.#userOf(day) !== this.#userOf(day - 1)) tell('new_user', [0, 14 * 86_400], plan.usualC - before.usualC, 'k')
      for (const { isForgotten, fromS, toS } of plan.doors) if (isForgotten) tell('open_window', [fromS, toS - fromS], 1, 'door')
      for (const { isOverload, fromS, wash } of plan.washes) if (isOverload) tell('overload', [fromS, 7200], wash.loadKg, 'kg')
      before = plan
    }
    return found.filter(({ from_ms, to_ms }) => to_ms > fromMs && from_ms < toMs)
  }

  /** What is done between `toS - stepS` and `toS` of the local day. */
  #useAt(toS: number, stepS: number): void {
    const { use } = this.#now
    const fromS = toS - stepS
    const { doors, washes, draws } = this.#plan
    use.freshDoorOpenS = use.freezerDoorOpenS = use.foodKg = use.drawLMin = 0
    this.#door = skipPast(doors, this.#door, fromS)
    for (let index = this.#door; index < doors.length; index++) {
      const opening = doors[index]
      if (opening === undefined || opening.fromS >= toS) break
      const overlapS = Math.min(opening.toS, toS) - Math.max(opening.fromS, fromS)
      if (overlapS <= 0) continue
      if (opening.isFreezer) use.freezerDoorOpenS = Math.min(stepS, use.freezerDoorOpenS + overlapS)
      else use.freshDoorOpenS = Math.min(stepS, use.freshDoorOpenS + overlapS)
      if (opening.fromS >= fromS) use.foodKg += opening.foodKg
    }
    delete use.wash
    this.#wash = skipPast(washes, this.#wash, fromS)
    const next = washes[this.#wash]
    if (next !== undefined && next.fromS >= fromS && next.fromS < toS) use.wash = next.wash
    this.#draw = skipPast(draws, this.#draw, fromS)
    let longestS = DRAW_SHARE_MIN * stepS
    for (let index = this.#draw; index < draws.length; index++) {
      const draw = draws[index]
      if (draw === undefined || draw.fromS >= toS) break
      const overlapS = Math.min(draw.toS, toS) - Math.max(draw.fromS, fromS)
      if (overlapS < longestS) continue
      longestS = overlapS
      use.drawLMin = draw.lMin
    }
  }

  #planDay(day: number): DayPlan {
    const { confusion, weather } = this.#options
    const { uses, isAlwaysOn } = this.#habits
    const random = createRandom(`${this.#key}/day/${day}`)
    const people = this.#peopleOf(day)
    const isAway = confusion.has('holiday') && isHoliday(this.#key, day, confusion.rate)
    const shift = random.normal(0, 0.5)
    const windowFrom = random.between(7, 20)
    const windowFor = random.between(0.5, 4)
    const isOut = !isAlwaysOn && random.chance(0.05)
    const departs = random.uniform() < 0.1 * confusion.rate && confusion.has('set_point_habits')
    const airs = random.uniform() < people.airing * confusion.rate * (weather.seasonC(day, 0) < 8 ? 0.4 : 1) && confusion.has('open_window')
    const isHome = !isAway
    return {
      isAway,
      spans: isAway || isOut ? [] : people.spans.map(([from, to]) => [from === 0 ? 0 : from + shift, to === 24 ? 24 : to + shift]),
      usualC: people.usualC,
      setPointC: departs ? people.usualC + random.pick([-2, -1, -0.5, 0.5, 1, 2]) : people.usualC,
      windowHours: airs && isHome ? [windowFrom, Math.min(24, windowFrom + windowFor)] : [0, 0],
      people: people.count,
      ventsBlockedShare: confusion.has('blocked_vents') ? ventsBlocked(this.#key, day, confusion.rate) : 0,
      gasShare: this.#cylinderShare(day),
      doors: isHome && uses.includes('doors') ? drawDoors(random.fork('doors'), people.count, confusion) : [],
      washes: isHome && uses.includes('wash') ? drawWashes(random.fork('wash'), people.count, confusion) : [],
      draws: isHome && uses.includes('draws') ? drawWater(random.fork('water'), people.count) : [],
    }
  }

  /** The people who live there on a day; their habits follow from the household and from how often it changed hands. */
  #peopleOf(day: number): People {
    const [low, high] = this.#habits.setPointC
    const random = createRandom(`${this.#key}/habits/${this.#userOf(day)}`)
    const spans = random.pick(ROOMS)
    const usualC = Math.round(random.between(low, high) * 2) / 2
    return { spans, usualC, airing: random.chance(0.2) ? 0.25 : 0.04, count: random.integer(1, 4) }
  }

  /** Day since which the present people live there, 0 when it is long ago. */
  #userOf(day: number): number {
    const { confusion } = this.#options
    if (!confusion.has('new_user')) return 0
    const stretch = Math.floor(day / STRETCH_DAYS)
    for (let back = 0; back < 6; back++) {
      const random = createRandom(`${this.#key}/user/${stretch - back}`)
      const moved = (stretch - back) * STRETCH_DAYS + random.integer(0, STRETCH_DAYS - 1)
      if (random.uniform() < 0.08 * confusion.rate && moved <= day) return moved
    }
    return 0
  }

  #cylinderShare(day: number): number {
    if (this.#cylinderDays === 0) return 1
    const left = this.#cylinderDays - 1 - (day % this.#cylinderDays)
    return left >= CYLINDER_LOW_DAYS ? 1 : 0.55 + (0.4 * left) / CYLINDER_LOW_DAYS
  }
}

function skipPast(events: readonly Lasting[], from: number, timeS: number): number {
  let index = from
  while (index < events.length && (events[index]?.toS ?? 0) <= timeS) index += 1
  return index
}

/** One holiday of a week in some stretches of forty days. */
function isHoliday(key: string, day: number, rate: number): boolean {
  const stretch = Math.floor(day / HOLIDAY_STRETCH_DAYS)
  const random = createRandom(`${key}/holiday/${stretch}`)
  const from = random.integer(0, 33)
  const place = day - stretch * HOLIDAY_STRETCH_DAYS
  return random.uniform() < 0.35 * rate && place >= from && place < from + 7
}

/** Furniture or curtains stand before the vents for some weeks. */
function ventsBlocked(key: string, day: number, rate: number): number {
  const stretch = Math.floor(day / STRETCH_DAYS)
  const random = createRandom(`${key}/vents/${stretch}`)
  const from = random.integer(0, 40)
  const days = random.integer(7, 20)
  const share = random.between(0.2, 0.7)
  const place = day - stretch * STRETCH_DAYS
  return random.uniform() < 0.25 * rate && place >= from && place < from + days ? share : 0
}
