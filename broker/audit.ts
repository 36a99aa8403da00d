/** Audit rows of identities: who did what to which device, written in the transaction of the effect and never changed. */
import { randomBytes } from 'node:crypto'
import type { Kysely } from 'kysely'
import type { DeviceTables, IdentityAuditRow } from './device-tables.ts'

export type AuditEntry = Omit<IdentityAuditRow, 'id' | 'details'> & { readonly details?: object }

/** Writes one row; ids rise with time. */
export async function insertAudit(database: Kysely<DeviceTables>, { details = {}, ...entry }: AuditEntry): Promise<void> {
  const id = `${String(entry.at_ms).padStart(14, '0')}-${randomBytes(6).toString('hex')}`
  await database
    .insertInto('identity_audit')
    .values({ ...entry, id, details: JSON.stringify(details) })
    .execute()
}

export interface AuditQuery {
  readonly tenant: string
  readonly subject?: string | undefined
  readonly after?: string | undefined
  readonly limit: number
}

/** Rows of a tenant, oldest first, those behind `after`. */
export async function listAudit(database: Kysely<DeviceTables>, { tenant, subject, after = '', limit }: AuditQuery) {
  let query = database.selectFrom('identity_audit').selectAll().where('tenant', '=', tenant).where('id', '>', after)
  if (subject !== undefined) query = query.where('subject', '=', subject)
  const rows = await query
    .orderBy('id')
    .limit(limit + 1)
    .execute()
  const items = rows.slice(0, limit).map((row) => ({ ...row, details: JSON.parse(row.details) as object }))
  return { items, next: rows.length > limit ? (items.at(-1)?.id ?? null) : null }
}
