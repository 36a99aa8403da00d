/**
 * Secrets of devices: made by us with 256 random bits, so a plain SHA-256 is stored and compared in constant time. That costs a
 * microsecond, which a storm of reconnects needs; a secret that a person chose would need scrypt and is not accepted here.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { MendlineError } from '#kernel/errors.ts'

const SECRET_BYTES = 32

/** Makes a secret of 256 bits as 43 characters of base64url. */
export const makeSecret = (): string => randomBytes(SECRET_BYTES).toString('base64url')

/** Hashes a secret as it is stored: 64 hex digits. */
export const hashSecret = (secret: string | Uint8Array): string => createHash('sha256').update(secret).digest('hex')

/** The secrets of a principal as they are stored. */
export interface StoredSecrets {
  readonly secret_hash: string
  readonly previous_secret_hash: string | null
  readonly previous_secret_until_ms: number | null
}

/** Compared where there is no principal, so that its absence cannot be timed. */
export const NO_SECRETS: StoredSecrets = { secret_hash: '', previous_secret_hash: null, previous_secret_until_ms: null }

/** Which of the two valid secrets a rotation ends: the `older`, or the `newer`, which nobody has taken up. */
export type SecretEnd = 'older' | 'newer'

interface Rotation {
  readonly nowMs: number
  readonly overlapMs: number
  readonly ends: SecretEnd | undefined
}

/**
 * Columns of a rotation: a new secret valid at once, the old one for `overlapMs` more. While an older one still is valid, too, `ends` says
 * which of the two ends now: a device in the field that was not reached yet goes by the older.
 * @throws MendlineError MDL_API_CONFLICT (two are valid and nothing is said; `previous_until_ms` in the details)
 */
export function rotateSecret(row: StoredSecrets, { nowMs, overlapMs, ends }: Rotation): { readonly secret: string; readonly change: StoredSecrets } {
  const { secret_hash, previous_secret_hash, previous_secret_until_ms: until } = row
  const isRotating = previous_secret_hash !== null && until !== null && nowMs < until
  if (isRotating && ends === undefined) {
    const reason = 'two secrets are valid already: wait until the older has ended, or say by `end` which of them ends now'
    throw new MendlineError('MDL_API_CONFLICT', reason, { details: { previous_until_ms: until } })
  }
  const secret = makeSecret()
  const stays = isRotating && ends === 'newer' ? { previous_secret_hash, previous_secret_until_ms: until } : undefined
  return {
    secret,
    change: { secret_hash: hashSecret(secret), ...(stays ?? { previous_secret_hash: secret_hash, previous_secret_until_ms: nowMs + overlapMs }) },
  }
}

/** Tells whether `secret` is the valid one of the row, or the one before while that still holds. */
export function isSecretOf(row: StoredSecrets, secret: Uint8Array, nowMs: number): boolean {
  const { secret_hash: hash, previous_secret_hash: previous, previous_secret_until_ms: until } = row
  const isPreviousValid = previous !== null && until !== null && nowMs < until
  return secretMatches(secret, [hash, isPreviousValid ? previous : undefined])
}

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
