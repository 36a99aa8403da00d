/** What a store keeps of an appliance type: its channels in order, and the columns that follow from them. Shared by the adapters. */
import type { ApplianceType, Channel } from '#catalogue/appliance-type.ts'
import type { EpochMs } from '#kernel/clock.ts'
import { numberColumns, type Reading } from '#kernel/reading.ts'
import type { RawReading } from '../reading-store.ts'

/** Columns before the channels, in the order in which they are appended; no channel can have one of these names. */
export const KEY_COLUMNS = ['device_key', 'observed_at_ms', 'received_at_ms', 'boot', 'seq', 'flags', 'firmware_key'] as const

export type StoredChannel = Pick<Channel, 'name' | 'kind' | 'isAggregated'>

export interface StoredType {
  readonly id: string
  readonly channels: readonly StoredChannel[]
  /** Number columns in the order of `Reading.numbers`; those of channels that the type lost stand last. */
  readonly columns: readonly string[]
  /** Position of a column by name. */
  readonly indexOf: ReadonlyMap<string, number>
}

/** Joins a type with what was stored of it before; channels that it lost stay readable. */
export function storedType(
  type: Pick<ApplianceType, 'id'> & { readonly channels: readonly StoredChannel[] },
  before: StoredType | undefined,
): StoredType {
  const names = new Set(type.channels.map((channel) => channel.name))
  const lost = before?.channels.filter((channel) => !names.has(channel.name)) ?? []
  const channels = [...type.channels, ...lost].map(({ name, kind, isAggregated }) => ({ name, kind, isAggregated }))
  const columns = [...numberColumns(type.channels).columns, ...numberColumns(lost).columns]
  return { id: type.id, channels, columns, indexOf: new Map(columns.map((column, index) => [column, index])) }
}

/** Number columns of a channel. */
export function columnsOf(channel: StoredChannel): readonly string[] {
  if (channel.kind === 'text') return []
  return channel.isAggregated ? [channel.name, `${channel.name}_min`, `${channel.name}_max`] : [channel.name]
}

type RawValue = RawReading['v'][string]

/** A stored reading as the wire gives it. */
export function rawReading(reading: Reading, type: StoredType): RawReading {
  const v: Record<string, RawValue> = {}
  for (const channel of type.channels) {
    const value = reading.numbers[type.indexOf.get(channel.name) ?? -1] ?? Number.NaN
    if (channel.kind !== 'text' && !Number.isNaN(value)) v[channel.name] = rawValue(reading.numbers, value, channel, type)
  }
  for (const [channel, text] of reading.texts) v[channel] = text
  return {
    tenant: reading.tenant,
    device: reading.device,
    boot: reading.boot,
    seq: reading.seq,
    observed_at_ms: reading.observed_at_ms,
    received_at_ms: reading.received_at_ms,
    hist: reading.hist,
    fw: reading.fw ?? null,
    v,
  }
}

function rawValue(numbers: Float64Array, value: number, { name, kind, isAggregated }: StoredChannel, { indexOf }: StoredType): RawValue {
  if (kind === 'boolean') return value === 1
  if (!isAggregated) return value
  const min = numbers[indexOf.get(`${name}_min`) ?? -1] ?? Number.NaN
  const max = numbers[indexOf.get(`${name}_max`) ?? -1] ?? Number.NaN
  return !Number.isNaN(min) && !Number.isNaN(max) ? { min, mean: value, max } : value
}

const HOUR_MS = 3_600_000

/** Grid of buckets: begin of the first one and width, so that [from, to) needs at most `maxPoints`. */
export interface BucketGrid {
  readonly originMs: number
  readonly widthMs: number
}

/**
 * Grid over [from, to): whole seconds wide, from an hour on whole hours, and aligned to 1970, so that a chart that moves on keeps its
 * buckets; with a single bucket, or where alignment would cost one bucket too many and widening cannot help, it begins at `from`.
 */
export function bucketGrid(fromMs: EpochMs, toMs: EpochMs, maxPoints: number): BucketGrid {
  const spanMs = Math.max(1, toMs - fromMs)
  const wholeSeconds = (ms: number): number => Math.max(1_000, Math.ceil(ms / 1_000) * 1_000)
  const whole = (ms: number): number => (ms > HOUR_MS ? Math.ceil(ms / HOUR_MS) * HOUR_MS : wholeSeconds(ms))
  if (maxPoints <= 1) return { originMs: fromMs, widthMs: wholeSeconds(spanMs) }
  const narrowMs = whole(spanMs / maxPoints)
  const isWithin = Math.floor((toMs - 1) / narrowMs) - Math.floor(fromMs / narrowMs) + 1 <= maxPoints
  return { originMs: 0, widthMs: isWithin ? narrowMs : whole(spanMs / (maxPoints - 1)) }
}

/** Points of a channel for which all channels of a chart together stay within `maxBuckets`; at least one. */
export function pointsWithin(maxPoints: number, channelCount: number, maxBuckets = Number.POSITIVE_INFINITY): number {
  return Math.max(1, Math.min(maxPoints, Math.floor(maxBuckets / Math.max(1, channelCount))))
}

/** Channels that a chart shows: those named, or all; texts have no mean. */
export function chartedChannels(type: StoredType, names: readonly string[]): readonly StoredChannel[] {
  return type.channels.filter((channel) => channel.kind !== 'text' && (names.length === 0 || names.includes(channel.name)))
}
