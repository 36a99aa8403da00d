/**
 * API keys: `mdl_<id>_<secret>` with scopes, bound to one tenant. Secrets have 256 bits and are ours, so their SHA-256 is kept and
 * compared in constant time. A key is looked up on each request: revoking it takes effect with the next one.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { Clock } from '#kernel/clock.ts'
import { MendlineError } from '#kernel/errors.ts'
import { DEFAULT_TENANT } from '#kernel/ids.ts'
import type { ApiTables } from './api-tables.ts'

/** `admin` holds all others and may name any tenant. */
export const SCOPES = ['read', 'devices:write', 'commands:write', 'orders:write', 'webhooks:write', 'admin'] as const
export type Scope = (typeof SCOPES)[number]

/** Who calls, as the key says. */
export interface Caller {
  readonly keyId: string
  readonly tenant: string
  readonly scopes: ReadonlySet<Scope>
}

export interface KeyRecord {
  readonly id: string
  readonly tenant: string
  readonly scopes: readonly Scope[]
  readonly label: string
  readonly created_at_ms: number
  readonly revoked_at_ms: number | null
}

export interface KeyStore {
  /** Makes a key; the token is in this answer and nowhere else. */
  create(key: { readonly tenant: string; readonly scopes: readonly Scope[]; readonly label: string }): Promise<KeyRecord & { readonly token: string }>
  list(tenant: string): Promise<readonly KeyRecord[]>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  revoke(tenant: string, id: string): Promise<void>
  authenticate(token: string): Promise<Caller | undefined>
}

/** Token that development mode accepts with every right; never outside of it. */
export const DEV_TOKEN = 'dev'

const TOKEN = /^mdl_([A-Za-z0-9]{12})_([A-Za-z0-9_-]{43})$/
const sha256 = (text: string): Buffer => createHash('sha256').update(text).digest()

export function createKeyStore({
  database,
  clock,
  dev,
}: {
  readonly database: Kysely<ApiTables>
  readonly clock: Clock
  readonly dev: boolean
}): KeyStore {
  return {
    async create({ tenant, scopes, label }) {
      const id = randomBytes(6).toString('hex')
      const secret = randomBytes(32).toString('base64url')
      const row = { id, tenant, scopes: scopes.join(' '), label, created_at_ms: clock.now(), revoked_at_ms: null }
      await database
        .insertInto('api_keys')
        .values({ ...row, secret_hash: sha256(secret).toString('hex') })
        .execute()
      return { ...toRecord(row), token: `mdl_${id}_${secret}` }
    },
    async list(tenant) {
      const rows = await database.selectFrom('api_keys').selectAll().where('tenant', '=', tenant).orderBy('created_at_ms').execute()
      return rows.map(toRecord)
    },
    async revoke(tenant, id) {
      const result = await database
        .updateTable('api_keys')
        .set({ revoked_at_ms: clock.now() })
        .where('tenant', '=', tenant)
        .where('id', '=', id)
        .where('revoked_at_ms', 'is', null)
        .executeTakeFirst()
      if (result.numUpdatedRows === 0n) throw new MendlineError('MDL_API_NOT_FOUND', `there is no key ${id}`)
    },
    async authenticate(token) {
      if (dev && token === DEV_TOKEN) return { keyId: DEV_TOKEN, tenant: DEFAULT_TENANT, scopes: new Set(SCOPES) }
      const [, id, secret] = TOKEN.exec(token) ?? []
      if (id === undefined || secret === undefined) return undefined
      const row = await database.selectFrom('api_keys').selectAll().where('id', '=', id).executeTakeFirst()
      if (row === undefined || row.revoked_at_ms !== null) return undefined
      if (!timingSafeEqual(sha256(secret), Buffer.from(row.secret_hash, 'hex'))) return undefined
      return { keyId: id, tenant: row.tenant, scopes: new Set(toRecord(row).scopes) }
    },
  }
}

function toRecord(row: Omit<ApiTables['api_keys'], 'secret_hash'>): KeyRecord {
  const { id, tenant, label, created_at_ms, revoked_at_ms } = row
  return { id, tenant, scopes: row.scopes.split(' ') as Scope[], label, created_at_ms, revoked_at_ms }
}
