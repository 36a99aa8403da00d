/** What the API needs of help during visits. */
import type { EndHelp, HelpFigures, HelpRequest, NewHelp, TakeHelp } from '#kernel/help.ts'

export interface HelpPort {
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID */
  askHelp(tenant: string, workOrderId: string, given: NewHelp): Promise<HelpRequest>
  helpQueue(query: {
    readonly tenant: string
    readonly kind?: string | undefined
    readonly state?: string | undefined
    readonly workOrderId?: string | undefined
    readonly expert?: string | undefined
    readonly limit?: number | undefined
  }): Promise<readonly HelpRequest[]>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  helpRequest(tenant: string, id: string): Promise<HelpRequest>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID, MDL_HUBS_ILLEGAL_MOVE */
  takeHelp(tenant: string, id: string, given: TakeHelp): Promise<HelpRequest>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  endHelp(tenant: string, id: string, given: EndHelp): Promise<HelpRequest>
  helpFigures(query: { readonly tenant: string; readonly kind: string; readonly from_ms: number; readonly to_ms: number }): Promise<HelpFigures>
}
