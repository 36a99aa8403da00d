/** What the API needs of the stored readings: buckets, raw records, the quarantine, and what all of it takes on disk. */
import type { ChannelState } from '#kernel/channel-state.ts'
import type { EpochMs } from '#kernel/clock.ts'
import type { QuarantineEntry } from '#kernel/reading.ts'

export interface ReadingBucket {
  readonly t: EpochMs
  readonly device: string
  readonly channel: string
  readonly mean: number
  readonly min: number
  readonly max: number
  readonly n: number
}

export interface ReadingPort {
  buckets(query: {
    readonly tenant: string
    readonly device: string
    readonly channels: readonly string[]
    readonly from_ms: EpochMs
    readonly to_ms: EpochMs
    readonly maxPoints: number
    /** Most buckets of all channels together; above it `maxPoints` counts as less. */
    readonly maxBuckets: number
    readonly tier: 'auto' | 'raw' | 'hourly' | 'daily'
  }): Promise<readonly ReadingBucket[]>
  /** Records as they go on the wire, in (device, boot, seq) order. */
  raw(query: { readonly tenant: string; readonly device?: string; readonly from_ms: EpochMs; readonly to_ms: EpochMs }): AsyncIterable<object>
}

/** One tier of one appliance type on disk. */
export interface StorageTier {
  readonly tier: string
  readonly type: string
  readonly rows: number
  readonly bytes: number
  readonly files: number
  readonly days: number
  readonly oldest_ms: number | null
  readonly newest_ms: number | null
}

export interface StoragePort {
  storage(): Promise<readonly StorageTier[]>
}

export interface QuarantinePort {
  /** Entries with an id above `after`, ascending. */
  quarantined(query: {
    readonly tenant: string
    readonly device?: string
    readonly code?: string
    readonly after: number
    readonly limit: number
    /** The answer ends with the entry whose raw bytes reach this sum. */
    readonly maxRawBytes: number
  }): Promise<ReadonlyArray<QuarantineEntry & { readonly id: number }>>
}

export interface ChannelStatePort {
  /** States of a device that touch [from_ms, to_ms), ascending by (begin_ms, `channel/state`), behind `after`. */
  list(query: {
    readonly tenant: string
    readonly device: string
    readonly from_ms: number
    readonly to_ms: number
    readonly after?: { readonly from_ms: number; readonly key: string }
    readonly limit: number
  }): Promise<readonly ChannelState[]>
}
