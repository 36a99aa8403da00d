/**
 * Cuts a JSON object into its members without touching the bytes of their values, so that each record holds what the sender wrote
 * (parsing and writing anew would change numbers). The payload is parsed once to know that it is JSON; then the cut is a count of brackets.
 */
import { isUtf8 } from 'node:buffer'

export interface JsonMember {
  readonly name: string
  /** Bytes of the value, from..to. */
  readonly from: number
  readonly to: number
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COMMA = 0x2c
const COLON = 0x3a

/** Members of a JSON object in order; undefined when the payload is anything else. Cost: one JSON.parse and one pass over the bytes. */
export function jsonMembers(payload: Uint8Array): readonly JsonMember[] | undefined {
  if (!isUtf8(payload)) return undefined
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength)
  try {
    const value: unknown = JSON.parse(bytes.toString('utf8'))
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  } catch {
    return undefined
  }
  const members: JsonMember[] = []
  let keyFrom = bytes.indexOf('{') + 1
  let colon = -1
  let depth = 0
  for (let index = keyFrom; index < bytes.length; index++) {
    const byte = bytes[index]
    if (byte === QUOTE) index = stringEnd(bytes, index)
    else if (byte === COLON && depth === 0 && colon < 0) colon = index
    // `[` and `{` differ in one bit, as do `]` and `}`.
    else if (byte === 0x5b || byte === 0x7b) depth++
    else if (byte === 0x5d || byte === 0x7d || (byte === COMMA && depth === 0)) {
      if (byte !== COMMA && depth-- > 0) continue
      if (colon >= 0) members.push({ name: JSON.parse(bytes.toString('utf8', keyFrom, colon)) as string, ...trimmed(bytes, colon + 1, index) })
      keyFrom = index + 1
      colon = -1
      if (byte !== COMMA) break
    }
  }
  return members
}

/** Index of the closing quote. */
function stringEnd(bytes: Buffer, from: number): number {
  let index = from + 1
  while (bytes[index] !== QUOTE) index += bytes[index] === BACKSLASH ? 2 : 1
  return index
}

function trimmed(bytes: Buffer, from: number, to: number): { from: number; to: number } {
  const isSpace = (at: number): boolean => (bytes[at] ?? 0) <= 0x20
  let start = from
  let end = to
  while (start < end && isSpace(start)) start++
  while (end > start && isSpace(end - 1)) end--
  return { from: start, to: end }
}
