/** What the API needs of verified repair: labels with their lineage, signs of repairs that were none, and how diagnoses did at visits. */
import type { Lineage, LiveScore, RepairSignRecord } from '#kernel/lineage.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  /** Handed back as `after`, null at the end. */
  readonly next: string | null
}

interface ListQuery {
  readonly tenant: string
  readonly device?: string | undefined
  readonly after?: string | undefined
  readonly limit?: number | undefined
}

export interface LineagePort {
  /** Undefined when the tenant has no such order. */
  ofOrder(tenant: string, workOrderId: string): Promise<Lineage | undefined>
  /** Undefined when the tenant has no such label. */
  ofLabel(tenant: string, labelId: string): Promise<Lineage | undefined>
  /** Newest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  labels(query: ListQuery & { readonly fault?: string | undefined }): Promise<Page<object>>
  /** Newest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  repairSigns(query: ListQuery & { readonly sign?: string | undefined; readonly engineer?: string | undefined }): Promise<Page<RepairSignRecord>>
  liveScores(query: {
    readonly tenant: string
    readonly type?: string | undefined
    readonly from_ms?: number | undefined
    readonly to_ms?: number | undefined
  }): Promise<readonly LiveScore[]>
}
