/**
 * The door of ingest: takes a message that passed the broker's rights, writes it to the journal and resolves once it is durable, so
 * that the PUBACK may follow. It does not look into the payload; decoding, quarantine and dedup are functions of the record, downstream.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Journal } from './journal.ts'
import { encodeRecord } from './record.ts'

export interface IngestStatistics {
  /** Messages that are durable. */
  readonly accepted: number
  /** Messages that the journal could not write; they were not acknowledged. */
  readonly refused: number
  /** Payload bytes of the accepted ones. */
  readonly payload_bytes: number
  /** Messages that wait for their commit. */
  readonly waiting: number
  /** Longest wait for a commit since the last call of `statistics`. */
  readonly slowest_commit_ms: number
}

export interface Ingest {
  /** Resolves when the message is durable. @throws MendlineError MDL_JOURNAL_UNAVAILABLE, MDL_JOURNAL_RECORD_TOO_LARGE */
  accept(message: AcceptedMessage): Promise<void>
  /** Whether the journal took the last message that was to be written. */
  isWriting(): boolean
  statistics(): IngestStatistics
}

export interface IngestOptions {
  readonly journal: Pick<Journal, 'append' | 'pendingBytes' | 'whenWritable'>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

/** Creates the door; it keeps no message of its own. */
export function createIngest({ journal, clock, log, limits }: IngestOptions): Ingest {
  let accepted = 0
  let refused = 0
  let payloadBytes = 0
  let waiting = 0
  let slowestMs = 0
  let isWriting = true

  const ended = (startMs: number): void => {
    waiting--
    slowestMs = Math.max(slowestMs, clock.monotonicMs() - startMs)
  }
  /** Hot: `then` with both ends instead of async and await saves two promises a message. Ids that passed the broker always fit a record. */
  const append = (message: AcceptedMessage, startMs: number): Promise<void> =>
    journal.append(encodeRecord(message)).then(
      () => {
        ended(startMs)
        accepted++
        isWriting = true
        payloadBytes += message.payload.length
      },
      (error: unknown) => {
        ended(startMs)
        refused++
        isWriting = false
        log.debug('message not accepted', { error })
        throw error
      },
    )

  return {
    accept(message) {
      const startMs = clock.monotonicMs()
      waiting++
      if (journal.pendingBytes() < limits.journalPendingBytes_MAX) return append(message, startMs)
      return journal.whenWritable().then(() => append(message, startMs))
    },
    isWriting: () => isWriting,
    statistics() {
      const statistics = { accepted, refused, payload_bytes: payloadBytes, waiting, slowest_commit_ms: slowestMs }
      slowestMs = 0
      return statistics
    },
  }
}
