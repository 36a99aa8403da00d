/**
 * Secrets of devices: made by us with 256 random bits, so a plain SHA-256 is stored and compared in constant time. That costs a
 * microsecond, which a storm of reconnects needs; a secret that a person chose would need scrypt and is not accepted here.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'

const SECRET_BYTES = 32

/** Makes a secret of 256 bits as 43 characters of base64url. */
export const makeSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url')

/** Hashes a secret as it is stored: 64 hex digits. */
export const hashSecret = (secret: string | Uint8Array): string => createHash('sha256').update(secret).digest('hex')

/** Tells in constant time whether `secret` belongs to one of the stored hashes; every hash is looked at. */
export function secretMatches(secret: Uint8Array, hashes: ReadonlyArray<string | undefined>): boolean {
  const given = createHash('sha256').update(secret).digest()
  let matches = false
  for (const hash of hashes) {
    const stored = hash === undefined ? Buffer.alloc(given.length) : Buffer.from(hash, 'hex')
    const equal = stored.length === given.length && timingSafeEqual(given, stored)
    matches = (equal && hash !== undefined) || matches
  }
  return matches
}
