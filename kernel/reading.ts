/**
 * The reading: what one appliance said at one instant of its own clock. On the wire it is JSON (docs/device-contract.md);
 * inside it is columns: `numbers[i]` belongs to `layout.columns[i]`, NaN where the reading has no value, booleans as 0 and 1.
 * Aggregated channels take three columns: `<name>` (mean), `<name>_min`, `<name>_max`.
 */
import type { EpochMs } from './clock.ts'

/** Order of a type's number columns; made once per type by `readingLayout` of the catalogue. */
export interface ReadingLayout {
  readonly type: string
  /** Column names in order: number and boolean channels, aggregated ones followed by `_min` and `_max`. */
  readonly columns: readonly string[]
  /** Position of a column by name. */
  readonly indexOf: ReadonlyMap<string, number>
}

export interface Reading {
  readonly tenant: string
  readonly device: string
  /** Appliance type, which fixes the layout of `numbers`. */
  readonly type: string
  /** Restarts of the device, uint32; -1 for a device without boot and seq, whose `seq` is then a hash of (ts, payload). */
  readonly boot: number
  /** Sequence number within the boot, uint32. */
  readonly seq: number
  /** Device time. */
  readonly observed_at_ms: EpochMs
  /** Time of receipt at the broker. */
  readonly received_at_ms: EpochMs
  /** Stored and forwarded by the device after an outage. */
  readonly hist: boolean
  /** Firmware version or undefined when the device did not say. */
  readonly fw: string | undefined
  /** One number a column of the layout, NaN = absent. Not changed after decoding. */
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
