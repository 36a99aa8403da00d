/** Front of remote first: what people read of offers and say to them, and what whoever looks at readings needs. Each call is one transaction. */
import type { RemoteAnswer, RemoteOffer } from '#kernel/remote-offer.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { answerOffer } from './remote-answers.ts'
import { offersOf, toOffer } from './remote-offers.ts'
import { beginTest, endTest, type PendingTest, pendingTests, readTest } from './remote-tests.ts'

export interface RemoteDesk {
  /** Offers of an order, oldest first. */
  remoteOffers(tenant: string, workOrderId: string): Promise<RemoteOffer[]>
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
