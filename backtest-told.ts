/**
 * What people were told of alarms in the span of a backtest: the alarms that the hubs keep, and not those that the fold makes of the readings as they
 * lie in the store now. Readings that come late amend the second and tell nobody, so the two may differ; the report says where.
 */
import type { Alarm } from '#kernel/alarm.ts'
import { LEARNED_NORMAL_RULE } from '#kernel/anomaly.ts'
import { CHANNEL_STATE_RULE } from '#kernel/channel-state.ts'
import type { HubLists } from './hubs/lists.ts'
import { isSafetyRule } from './rules/compile-rules.ts'
import type { RuleRegistry } from './rules/rule-registry.ts'
import { type BacktestSpan, type BacktestUnit, type Fire, hashFires } from './workers/backtest.ts'

interface ToldParts {
  readonly tenant: string
  readonly units: readonly BacktestUnit[]
  readonly span: BacktestSpan
  readonly registry: Pick<RuleRegistry, 'rule'>
}

/** Alarms of the tenant that are looked through, newest first. */
const PAGES_MAX = 200
/** Differences that are named one by one. */
const NAMED_MAX = 50

/** Alarms of ordinary rules and of channels that were told in the span; undefined when there are too many to read. */
export async function toldFires(alarms: HubLists['alarms'], parts: ToldParts): Promise<Fire[] | undefined> {
  const ours = new Set(parts.units.map(({ device }) => device))
  const [only, ...others] = ours
  const query = { tenant: parts.tenant, limit: 1_000, ...(only === undefined || others.length > 0 ? {} : { device: only }) }
  const found: Fire[] = []
  let after: string | null = null
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next }: Awaited<ReturnType<HubLists['alarms']>> = await alarms({ ...query, ...(after === null ? {} : { after }) })
    for (const alarm of items) if (ours.has(alarm.device) && isTried(alarm, parts)) found.push(fireOf(alarm))
    after = next
    if (after === null || (items.at(-1)?.raised_at_ms ?? 0) < parts.span.from_ms) return found
  }
  return undefined
}

/** Dangers decide on arrival, a learned normal and silence are no rules. The state of a channel is always tried, whatever its class. */
function isTried({ tenant, rule: id, rule_version, raised_at_ms, safety_class }: Alarm, { span, registry }: ToldParts): boolean {
  if (raised_at_ms < span.from_ms || raised_at_ms >= span.to_ms) return false
  if (id === LEARNED_NORMAL_RULE || id.startsWith('silence:')) return false
  if (id.startsWith(CHANNEL_STATE_RULE)) return true
  const rule = registry.rule(tenant, id, rule_version)
  return !isSafetyRule(rule ?? { safetyClass: safety_class })
}

const fireOf = ({ device, rule, rule_version, safety_class, fault, began_at_ms, raised_at_ms, cleared_at_ms }: Alarm): Fire => ({
  ...{ device, rule, rule_version, safety_class, fault, began_at_ms, raised_at_ms, cleared_at_ms },
})

const keyOf = ({ device, rule, rule_version, began_at_ms, raised_at_ms }: Fire): string =>
  `${device} ${rule}@${rule_version} ${began_at_ms} ${raised_at_ms}`

/** What was told against what is tried; an end that lies behind the span is not compared. */
export function compareTold(
  { tried, told, stored }: { readonly tried: readonly Fire[]; readonly told: readonly Fire[] | undefined; readonly stored: readonly Fire[] },
  { to_ms }: BacktestSpan,
): object {
  const isAsStored = hashFires(tried) === hashFires(stored)
  if (told === undefined) return { live_fires: null, live_hash: null, is_equal: null, is_as_stored: isAsStored }
  const toldByKey = new Map(told.map((fire) => [keyOf(fire), fire]))
  const triedKeys = new Set(tried.map(keyOf))
  const endOf = ({ cleared_at_ms }: Fire): number | null => (cleared_at_ms !== null && cleared_at_ms < to_ms ? cleared_at_ms : null)
  const notTold = tried.filter((fire) => !toldByKey.has(keyOf(fire)))
  const toldOnly = told.filter((fire) => !triedKeys.has(keyOf(fire)))
  const ended = tried.flatMap((fire) => {
    const other = toldByKey.get(keyOf(fire))
    return other === undefined || endOf(other) === endOf(fire) ? [] : [{ ...fire, told_cleared_at_ms: other.cleared_at_ms }]
  })
  return {
    ...{ live_fires: told.length, live_hash: hashFires(told), is_equal: notTold.length + toldOnly.length + ended.length === 0 },
    ...{ is_as_stored: isAsStored, not_told: notTold.length, told_only: toldOnly.length, ended_otherwise: ended.length },
    differences: [
      ...notTold.map((fire) => ({ difference: 'not_told', ...fire })),
      ...toldOnly.map((fire) => ({ difference: 'told_only', ...fire })),
      ...ended.map((fire) => ({ difference: 'ended_otherwise', ...fire })),
    ].slice(0, NAMED_MAX),
  }
}
