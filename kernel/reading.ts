/**
 * The reading: what one appliance said at one instant of its own clock. On the wire it is JSON (docs/device-contract.md);
 * inside it is columns: `numbers[i]` belongs to `layout.columns[i]`, NaN where the reading has no value, booleans as 0 and 1.
 * Aggregated channels take three columns: `<name>` (mean), and behind those of all channels `<name>_min`, `<name>_max`, which few readings
 * carry: a row without any may end before them, and what lies beyond the end of a row is absent.
 */
import type { EpochMs } from './clock.ts'

/** Order of a type's number columns; made once per type by `readingLayout` of the catalogue. */
export interface ReadingLayout {
  readonly type: string
  /** Column names in order: number and boolean channels, then `_min` and `_max` of each aggregated one. */
  readonly columns: readonly string[]
  /** How many of them are channels. */
  readonly baseWidth: number
  /** Position of a column by name. */
  readonly indexOf: ReadonlyMap<string, number>
}

interface ColumnChannel {
  readonly name: string
  readonly kind: 'number' | 'boolean' | 'text'
  readonly isAggregated: boolean
}

const extremesOf = ({ name, isAggregated }: ColumnChannel): readonly string[] => (isAggregated ? [`${name}_min`, `${name}_max`] : [])

/** Number columns of channels in the order of a layout. */
export function numberColumns(channels: readonly ColumnChannel[]): Pick<ReadingLayout, 'columns' | 'baseWidth'> {
  const numbers = channels.filter(({ kind }) => kind !== 'text')
  return { columns: [...numbers.map(({ name }) => name), ...numbers.flatMap(extremesOf)], baseWidth: numbers.length }
}

/** The same in the order of versions before: min and max behind their channel. State that they saved has its rows so. */
export const numberColumnsBefore = (channels: readonly ColumnChannel[]): readonly string[] =>
  channels.flatMap((channel) => (channel.kind === 'text' ? [] : [channel.name, ...extremesOf(channel)]))

export interface Reading {
  readonly tenant: string
  readonly device: string
  /** Appliance type, which fixes the layout of `numbers`. */
  readonly type: string
  /** Restarts of the device, uint32; -1 for a device without boot and seq, whose `seq` is then a hash of (ts, content). */
  readonly boot: number
  /** Sequence number within the boot, uint32. */
  readonly seq: number
  /** `seq` under which a version before would have stored it, where the key is made of content; for telling a duplicate only, and not stored. */
  readonly former_seq?: number
  /** Device time. */
  readonly observed_at_ms: EpochMs
  /** Time of receipt at the broker. */
  readonly received_at_ms: EpochMs
  /** Stored and forwarded by the device after an outage. */
  readonly hist: boolean
  /** Firmware version or undefined when the device did not say. */
  readonly fw: string | undefined
  /** One number a column of the layout, NaN = absent, or fewer: those beyond the end are absent. Not changed after decoding. */
  readonly numbers: Float64Array
  /** Text channels that the reading carries, [channel, text] (codes, modes). */
  readonly texts: ReadonlyArray<readonly [channel: string, text: string]>
}

/** What was kept out of the readings, with the reason and the raw bytes. */
export interface QuarantineEntry {
  readonly tenant: string
  readonly device: string
  readonly received_at_ms: EpochMs
  /** Device time when the envelope had one that could be read. */
  readonly observed_at_ms: EpochMs | undefined
  /** A code of `kernel/errors.ts`. */
  readonly code: string
  /** Path of the field, e.g. `[3].v.discharge_temperature_c`; empty for the whole payload. */
  readonly field: string
  /** Sentence for people, with value and bound. */
  readonly reason: string
  /** Topic kind (`tele`, `event` ...). */
  readonly kind: string
  readonly raw: Uint8Array
}
