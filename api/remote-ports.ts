/** What the API needs of remote first: offers of an order, and what the household says to one. */
import type { NamedStep, RemoteAnswer, RemoteOffer } from '#kernel/remote-offer.ts'

export interface RemotePort {
  remoteOffers(tenant: string, workOrderId: string): Promise<readonly RemoteOffer[]>
  /** The step that an order of the unit names to be tried before anybody comes, whether it is offered already or not; undefined for none. */
  namedStep(unit: { readonly tenant: string; readonly device: string }, workOrderId: string): Promise<NamedStep | undefined>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID, MDL_HUBS_CONSENT_REQUIRED */
  answerRemote(tenant: string, offerId: string, answer: RemoteAnswer, by: string): Promise<RemoteOffer>
}
