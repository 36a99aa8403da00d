/**
 * Groups alarms of one cause: a function of the set of alarms, in device time, so it comes to the same groups in whatever order they came.
 * Alarms of one place that began close to each other form a chain; the place whose chain explains most and is struck most completely takes
 * its alarms, what is left goes to the next, and what no place explains stands for its unit alone. A place is struck completely when all its units
 * of the types that raise the cause are struck; units that cannot raise it do not count.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import { type AlarmGroup, GROUP_SCOPES, type GroupScope, type UnitPlace } from '#kernel/alarm-group.ts'
import { contentId } from '#kernel/ids.ts'

export interface GroupableAlarm {
  readonly alarm_id: string
  readonly tenant: string
  readonly device: string
  /** Appliance type; absent on alarms from before it was kept. */
  readonly type?: string
  readonly cause: string
  readonly safety_class: SafetyClass
  readonly began_at_ms: number
  /** It opens no order by itself, so another one leads its group where there is one. */
  readonly isQuiet?: boolean
}

export interface GroupingPlaces {
  readonly placeOf: (tenant: string, device: string) => UnitPlace
  /** Registered units of a scope; of these types when some are named. */
  readonly populationOf: (tenant: string, scope: GroupScope, value: string, types?: readonly string[]) => number
}

/** Alarms of a unit, household or building belong together when no more than this lies between the begins of neighbours (chosen: two sample periods and a hold). */
export const CHAIN_MS = 15 * 60_000
/** The same for wider places: what strikes them reaches their units one after the other (chosen). */
export const WIDE_CHAIN_MS = 60 * 60_000

type Place = Exclude<GroupScope, 'unit'>

/** Fewest struck units, least share of the place's units of the types struck, and longest pause, from which a place explains them (chosen). */
const EXPLAINS: Readonly<Record<Place, { readonly units: number; readonly share: number; readonly pauseMs: number }>> = {
  household: { units: 2, share: 0.5, pauseMs: CHAIN_MS },
  building: { units: 3, share: 0.3, pauseMs: CHAIN_MS },
  outage_area: { units: 3, share: 0.3, pauseMs: WIDE_CHAIN_MS },
  site: { units: 5, share: 0.05, pauseMs: WIDE_CHAIN_MS },
  batch: { units: 5, share: 0.05, pauseMs: WIDE_CHAIN_MS },
  firmware: { units: 5, share: 0.05, pauseMs: WIDE_CHAIN_MS },
}

export type GroupWithMembers = AlarmGroup & { readonly members: readonly string[] }

/** A group of the stretch of time before, which goes on when alarms of its place follow it closely enough. */
export type EarlierGroup = Pick<AlarmGroup, 'scope_value' | 'to_ms' | 'lead_alarm_id' | 'units'> & { readonly scope: string }

/** Groups of alarms of one tenant and cause, by the begin of their first alarm. */
export function groupAlarms(alarms: readonly GroupableAlarm[], places: GroupingPlaces, earlier: readonly EarlierGroup[] = []): GroupWithMembers[] {
  return explain([...alarms].sort(byBegin), places, earlier).sort((a, b) => a.from_ms - b.from_ms || (a.group_id < b.group_id ? -1 : 1))
}

const byBegin = (a: GroupableAlarm, b: GroupableAlarm): number => a.began_at_ms - b.began_at_ms || (a.alarm_id < b.alarm_id ? -1 : 1)

/** Cuts alarms in order of time wherever a pause is longer. */
function chainsOf(sorted: readonly GroupableAlarm[], pauseMs: number): GroupableAlarm[][] {
  const chains: GroupableAlarm[][] = []
  let lastMs = Number.NEGATIVE_INFINITY
  for (const alarm of sorted) {
    if (alarm.began_at_ms - lastMs > pauseMs) chains.push([])
    chains.at(-1)?.push(alarm)
    lastMs = alarm.began_at_ms
  }
  return chains
}

/**
 * Takes out, again and again, the place that explains most of what is left. What a place explains only becomes less with that, so the candidates
 * wait in order of what they explained when it was last counted: the first that still explains as much is the best.
 */
function explain(sorted: readonly GroupableAlarm[], places: GroupingPlaces, earlier: readonly EarlierGroup[]): GroupWithMembers[] {
  const left = new Set(sorted)
  const candidates = new CandidateQueue(candidatesOf(sorted, places, earlier))
  const groups: GroupWithMembers[] = []
  for (let best = candidates.take(left); best !== undefined; best = candidates.take(left)) {
    const own = best.alarms.filter((alarm) => left.has(alarm))
    groups.push(makeGroup(own, best))
    for (const alarm of own) left.delete(alarm)
  }
  for (const [value, own] of Map.groupBy(left, ({ device }) => device)) {
    for (const chain of chainsOf(own, CHAIN_MS)) groups.push(makeGroup(chain, { scope: 'unit', value, population: 1, follows: undefined }))
  }
  return groups
}

interface Scope {
  readonly scope: GroupScope
  readonly value: string
  readonly population: number
  /** What it goes on from. */
  readonly follows: EarlierGroup | undefined
}

/** A place with a chain of its alarms. */
interface Candidate extends Scope {
  readonly scope: Place
  readonly alarms: readonly GroupableAlarm[]
  /** Registered units, 0 where nobody said. */
  readonly registered: number
  weight: number
}

