/**
 * Identifiers. Tenants, devices and principals are `[A-Za-z0-9_-]{1,64}` on every door (contract).
 * Records made by the pipeline have ids derived from their content, so that a replay of the journal makes the same ids.
 */
import { Type } from 'typebox'

/** Source of the pattern every tenant, device and principal id matches. */
export const ID_PATTERN = '^[A-Za-z0-9_-]{1,64}$'

export const IdSchema = Type.String({ pattern: ID_PATTERN })

const idRegExp = new RegExp(ID_PATTERN)

/** Tells whether `text` may be a tenant, device or principal id. */
export const isId = (text: string): boolean => idRegExp.test(text)

/** Tenant of a device that names none. */
export const DEFAULT_TENANT = 'home'

/**
 * Deterministic id: `<prefix>_` + 20 hex digits of two 64-bit FNV-1a hashes over the parts (joined by U+001F).
 * 80 bits: at a billion records the chance of any collision is below 1e-6.
 */
export function contentId(prefix: string, ...parts: ReadonlyArray<string | number>): string {
  const text = parts.join('\u001f')
  const high = fnv1a64(text, 0xcbf2_9ce4_8422_2325n)
  const low = fnv1a64(text, 0x9e37_79b9_7f4a_7c15n)
  return `${prefix}_${high.toString(16).padStart(16, '0')}${(low & 0xffffn).toString(16).padStart(4, '0')}`
}

function fnv1a64(text: string, offset: bigint): bigint {
  let hash = offset
  for (let index = 0; index < text.length; index++) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(text.charCodeAt(index))) * 0x0000_0100_0000_01b3n)
  }
  return hash
}
