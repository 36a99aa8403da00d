/**
 * What a household does with its appliances in one day: door openings, food, washes and hot-water draws, drawn at the hours at which
 * people do such things. Counts and sizes are design values.
 */
import type { Use } from '#catalogue/plant.ts'
import type { Random } from '#kernel/random.ts'
import type { Confusion } from './confusers.ts'

/** Something that lasts, in seconds of the local day. */
export interface Lasting {
  readonly fromS: number
  readonly toS: number
}

export interface DoorOpening extends Lasting {
  readonly isFreezer: boolean
  readonly foodKg: number
  /** Left open, which is no fault of the gasket. */
  readonly isForgotten: boolean
}

export interface WashStart extends Lasting {
  readonly wash: NonNullable<Use['wash']>
  readonly isOverload: boolean
}

export interface Draw extends Lasting {
  readonly lMin: number
}

/** Hours at which a household is busy: morning, noon, evening, with their weights. */
const BUSY: ReadonlyArray<readonly [hour: number, spread: number, weight: number]> = [
  [7.5, 0.8, 0.3],
  [12.5, 1, 0.2],
  [19, 1.8, 0.5],
]

function busyS(random: Random): number {
  let left = random.uniform()
  for (const [hour, spread, weight] of BUSY) {
    left -= weight
    if (left < 0) return Math.min(86_000, Math.max(100, random.normal(hour, spread) * 3600))
  }
  return 68_000
}

const inOrder = <T extends Lasting>(events: T[]): T[] => events.sort((a, b) => a.fromS - b.fromS)

export function drawDoors(random: Random, people: number, confusion: Confusion): DoorOpening[] {
  const openings: DoorOpening[] = []
  const count = Math.round(8 + 5 * people + random.normal(0, 3))
  const shopping = random.chance(0.25)
  for (let index = 0; index < count; index++) {
    const fromS = busyS(random)
    const food = index === 0 && shopping ? random.between(3, 8) : random.chance(0.15) ? random.between(0.2, 1.2) : 0
    openings.push({
      fromS,
      toS: fromS + (food > 2 ? random.between(60, 150) : random.between(5, 35)),
      isFreezer: random.chance(0.12),
      foodKg: food,
      isForgotten: false,
    })
  }
  if (random.uniform() < 0.02 * confusion.rate && confusion.has('open_window')) {
    const fromS = busyS(random)
    openings.push({ fromS, toS: fromS + random.between(400, 2400), isFreezer: random.chance(0.3), foodKg: 0, isForgotten: true })
  }
  return inOrder(openings)
}

const PROGRAMS_C = [20, 30, 40, 40, 40, 60, 60, 90] as const
const OVERLOAD_KG: readonly [number, number] = [8.5, 11]

export function drawWashes(random: Random, people: number, confusion: Confusion): WashStart[] {
  const washes: WashStart[] = []
  for (let left = 0.15 + 0.2 * people; left > 0; left -= 1) {
    if (!random.chance(Math.min(1, left))) continue
    const fromS = random.between(7, 20.5) * 3600
    const isOverload = random.uniform() < 0.1 * confusion.rate && confusion.has('overload')
    washes.push({
      fromS,
      toS: fromS + 1,
      isOverload,
      wash: {
        loadKg: isOverload ? random.between(OVERLOAD_KG[0], OVERLOAD_KG[1]) : random.between(1.5, 7),
        unbalance: isOverload ? random.between(0.5, 0.9) : random.between(0.05, 0.35),
        programC: random.pick(PROGRAMS_C),
        detergentShare: random.between(0.7, 1.6),
      },
    })
  }
  return inOrder(washes)
}

export function drawWater(random: Random, people: number): Draw[] {
  const draws: Draw[] = []
  const add = (count: number, seconds: readonly [number, number], lMin: readonly [number, number]): void => {
    for (let index = 0; index < count; index++) {
      const fromS = busyS(random)
      draws.push({ fromS, toS: fromS + random.between(seconds[0], seconds[1]), lMin: random.between(lMin[0], lMin[1]) })
    }
  }
  for (let person = 0; person < people; person++) if (random.chance(0.75)) add(1, [240, 660], [7, 11])
  add(random.integer(3, 5 + 2 * people), [15, 90], [2.8, 5])
  add(random.integer(0, 3), [150, 420], [4, 6.5])
  return inOrder(draws)
}
