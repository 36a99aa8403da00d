/** What the API needs of remote first: offers of an order, and what the household says to one. */
import type { RemoteAnswer, RemoteOffer } from '#kernel/remote-offer.ts'

export interface RemotePort {
  remoteOffers(tenant: string, workOrderId: string): Promise<readonly RemoteOffer[]>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID, MDL_HUBS_CONSENT_REQUIRED */
  answerRemote(tenant: string, offerId: string, answer: RemoteAnswer, by: string): Promise<RemoteOffer>
}
