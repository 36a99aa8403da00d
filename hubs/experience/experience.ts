/** Front of the experience hub: what people and systems read of it and say to it. Each call is one transaction. */
import type { CustomerTag, Effect, NewCustomerTag, Satisfaction } from '#kernel/experience.ts'
import { limits } from '#kernel/limits.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { deleteTag, putTag, type TagKey, tagsOf } from './customer-tags.ts'
import { createDemandDesk, type DemandDesk } from './demand-desk.ts'
import { measureEffect } from './effect.ts'
import { openOrdersOf } from './household-orders.ts'
import { answerIntervention, type Intervention, type InterventionResult, toIntervention } from './interventions.ts'
import { type OrderRisk, refreshRisk, toOrderRisk } from './order-risk.ts'
import { measureSatisfaction } from './satisfaction.ts'

export interface ExperienceHub extends DemandDesk {
  /** Risks of open orders, highest first. */
  risks(query: { readonly tenant: string; readonly limit: number }): Promise<OrderRisk[]>
  /** Newest first. */
  interventions(query: {
    readonly tenant: string
    readonly limit: number
    readonly state?: string | undefined
    readonly workOrderId?: string | undefined
  }): Promise<Intervention[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  answerIntervention(tenant: string, id: string, answer: InterventionResult): Promise<Intervention>
  effect(tenant: string): Promise<Effect>
  satisfaction(query: { readonly tenant: string; readonly from_ms: number; readonly to_ms: number }): Promise<Satisfaction>
  customerTags(tenant: string, household: string): Promise<CustomerTag[]>
  /** @throws MendlineError MDL_HUBS_CONSENT_REQUIRED */
  putCustomerTag(key: TagKey, given: NewCustomerTag & { readonly actor: string }): Promise<CustomerTag>
  /** Whether there was one. */
  deleteCustomerTag(key: TagKey): Promise<boolean>
}

export function createExperience(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>): ExperienceHub {
  return {
    risks: ({ tenant, limit }) =>
      inTransaction(async ({ database }) => {
        const rows = await database
          .selectFrom('hub_order_risks')
          .selectAll()
          .where('tenant', '=', tenant)
          .where('is_open', '=', 1)
          .orderBy('score', 'desc')
          .orderBy('work_order_id')
          .limit(Math.min(limit, limits.apiPage_MAX))
          .execute()
        return rows.map(toOrderRisk)
      }),
    interventions: ({ tenant, limit, state, workOrderId }) =>
      inTransaction(async ({ database }) => {
        const rows = await database
          .selectFrom('hub_interventions')
          .selectAll()
          .where('tenant', '=', tenant)
          .$if(state !== undefined, (query) => query.where('state', '=', state ?? ''))
          .$if(workOrderId !== undefined, (query) => query.where('work_order_id', '=', workOrderId ?? ''))
          .orderBy('opened_at_ms', 'desc')
          .orderBy('intervention_id')
          .limit(Math.min(limit, limits.apiPage_MAX))
          .execute()
        return rows.map(toIntervention)
      }),
    answerIntervention: (tenant, id, answer) => inTransaction((hub) => answerIntervention(hub, tenant, id, answer)),
    effect: (tenant) => inTransaction((hub) => measureEffect(hub, tenant)),
    satisfaction: (query) => inTransaction((hub) => measureSatisfaction(hub, query)),
    customerTags: (tenant, household) => inTransaction((hub) => tagsOf(hub, { tenant, household })),
    putCustomerTag: (key, given) => inTransaction((hub) => thenReckon(hub, key, putTag(hub, key, given))),
    ...createDemandDesk(inTransaction),
    deleteCustomerTag: (key) => inTransaction((hub) => thenReckon(hub, key, deleteTag(hub, key))),
  }
}

/** What a household lets be known, or no longer, counts in the risk of its open orders from that moment on. */
async function thenReckon<T>(hub: HubTransaction, { tenant, household }: TagKey, changed: Promise<T>): Promise<T> {
  const result = await changed
  for (const order of await openOrdersOf(hub, { tenant, household })) await refreshRisk(hub, order)
  return result
}
