/** The chain of work orders for tests of the API: what was put is given back. */
import type { Crew, Outlet } from '#kernel/crew.ts'
import type { OrderChainPort } from './order-ports.ts'

export function memoryOrderChain(note: (port: string, argument: unknown) => void): OrderChainPort {
  const outlets = new Map<string, Outlet>()
  const engineers = new Map<string, Crew>()
  const version = {
    version: 0,
    is_in_force: true,
    open_orders: 0,
    created_at_ms: 0,
    actor: 'mendline',
    process: { initial: 'opened', states: {} },
  } as const
  return {
    processes: async () => [version],
    async replaceProcess(change) {
      note('replaceProcess', change)
      return { ...version, version: 1, process: change.process, actor: change.actor, moved_orders: 0 }
    },
    outlets: async () => [...outlets.values()],
    async putOutlet(_tenant, outlet) {
      outlets.set(outlet.outlet, outlet)
      return outlet
    },
    engineers: async () => [...engineers.values()],
    serviceTerms: async () => undefined,
    putServiceTerms: async ({ type, terms }) => ({ type, version: 1, terms }),
    async putEngineer(_tenant, engineer) {
      engineers.set(engineer.engineer, engineer)
      return engineer
    },
  }
}
