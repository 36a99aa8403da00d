/**
 * Port of the reading store: wide tables of readings per appliance type, and the quarantine. Written in batches together with the
 * position in the journal, so that a batch is stored whole and once. Adapters stand in `stores/`.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { QuarantineEntry, Reading } from '#kernel/reading.ts'
import type { Position } from './journal.ts'

export interface ReadingBatch extends Iterable<Reading> {
  readonly length: number
}

export interface StoreBatch {
  /** An array, or `ReadingRows` of which a store of columns takes the numbers as they lie; they are valid until the batch is written. */
  readonly readings: ReadingBatch
  readonly quarantine: readonly QuarantineEntry[]
  /** Everything before this position of the journal is stored when the batch is. */
  readonly position: Position
}

export interface BucketQuery {
  readonly tenant: string
  readonly device: string
  /** Channel names; empty = all number and boolean channels of the device's type. */
  readonly channels: readonly string[]
  readonly from_ms: EpochMs
  readonly to_ms: EpochMs
  /** Most buckets a channel; the bucket width follows, rounded up to whole seconds. */
  readonly maxPoints: number
  /** Most buckets of all channels together; above it `maxPoints` counts as less. Absent: no bound. */
  readonly maxBuckets?: number
  /**
   * `auto` (default) takes hourly aggregates where buckets are whole hours and raw readings elsewhere, which gives the same; `raw` and
   * `hourly` ask for one of them; `daily` gives local days of `timeZone`, one bucket a day, those that begin in [from, to).
   */
  readonly tier?: 'auto' | 'raw' | 'hourly' | 'daily'
  /** IANA name; UTC when absent. Only for `daily`. */
  readonly timeZone?: string
}

/** One bucket of one channel; `t` is its begin. Field names are the wire's. */
export interface ReadingBucket {
  readonly t: EpochMs
  readonly device: string
  readonly channel: string
  readonly mean: number
  readonly min: number
  readonly max: number
  readonly n: number
}

export interface RawQuery {
  readonly tenant: string
  /** Absent: all devices of the tenant. */
  readonly device?: string
  readonly from_ms: EpochMs
  readonly to_ms: EpochMs
}

/** One stored reading as the wire gives it; aggregated channels as {min, mean, max} where they came so. */
export interface RawReading {
  readonly tenant: string
  readonly device: string
  readonly boot: number
  readonly seq: number
  readonly observed_at_ms: EpochMs
  readonly received_at_ms: EpochMs
  readonly hist: boolean
  readonly fw: string | null
  readonly v: Readonly<Record<string, number | boolean | string | { readonly min: number; readonly mean: number; readonly max: number }>>
}

/** Stretch of one device, [from_ms, to_ms] with both ends. */
export type HistoriesQuery = Omit<HistoryQuery, 'device'> & { readonly devices: readonly string[] }

export interface HistoryQuery {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly from_ms: number
  readonly to_ms: number
}

export interface QuarantineQuery {
  readonly tenant: string
  readonly device?: string
  readonly code?: string
  /** Entries with an id above this one, ascending. */
  readonly after: number
  readonly limit: number
  /** The answer ends with the entry whose raw bytes reach this sum. Absent: no bound. */
  readonly maxRawBytes?: number
}

export interface StoredQuarantineEntry extends QuarantineEntry {
  readonly id: number
}

export type HighestReading = Pick<Reading, 'tenant' | 'device' | 'boot' | 'seq'>

export interface StoreStatistics {
  readonly readings: number
  readonly values: number
  readonly quarantined: number
  readonly bytes: number
}

/** What one step of maintenance did; `bytes` and `rows` are those that were written or dropped. */
export interface MaintenanceStep {
  readonly step: 'sealed' | 'archived' | 'merged' | 'dropped' | 'columns_dropped' | 'quarantine_dropped' | 'derived_dropped'
  readonly type: string
  readonly rows: number
  readonly bytes: number
}

/** One tier of one type as it stands on disk; fields are the wire's. Hot rows have no bytes of their own: the file stands in one row. */
export interface StorageTier {
  readonly tier: 'hot' | 'cold' | 'texts' | 'hourly' | 'daily' | 'quarantine' | 'hot_file'
  /** Empty where the tier is of all types. */
  readonly type: string
  readonly rows: number
  readonly bytes: number
  readonly files: number
  /** UTC days of which there is something. */
  readonly days: number
  readonly oldest_ms: EpochMs | null
  readonly newest_ms: EpochMs | null
}

