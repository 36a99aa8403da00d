/** What the API needs of the truth in time: latest values, what was derived of a device's readings, and gaps. */

/** A stretch of device time of which something was derived. */
export interface DerivedRow {
  readonly device: string
  readonly kind: 'window' | 'alarm' | 'alarm_level' | 'channel_state' | 'anomaly'
  readonly key: string
  readonly from_ms: number
  readonly to_ms: number | null
  readonly data: Readonly<Record<string, unknown>>
}

interface LatestValue {
  readonly channel: string
  readonly value: number | boolean | string
  readonly observed_at_ms: number
  readonly received_at_ms: number
}

interface Gap {
  readonly id: number
  readonly tenant: string
  readonly device: string
  readonly boot: number
  readonly from_seq: number
  readonly to_seq: number
  readonly from_ms: number
  readonly to_ms: number
  readonly opened_at_ms: number
  readonly closed_at_ms: number | null
}

export interface TruthPort {
  /** Latest value of each channel, by device time. */
  latest(device: { readonly tenant: string; readonly device: string }): Promise<readonly LatestValue[]>
  /** Rows that touch [from_ms, to_ms), ascending by (from_ms, key). */
  rows(query: {
    readonly tenant: string
    readonly device: string
    readonly kind: DerivedRow['kind']
    readonly from_ms: number
    readonly to_ms: number
    readonly after?: { readonly from_ms: number; readonly key: string }
    readonly limit: number
  }): Promise<readonly DerivedRow[]>
  /** Gaps with an id above `after`, ascending. */
  gaps(query: {
    readonly tenant: string
    readonly device?: string
    readonly from_ms: number
    readonly to_ms: number
    readonly isOpen?: boolean
    readonly after: number
    readonly limit: number
  }): Promise<readonly Gap[]>
}
