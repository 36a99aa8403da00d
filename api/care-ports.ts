/** What the API needs of care by use. */
import type { Care, CareChoice, CareDone, CareKind, NewCareChoice } from '#kernel/care.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  /** Cursor of the next page, null on the last. */
  readonly next: string | null
}

export interface CarePort {
  careOf(of: { readonly tenant: string; readonly device: string }): Promise<readonly Care[]>
  /** Longest due first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  careDue(query: {
    readonly tenant: string
    readonly who?: string | undefined
    /** `next` of the page before. */
    readonly after?: string | undefined
    readonly limit: number
  }): Promise<Page<Care>>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_INVALID, MDL_API_CONFLICT */
  careDone(of: { readonly tenant: string; readonly device: string; readonly task: string }, given: CareDone): Promise<Care>
  careChoices(tenant: string, household: string): Promise<readonly CareChoice[]>
  /** @throws MendlineError MDL_API_INVALID, MDL_API_CONFLICT */
  chooseCare(
    of: { readonly tenant: string; readonly household: string; readonly kind: CareKind },
    given: NewCareChoice & { readonly actor: string },
  ): Promise<CareChoice>
}
