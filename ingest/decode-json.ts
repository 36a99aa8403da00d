/** The first look at a payload: UTF-8, bounded nesting, JSON. It gives plain values and touches no prototype. */
import { isUtf8 } from 'node:buffer'
import { parseJson } from '#kernel/json-text.ts'

/** An object as JSON.parse makes it; `__proto__` in it is an ordinary own key. */
export type JsonRecord = { readonly [key: string]: unknown }

export type ParsedPayload = { readonly kind: 'parsed'; readonly value: unknown } | { readonly kind: 'refused'; readonly reason: string }

const QUOTE = 0x22
const BACKSLASH = 0x5c
const COLON = 0x3a

/**
 * Parses a payload; a depth without bound is not looked at. A number too large for a double becomes Infinity here and is refused
 * as a value later, and so is a name that stands twice (`isRepeated`); NaN is no JSON.
 */
export function parsePayload(payload: Uint8Array, depth_MAX: number): ParsedPayload {
  if (!isUtf8(payload)) return { kind: 'refused', reason: 'the payload is not UTF-8' }
  const colons = colonsWithin(payload, depth_MAX)
  if (colons === 'deeper') return { kind: 'refused', reason: `the payload is nested deeper than ${depth_MAX}` }
  const text = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength).toString('utf8')
  try {
    return { kind: 'parsed', value: parseJson(text, colons) }
  } catch {
    return { kind: 'refused', reason: 'the payload is not JSON' }
  }
}

export const isRecord = (value: unknown): value is JsonRecord => typeof value === 'object' && value !== null && !Array.isArray(value)

/** Own field of a record, so that nothing is read from Object.prototype. */
export const ownField = (record: JsonRecord, name: string): unknown => (Object.hasOwn(record, name) ? record[name] : undefined)

/** Counts colons outside strings, or stops where brackets are nested deeper than `depth_MAX`; cheaper than parsing first and walking afterwards. */
function colonsWithin(payload: Uint8Array, depth_MAX: number): number | 'deeper' {
  let depth = 0
  let colons = 0
  let isInString = false
  for (let index = 0; index < payload.length; index++) {
    const byte = payload[index]
    if (isInString) {
      if (byte === BACKSLASH) index++
      else if (byte === QUOTE) isInString = false
    } else if (byte === QUOTE) isInString = true
    else if (byte === COLON) colons++
    // `[` and `{` differ in one bit, as do `]` and `}`.
    else if (byte === 0x5b || byte === 0x7b) {
      if (++depth > depth_MAX) return 'deeper'
    } else if (byte === 0x5d || byte === 0x7d) depth--
  }
  return colons
}
