/**
 * Port of the journal: the append-only log that holds everything acknowledged. Consumers read it in order from a position of
 * their own. Adapters stand in `journals/`; `journal.contract.ts` is the suite that each of them passes.
 */
import type { MendlineError } from '#kernel/errors.ts'
import type { CommitWaiter } from '#kernel/ingest-door.ts'
import type { LazyList } from '#kernel/lazy-list.ts'

/** Offset in the logical log; rises strictly from record to record, exact up to 2^53. Zero is the beginning. */
export type Position = number

export interface JournalRecord {
  readonly position: Position
  /** Position of the record after this one: what a consumer keeps when it is done with this one. */
  readonly next: Position
  readonly body: Uint8Array
}

/** What opening found: a torn tail is cut off (it was never acknowledged) and kept beside; nothing else is changed. */
export interface JournalOpenReport {
  readonly segments: number
  readonly end: Position
  readonly tornBytes: number
  readonly corruptRecords: number
}

/** A record in two pieces, and who waits for it. Both pieces are copied at the call. */
export interface WaitingRecord extends CommitWaiter {
  readonly head: Uint8Array
  readonly payload: Uint8Array
}

export interface JournalBatch {
  readonly records: LazyList<JournalRecord>
  readonly next: Position
  readonly corrupt: number
  /** Where the first record lies when none is missing before it: at `from`, or behind the head of the segment that begins there. */
  readonly begin?: Position
}

export interface JournalReader {
  /**
   * Records from `from` on, at most about `maxBytes` of them (at least one when there is one), committed ones only.
   * A corrupt record in the middle is skipped, counted, and reported through `corrupt`.
   */
  read(from: Position, maxBytes: number): Promise<JournalBatch>
}

export interface Journal extends JournalReader {
  start(): Promise<JournalOpenReport>
  /** What `start` found; undefined before. */
  found(): JournalOpenReport | undefined
  /**
   * Adds one record; resolves with its position once it is durable (file adapter: after fdatasync of its group).
   * @throws MendlineError MDL_JOURNAL_UNAVAILABLE (retryable), MDL_JOURNAL_RECORD_TOO_LARGE
   */
  append(body: Uint8Array): Promise<Position>
  /**
   * The same for the hot path: returns the record's position, or the refusal at once. `record.settled` is told once for a run of records
   * that the same object added in a row, after the listeners of the commit.
   */
  appendFor(record: WaitingRecord): Position | MendlineError
  /** End of what is durable. */
  end(): Position
  /** Bytes that wait for a commit. */
  pendingBytes(): number
  /** Resolves when the pending bytes are below the limit again; callers stop reading sockets until then. */
  whenWritable(): Promise<void>
  /**
   * Calls `listener` with the records of each group just after it became durable, in order, and with the end of what was durable before: whoever
   * has read up to there has missed nothing, also where a segment begins in between. Returns the unsubscription. The bodies are valid during the
   * call only.
   */
  onCommit(listener: (records: LazyList<JournalRecord>, before: Position) => void): () => void
  /** Deletes what lies wholly before `position`, once no consumer needs it. */
  release(position: Position): Promise<void>
  /** Commits what is pending and closes; idempotent. */
  stop(): Promise<void>
}
