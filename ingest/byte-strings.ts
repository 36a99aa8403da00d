/**
 * Strings of short runs of bytes that keep coming back: ids, types, firmware versions, codes. A table of fixed size keeps the last
 * string of each place, so what repeats is made once and is the same string object each time, whose hash every Map already knows.
 */

/** Places of the table, a power of two; two texts of one place push each other out. */
const PLACES = 16_384

interface Kept {
  readonly bytes: Uint8Array
  readonly text: string
}

/** Gives the string of the UTF-8 bytes in [from, to). */
export type StringOfBytes = (bytes: Uint8Array, from: number, to: number) => string

/** Creates an empty table. */
export function createByteStrings(places = PLACES): StringOfBytes {
  const table: Array<Kept | undefined> = new Array(places).fill(undefined)
  return (bytes, from, to) => {
    let hash = to - from
    for (let at = from; at < to; at++) hash = Math.imul(hash ^ (bytes[at] ?? 0), 0x0100_0193)
    const place = (hash ^ (hash >>> 15)) & (places - 1)
    const kept = table[place]
    if (kept !== undefined && isSame(kept.bytes, bytes, from, to)) return kept.text
    const own = bytes.slice(from, to)
    const text = Buffer.from(own.buffer, own.byteOffset, own.byteLength).toString('utf8')
    table[place] = { bytes: own, text }
    return text
  }
}

function isSame(kept: Uint8Array, bytes: Uint8Array, from: number, to: number): boolean {
  const length = kept.length
  if (length !== to - from) return false
  for (let at = 0; at < length; at++) if (kept[at] !== bytes[from + at]) return false
  return true
}
