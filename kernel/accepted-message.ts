/** A message that passed rights and limits at a door, before anybody looked into its payload. It is what the journal keeps. */
import type { EpochMs } from './clock.ts'

export const MESSAGE_KINDS = ['tele', 'event', 'state', 'reported', 'ack'] as const
export type MessageKind = (typeof MESSAGE_KINDS)[number]

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
}
