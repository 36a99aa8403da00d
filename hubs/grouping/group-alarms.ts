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

function explain(chain: readonly GroupableAlarm[], places: GroupingPlaces): GroupWithMembers[] {
  const groups: GroupWithMembers[] = []
  let rest = chain
  for (;;) {
    const best = bestScope(rest, places)
    if (best === undefined) break
    const { scope, value } = best
    const isOf = ({ tenant, device }: GroupableAlarm): boolean => places.placeOf(tenant, device)[scope] === value
    groups.push(makeGroup(rest.filter(isOf), best))
    rest = rest.filter((alarm) => !isOf(alarm))
  }
  const units = Map.groupBy(rest, ({ device }) => device)
  return [...groups, ...[...units].map(([value, own]) => makeGroup(own, { scope: 'unit', value, population: 1 }))]
}

interface Candidate {
  readonly scope: GroupScope
  readonly value: string
  readonly population: number
}

function bestScope(alarms: readonly GroupableAlarm[], { placeOf, populationOf }: GroupingPlaces): Candidate | undefined {
  let best: (Candidate & { readonly weight: number }) | undefined
  for (const scope of GROUP_SCOPES) {
    if (scope === 'unit') continue
    const struck = new Map<string, Set<string>>()
    for (const { tenant, device } of alarms) {
      const value = placeOf(tenant, device)[scope]
      if (value !== undefined) struck.set(value, (struck.get(value) ?? new Set()).add(device))
    }
    for (const [value, { size: units }] of [...struck].sort()) {
      const population = Math.max(units, populationOf(alarms[0]?.tenant ?? '', scope, value))
      const share = units / population
      if (units < EXPLAINS[scope].units || share < EXPLAINS[scope].share) continue
      // Explains much and is struck completely: three whole buildings of an area are the area; the narrower of two that weigh the same.
      const weight = units * share
      if (best === undefined || weight > best.weight) best = { scope, value, population, weight }
    }
  }
  return best
}

function makeGroup(alarms: readonly GroupableAlarm[], { scope, value, population }: Candidate): GroupWithMembers {
  const lead = alarms[0]
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
