/**
 * What the pipeline is made of: the parts that `pipeline-worker.ts` joins, the state that it saves, and what it counts. A part with state
 * gives it as plain data at the position of the last flush and goes on exactly there.
 */
import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Diagnosis } from '#kernel/diagnosis.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { LazyList } from '#kernel/lazy-list.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import type { ModelQueueStatistics, QueueEntry } from './model-queue.ts'
import type { SnapshotFile } from './snapshot-file.ts'

export interface Stateful {
  snapshot(): unknown
  restore(state: unknown): void
}

export interface SourceRecord {
  /** Absent where a source does not tell. */
  readonly position?: number
  readonly next: number
  readonly body: Uint8Array
}

export interface SourceBatch {
  readonly records: LazyList<SourceRecord>
  readonly next: number
  /** Records that cannot be read and were left out. */
  readonly corrupt: number
  /** Where the first record lies when none is missing before it. */
  readonly begin?: number
}

interface Decoded {
  readonly readings: readonly Reading[]
  /** Readings set aside whole. */
  readonly refused?: number
  readonly quarantine: readonly QuarantineEntry[]
}

export interface PipelineParts<Window> {
  readonly journal: {
    read(from: number, maxBytes: number): Promise<SourceBatch>
  }
  readonly decodeRecord: (body: Uint8Array) => AcceptedMessage
  readonly decode: (message: AcceptedMessage) => Decoded
  readonly writer: Stateful & {
    /** Takes what one record held; gives the readings that were not seen before, in order. */
    take(decoded: Decoded, next: number): readonly Reading[] | Promise<readonly Reading[]>
    /** Stores what was taken, with the position behind it. */
    flush(position: number): Promise<void>
    /** Readings that wait for a flush. */
    pending(): number
    /** Learns from the store which readings may have come, when there is no saved state to tell it. */
    recall(): Promise<void>
  }
  /** Compares what came in with what became of it. */
  readonly audit?: {
    start(position: number): Promise<void>
    decoded(readings: number, next: number): void
    read(batch: SourceBatch): void
    check(): Promise<unknown>
  }
  readonly store: {
    /** Resolves when what was flushed no longer depends on the store's own log. */
    checkpoint(): Promise<void>
  }
  /** Rules and windows, in device time (`event-time.ts`). */
  readonly truth: Stateful & {
    take(reading: Reading): void
    /** Moves the clock of the journal, before the record with this time of receipt is taken. */
    advance(receivedMs: number): void
    /** Whether `amend` is due; what was taken must be stored before it. */
    isAmendmentDue(): boolean
    amend(): Promise<void>
    drain(): { readonly events: readonly HubEvent[]; readonly windows: readonly Window[]; readonly amendedWindows: readonly Window[] }
    /** Writes what was derived. */
    commit(): Promise<void>
    /** There is no saved state: what is derived is worked out again, device by device. */
    recall(): void
  }
  readonly diagnoser: Stateful & {
    diagnose(windows: readonly Window[]): Promise<readonly Diagnosis[]>
    /** Takes windows that late data made anew, in order of time by device. */
    amend(windows: readonly Window[]): Promise<readonly Diagnosis[]>
  }
  readonly snapshots: SnapshotFile<PipelineState<Window>>
  /** Applies events in the hubs; resolves when they are committed. */
  readonly emit: (events: readonly HubEvent[]) => Promise<void>
  /** Called when the journal is no longer needed before the position. */
  readonly onReleasable: (position: number) => void
  /** Resolves when the journal has grown beyond `position`, after `timeoutMs`, or on `wake`. */
  readonly waitForMore: (position: number, timeoutMs: number) => Promise<void>
  readonly wake: () => void
  readonly clock: Clock
  readonly log: Log
  readonly limits: Limits
}

export interface PipelineState<Window> {
  readonly writer: unknown
  readonly truth: unknown
  readonly diagnoser: unknown
  readonly pendingWindows: ReadonlyArray<QueueEntry<Window>>
}

export interface PipelineStatistics extends ModelQueueStatistics {
  readonly position: number
  readonly records: number
  readonly corruptRecords: number
  readonly setAside: number
  readonly storedPosition: number
  /** Receipt of the last record that is stored. */
  readonly storedReceivedMs: number
}
