/**
 * Joins the rules of tenants: their registry in the operational store, the book that the safety path goes by, the pipeline's worker that has a
 * book of its own, and the port of the API. A change reaches both books before it is answered.
 */
import type { Kysely } from 'kysely'
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Alarm } from '#kernel/alarm.ts'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { RulePort } from './api/rule-ports.ts'
import { isSafetyRule } from './rules/compile-rules.ts'
import { createRuleBook, type RuleActivation, type RuleBook } from './rules/rule-book.ts'
import { RuleRegistry, type RuleSummary } from './rules/rule-registry.ts'
import type { RuleTables } from './rules/rule-tables.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { PIPELINE_CALLS } from './workers/worker-settings.ts'

export interface Rules {
  readonly registry: RuleRegistry
  /** Rules for safety. */
  readonly safetyBook: RuleBook
  /** Version of the rule that raised an alarm, when it is a tenant's. */
  readonly ruleOf: (alarm: Alarm) => ReturnType<RuleRegistry['rule']>
  onChange(listener: (activations: readonly RuleActivation[]) => unknown): void
}

interface RuleBooks {
  readonly database: Kysely<RuleTables>
  readonly types: {
    readonly byId: (type: string) => ApplianceType | undefined
    readonly list: (tenant: string) => readonly ApplianceType[]
    readonly find: (tenant: string, name: string) => ApplianceType | undefined
  }
  readonly clock: Clock
}

/** Reads what is saved. */
export async function openRules({ database, types, clock }: RuleBooks): Promise<Rules> {
  const listeners: Array<(activations: readonly RuleActivation[]) => unknown> = []
  const safetyBook = createRuleBook({ types: types.byId, filter: isSafetyRule })
  const registry = new RuleRegistry({
    database,
    types,
    clock,
    async onChange(activations) {
      safetyBook.replace(activations)
      for (const listener of listeners) await listener(activations)
    },
  })
  await registry.start()
  safetyBook.replace(registry.activations())
  return {
    registry,
    safetyBook,
    ruleOf: ({ tenant, rule, rule_version }) => registry.rule(tenant, rule, rule_version),
    onChange: (listener) => void listeners.push(listener),
  }
}

/** The port of the API; from here on a change reaches the pipeline. */
export function rulePort(
  { registry, onChange }: Rules,
  {
    pipeline,
    devices,
    types,
    tell,
    clock,
  }: {
    readonly pipeline: Pick<PipelineHost, 'call'>
    readonly devices: { get(tenant: string, device: string): { readonly type: string } | undefined }
    readonly types: Pick<RuleBooks['types'], 'find'>
    /** Takes the notice that a rule for safety was changed. */
    readonly tell: (events: readonly HubEvent[]) => Promise<void>
    readonly clock: Pick<Clock, 'now'>
  },
): RulePort {
  /** Whoever changes what counts as a danger is not alone in knowing it: the change leaves as a system alarm. */
  const told = async (tenant: string, change: Promise<RuleSummary>, { actor, reason }: { readonly actor: string; readonly reason: string }) => {
    const summary = await change
    const { rule_id, safety_class, live_version, since_ms } = summary
    if (safety_class !== 'E0' && safety_class !== 'E1') return summary
    const detail = { rule_id, safety_class, live_version: live_version ?? 'none', actor, reason }
    const key = `safety_rule_changed:${tenant}:${rule_id}:${since_ms ?? 0}`
    await tell([{ kind: 'system_alarm', key, tenant, at_ms: clock.now(), subject: 'safety-rule', detail }])
    return summary
  }
  onChange((activations) => pipeline.call(PIPELINE_CALLS.ruleBook, activations))
  return {
    list: (tenant) => registry.list(tenant),
    versions: (tenant, id) => registry.versions(tenant, id),
    history: (tenant, id) => registry.history(tenant, id),
    diff: (tenant, id, versions) => registry.diff(tenant, id, versions),
    put: (tenant, id, given) => registry.put(tenant, id, given),
    activate: (tenant, id, how) => told(tenant, registry.activate(tenant, id, how), how),
    rollBack: (tenant, id, how) => told(tenant, registry.rollBack(tenant, id, how), how),
    async why({ tenant, rule, device, at_ms }) {
      const found = devices.get(tenant, device)
      if (found === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no device ${device}`)
      const summary = registry.list(tenant).find(({ rule_id }) => rule_id === rule)
      if (summary === undefined) throw new MendlineError('MDL_API_NOT_FOUND', `there is no rule ${rule}`)
      if (summary.type !== found.type)
        throw new MendlineError('MDL_API_NOT_FOUND', `rule ${rule} is of the type ${summary.type}, ${device} is of the type ${found.type}`)
      // Readings carry the id of the type, which is another than the name that a tenant gave to one of its own.
      const type = types.find(tenant, found.type)?.id ?? found.type
      return pipeline.call<object>(PIPELINE_CALLS.why, { tenant, device, type, rule, at_ms })
    },
  }
}
