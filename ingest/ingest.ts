/**
 * The door of ingest: takes a message that passed the broker's rights, writes it to the journal and says when it is durable, so that the
 * PUBACK may follow: `accept` by a promise, `openDoor` for the hot path once for a run of messages. It does not look into the payload;
 * decoding, quarantine and dedup are functions of the record, downstream.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock, EpochMs } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { CommitRun, CommitWaiter, DoorSource, IngestDoor } from '#kernel/ingest-door.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { Journal } from './journal.ts'
import { encodeHead, encodeRecord, stampHead } from './record.ts'

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
  /** Opens a door for messages that have `source` in common; who uses it keeps the bound of pending bytes by not reading sockets. */
  openDoor(source: DoorSource, waiter: CommitWaiter): IngestDoor
  /** Refuses everything from now on for this reason; undefined: takes again. */
  refuse(reason: string | undefined): void
  /** Whether the journal took the last message that was to be written. */
  isWriting(): boolean
  statistics(): IngestStatistics
}

export interface IngestOptions {
  readonly journal: Pick<Journal, 'append' | 'appendFor' | 'pendingBytes' | 'whenWritable'>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

interface Counts {
  accepted: number
  refused: number
  payloadBytes: number
  waiting: number
  slowestMs: number
  isWriting: boolean
  refusal: MendlineError | undefined
}

/** Creates ingest; it keeps no message of its own. */
export function createIngest({ journal, clock, log, limits }: IngestOptions): Ingest {
  const counts: Counts = { accepted: 0, refused: 0, payloadBytes: 0, waiting: 0, slowestMs: 0, isWriting: true, refusal: undefined }

  /** `then` with both ends instead of async and await saves two promises a message. Ids that passed the broker always fit a record. */
  const append = (message: AcceptedMessage, startMs: number): Promise<void> => {
    const settle = (error: unknown): void =>
      count(counts, { count: 1, payloadBytes: message.payload.length, waitedMs: clock.monotonicMs() - startMs, isRefused: error !== undefined })
    return journal.append(encodeRecord(message)).then(
      () => settle(undefined),
      (error: unknown) => {
        settle(error)
        log.debug('message not accepted', { error })
        throw error
      },
    )
  }

  return {
    accept(message) {
      if (counts.refusal !== undefined) {
        counts.refused++
        return Promise.reject(counts.refusal)
      }
      const startMs = clock.monotonicMs()
      counts.waiting++
      if (journal.pendingBytes() < limits.journalPendingBytes_MAX) return append(message, startMs)
      return journal.whenWritable().then(() => append(message, startMs))
    },
    openDoor: (source, waiter) => new Door(source, { journal, waiter, counts }),
    refuse(reason) {
      counts.refusal = reason === undefined ? undefined : new MendlineError('MDL_JOURNAL_UNAVAILABLE', reason, { retryable: true })
    },
    isWriting: () => counts.isWriting,
    statistics() {
      const { accepted, refused, payloadBytes, waiting, slowestMs } = counts
      counts.slowestMs = 0
      return { accepted, refused, payload_bytes: payloadBytes, waiting, slowest_commit_ms: slowestMs }
    },
  }
}

/** Is the waiting record itself: the journal reads head and payload at the call, and tells it how the run ended. */
class Door implements IngestDoor {
  readonly head: Buffer
  payload: Uint8Array = NOTHING
  readonly #journal: Pick<Journal, 'appendFor'>
  readonly #waiter: CommitWaiter
  readonly #counts: Counts

  constructor(source: DoorSource, parts: { readonly journal: Pick<Journal, 'appendFor'>; readonly waiter: CommitWaiter; readonly counts: Counts }) {
    this.head = encodeHead(source)
    this.#journal = parts.journal
    this.#waiter = parts.waiter
    this.#counts = parts.counts
  }

  accept(payload: Uint8Array, receivedAtMs: EpochMs): MendlineError | undefined {
    const { refusal } = this.#counts
    if (refusal !== undefined) {
      this.#counts.refused++
      return refusal
    }
    stampHead(this.head, receivedAtMs)
    this.payload = payload
    const answer = this.#journal.appendFor(this)
    this.payload = NOTHING
    this.#counts.waiting++
    if (typeof answer === 'number') return undefined
    count(this.#counts, { count: 1, payloadBytes: 0, waitedMs: 0, isRefused: true })
    return answer
  }

  settled(run: CommitRun): void {
    count(this.#counts, { count: run.count, payloadBytes: run.payloadBytes, waitedMs: run.waitedMs, isRefused: run.error !== undefined })
    this.#waiter.settled(run)
  }
}

const NOTHING = new Uint8Array(0)

interface Ended {
  readonly count: number
  readonly payloadBytes: number
  readonly waitedMs: number
  readonly isRefused: boolean
}

function count(counts: Counts, ended: Ended): void {
  counts.waiting -= ended.count
  counts.slowestMs = Math.max(counts.slowestMs, ended.waitedMs)
  counts.isWriting = !ended.isRefused
  if (ended.isRefused) counts.refused += ended.count
  else {
    counts.accepted += ended.count
    counts.payloadBytes += ended.payloadBytes
  }
}
