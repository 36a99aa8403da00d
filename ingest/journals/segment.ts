/**
 * The bytes of a journal segment. A segment is a file named by its base, the position of its first byte; the log is the concatenation
 * of the segments, headers included, so position = base + offset in the file. A segment reaches at most to the base of the next one.
 *
 *     header  2 equal copies of 16 bytes: "MDLJ", u8 version (1), 3 zero bytes, u32 salt, u32 CRC-32 of the 12 bytes before
 *     record  u32 length of the body, u32 checksum, body; little-endian, no padding
 *
 * The checksum is CRC-32 (decision 0004) begun from a mix of salt, position and length: a record is valid only where it was written,
 * so neither stale blocks nor a payload that imitates a record pass for one. A length of 0 is never valid: zeros may follow the last
 * record up to the file's end (`zero-ahead.ts`).
 */
import { crc32 } from 'node:zlib'
import type { Position } from '../journal.ts'
import { FRAME_BYTES, FramedRecords } from './framed-records.ts'

export const HEADER_BYTES = 32

const COPY_BYTES = 16
const MAGIC = 0x4a4c_444d
const VERSION = 1
const NAME_DIGITS = 16
const NAME_PATTERN = /^(\d{16})\.journal$/

/** File name of the segment that begins at `base`; names sort like positions. */
export const segmentName = (base: Position): string => `${String(base).padStart(NAME_DIGITS, '0')}.journal`

/** Bases of the segments among the names of a directory, ascending. */
export function segmentBases(names: readonly string[]): readonly Position[] {
  return names
    .flatMap((name) => {
      const digits = NAME_PATTERN.exec(name)?.[1]
      return digits === undefined ? [] : [Number(digits)]
    })
    .sort((a, b) => a - b)
}

/** Header of a segment. */
export function encodeHeader(salt: number): Uint8Array {
  const header = Buffer.alloc(HEADER_BYTES)
  for (let start = 0; start < HEADER_BYTES; start += COPY_BYTES) {
    header.writeUInt32LE(MAGIC, start)
    header[start + 4] = VERSION
    header.writeUInt32LE(salt, start + 8)
    header.writeUInt32LE(crc32(header.subarray(start, start + 12)), start + 12)
  }
  return header
}

/** Salt of a segment from either copy of its header, or undefined when both are broken. */
export function decodeHeader(bytes: Uint8Array): number | undefined {
  const header = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let start = 0; start + COPY_BYTES <= Math.min(header.length, HEADER_BYTES); start += COPY_BYTES) {
    const isWhole = header.readUInt32LE(start) === MAGIC && header[start + 4] === VERSION
    if (isWhole && header.readUInt32LE(start + 12) === crc32(header.subarray(start, start + 12))) return header.readUInt32LE(start + 8)
  }
  return undefined
}

/** Checksum of a body at its position. */
export function checksum(body: Uint8Array, position: Position, salt: number): number {
  const low = position >>> 0
  const high = Math.floor(position / 0x1_0000_0000)
  return crc32(body, (salt ^ low ^ Math.imul(high, 0x85eb_ca6b) ^ Math.imul(body.length, 0x9e37_79b1)) >>> 0)
}

/** Where and how the bytes handed to `parseRecords` lie. */
export interface ParseOptions {
  /** Position of the first byte. */
  readonly position: Position
  readonly salt: number
  readonly recordBytes_MAX: number
  /** Nothing follows these bytes: a record that runs over their end is broken, not unfinished. */
  readonly isFinal: boolean
}

export interface ParsedRecords {
  /** Bodies are views into the bytes. */
  readonly records: FramedRecords
  /** Position behind the last valid record; when bytes are left, what is there is unfinished or (isFinal) broken to the end. */
  readonly next: Position
  /** Broken stretches that were skipped because a valid record follows them. */
  readonly corrupt: number
}

/** Reads the records in `bytes`, which begin at a record; a broken one is skipped to the next valid one, byte by byte. */
export function parseRecords(bytes: Uint8Array, options: ParseOptions): ParsedRecords {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const records = new FramedRecords(bytes, options.position)
  let corrupt = 0
  let offset = 0
  while (offset < buffer.length) {
    const frame = frameAt(buffer, offset, options)
    if (typeof frame === 'number') {
      records.add(offset + FRAME_BYTES, frame)
      offset += FRAME_BYTES + frame
      continue
    }
    if (frame === 'unfinished' && !options.isFinal) break
    const following = nextValid(buffer, offset + 1, options)
    if (following === undefined) break
    corrupt++
    offset = following
  }
  return { records, next: options.position + offset, corrupt }
}

/** What is left of the bytes behind the last record without the zeros that were laid out there. */
export function withoutZeros(bytes: Uint8Array): Uint8Array {
  let length = bytes.length
  while (length > 0 && bytes[length - 1] === 0) length--
  return bytes.subarray(0, length)
}

/** Bytes of the body that is framed there. */
function frameAt(buffer: Buffer, offset: number, options: ParseOptions): number | 'unfinished' | 'broken' {
  if (offset + FRAME_BYTES > buffer.length) return 'unfinished'
  const length = buffer.readUInt32LE(offset)
  if (length === 0 || length > options.recordBytes_MAX) return 'broken'
  const end = offset + FRAME_BYTES + length
  if (end > buffer.length) return 'unfinished'
  const body = new Uint8Array(buffer.buffer, buffer.byteOffset + offset + FRAME_BYTES, length)
  return checksum(body, options.position + offset, options.salt) === buffer.readUInt32LE(offset + 4) ? length : 'broken'
}

function nextValid(buffer: Buffer, from: number, options: ParseOptions): number | undefined {
  for (let offset = from; offset + FRAME_BYTES < buffer.length; offset++) {
    if (typeof frameAt(buffer, offset, options) === 'number') return offset
  }
  return undefined
}
