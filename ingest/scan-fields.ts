/** The fields of a reading's envelope, and of an aggregate, as the scanner finds them: by their bytes, without a string for a name. */

import type { AcceptedMessage } from '#kernel/accepted-message.ts'
import type { Limits } from '#kernel/limits.ts'
import { QUOTE } from './scan-tokens.ts'

export type ScanLimits = Pick<Limits, 'readingsPerPayload_MAX' | 'jsonDepth_MAX' | 'channelsPerReading_MAX' | 'textLength_MAX' | 'aheadMs_MAX'> & {
  /** What a scan gives is valid until the next one: for who decides on a reading and forgets it. */
  readonly areReadingsReused?: boolean
  /**
   * How a reading without `seq` is taken; absent = it is not. `unneeded`: with `NO_KEY`, for who decides on readings and keeps none. `of bytes`:
   * the payload is as `JSON.stringify` writes it, so that the bytes of a reading are what a version before made its key of.
   */
  readonly keyless?: 'unneeded' | 'of bytes'
}

/** What a scanner needs to know of a message beside its payload. */
export type ScanSource = Pick<AcceptedMessage, 'tenant' | 'device' | 'received_at_ms' | 'maxAgeDays'>

export const UINT32_MAX = 0xffff_ffff

/** Fields of the envelope as bits, to find one that comes twice. */
export const TS = 1
export const SEQ = 2
export const BOOT = 4
export const HIST = 8
export const FW = 16
export const V = 32
export const NEEDED = TS | V

/** Field whose name and closing quote stand at a place, 0 for none. */
export function fieldAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]
  const second = bytes[at + 1]
  if (first === 0x76) return second === QUOTE ? V : 0
  const third = bytes[at + 2]
  if (first === 0x74) return second === 0x73 && third === QUOTE ? TS : 0
  if (first === 0x66) return second === 0x77 && third === QUOTE ? FW : 0
  const fourth = bytes[at + 3]
  if (first === 0x73) return second === 0x65 && third === 0x71 && fourth === QUOTE ? SEQ : 0
  if (bytes[at + 4] !== QUOTE) return 0
  if (first === 0x62) return second === 0x6f && third === 0x6f && fourth === 0x74 ? BOOT : 0
  if (first === 0x68) return second === 0x69 && third === 0x73 && fourth === 0x74 ? HIST : 0
  return 0
}

/** Which of mean, min and max stands at a place with its closing quote, as offset of its column; -1 for none. */
export function boundAt(bytes: Uint8Array, at: number): number {
  if (bytes[at] !== 0x6d) return -1
  const second = bytes[at + 1]
  const third = bytes[at + 2]
  const fourth = bytes[at + 3]
  if (second === 0x65) return third === 0x61 && fourth === 0x6e && bytes[at + 4] === QUOTE ? 0 : -1
  if (fourth !== QUOTE) return -1
  if (second === 0x69) return third === 0x6e ? 1 : -1
  return second === 0x61 && third === 0x78 ? 2 : -1
}
