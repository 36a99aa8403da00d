/**
 * Answers of POSTs by Idempotency-Key: the same request again gets the same answer, another request under the same key is refused.
 * Answers may hold secrets that are shown once, so they lie encrypted under (token, key), of which only hashes are kept: who reads
 * the file reads no secret. Kept for a day. A crash between effect and answer leaves no answer; the retry then acts again and meets
 * the uniqueness of the record itself.
 */
import { createCipheriv, createDecipheriv, createHash, hkdfSync, randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import type { Limits } from '#kernel/limits.ts'
import type { ApiTables } from './api-tables.ts'
import type { IdempotencyPort } from './ports.ts'

export interface IdempotencyOptions {
  readonly database: Kysely<ApiTables>
  readonly clock: Clock
  readonly limits: Pick<Limits, 'apiIdempotencyMs'>
}

export function createIdempotency({ database, clock, limits }: IdempotencyOptions): IdempotencyPort {
  const running = new Set<string>()
  return {
    async once({ token, key, route, body }, act) {
      const lookup = hash(token, key)
      const request = hash(route, JSON.stringify(body))
      if (running.has(lookup)) throw new MendlineError('MDL_API_CONFLICT', 'a request with this Idempotency-Key is under way', { retryable: true })
      running.add(lookup)
      try {
        await database
          .deleteFrom('api_idempotency')
          .where('created_at_ms', '<', clock.now() - limits.apiIdempotencyMs)
          .execute()
        const kept = await database.selectFrom('api_idempotency').selectAll().where('lookup_hash', '=', lookup).executeTakeFirst()
        if (kept !== undefined) {
          if (kept.request_hash !== request) {
            throw new MendlineError('MDL_API_IDEMPOTENCY_MISMATCH', 'the Idempotency-Key was used with another request')
          }
          return { answer: JSON.parse(decrypt(kept.answer, token, key)), isReplayed: true }
        }
        const answer = await act()
        const row = { lookup_hash: lookup, request_hash: request, answer: encrypt(JSON.stringify(answer), token, key), created_at_ms: clock.now() }
        await database.insertInto('api_idempotency').values(row).execute()
        return { answer, isReplayed: false }
      } finally {
        running.delete(lookup)
      }
    },
  }
}

const hash = (...parts: readonly string[]): string => createHash('sha256').update(JSON.stringify(parts)).digest('hex')

const cipherKey = (token: string, key: string): Buffer =>
  Buffer.from(hkdfSync('sha256', JSON.stringify([token, key]), '', 'mendline idempotency', 32))

function encrypt(text: string, token: string, key: string): string {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', cipherKey(token, key), nonce)
  const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()])
  return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64')
}

function decrypt(kept: string, token: string, key: string): string {
  const bytes = Buffer.from(kept, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', cipherKey(token, key), bytes.subarray(0, 12))
  decipher.setAuthTag(bytes.subarray(12, 28))
  return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8')
}