/** Days that each tier is kept; a channel is named `channel` (of all types) or `type.channel`. */
export interface StoreRetention {
  readonly raw_days: number
  readonly hourly_days: number
  readonly daily_days: number
  readonly quarantine_days: number
  /** Raw values of single channels; never longer than `raw_days`. */
  readonly channel_days: Readonly<Record<string, number>>
  /** Raw days of single types. */
  readonly type_days: Readonly<Record<string, number>>
}

/** Days that single readings of a type are kept. */
export const rawDays = ({ type_days, raw_days }: Pick<StoreRetention, 'type_days' | 'raw_days'>, type: string): number => type_days[type] ?? raw_days

/** Days that the values of a channel are kept where it has days of its own. */
export const channelDays = ({ channel_days }: Pick<StoreRetention, 'channel_days'>, type: string, channel: string): number | undefined =>
  channel_days[`${type}.${channel}`] ?? channel_days[channel]

export interface ReadingStore {
  /** Opens or creates; gives the position up to which the journal is stored. @throws MendlineError MDL_STORE_* */
  start(): Promise<{ readonly position: Position }>
  /** Makes the table of a type, or adds the columns that it lacks; idempotent. */
  prepareType(type: ApplianceType): Promise<void>
  /** Stores the batch and its position in one transaction. */
  write(batch: StoreBatch): Promise<void>
  /**
   * Readings stored under these keys, for telling a duplicate from a conflict; missing keys are absent from the answer.
   * The answer's key is `${tenant}/${device}/${boot}/${seq}`.
   */
  lookup(
    keys: ReadonlyArray<Pick<Reading, 'tenant' | 'device' | 'type' | 'boot' | 'seq'> & { readonly observed_at_ms?: EpochMs }>,
  ): Promise<ReadonlyMap<string, Reading>>
  /** Highest sequence number that is stored of each boot of each device. */
  highest(): Promise<readonly HighestReading[]>
  /** Resolves when everything written so far stands in the file itself, so that losing the store's own log loses nothing of it. */
  checkpoint(): Promise<void>
  buckets(query: BucketQuery): Promise<readonly ReadingBucket[]>
  /** In (device, boot, seq) order. */
  raw(query: RawQuery): AsyncIterable<RawReading>
  /** Readings of a device while it was of a type, in the order of (observed_at_ms, boot, seq). */
  history(query: HistoryQuery): AsyncIterable<Reading>
  /** The same of several devices in one go, one behind the other; absent where a store has no better way than one by one. */
  histories?(query: HistoriesQuery): AsyncIterable<Reading>
  quarantined(query: QuarantineQuery): Promise<readonly StoredQuarantineEntry[]>
  statistics(): Promise<StoreStatistics>
  /**
   * Does one step of what keeps the store small: closes a full or old hot table, archives it, merges files, drops what is too old. Writing
   * and queries go on beside it. Undefined: nothing is due. Absent where the engine does this itself.
   */
  maintain?(nowMs: EpochMs): Promise<MaintenanceStep | undefined>
  /** Rows, bytes and age by tier and type. Absent where the engine cannot say. */
  storage?(): Promise<readonly StorageTier[]>
  /** Puts what is stored into a folder as it is at one moment, for a backup; says how far it is. Batches wait for a part of it. */
  capture?(directory: string): Promise<{ readonly position: number; readonly layout: number }>
  /** Reads everything and says what is not whole. */
  verify?(): Promise<StoreFindings>
  /** A stop is near: waits for somebody else's engine end soon. Absent where there is none. */
  leave?(): void
  stop(): Promise<void>
}

/** What looking through a store found. */
export interface StoreFindings {
  readonly position: number
  readonly tables: number
  /** Readings in hot tables, and in files. */
  readonly hotRows: number
  readonly coldRows: number
  /** Readings that the store counted when it took them; less are there when some were dropped by age. */
  readonly counted: number
  readonly quarantined: number
  /** Files of the archive as the lists have them; `checksum` is their SHA-256 in hex. */
  readonly files: ReadonlyArray<{ readonly path: string; readonly rows: number; readonly bytes: number; readonly checksum: string }>
  readonly faults: readonly string[]
}
