/** How a household uses its unit, seeded: hours of the day, set-point, days away, windows left open, people in the room. */
import { createRandom, type Random } from '#kernel/random.ts'

export interface UseNow {
  readonly isWanted: boolean
  readonly setPointC: number
  readonly windowIsOpen: boolean
  readonly people: number
}

export interface Habits {
  /** Use at an hour (0..24) of a local day. */
  at(day: number, hour: number): UseNow
}

interface DayPlan {
  readonly spans: ReadonlyArray<readonly [number, number]>
  readonly setPointC: number
  readonly windowHours: readonly [number, number]
}

/** Usual hours of use by kind of room; bedrooms run over midnight. */
const ROOMS: ReadonlyArray<ReadonlyArray<readonly [number, number]>> = [
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

export function createHabits(seed: string): Habits {
  const random = createRandom(`${seed}/habits`)
  const spans = random.pick(ROOMS)
  const usual = Math.round(random.between(22.5, 26.5) * 2) / 2
  const airing = random.chance(0.2) ? 0.25 : 0.04
  const people = random.integer(1, 4)
  let plannedDay = Number.NaN
  let plan: DayPlan = { spans: [], setPointC: usual, windowHours: [0, 0] }
  return {
    at(day, hour) {
      if (day !== plannedDay) {
        plannedDay = day
        plan = planDay(createRandom(`${seed}/day/${day}`), { spans, usual, airing, isAway: isHoliday(seed, day) })
      }
      const isWanted = plan.spans.some(([from, to]) => hour >= from && hour < to)
      const windowIsOpen = hour >= plan.windowHours[0] && hour < plan.windowHours[1]
      return { isWanted, setPointC: plan.setPointC, windowIsOpen, people: isWanted ? people : 0 }
    },
  }
}

function planDay(random: Random, usual: { spans: DayPlan['spans']; usual: number; airing: number; isAway: boolean }): DayPlan {
  const shift = random.normal(0, 0.5)
  const windowFrom = random.between(7, 20)
  return {
    spans: usual.isAway || random.chance(0.05) ? [] : usual.spans.map(([from, to]) => [from === 0 ? 0 : from + shift, to === 24 ? 24 : to + shift]),
    setPointC: random.chance(0.1) ? usual.usual + random.pick([-1, -0.5, 0.5, 1]) : usual.usual,
    windowHours: random.chance(usual.airing) ? [windowFrom, windowFrom + random.between(0.5, 4)] : [0, 0],
  }
}

/** One holiday of a week in some stretches of forty days. */
function isHoliday(seed: string, day: number): boolean {
  const random = createRandom(`${seed}/holiday/${Math.floor(day / 40)}`)
  const from = random.integer(0, 33)
  const place = day - Math.floor(day / 40) * 40
  return random.chance(0.35) && place >= from && place < from + 7
}
