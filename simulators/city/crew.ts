/**
 * Outlets, engineers, their skills, their calendars and what is on their vans. A calendar has slots, of which work outside the city takes
 * most; who is free is looked up slot by slot from an instant on.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { createRandom, type Random } from '#kernel/random.ts'
import { growthOf } from '../fault-growth.ts'
import { DAY_MS, HOUR_MS } from './city-clock.ts'
import type { CityParameters } from './city-parameters.ts'

export interface Engineer {
  readonly id: string
  readonly outlet: string
  readonly types: readonly string[]
  readonly skills: readonly string[]
}

export interface Slot {
  readonly engineer: Engineer
  readonly startMs: number
}

/** Days beyond which nobody is booked. */
const BOOKED_DAYS_MAX = 120
const TRADES: ReadonlyArray<{ readonly types: readonly string[]; readonly skills: readonly string[] }> = [
  { types: ['air_conditioner', 'fridge'], skills: ['REM', 'BAS', 'ELE', 'HYD'] },
  { types: ['washing_machine', 'fridge'], skills: ['REM', 'BAS', 'ELE', 'HYD', 'LAU'] },
  { types: ['gas_water_heater', 'air_conditioner'], skills: ['REM', 'BAS', 'ELE', 'HYD', 'GAS'] },
]

export interface Crew {
  readonly engineers: readonly Engineer[]
  /** First free slot from an instant on; of several at one time the one of the nearest outlet. `skills` = what the engineer must have. */
  find(wish: {
    readonly type: string
    readonly skills: readonly string[]
    readonly fromMs: number
    readonly outlet: string
    readonly untilMs?: number
  }): Slot | undefined
  book(slot: Slot): void
  free(slot: Slot): void
  isAbsent(slot: Slot): boolean
  /** Whether a part is among the usual ones of a type's engineers. */
  isUsual(type: ApplianceType, part: string): boolean
}

export function createCrew(seed: string, units: number, parameters: CityParameters): Crew {
  const { engineer: rules } = parameters
  const random = createRandom(`${seed}/crew`)
  const count = Math.max(TRADES.length * 2, Math.round(units / rules.perUnits))
  const engineers = Array.from({ length: count }, (_, index): Engineer => {
    const trade = TRADES[index % TRADES.length] ?? { types: [], skills: [] }
    const draw = random.fork(`engineer-${index}`)
    const isCooling = trade.types.includes('air_conditioner') || trade.types.includes('fridge')
    const skills = isCooling && draw.chance(rules.refrigerantShare) ? [...trade.skills, 'REF'] : trade.skills
    return { id: `engineer-${index + 1}`, outlet: `outlet-${1 + (index % rules.outlets)}`, types: trade.types, skills }
  })
  const booked = new Set<string>()
  const keyOf = ({ engineer, startMs }: Slot): string => `${engineer.id}/${startMs}`
  const isTaken = (slot: Slot): boolean => booked.has(keyOf(slot)) || createRandom(`${seed}/busy/${keyOf(slot)}`).chance(rules.busyShare)
  const usual = new Map<string, ReadonlySet<string>>()
  return {
    engineers,
    find({ type, skills, fromMs, outlet, untilMs = fromMs + BOOKED_DAYS_MAX * DAY_MS }) {
      const able = engineers
        .filter((one) => one.types.includes(type) && skills.every((skill) => one.skills.includes(skill)))
        .sort((a, b) => Number(b.outlet === outlet) - Number(a.outlet === outlet))
      for (let dayMs = Math.floor(fromMs / DAY_MS) * DAY_MS; dayMs < untilMs; dayMs += DAY_MS) {
        for (const hour of rules.slotsOfDay) {
          const startMs = dayMs + hour * HOUR_MS
          if (startMs < fromMs) continue
          const engineer = able.find((one) => !isTaken({ engineer: one, startMs }))
          if (engineer !== undefined) return { engineer, startMs }
        }
      }
      return undefined
    },
    book: (slot) => void booked.add(keyOf(slot)),
    free: (slot) => void booked.delete(keyOf(slot)),
    isAbsent: ({ engineer, startMs }) => createRandom(`${seed}/absent/${engineer.id}/${Math.floor(startMs / DAY_MS)}`).chance(rules.absentShare),
    isUsual(type, part) {
      const known = usual.get(type.id) ?? usualParts(type, parameters.van.usualCoverage)
      usual.set(type.id, known)
      return known.has(part)
    },
  }
}

/** Parts of a type in the order of their demand, as far as they make up the share. */
function usualParts(type: ApplianceType, coverage: number): Set<string> {
  const demand = new Map<string, number>()
  for (const { code, parts } of type.faults) {
    // Weight is the square root of the hazard.
    const rate = growthOf(type, code).weight ** 2
    for (const { part, probability } of parts) demand.set(part, (demand.get(part) ?? 0) + rate * probability)
  }
  const ranked = [...demand].sort((a, b) => b[1] - a[1])
  const total = ranked.reduce((sum, [, rate]) => sum + rate, 0)
  const usual = new Set<string>()
  let covered = 0
  for (const [part, rate] of ranked) {
    if (covered >= coverage * total) break
    usual.add(part)
    covered += rate
  }
  return usual
}

/** Outlet that is nearest to a household: areas are shared out. */
export function outletOf(area: string, outlets: number): string {
  const place = [...area].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) % 9973, 7)
  return `outlet-${1 + (place % outlets)}`
}

/** Travel and delay of one visit, in minutes. */
export function delaysOf(random: Random, { delayMinutes, travelMinutes }: CityParameters['engineer']): { delay: number; travel: number } {
  const long = random.chance(delayMinutes.longShare) ? random.exponential(delayMinutes.longMean) : 0
  return {
    delay: Math.max(0, random.normal(delayMinutes.mean, delayMinutes.deviation)) + long,
    travel: random.between(travelMinutes[0], travelMinutes[1]),
  }
}
