/**
 * Which rules hold for a unit at a device time. The catalogue's rules of a type hold from ever; a tenant's versions take their place, or
 * stand beside them, from the device time on at which they were put into force, for all units or for a share of them that a hash of the
 * unit chooses. So the rules of an instant are facts, and a replay, an amended stretch and a backtest use those that held then.
 */
import type { ApplianceType, Rule } from '#catalogue/appliance-type.ts'
import { contentId } from '#kernel/ids.ts'
import { type CompiledRule, compileRules } from './compile-rules.ts'

/** From `from_ms` on, `live` (and `canary`, for its share of the units) is what a rule of a tenant says. */
export interface RuleActivation {
  readonly tenant: string
  readonly type: string
  readonly rule_id: string
  readonly from_ms: number
  /** null: the catalogue's own, or none where it has none. */
  readonly live: Rule | null
  readonly canary: { readonly rule: Rule; readonly share_pct: number } | null
}

/** Rules of a unit from one device time up to, not including, another. */
export interface RuleSet {
  readonly rules: readonly CompiledRule[]
  readonly fromMs: number
  readonly untilMs: number
}

interface UnitAt {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly atMs: number
}

export interface RuleBook {
  /** @throws MendlineError MDL_CONFIG_INVALID when a rule of the type fails its check */
  ruleSet(unit: UnitAt): RuleSet
  /** False: no unit of the tenant and type has a rule. */
  hasRules(tenant: string, type: string): boolean
  /** Takes all activations anew. */
  replace(activations: readonly RuleActivation[]): void
}

interface Timeline {
  readonly type: ApplianceType
  /** Times at which something changes, ascending. */
  readonly timesMs: readonly number[]
  /** Of each rule, oldest first. */
  readonly byRule: ReadonlyMap<string, readonly RuleActivation[]>
}

/** Creates the book over the catalogue; `filter` chooses the rules that are asked for, e.g. those for safety. */
export function createRuleBook({
  types,
  filter,
}: {
  readonly types: (type: string) => ApplianceType | undefined
  readonly filter: (rule: Rule) => boolean
}): RuleBook {
  let timelines = new Map<string, Timeline>()
  const plain = new Map<string, MutableSet>()
  /** By owner, type, id and version: a version never changes, so its state goes on when the book is given anew. */
  const compiled = new Map<string, readonly CompiledRule[]>()
  /** Sets by their rules, so that units with the same rules share one. */
  const sets = new Map<string, MutableSet>()

  const compileOne = ({ rule, owner }: Owned, type: ApplianceType): readonly CompiledRule[] => {
    const key = `${owner}/${type.id}/${rule.id}@${rule.version}`
    const known = compiled.get(key) ?? compileRules({ ...type, rules: [rule] }, filter)
    compiled.set(key, known)
    return known
  }
  const plainSet = (id: string): MutableSet => {
    const known = plain.get(id)
    if (known !== undefined) return known
    const type = types(id)
    // The whole list is checked once, for ids that are used twice.
    if (type !== undefined) compileRules(type, filter)
    const rules = type?.rules.flatMap((rule) => compileOne({ rule, owner: '' }, type)) ?? []
    const set = { rules, fromMs: Number.NEGATIVE_INFINITY, untilMs: Number.POSITIVE_INFINITY }
    plain.set(id, set)
    return set
  }
  const setAt = ({ tenant, device, type, atMs }: UnitAt, { type: own, timesMs, byRule }: Timeline): MutableSet => {
    const untilMs = timesMs.find((ms) => ms > atMs) ?? Number.POSITIVE_INFINITY
    const fromMs = timesMs.findLast((ms) => ms <= atMs) ?? Number.NEGATIVE_INFINITY
    const ids = [...new Set([...own.rules.map(({ id }) => id), ...byRule.keys()])]
    const rules = ids.flatMap((id) => ruleAt(device, atMs, { id, own, activations: byRule.get(id) ?? [] }) ?? [])
    const key = `${tenant}/${type}/${fromMs}/${rules.map(({ rule }) => `${rule.id}@${rule.version}`).join()}`
    const known = sets.get(key)
    if (known !== undefined) return known
    const set = { rules: rules.flatMap((rule) => compileOne(rule, own)), fromMs, untilMs }
    sets.set(key, set)
    return set
  }

  return {
    ruleSet(unit) {
      const timeline = timelines.get(`${unit.tenant}/${unit.type}`)
      return timeline === undefined ? plainSet(unit.type) : setAt(unit, timeline)
    },
    hasRules: (tenant, type) => plainSet(type).rules.length > 0 || timelines.has(`${tenant}/${type}`),
    replace(activations) {
      timelines = timelinesOf(activations, types)
      // Whoever holds a set asks for another with the next reading.
      for (const set of [...sets.values(), ...plain.values()]) set.untilMs = Number.NEGATIVE_INFINITY
      sets.clear()
      plain.clear()
    },
  }
}

type MutableSet = { -readonly [Name in keyof RuleSet]: RuleSet[Name] }

interface Owned {
  readonly rule: Rule
  /** Tenant of the version, empty for the catalogue. */
  readonly owner: string
}

function ruleAt(device: string, atMs: number, of: { id: string; own: ApplianceType; activations: readonly RuleActivation[] }): Owned | undefined {
  const active = of.activations.findLast(({ from_ms }) => from_ms <= atMs)
  const plain = of.own.rules.find(({ id }) => id === of.id)
  const owner = active?.tenant ?? ''
  if (active?.canary && canaryPlace(device, of.id) < active.canary.share_pct) return { rule: active.canary.rule, owner }
  if (active?.live) return { rule: active.live, owner }
  return plain === undefined ? undefined : { rule: plain, owner: '' }
}

/** Place of a unit from 0 up to 100 for the canary of a rule; the same unit is not the first for every rule. */
export const canaryPlace = (device: string, ruleId: string): number =>
  (Number.parseInt(contentId('canary', ruleId, device).slice(-6), 16) % 10_000) / 100

function timelinesOf(activations: readonly RuleActivation[], types: (type: string) => ApplianceType | undefined): Map<string, Timeline> {
  const byType = new Map<string, RuleActivation[]>()
  for (const activation of activations) {
    const key = `${activation.tenant}/${activation.type}`
    byType.set(key, [...(byType.get(key) ?? []), activation])
  }
  const timelines = new Map<string, Timeline>()
  for (const [key, own] of byType) {
    const type = types(own[0]?.type ?? '')
    if (type === undefined) continue
    own.sort((a, b) => a.from_ms - b.from_ms)
    const byRule = new Map<string, RuleActivation[]>()
    for (const activation of own) byRule.set(activation.rule_id, [...(byRule.get(activation.rule_id) ?? []), activation])
    timelines.set(key, { type, timesMs: [...new Set(own.map(({ from_ms }) => from_ms))], byRule })
  }
  return timelines
}
