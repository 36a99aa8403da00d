/**
 * The door between broker and ingest for telemetry, made for the hot path: what all messages of one device and kind have in common is
 * handed over once, a message costs one call, and who waits is told once for a run of messages of one commit, not by a promise each.
 */
import type { AcceptedMessage } from './accepted-message.ts'
import type { EpochMs } from './clock.ts'
import type { MendlineError } from './errors.ts'

/** Messages of one waiter, side by side in one commit of the journal, and how they ended. */
export interface CommitRun {
  readonly count: number
  readonly payloadBytes: number
  /** Longest time that a message of the commit waited. */
  readonly waitedMs: number
  /** Undefined = all are durable; else none of them is acknowledged. */
  readonly error: MendlineError | undefined
}

/** Is told of its messages in the order in which they were handed over. It must not throw. */
export interface CommitWaiter {
  settled(run: CommitRun): void
}

/** What all messages through one door have in common. */
export type DoorSource = Omit<AcceptedMessage, 'payload' | 'received_at_ms'>

export interface IngestDoor {
  /** Copies the payload and hands it to the journal; a refusal is returned at once, and the waiter then hears nothing of this message. */
  accept(payload: Uint8Array, receivedAtMs: EpochMs): MendlineError | undefined
}

/** Opens a door whose messages `waiter` waits for. */
export type OpenDoor = (source: DoorSource, waiter: CommitWaiter) => IngestDoor
