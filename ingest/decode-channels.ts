/** What decoding needs to know of a type, worked out once: each channel by name with the column that it goes to. */
import { type ApplianceType, type Channel, readingLayout } from '#catalogue/appliance-type.ts'
import type { ReadingLayout } from '#kernel/reading.ts'

export interface PlannedChannel {
  readonly channel: Channel
  /** Column of the value or mean; an aggregated channel's min and max follow it. -1 for texts. */
  readonly column: number
}

export interface ChannelPlan {
  readonly layout: ReadingLayout
  readonly byName: ReadonlyMap<string, PlannedChannel>
}

const plans = new WeakMap<ApplianceType, ChannelPlan>()

/** Plan of a type; kept as long as the type's record is. */
export function channelPlan(type: ApplianceType): ChannelPlan {
  const known = plans.get(type)
  if (known !== undefined) return known
  const layout = readingLayout(type)
  const byName = new Map(type.channels.map((channel) => [channel.name, { channel, column: layout.indexOf.get(channel.name) ?? -1 }]))
  const plan = { layout, byName }
  plans.set(type, plan)
  return plan
}

/** A row of the layout without values. */
export const emptyRow = (layout: ReadingLayout): Float64Array => new Float64Array(layout.columns.length).fill(Number.NaN)
