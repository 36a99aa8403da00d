/**
 * Groups alarms of one cause: a function of the set of alarms, in device time, so it comes to the same groups in whatever order they came.
 * Alarms that began close to each other form a chain; the chain is explained by the scope that explains most and whose units it strikes most completely, what that
 * does not explain by the next one, and what no scope explains stands for its unit alone.
 */
import type { SafetyClass } from '#kernel/alarm.ts'
import { type AlarmGroup, GROUP_SCOPES, type GroupScope, type UnitPlace } from '#kernel/alarm-group.ts'
import { contentId } from '#kernel/ids.ts'

export interface GroupableAlarm {
  readonly alarm_id: string
  readonly tenant: string
  readonly device: string
  readonly cause: string
  readonly safety_class: SafetyClass
  readonly began_at_ms: number
  /** It opens no order by itself, so another one leads its group where there is one. */
  readonly isQuiet?: boolean
}

export interface GroupingPlaces {
  readonly placeOf: (tenant: string, device: string) => UnitPlace
  /** Registered units of a scope. */
  readonly populationOf: (tenant: string, scope: GroupScope, value: string) => number
}

/** Alarms of one cause belong together when no more than this lies between the begins of neighbours (chosen: two sample periods and a hold). */
export const CHAIN_MS = 15 * 60_000

/** Fewest struck units, and least share of the scope's units, from which a scope explains them (chosen). */
const EXPLAINS: Readonly<Record<Exclude<GroupScope, 'unit'>, { readonly units: number; readonly share: number }>> = {
  household: { units: 2, share: 0.5 },
  building: { units: 3, share: 0.3 },
  outage_area: { units: 3, share: 0.3 },
  batch: { units: 5, share: 0.05 },
  firmware: { units: 5, share: 0.05 },
}

export type GroupWithMembers = AlarmGroup & { readonly members: readonly string[] }

/** Groups of alarms of one tenant and cause, by the begin of their first alarm. */
export function groupAlarms(alarms: readonly GroupableAlarm[], places: GroupingPlaces): GroupWithMembers[] {
  const sorted = [...alarms].sort(byBegin)
  const chains: GroupableAlarm[][] = []
  let lastMs = Number.NEGATIVE_INFINITY
  for (const alarm of sorted) {
    if (alarm.began_at_ms - lastMs > CHAIN_MS) chains.push([])
    chains.at(-1)?.push(alarm)
    lastMs = alarm.began_at_ms
  }
  return chains.flatMap((chain) => explain(chain, places)).sort((a, b) => a.from_ms - b.from_ms || (a.group_id < b.group_id ? -1 : 1))
}

const byBegin = (a: GroupableAlarm, b: GroupableAlarm): number => a.began_at_ms - b.began_at_ms || (a.alarm_id < b.alarm_id ? -1 : 1)

/**
 * Takes out, again and again, the scope that explains most of what is left. What a scope explains only becomes less with that, so the candidates
 * wait in order of what they explained when it was last counted: the first that still explains as much is the best.
 */
function explain(chain: readonly GroupableAlarm[], places: GroupingPlaces): GroupWithMembers[] {
  const left = new Map([...Map.groupBy(chain, ({ device }) => device)])
  const candidates = new CandidateQueue(candidatesOf(left, places))
  const groups: GroupWithMembers[] = []
  for (let best = candidates.take(left); best !== undefined; best = candidates.take(left)) {
    const struck = best.devices.filter((device) => left.has(device))
    groups.push(makeGroup(struck.flatMap((device) => left.get(device) ?? []).sort(byBegin), best))
    for (const device of struck) left.delete(device)
  }
  return [...groups, ...[...left].map(([value, own]) => makeGroup(own, { scope: 'unit', value, population: 1 }))]
}

interface Scope {
  readonly scope: GroupScope
  readonly value: string
  readonly population: number
}

/** A scope with the struck units that stand in it. */
interface Candidate extends Scope {
  readonly scope: Exclude<GroupScope, 'unit'>
  readonly devices: readonly string[]
  /** Registered units, 0 where nobody said. */
  readonly registered: number
  weight: number
}

function candidatesOf(left: ReadonlyMap<string, readonly GroupableAlarm[]>, { placeOf, populationOf }: GroupingPlaces): Candidate[] {
  const struck = new Map<
    string,
    { readonly scope: Candidate['scope']; readonly value: string; readonly tenant: string; readonly devices: string[] }
  >()
  for (const [device, [alarm]] of left) {
    const tenant = alarm?.tenant ?? ''
    const place = placeOf(tenant, device)
    for (const scope of GROUP_SCOPES) {
      const value = place[scope]
      if (scope === 'unit' || value === undefined) continue
      const key = `${scope}/${value}`
      const own = struck.get(key) ?? { scope, value, tenant, devices: [] }
      own.devices.push(device)
      struck.set(key, own)
    }
  }
  return [...struck.values()].flatMap(({ tenant, ...own }) => {
    const registered = populationOf(tenant, own.scope, own.value)
    const weight = weightOf(own.scope, own.devices.length, registered)
    return weight === 0 ? [] : [{ ...own, registered, weight, population: Math.max(registered, own.devices.length) }]
  })
}

/** How well a scope explains so many units: it explains much and is struck completely; three whole buildings of an area are the area. 0 = not at all. */
function weightOf(scope: Candidate['scope'], units: number, registered: number): number {
  const share = units / Math.max(units, registered)
  return units < EXPLAINS[scope].units || share < EXPLAINS[scope].share ? 0 : units * share
}

/** A heap of candidates, the heaviest first; of two that weigh the same the narrower, then the one whose name comes first. */
class CandidateQueue {
  readonly #heap: Candidate[] = []

  constructor(candidates: readonly Candidate[]) {
    for (const candidate of candidates) this.#put(candidate)
  }

  /** The best of what is left. */
  take(left: ReadonlyMap<string, unknown>): Candidate | undefined {
    for (let first = this.#pop(); first !== undefined; first = this.#pop()) {
      const units = first.devices.reduce((count, device) => count + (left.has(device) ? 1 : 0), 0)
      const weight = weightOf(first.scope, units, first.registered)
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

function makeGroup(alarms: readonly GroupableAlarm[], { scope, value, population }: Scope): GroupWithMembers {
  const lead = alarms.find(({ isQuiet }) => isQuiet !== true) ?? alarms[0]
  const began = alarms.map(({ began_at_ms }) => began_at_ms)
  const { tenant = '', cause = '', alarm_id = '' } = lead ?? {}
  return {
    group_id: contentId('grp', tenant, cause, scope, value, alarm_id),
    ...{ tenant, cause, scope, scope_value: value, population },
    safety_class: alarms.map(({ safety_class }) => safety_class).sort()[0] ?? 'E4',
    from_ms: Math.min(...began),
    to_ms: Math.max(...began),
    alarms: alarms.length,
    units: new Set(alarms.map(({ device }) => device)).size,
    lead_alarm_id: alarm_id,
    members: alarms.map((alarm) => alarm.alarm_id),
  }
}
