/** What people and systems set about the chain of work orders and read of it: processes, outlets, engineers. Each call is one transaction. */
import type { Crew, Outlet } from '#kernel/crew.ts'
import type { TermsVersion } from '#kernel/service-terms.ts'
import type { ProcessVersion } from '#kernel/work-order-process.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { listEngineers, listOutlets, putEngineer, putOutlet } from './crews.ts'
import { listProcesses, type ProcessChange, replaceProcess } from './process-book.ts'
import { putTerms, termsOf } from './terms-book.ts'

export interface OrderChain {
  processes(tenant: string): Promise<ProcessVersion[]>
  /** @throws MendlineError MDL_HUBS_PROCESS_INVALID, MDL_API_CONFLICT, MDL_API_TOO_LARGE */
  replaceProcess(change: ProcessChange): Promise<ProcessVersion & { readonly moved_orders: number }>
  outlets(tenant: string): Promise<Outlet[]>
  putOutlet(tenant: string, outlet: Outlet): Promise<Outlet>
  engineers(tenant: string): Promise<Crew[]>
  putEngineer(tenant: string, engineer: Crew): Promise<Crew>
  serviceTerms(tenant: string, type: string): Promise<TermsVersion | undefined>
  putServiceTerms(given: Parameters<typeof putTerms>[1]): Promise<TermsVersion>
}

export function createOrderChain(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>): OrderChain {
  return {
    processes: (tenant) => inTransaction((hub) => listProcesses(hub, tenant)),
    replaceProcess: (change) => inTransaction((hub) => replaceProcess(hub, change)),
    outlets: (tenant) => inTransaction((hub) => listOutlets(hub, tenant)),
    putOutlet: (tenant, outlet) => inTransaction((hub) => putOutlet(hub, tenant, outlet)),
    engineers: (tenant) => inTransaction((hub) => listEngineers(hub, tenant)),
    serviceTerms: (tenant, type) => inTransaction((hub) => termsOf(hub, tenant, type)),
    putServiceTerms: (given) => inTransaction((hub) => putTerms(hub, given)),
    putEngineer: (tenant, engineer) => inTransaction((hub) => putEngineer(hub, tenant, engineer)),
  }
}
