/**
 * What retention has taken from the store, so that its absence proves nothing: a reading that came before and is no longer kept one by one has not got
 * lost, and a channel that is no longer kept does not make another content. Hours and days count what was dropped, so that it must not be counted again.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import { type Clock, epochMs } from '#kernel/clock.ts'
import type { Reading } from '#kernel/reading.ts'
import type { ReadingStore, StoreRetention } from './reading-store.ts'
import { hasSameContent } from './same-reading.ts'
import { storedType } from './stores/stored-type.ts'

export interface KeptContent {
  /** Whether the store may have dropped the single readings of this one's day. */
  isDropped(reading: Reading): boolean
  /** `hasSameContent`, without the channels of `stored` that may have been dropped. */
  isSame(stored: Reading, sent: Reading): boolean
  /** Whether hours count more readings of the device around this one than are there one by one. */
  isCounted(reading: Reading): Promise<boolean>
}

interface KeptContentParts {
  readonly retention: Pick<StoreRetention, 'raw_days' | 'type_days' | 'channel_days'>
  readonly types: (type: string) => ApplianceType | undefined
  readonly store: Pick<ReadingStore, 'buckets'>
  readonly clock: Clock
}

/** Where nothing is ever dropped. */
export const EVERYTHING_KEPT: KeptContent = { isDropped: () => false, isSame: hasSameContent, isCounted: async () => false }

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS

type ContentParts = Pick<KeptContentParts, 'types' | 'clock'> & { readonly retention: Pick<StoreRetention, 'channel_days'> }

/** A day sooner than the settings say, for a day is dropped whole. */
const isOlder = ({ observed_at_ms }: Reading, days: number, clock: Clock): boolean => observed_at_ms < clock.now() - (days - 1) * DAY_MS

/** `hasSameContent` of what is stored and what is sent, without the channels that may have been dropped of what is stored. */
export function sameWhereKept({ retention: { channel_days }, types, clock }: ContentParts): KeptContent['isSame'] {
  if (Object.keys(channel_days).length === 0) return hasSameContent
  const daysOf = (type: string, column: string): number | undefined =>
    [column, column.replace(/_(min|max)$/, '')].flatMap((name) => channel_days[`${type}.${name}`] ?? channel_days[name] ?? [])[0]
  return (stored, sent) => {
    if (hasSameContent(stored, sent)) return true
    const type = types(sent.type)
    if (type === undefined) return false
    const { columns } = storedType(type, undefined)
    const numbers = Float64Array.from(sent.numbers, (value, index) => {
      const days = daysOf(sent.type, columns[index] ?? '')
      return days !== undefined && Number.isNaN(stored.numbers[index] ?? Number.NaN) && isOlder(sent, days, clock) ? Number.NaN : value
    })
    return hasSameContent(stored, { ...sent, numbers })
  }
}

export function createKeptContent({ retention, types, store, clock }: KeptContentParts): KeptContent {
  return {
    isDropped: (reading) => isOlder(reading, retention.type_days[reading.type] ?? retention.raw_days, clock),
    isSame: sameWhereKept({ retention, types, clock }),
    async isCounted({ tenant, device, observed_at_ms }) {
      const from_ms = epochMs(Math.floor(observed_at_ms / HOUR_MS) * HOUR_MS)
      const hour = { tenant, device, channels: [], from_ms, to_ms: epochMs(from_ms + HOUR_MS), maxPoints: 1 }
      const [counted, kept] = await Promise.all((['hourly', 'raw'] as const).map((tier) => store.buckets({ ...hour, tier })))
      const there = new Map(kept?.map(({ channel, n }) => [channel, n]))
      return counted?.some(({ channel, n }) => n > (there.get(channel) ?? 0)) === true
    },
  }
}
