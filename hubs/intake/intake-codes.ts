/**
 * Codes of the reporting page: a token for the sticker of a unit that opens the page and nothing else. Only a hash is kept; a unit has one
 * code, a new one takes the place of the old.
 */
import { createHash, randomBytes } from 'node:crypto'
import type { HubTransaction } from '../hub-transaction.ts'

/** Bytes of chance in a token. */
const TOKEN_BYTES = 18

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex')

/** Makes a token, shown this once. */
export async function makeCode(hub: HubTransaction, tenant: string, device: string): Promise<string> {
  const token = randomBytes(TOKEN_BYTES).toString('base64url')
  await revokeCode(hub, tenant, device)
  await hub.database
    .insertInto('hub_intake_codes')
    .values({ token_hash: hashOf(token), tenant, device, created_at_ms: hub.nowMs })
    .execute()
  return token
}

/** Tells whether there was one. */
export async function revokeCode(hub: HubTransaction, tenant: string, device: string): Promise<boolean> {
  const result = await hub.database.deleteFrom('hub_intake_codes').where('tenant', '=', tenant).where('device', '=', device).executeTakeFirst()
  return result.numDeletedRows > 0n
}

/** Unit of a token; undefined when it is unknown or revoked. */
export const unitOfCode = (hub: HubTransaction, token: string): Promise<{ readonly tenant: string; readonly device: string } | undefined> =>
  hub.database.selectFrom('hub_intake_codes').select(['tenant', 'device']).where('token_hash', '=', hashOf(token)).executeTakeFirst()
