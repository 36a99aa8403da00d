/** Front of remote first: what people read of offers and say to them, and what whoever looks at readings needs. Each call is one transaction. */
import type { NamedStep, RemoteAnswer, RemoteOffer } from '#kernel/remote-offer.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { findOrder } from '../work-orders.ts'
import { answerOffer } from './remote-answers.ts'
import { offersOf, stepBeforeVisit, textVersion, toOffer } from './remote-offers.ts'
import { beginTest, endTest, type PendingTest, pendingTests, readTest } from './remote-tests.ts'

export interface RemoteDesk {
  /** Offers of an order, oldest first. */
  remoteOffers(tenant: string, workOrderId: string): Promise<RemoteOffer[]>
  /** The step that an order of the unit names to be tried before anybody comes, whether it is offered already or not; undefined for none. */
  namedStep(unit: { readonly tenant: string; readonly device: string }, workOrderId: string): Promise<NamedStep | undefined>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID, MDL_HUBS_CONSENT_REQUIRED */
  answerRemote(tenant: string, offerId: string, answer: RemoteAnswer, by?: string): Promise<RemoteOffer>
  readonly remoteTests: RemoteTests
}

export interface RemoteTests {
  pending(limit: number): Promise<PendingTest[]>
  begin(offerId: string): Promise<void>
  end(offerId: string, how: Parameters<typeof endTest>[2]): Promise<void>
  read(offerId: string, values: readonly number[]): Promise<void>
}

export function createRemoteDesk(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>, by?: string) => Promise<T>): RemoteDesk {
  return {
    remoteOffers: (tenant, work_order_id) =>
      inTransaction(async (hub) => (await offersOf(hub, { tenant, work_order_id })).map((row) => toOffer(row, hub.catalogue(row.type)))),
    namedStep: (unit, id) => inTransaction((hub) => findNamed(hub, unit, id)),
    answerRemote: (tenant, offerId, answer, by) =>
      inTransaction(async (hub) => {
        const row = await answerOffer(hub, tenant, offerId, answer)
        return toOffer(row, hub.catalogue(row.type))
      }, by),
    remoteTests: {
      pending: (limit) => inTransaction((hub) => pendingTests(hub, limit)),
      begin: (offerId) => inTransaction((hub) => beginTest(hub, offerId)),
      end: (offerId, how) => inTransaction((hub) => endTest(hub, offerId, how)),
      read: (offerId, values) => inTransaction((hub) => readTest(hub, offerId, values)),
    },
  }
}

async function findNamed(
  hub: HubTransaction,
  { tenant, device }: { readonly tenant: string; readonly device: string },
  id: string,
): Promise<NamedStep | undefined> {
  const order = await findOrder(hub, tenant, id)
  const before = order?.device === device ? await stepBeforeVisit(hub, order) : undefined
  if (order === undefined || before === undefined || before.isMeasured) return undefined
  const { id: action, action: text, minutes } = before.step
  return { work_order_id: id, action, text, text_version: textVersion(hub.catalogue(order.type), action), minutes }
}
