/**
 * Fleets at the level of fault events, for the early warning of cohorts: units of staggered age, faults by the life models of the catalogue
 * (simulators/fleet-faults.ts), when the platform would name each and when the customer would call. No physics, so that years of thousands
 * of units take a second. Seeded.
 */
import { airConditioner } from '#catalogue/air-conditioner/air-conditioner.ts'
import { createRandom } from '#kernel/random.ts'
import type { CohortUnit, FirstFault } from '../../models/cohorts.ts'
import { DAY_MS, drawWear } from '../../simulators/fleet-faults.ts'

export interface EventFleetOptions {
  readonly seed: string
  readonly units: number
  readonly days: number
  /** The newest batch but one has this fault so many times as often; without it all are sound. */
  readonly bad?: { readonly fault: string; readonly ratio: number } | undefined
  /** The field fails so many times as often as the life models say. */
  readonly fieldRatio?: number
}

export interface EventFleet {
  readonly units: readonly CohortUnit[]
  /** Faults as the platform names them: found ones, and false ones. */
  readonly named: readonly FirstFault[]
  /** The same faults as customers call. */
  readonly tickets: readonly FirstFault[]
  /** When the first unit of the bad batch got its fault; undefined without one. */
  readonly firstAffectedMs: number | undefined
}

export const TYPE = airConditioner
export const START_MS = Date.UTC(2026, 0, 1)
export const BATCHES = 12
export const BAD_BATCH = 'B11'
const FIRMWARES = ['2.4.1', '2.4.1', '2.5.0']
/** Years over which the batches were installed before the start. */
const YEARS_BACK = 5
/** Share of the faults that is named, the share of the growth at which that is, and at which the customer calls (design values). */
const RECALL = 0.8
const NAMED_AT = [0.25, 0.6] as const
const CALLED_AT = [0.7, 1.3] as const
/** Share of the faults that end in a ticket with the right cause; the others are lived with, or closed with another cause or none. */
const TICKET_SHARE = 0.7
/** Days until the call is a ticket with a coded cause. */
const CODED_DAYS = [2, 14] as const
/** False namings a unit and week, spread over the faults. */
const FALSE_PER_UNIT_WEEK = 1 / 1_000

const life = TYPE.faults.filter((fault) => fault.life !== undefined).map(({ code }) => code)

export function eventFleet({ seed, units: count, days, bad, fieldRatio = 1 }: EventFleetOptions): EventFleet {
  const units: CohortUnit[] = []
  const named: FirstFault[] = []
  const tickets: FirstFault[] = []
  let firstAffectedMs: number | undefined
  const untilMs = START_MS + days * DAY_MS
  for (let index = 0; index < count; index++) {
    const random = createRandom(`${seed}/${index}`)
    const device = `ac-${index}`
    const place = Math.floor((index * BATCHES) / count)
    const batch = `B${String(place + 1).padStart(2, '0')}`
    const bornMs = START_MS - ((BATCHES - place - random.uniform()) / BATCHES) * YEARS_BACK * 365.25 * DAY_MS
    const firmware = [{ from_ms: START_MS, version: random.pick(FIRMWARES) }]
    units.push({ device, type: TYPE.id, batch, firmware, born_ms: bornMs, from_ms: START_MS, to_ms: undefined })
    const isBad = batch === BAD_BATCH && bad !== undefined
    const use = random.between(0.6, 1.6)
    const truths = drawWear(random.fork('faults'), {
      ...{ type: TYPE, device, faults: life, startMs: START_MS, onsetSpanMs: days * DAY_MS, growthScale: 1 },
      ...{ installedAtMs: bornMs, untilMs, acceleration: 1, repairDays: [1, 10] },
      hazardRatio: (fault) => use * fieldRatio * (isBad && bad.fault === fault ? bad.ratio : 1),
    })
    for (const { fault, onset_ms, full_ms } of truths) {
      const grown = (share: number): number => onset_ms + share * (full_ms - onset_ms)
      if (isBad && fault === bad.fault && onset_ms >= START_MS) firstAffectedMs = Math.min(firstAffectedMs ?? onset_ms, onset_ms)
      if (random.chance(RECALL)) named.push({ device, fault, at_ms: grown(random.between(...NAMED_AT)) + random.between(0, 2) * DAY_MS })
      if (random.chance(TICKET_SHARE))
        tickets.push({ device, fault, at_ms: grown(random.between(...CALLED_AT)) + random.between(...CODED_DAYS) * DAY_MS })
    }
    const falseWeeks = (days / 7) * FALSE_PER_UNIT_WEEK
    if (random.chance(falseWeeks)) named.push({ device, fault: random.pick(life), at_ms: START_MS + random.uniform() * days * DAY_MS })
  }
  const inTime = (list: readonly FirstFault[]): FirstFault[] => firstOfUnits(list.filter(({ at_ms }) => at_ms < untilMs))
  return { units, named: inTime(named), tickets: inTime(tickets), firstAffectedMs }
}

function firstOfUnits(events: readonly FirstFault[]): FirstFault[] {
  const firsts = new Map<string, FirstFault>()
  for (const event of events.toSorted((a, b) => a.at_ms - b.at_ms)) {
    const key = `${event.device}/${event.fault}`
    if (!firsts.has(key)) firsts.set(key, event)
  }
  return [...firsts.values()]
}
