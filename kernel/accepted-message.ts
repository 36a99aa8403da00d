/** A message that passed rights and limits at a door, before anybody looked into its payload. It is what the journal keeps. */
import type { EpochMs } from './clock.ts'

export const MESSAGE_KINDS = ['tele', 'event', 'state', 'reported', 'ack'] as const
export type MessageKind = (typeof MESSAGE_KINDS)[number]

/** Forms of a payload beside the contract's own JSON. The journal numbers them in this order: append only. `stray` = for a device nobody may speak for; `unclaimed` = of another broker, and for nobody. */
export const MESSAGE_FORMS = ['thingsboard', 'senml', 'mapped', 'sparkplug', 'stray', 'opcua', 'unclaimed'] as const
export type MessageForm = (typeof MESSAGE_FORMS)[number]

export interface AcceptedMessage {
  readonly tenant: string
  readonly device: string
  /** Appliance type of the device at the time of receipt. */
  readonly type: string
  readonly kind: MessageKind
  readonly payload: Uint8Array
  readonly received_at_ms: EpochMs
  /** How far behind the receipt the device time may lie, in days (per device). */
  readonly maxAgeDays: number
  /** Id of the command that an `ack` answers. */
  readonly commandId?: string
  /** Form of the payload; absent = the contract's JSON. */
  readonly form?: MessageForm
  /**
   * What decoding the form needs beyond the payload, so that the record explains itself for ever: `id@version` of a mapping, names and
   * datatypes of Sparkplug's aliases, the device that a stray message named, topic (and bytes, where it is too large) of an unclaimed one as JSON.
   */
  readonly context?: string
}
