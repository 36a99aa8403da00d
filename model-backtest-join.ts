/**
 * Backtests of a version of a model: which one it is, what was told live by the same version, and the report of what its diagnoses would have
 * been worth. Where versions come from is a port; the ones that come with the program are always there.
 */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import { isId } from '#kernel/ids.ts'
import { standardPolicy } from './hubs/hub-policy.ts'
import type { HubLists } from './hubs/lists.ts'
import { ARTEFACTS_DIRECTORY } from './models/artefact.ts'
import { folderOf } from './models/registry/model-files.ts'
import type { ModelRegistry } from './models/registry/model-registry.ts'
import type { BacktestSpan, BacktestUnit, Fire } from './workers/backtest.ts'
import { type CostParameters, judgeFires, type LabelledWindow } from './workers/backtest-report.ts'
import { hashDiagnoses } from './workers/model-backtest.ts'

export interface FoundModel {
  readonly version: string
  /** Folder of its four files. */
  readonly directory: string
  /** Brought or trained by the tenant, so that it runs in a process of its own. */
  readonly isOwn: boolean
  /** In force now. */
  readonly isLive: boolean
}

/** Versions of models of a type; without a version the one in force. */
export type ModelSource = (tenant: string, type: string, version: string | undefined) => Promise<FoundModel | undefined>

/** The models that come with the program. */
export const committedModels: ModelSource = async (_tenant, type, version) => {
  if (!isId(type)) return undefined
  const directory = join(ARTEFACTS_DIRECTORY, type)
  const text = await readFile(join(directory, 'card.json'), 'utf8').catch(() => undefined)
  if (text === undefined) return undefined
  const card = JSON.parse(text) as { readonly version: string }
  return version === undefined || version === card.version ? { version: card.version, directory, isOwn: false, isLive: true } : undefined
}

/** Those, and the models that the tenant brought or trained; the one in force is the one that diagnoses now. */
export const ownModels =
  (registry: Pick<ModelRegistry, 'list'>, dataDir: string): ModelSource =>
  async (tenant, type, version) => {
    const known = registry.list(tenant).filter((record) => record.type === type)
    const found = known.find((record) => (version === undefined ? record.state === 'live' : record.version === version))
    if (found === undefined) return undefined
    const isLive = found.state === 'live'
    if (found.source !== 'program') return { version: found.version, directory: folderOf(dataDir, tenant, found.version), isOwn: true, isLive }
    const committed = await committedModels(tenant, type, found.version)
    return committed === undefined ? undefined : { ...committed, isLive }
  }

/** Diagnoses that are read back from the hubs. */
const PAGES_MAX = 200
const WEEK_MS = 7 * 86_400_000
const SHOWN = 500

/** What one version told of the units in the span. */
export async function toldLive(
  diagnoses: HubLists['diagnoses'],
  { tenant, version, units, span }: { tenant: string; version: string; units: readonly BacktestUnit[]; span: BacktestSpan },
): Promise<Diagnosis[]> {
  const ours = new Set(units.map(({ device }) => device))
  const found: Diagnosis[] = []
  let after: string | null = null
  for (let page = 0; page < PAGES_MAX; page++) {
    const { items, next }: Awaited<ReturnType<HubLists['diagnoses']>> = await diagnoses({
      tenant,
      limit: 1_000,
      ...(after === null ? {} : { after }),
    })
    found.push(...items.filter((one) => one.versions.model === version && ours.has(one.device) && isWithin(one, span)))
    after = next
    // Newest first.
    if (after === null || (items.at(-1)?.made_at_ms ?? 0) < span.from_ms) break
  }
  return found
}

const isWithin = ({ made_at_ms }: Diagnosis, { from_ms, to_ms }: BacktestSpan): boolean => made_at_ms >= from_ms && made_at_ms < to_ms

/** The part of the report that speaks of diagnoses. */
export function reportModel(
  { tried, live, labels }: { readonly tried: readonly Diagnosis[]; readonly live: readonly Diagnosis[]; readonly labels: readonly LabelledWindow[] },
  { version, units, span, ...costs }: CostParameters & { readonly version: string; readonly units: number; readonly span: BacktestSpan },
): object {
  const faults = tried.filter(({ answer }) => answer === 'fault' || answer === 'unknown_fault')
  const probability = new Map(faults.map((one) => [`${one.device}/${one.made_at_ms}`, one.probability]))
  const fires = faults.map(
    ({ device, fault, safety_class, window_from_ms, made_at_ms }): Fire => ({
      ...{ device, rule: `model ${version}`, rule_version: 1, safety_class, fault },
      ...{ began_at_ms: window_from_ms, raised_at_ms: made_at_ms, cleared_at_ms: null },
    }),
  )
  const opens = ({ device, raised_at_ms, fault }: Fire): boolean =>
    fault !== null && (probability.get(`${device}/${raised_at_ms}`) ?? 0) >= standardPolicy.diagnosisProbability_MIN
  const { by_rule: _rules, fires_count: alerts, units_with_fires: units_with_alerts, ...judged } = judgeFires(fires, labels, { ...costs, opens })
  const unitWeeks = (units * (span.to_ms - span.from_ms)) / WEEK_MS
  const byFault = [...Map.groupBy(tried, ({ answer, fault }) => fault ?? answer)]
  return {
    ...{ diagnoses: tried.length, alerts, units_with_alerts, alerts_per_1000_unit_weeks: unitWeeks === 0 ? null : (1_000 * alerts) / unitWeeks },
    by_answer: byFault.map(([answer, own]) => ({ answer, diagnoses: own.length, units: new Set(own.map(({ device }) => device)).size })),
    ...{ diagnosis_hash: hashDiagnoses(tried), live_diagnoses: live.length, live_hash: hashDiagnoses(live) },
    is_equal: hashDiagnoses(tried) === hashDiagnoses(live),
    ...judged,
    told: tried
      .slice(0, SHOWN)
      .map(({ device, made_at_ms, answer, fault, probability: p }) => ({ device, made_at_ms, answer, fault, probability: p })),
    told_not_shown: Math.max(0, tried.length - SHOWN),
  }
}
