/**
 * Port of the derived store: what the pipeline works out of readings (windows, alarms of ordinary rules, states of channels, gaps), so that
 * it can be asked for and, when late readings come, taken back from a point of device time on and worked out anew. It also keeps the
 * checkpoints from which that begins. Everything in it follows from the readings; changes are applied in order, together, and a
 * change that is applied twice leaves the same rows. Adapters stand in `stores/`.
 */

export type DerivedKind = 'window' | 'alarm' | 'alarm_level' | 'channel_state' | 'anomaly'

interface Source {
  readonly tenant: string
  readonly device: string
}

/** A stretch of device time of which something is known; one row a (tenant, device, kind, key, from_ms). */
export interface DerivedRow extends Source {
  readonly kind: DerivedKind
  /** Which one of its kind: a rule, a channel with its state; empty for windows. */
  readonly key: string
  readonly from_ms: number
  /** null while it lasts. */
  readonly to_ms: number | null
  readonly data: Readonly<Record<string, unknown>>
}

/** A stretch of sequence numbers that are missing. */
export interface Hole {
  readonly from_seq: number
  readonly to_seq: number
  /** Device time of the readings before and behind it. */
  readonly from_ms: number
  readonly to_ms: number
}

export interface StoredGap extends Source, Hole {
  readonly boot: number
  /** Times of receipt at which it was noticed, and filled; null while it is open. */
  readonly opened_at_ms: number
  readonly closed_at_ms: number | null
}

export type DerivedChange =
  /** `known_ms`: device time of the reading with which it was known. */
  | ({ readonly op: 'put'; readonly known_ms: number } & DerivedRow)
  | ({ readonly op: 'close'; readonly known_ms: number; readonly to_ms: number } & Omit<DerivedRow, 'to_ms' | 'data'>)
  /** State after all readings before `at_ms`, of a device while it was of that type. */
  | ({ readonly op: 'checkpoint'; readonly type: string; readonly at_ms: number; readonly state: Uint8Array } & Source)
  /** Takes back what was known from readings at or behind `from_ms`, and checkpoints behind it. */
  | ({ readonly op: 'rewind'; readonly from_ms: number } & Source)
  /** All holes of a boot as they are now, from a sequence number on (and up to `to_seq`); the others stay as they are. */
  | ({
      readonly op: 'holes'
      readonly boot: number
      readonly from_seq: number
      readonly to_seq?: number
      readonly holes: readonly Hole[]
      readonly at_ms: number
    } & Source)
  /** A number came: the open gap in which it lies shrinks, splits or closes; nothing when there is none. */
  | ({ readonly op: 'fill'; readonly boot: number; readonly seq: number; readonly observed_at_ms: number; readonly at_ms: number } & Source)

export interface RowQuery extends Source {
  readonly kind: DerivedKind
  /** Rows that touch [from_ms, to_ms), ascending by (from_ms, key). */
  readonly from_ms: number
  readonly to_ms: number
  /** Rows behind this place, as `rowPlace` gives it. */
  readonly after?: { readonly from_ms: number; readonly key: string }
  readonly limit: number
}

export interface GapQuery {
  readonly tenant: string
  readonly device?: string
  readonly from_ms: number
  readonly to_ms: number
  readonly isOpen?: boolean
  /** Entries behind this id, ascending. */
  readonly after: number
  readonly limit: number
}

export interface DerivedStore {
  /** Opens or creates. @throws MendlineError MDL_STORE_UNAVAILABLE, MDL_STORE_SCHEMA */
  start(): Promise<void>
  /** Applies all changes, in order, or none; durable when it resolves. @throws MendlineError MDL_STORE_UNAVAILABLE */
  apply(changes: readonly DerivedChange[]): Promise<void>
  /** Newest checkpoint of the device at or before a device time. */
  checkpoint(
    query: Source & { readonly type: string; readonly at_ms: number },
  ): Promise<{ readonly at_ms: number; readonly state: Uint8Array } | undefined>
  /** Oldest checkpoint of the device at or behind a device time. */
  checkpointBehind(
    query: Source & { readonly type: string; readonly at_ms: number },
  ): Promise<{ readonly at_ms: number; readonly state: Uint8Array } | undefined>
  /** Whether a row of the device became known from one device time up to, not including, another. */
  hasRows(query: Source & { readonly from_ms: number; readonly to_ms: number }): Promise<boolean>
  rows(query: RowQuery): Promise<readonly DerivedRow[]>
  gaps(query: GapQuery): Promise<ReadonlyArray<StoredGap & { readonly id: number }>>
  /** Every row of a kind, and every open gap, in the order of their keys; for exports and comparisons. */
  all(kind: DerivedKind): AsyncIterable<DerivedRow>
  /** Drops rows and filled gaps that ended before a device time, so many at most; gives how many. What lasts and what is missing stays. */
  drop(before: { readonly before_ms: number; readonly limit: number }): Promise<number>
  /** Takes every trace of a device out of the file. */
  erase(source: Source & { readonly spans?: ReadonlyArray<{ readonly from_ms: number; readonly to_ms: number }> }): Promise<void>
  statistics(): Promise<{ readonly rows: number; readonly checkpoints: number; readonly gaps_open: number }>
  stop(): Promise<void>
}
