/**
 * What retention has taken from the store, so that its absence proves nothing: a reading that came before and is no longer kept one by one has not got
 * lost, and a channel that is no longer kept does not make another content. Hours and days count what was dropped, so that it must not be counted again.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { type Clock, type EpochMs, epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import { channelPlan } from './decode-channels.ts'
import { channelDays, type ReadingStore, rawDays, type StoreRetention } from './reading-store.ts'
import { hasSameContent } from './same-reading.ts'

export interface KeptContent {
  /** Whether the store may have dropped the single readings of this one's day. */
  isDropped(reading: Reading): boolean
  /** `hasSameContent`, without the channels of `stored` that may have been dropped. */
  isSame(stored: Reading, sent: Reading): boolean
  /**
   * Makes a look that tells whether the hour around a reading counts, of a channel that the reading has, more readings than are there one by one. It
   * remembers the answer by device and hour, so it is made anew when the store was written.
   */
  counted(): (reading: Reading) => Promise<boolean>
}

interface KeptContentParts {
  readonly retention: Pick<StoreRetention, 'raw_days' | 'type_days' | 'channel_days'>
  readonly types: (type: string) => ApplianceType | undefined
  readonly store: Pick<ReadingStore, 'buckets'>
  readonly clock: Clock
}

/** Where nothing is ever dropped. */
export const EVERYTHING_KEPT: KeptContent = { isDropped: () => false, isSame: hasSameContent, counted: () => async () => false }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

type ContentParts = Pick<KeptContentParts, 'types' | 'clock'> & { readonly retention: Pick<StoreRetention, 'channel_days'> }

/** A day sooner than the settings say, for a day is dropped whole. */
const isOlder = ({ observed_at_ms }: Reading, days: number, clock: Clock): boolean => observed_at_ms < clock.now() - (days - 1) * DAY_MS

/** `hasSameContent` of what is stored and what is sent, without the channels that may have been dropped of what is stored. */
export function sameWhereKept({ retention, types, clock }: ContentParts): KeptContent['isSame'] {
  if (Object.keys(retention.channel_days).length === 0) return hasSameContent
  const daysOf = (type: string, column: string): number | undefined =>
    channelDays(retention, type, column) ?? channelDays(retention, type, column.replace(/_(min|max)$/, ''))
  return (stored, sent) => {
    if (hasSameContent(stored, sent)) return true
    const type = types(sent.type)
    if (type === undefined) return false
    const { columns } = channelPlan(type).layout
    const numbers = Float64Array.from(sent.numbers, (value, index) => {
      const days = daysOf(sent.type, columns[index] ?? '')
      return days !== undefined && Number.isNaN(stored.numbers[index] ?? Number.NaN) && isOlder(sent, days, clock) ? Number.NaN : value
    })
    return hasSameContent(stored, { ...sent, numbers })
  }
}

export function createKeptContent({ retention, types, store, clock }: KeptContentParts): KeptContent {
  return {
    isDropped: (reading) => isOlder(reading, rawDays(retention, reading.type), clock),
    isSame: sameWhereKept({ retention, types, clock }),
    counted() {
      const known = new Map<string, ReadonlySet<string>>()
      return async (reading) => {
        const from_ms = epochMs(Math.floor(reading.observed_at_ms / HOUR_MS) * HOUR_MS)
        const hour = JSON.stringify([reading.tenant, reading.device, from_ms])
        const channels = known.get(hour) ?? (await countedChannels(store, reading, from_ms))
        known.set(hour, channels)
        return channels.size > 0 && channelsIn(reading, types(reading.type)).some((channel) => channels.has(channel))
      }
    },
  }
}

/** Channels of which an hour counts more readings than are there one by one. */
async function countedChannels(store: KeptContentParts['store'], { tenant, device }: Reading, from_ms: EpochMs): Promise<ReadonlySet<string>> {
  const hour = { tenant, device, channels: [], from_ms, to_ms: epochMs(from_ms + HOUR_MS), maxPoints: 1 }
  const [counted, kept] = await Promise.all((['hourly', 'raw'] as const).map((tier) => store.buckets({ ...hour, tier })))
  const there = new Map(kept?.map(({ channel, n }) => [channel, n]))
  return new Set(counted?.filter(({ channel, n }) => n > (there.get(channel) ?? 0)).map(({ channel }) => channel))
}

/** Channels that a reading has a number of; texts are not counted. */
function channelsIn({ numbers }: Reading, type: ApplianceType | undefined): string[] {
  if (type === undefined) return []
  const { columns, baseWidth } = channelPlan(type).layout
  return columns.slice(0, baseWidth).filter((_, column) => !Number.isNaN(numbers[column] ?? Number.NaN))
}
