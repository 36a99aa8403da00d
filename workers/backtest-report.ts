/**
 * What the fires of a backtest would have been worth: held against what visits found, and put into visits and money. A fire is right when a
 * visit to its unit found the fault that the rule names, wrong when one found another cause or none; without a visit it is not judged.
 * Fires of one unit and cause within the quiet time are one visit, as the hubs would make of them.
 */
import type { Fire } from './backtest.ts'

export interface LabelledWindow {
  readonly device: string
  readonly cause: string
  readonly window_from_ms: number
  readonly window_to_ms: number
}

/** What a report assumes; all chosen, to be replaced by the house's own. */
export interface CostParameters {
  /** A visit, in minor units of the currency. */
  readonly visit_cost?: number
  readonly currency?: string
}

export interface Judgement {
  readonly fires_count: number
  readonly units_with_fires: number
  readonly by_rule: ReadonlyArray<{ readonly rule: string; readonly version: number; readonly fires: number; readonly units: number }>
  readonly visits: number
  readonly judged: { readonly right: number; readonly wrong: number; readonly not_judged: number; readonly precision: number | null }
  readonly cost: {
    readonly parameters: { readonly visit_cost: number; readonly currency: string; readonly quiet_ms: number; readonly label_reach_ms: number }
    readonly visits_total: number
    readonly wasted_total: number
  }
}

/** A label speaks of fires that began so long before or behind its window (chosen: a visit comes within two weeks). */
const LABEL_REACH_MS = 14 * 86_400_000

/** Another fire of one unit and cause within this is the same visit (the hubs' quiet time after a settled order). */
const QUIET_MS = 14 * 86_400_000

const VISIT_COST = 9_000

/** `opens` says whether a fire opens an order by itself. */
export function judgeFires(
  fires: readonly Fire[],
  labels: readonly LabelledWindow[],
  options: CostParameters & { readonly opens: (fire: Fire) => boolean },
): Judgement {
  const { visit_cost = VISIT_COST, currency = 'EUR', opens } = options
  const byDevice = Map.groupBy(labels, ({ device }) => device)
  const verdicts = fires.map((fire) => verdictOf(fire, byDevice.get(fire.device) ?? []))
  const [right, wrong] = [verdicts.filter((verdict) => verdict === true).length, verdicts.filter((verdict) => verdict === false).length]
  const visits = visitsOf(fires.filter(opens))
  const wasted = visits.filter((fire) => verdictOf(fire, byDevice.get(fire.device) ?? []) === false).length
  const byRule = Map.groupBy(fires, ({ rule, rule_version }) => `${rule}@${rule_version}`)
  return {
    fires_count: fires.length,
    units_with_fires: new Set(fires.map(({ device }) => device)).size,
    by_rule: [...byRule.values()].map((own) => {
      const { rule = '', rule_version: version = 0 } = own[0] ?? {}
      return { rule, version, fires: own.length, units: new Set(own.map(({ device }) => device)).size }
    }),
    visits: visits.length,
    judged: { right, wrong, not_judged: fires.length - right - wrong, precision: right + wrong === 0 ? null : right / (right + wrong) },
    cost: {
      parameters: { visit_cost, currency, quiet_ms: QUIET_MS, label_reach_ms: LABEL_REACH_MS },
      visits_total: visits.length * visit_cost,
      wasted_total: wasted * visit_cost,
    },
  }
}

function verdictOf({ fault, began_at_ms }: Fire, labels: readonly LabelledWindow[]): boolean | undefined {
  const near = labels.filter(
    ({ window_from_ms, window_to_ms }) => began_at_ms >= window_from_ms - LABEL_REACH_MS && began_at_ms <= window_to_ms + LABEL_REACH_MS,
  )
  if (near.length === 0 || fault === null) return undefined
  return near.some(({ cause }) => cause === fault)
}

function visitsOf(fires: readonly Fire[]): Fire[] {
  const lastMs = new Map<string, number>()
  return [...fires]
    .sort((a, b) => a.raised_at_ms - b.raised_at_ms)
    .filter(({ device, fault, rule, raised_at_ms }) => {
      const key = `${device}/${fault ?? rule}`
      const isSame = raised_at_ms - (lastMs.get(key) ?? Number.NEGATIVE_INFINITY) <= QUIET_MS
      if (!isSame) lastMs.set(key, raised_at_ms)
      return !isSame
    })
}
