/** What the API needs of the experience hub: risks, interventions and their effect, satisfaction, tags of households. */
import type { CustomerTag, Effect, NewCustomerTag, Satisfaction } from '#kernel/experience.ts'
import type { DemandPort } from './demand-ports.ts'

export interface ExperiencePort extends DemandPort {
  /** Risks of open orders, highest first. */
  risks(query: { readonly tenant: string; readonly limit: number }): Promise<readonly unknown[]>
  /** Newest first. */
  interventions(query: {
    readonly tenant: string
    readonly limit: number
    readonly state?: string | undefined
    readonly workOrderId?: string | undefined
  }): Promise<readonly unknown[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  answerIntervention(
    tenant: string,
    id: string,
    answer: { readonly result: 'done' | 'not_possible' | 'declined'; readonly note?: string | undefined; readonly actor: string },
  ): Promise<object>
  effect(tenant: string): Promise<Effect>
  satisfaction(query: { readonly tenant: string; readonly from_ms: number; readonly to_ms: number }): Promise<Satisfaction>
  customerTags(tenant: string, household: string): Promise<readonly CustomerTag[]>
  /** @throws MendlineError MDL_HUBS_CONSENT_REQUIRED */
  putCustomerTag(
    key: { readonly tenant: string; readonly household: string; readonly tag: string },
    given: NewCustomerTag & { readonly actor: string },
  ): Promise<CustomerTag>
  /** Whether there was one. */
  deleteCustomerTag(key: { readonly tenant: string; readonly household: string; readonly tag: string }): Promise<boolean>
}