function candidatesOf(sorted: readonly GroupableAlarm[], { placeOf, populationOf }: GroupingPlaces, earlier: readonly EarlierGroup[]): Candidate[] {
  const struck = new Map<string, { readonly scope: Place; readonly value: string; readonly alarms: GroupableAlarm[] }>()
  const placeOfUnit = new Map<string, UnitPlace>()
  for (const alarm of sorted) {
    const place = placeOfUnit.get(alarm.device) ?? placeOf(alarm.tenant, alarm.device)
    placeOfUnit.set(alarm.device, place)
    for (const scope of GROUP_SCOPES) {
      const value = place[scope]
      if (scope === 'unit' || value === undefined) continue
      const key = `${scope}/${value}`
      const own = struck.get(key) ?? { scope, value, alarms: [] }
      own.alarms.push(alarm)
      struck.set(key, own)
    }
  }
  const candidates: Candidate[] = []
  for (const { scope, value, alarms } of struck.values()) {
    const types = [...new Set(alarms.map(({ type = '' }) => type))]
    const registered = populationOf(alarms[0]?.tenant ?? '', scope, value, types.includes('') ? undefined : types)
    const before = earlier.find((group) => group.scope === scope && group.scope_value === value)
    for (const chain of chainsOf(alarms, EXPLAINS[scope].pauseMs)) {
      const follows = before !== undefined && (chain[0]?.began_at_ms ?? 0) - before.to_ms <= EXPLAINS[scope].pauseMs ? before : undefined
      const place = { scope, value, alarms: chain, registered, follows }
      const weight = weightOf(place, unitsOf(chain))
      if (weight > 0) candidates.push({ ...place, weight, population: Math.max(registered, unitsOf(chain)) })
    }
  }
  return candidates
}

const unitsOf = (alarms: readonly GroupableAlarm[]): number => new Set(alarms.map(({ device }) => device)).size

/** How well a place explains so many units: it explains much and is struck completely; three whole buildings of an area are the area. 0 = not at all. */
function weightOf({ scope, registered, follows }: Pick<Candidate, 'scope' | 'registered' | 'follows'>, own: number): number {
  if (own === 0) return 0
  const units = own + (follows?.units ?? 0)
  const share = units / Math.max(units, registered)
  const isEnough = follows !== undefined || (units >= EXPLAINS[scope].units && share >= EXPLAINS[scope].share)
  return isEnough ? units * share : 0
}

/** A heap of candidates, the heaviest first; of two that weigh the same the narrower, then the one whose name comes first. */
class CandidateQueue {
  readonly #heap: Candidate[] = []

  constructor(candidates: readonly Candidate[]) {
    for (const candidate of candidates) this.#put(candidate)
  }

  /** The best of what is left. */
  take(left: ReadonlySet<GroupableAlarm>): Candidate | undefined {
    for (let first = this.#pop(); first !== undefined; first = this.#pop()) {
      const units = unitsOf(first.alarms.filter((alarm) => left.has(alarm)))
      const weight = weightOf(first, units)
      if (weight === first.weight) return { ...first, population: Math.max(first.registered, units) }
      if (weight > 0) this.#put({ ...first, weight })
    }
    return undefined
  }

  #put(candidate: Candidate): void {
    const heap = this.#heap
    let at = heap.length
    for (let above = (at - 1) >> 1; at > 0 && isBefore(candidate, heap[above]); above = (at - 1) >> 1) {
      heap[at] = heap[above] as Candidate
      at = above
    }
    heap[at] = candidate
  }

  #pop(): Candidate | undefined {
    const heap = this.#heap
    const first = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) return first
    let at = 0
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && isBefore(heap[below + 1] as Candidate, heap[below])) below++
      if (!isBefore(heap[below] as Candidate, last)) break
      heap[at] = heap[below] as Candidate
      at = below
    }
    heap[at] = last
    return first
  }
}

function isBefore(a: Candidate, b: Candidate | undefined): boolean {
  if (b === undefined || a.weight !== b.weight) return a.weight > (b?.weight ?? -1)
  if (a.scope !== b.scope) return GROUP_SCOPES.indexOf(a.scope) < GROUP_SCOPES.indexOf(b.scope)
  return a.value < b.value
}

function makeGroup(alarms: readonly GroupableAlarm[], { scope, value, population, follows }: Scope): GroupWithMembers {
  const first = alarms.find(({ isQuiet }) => isQuiet !== true) ?? alarms[0]
  const began = alarms.map(({ began_at_ms }) => began_at_ms)
  const { tenant = '', cause = '', alarm_id = '' } = first ?? {}
  return {
    group_id: contentId('grp', tenant, cause, scope, value, alarm_id),
    ...{ tenant, cause, scope, scope_value: value, population },
    safety_class: alarms.map(({ safety_class }) => safety_class).sort()[0] ?? 'E4',
    from_ms: Math.min(...began),
    to_ms: Math.max(...began),
    alarms: alarms.length,
    units: unitsOf(alarms),
    lead_alarm_id: follows?.lead_alarm_id ?? alarm_id,
    members: alarms.map((alarm) => alarm.alarm_id),
  }
}
