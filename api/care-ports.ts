/** What the API needs of care by use. */
import type { Care, CareChoice, CareDone, CareKind, NewCareChoice } from '#kernel/care.ts'

export interface CarePort {
  careOf(of: { readonly tenant: string; readonly device: string }): Promise<readonly Care[]>
  careDue(query: { readonly tenant: string; readonly who?: string | undefined; readonly limit: number }): Promise<readonly Care[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_API_CONFLICT */
  careDone(of: { readonly tenant: string; readonly device: string; readonly task: string }, given: CareDone): Promise<Care>
  careChoices(tenant: string, household: string): Promise<readonly CareChoice[]>
  /** @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  chooseCare(
    of: { readonly tenant: string; readonly household: string; readonly kind: CareKind },
    given: NewCareChoice & { readonly actor: string },
  ): Promise<CareChoice>
}
