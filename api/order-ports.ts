/** What the API needs of the chain of work orders: processes in versions, outlets, engineers, service terms, and the packet of a visit. */
import type { Crew, Outlet } from '#kernel/crew.ts'
import type { ServiceTerms, TermsVersion } from '#kernel/service-terms.ts'
import type { NewProcess, ProcessVersion } from '#kernel/work-order-process.ts'

export interface OrderChainPort {
  /** Versions, newest first; the one that ships is the last. */
  processes(tenant: string): Promise<readonly ProcessVersion[]>
  /** @throws MendlineError MDL_HUBS_PROCESS_INVALID, MDL_API_CONFLICT, MDL_API_TOO_LARGE */
  replaceProcess(change: {
    readonly tenant: string
    readonly process: NewProcess
    readonly actor: string
    readonly openOrders: 'keep' | 'move'
    readonly expectedVersion: number | undefined
  }): Promise<ProcessVersion & { readonly moved_orders: number }>
  outlets(tenant: string): Promise<readonly Outlet[]>
  putOutlet(tenant: string, outlet: Outlet): Promise<Outlet>
  engineers(tenant: string): Promise<readonly Crew[]>
  putEngineer(tenant: string, engineer: Crew): Promise<Crew>
  /** Terms in force for a type. */
  serviceTerms(tenant: string, type: string): Promise<TermsVersion | undefined>
  putServiceTerms(given: {
    readonly tenant: string
    readonly type: string
    readonly terms: ServiceTerms
    readonly actor: string
  }): Promise<TermsVersion>
}
