/** What a publish in a form of its own says: the records that it becomes, or that it is dropped or refused. */
import type { MessageForm } from '#kernel/accepted-message.ts'
import type { UplinkTopic } from '../topics.ts'

/** One record that a publish becomes. */
export interface ForeignUplink extends UplinkTopic {
  readonly form?: MessageForm
  readonly context?: string
  readonly payload: Uint8Array
  /** What a `state` says of presence, where its payload is not the contract's. */
  readonly presence?: Uint8Array
}

export interface ForeignPublish {
  readonly topic: string
  readonly qos: number
  readonly payload: Uint8Array
  /** The connection it came by, compared by identity. */
  readonly connection: object
}

/** `accept`: journalled before the PUBACK. `ignore`: acknowledged and dropped, for questions that this platform does not answer. */
export type ForeignDecision =
  | { readonly kind: 'accept'; readonly uplinks: readonly ForeignUplink[] }
  | { readonly kind: 'ignore' }
  | { readonly kind: 'refuse' }

/** Type of a device of a tenant. */
export type TypeOf = (tenant: string, device: string) => string
