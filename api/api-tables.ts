/** Tables of the API in the operational store: keys, and answers kept for idempotency. */
import type { Migration } from '#kernel/migration.ts'

export interface ApiTables {
  api_keys: {
    id: string
    tenant: string
    /** Hex SHA-256 of the secret. */
    secret_hash: string
    /** Scopes, joined by a space. */
    scopes: string
    label: string
    created_at_ms: number
    revoked_at_ms: number | null
  }
  api_idempotency: {
    /** Hex SHA-256 of (token, key). */
    lookup_hash: string
    /** Hex SHA-256 of (route, body). */
    request_hash: string
    /** Answer, encrypted under (token, key), base64. */
    answer: string
    created_at_ms: number
  }
}

export const apiMigrations: readonly Migration[] = [
  {
    id: '0001-api',
    statements: [
      `CREATE TABLE api_keys (id TEXT PRIMARY KEY, tenant TEXT NOT NULL, secret_hash TEXT NOT NULL, scopes TEXT NOT NULL,
        label TEXT NOT NULL, created_at_ms BIGINT NOT NULL, revoked_at_ms BIGINT)`,
      `CREATE TABLE api_idempotency (lookup_hash TEXT PRIMARY KEY, request_hash TEXT NOT NULL, answer TEXT NOT NULL,
        created_at_ms BIGINT NOT NULL)`,
      'CREATE INDEX api_idempotency_created ON api_idempotency (created_at_ms)',
    ],
  },
]
