/** What decoding needs to know of a type, worked out once: each channel by name with the column that it goes to. */
import { type ApplianceType, type Channel, readingLayout } from '#catalogue/appliance-type.ts'
import type { ReadingLayout } from '#kernel/reading.ts'

export interface PlannedChannel {
  readonly channel: Channel
  /** Column of the value or mean, -1 for texts. */
  readonly column: number
  /** Column of an aggregated channel's min, behind which lies that of its max; -1 for others. */
  readonly minimum: number
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
  const columnOf = (name: string): number => layout.indexOf.get(name) ?? -1
  const planned = type.channels.map((channel) => ({ channel, column: columnOf(channel.name), minimum: columnOf(`${channel.name}_min`) }))
  const plan = { layout, byName: new Map(planned.map((own) => [own.channel.name, own])) }
  plans.set(type, plan)
  return plan
}

/** Rows made in one piece of memory; a row keeps its piece, so they are few enough to be gone with their batch. */
const ROWS_PER_PIECE = 64

const pieces = new WeakMap<ReadingLayout, { memory: Float64Array; used: number }>()

/** A row without values, and without the columns of min and max. Hot: a view into a piece for many rows costs a fifth of an array of its own. */
export function emptyRow(layout: ReadingLayout): Float64Array {
  const width = layout.baseWidth
  let piece = pieces.get(layout)
  if (piece === undefined || piece.used === ROWS_PER_PIECE) {
    piece = { memory: new Float64Array(width * ROWS_PER_PIECE).fill(Number.NaN), used: 0 }
    pieces.set(layout, piece)
  }
  const from = piece.used++ * width
  return piece.memory.subarray(from, from + width)
}

/** The row with all columns of the layout; itself when it has them. */
export function widened(layout: ReadingLayout, row: Float64Array): Float64Array {
  const width = layout.columns.length
  if (row.length === width) return row
  const wide = new Float64Array(width).fill(Number.NaN)
  wide.set(row)
  return wide
}
