/**
 * Links that stand for a right without a login: a person who was called acknowledges an emergency, a household says that it read the
 * advice. A token names what it is for and carries a keyed digest of it; the key lies in the emergency book and never leaves it. A token
 * opens one thing of one emergency and nothing else.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { EmergencyTables } from './emergency-tables.ts'

export type LinkPurpose = 'acknowledge' | 'receipt'

export interface SignedLinks {
  /** `person` is who acknowledges; empty for a receipt. */
  sign(purpose: LinkPurpose, emergencyId: string, person: string): string
  /** What a token stands for; undefined for one of another purpose or hand. */
  open(purpose: LinkPurpose, token: string): { readonly emergencyId: string; readonly person: string } | undefined
}

const KEY_NAME = 'links'
const KEY_BYTES = 32
/** Bytes of the digest that stand in a token. */
const DIGEST_BYTES = 24
const TOKEN_LENGTH_MAX = 400

/** The links of a book; its key is made once. */
export async function openSignedLinks(database: Kysely<EmergencyTables>): Promise<SignedLinks> {
  const made = { name: KEY_NAME, secret: randomBytes(KEY_BYTES).toString('base64') }
  await database
    .insertInto('emg_keys')
    .values(made)
    .onConflict((conflict) => conflict.doNothing())
    .execute()
  const { secret } = await database.selectFrom('emg_keys').select('secret').where('name', '=', KEY_NAME).executeTakeFirstOrThrow()
  const key = Buffer.from(secret, 'base64')
  const digest = (purpose: LinkPurpose, emergencyId: string, person: string): Buffer =>
    createHmac('sha256', key)
      .update(JSON.stringify([purpose, emergencyId, person]))
      .digest()
      .subarray(0, DIGEST_BYTES)
  return {
    sign: (purpose, emergencyId, person) =>
      [emergencyId, Buffer.from(person).toString('base64url'), digest(purpose, emergencyId, person).toString('base64url')].join('.'),
    open(purpose, token) {
      if (token.length > TOKEN_LENGTH_MAX) return undefined
      const [emergencyId = '', encoded = '', given = '', ...more] = token.split('.')
      const person = Buffer.from(encoded, 'base64url').toString()
      const wanted = digest(purpose, emergencyId, person)
      const bytes = Buffer.from(given, 'base64url')
      // One token has one spelling: the decoder would overlook what stands behind it.
      const isSpelt = more.length === 0 && bytes.toString('base64url') === given && Buffer.from(person).toString('base64url') === encoded
      return isSpelt && bytes.length === wanted.length && timingSafeEqual(bytes, wanted) ? { emergencyId, person } : undefined
    },
  }
}
