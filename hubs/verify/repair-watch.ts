/**
 * Which units are waited for: those with a repair that is not judged yet, and the windows of each that came
 * already. Of a visit that nothing is known of yet the windows before it are wanted, too. Reads only; the windows themselves come back as `residuals_measured`.
 */
import { type Kysely, sql } from 'kysely'
import type { HubTables } from '../hub-tables.ts'

export interface WatchedUnit {
  readonly tenant: string
  readonly device: string
  readonly type: string
  /** Earliest repair that is not judged yet; windows behind it count. */
  readonly since_ms: number
  /** Visit whose windows of before are not known yet; null = none. */
  readonly unseen_ms: number | null
}

export interface RepairWatch {
  /** In order of tenant and device, those behind `after`; units that are measured behind a remote step are among them. Empty when nothing waits. */
  watching(query: { readonly after?: WatchedUnit | undefined; readonly limit: number }): Promise<readonly WatchedUnit[]>
  /** Ends of the windows that came already, as epoch ms. */
  known(unit: WatchedUnit): Promise<ReadonlySet<number>>
}

/** Creates the reader over the hubs' tables. */
export function createRepairWatch(database: Kysely<HubTables>): RepairWatch {
  return {
    async watching({ after, limit }) {
      const repairs = database
        .selectFrom('hub_verifications')
        .select(['tenant', 'device', 'type', 'done_at_ms'])
        .select((select) => select.case().when('seen', 'is', null).then(select.ref('done_at_ms')).end().as('unseen_ms'))
        .where('state', '=', 'watching')
        .where((where) => where.or([where('before', '!=', '[]'), where('seen', 'is not', null), where('method', '=', 'residuals')]))
      const tried = database
        .selectFrom('hub_remote_offers')
        .select(['tenant', 'device', 'type', 'started_at_ms as done_at_ms', sql<number | null>`CAST(NULL AS BIGINT)`.as('unseen_ms')])
        .where('state', '=', 'measuring')
        .where('started_at_ms', 'is not', null)
        .$castTo<{ tenant: string; device: string; type: string; done_at_ms: number; unseen_ms: number | null }>()
      const rows = await database
        .selectFrom(repairs.unionAll(tried).as('waited'))
        .select((select) => [
          ...(['tenant', 'device', 'type'] as const),
          select.fn.min<number>('done_at_ms').as('since_ms'),
          select.fn.max<number | null>('unseen_ms').as('unseen_ms'),
        ])
        .$if(after !== undefined, (query) =>
          query.where((where) =>
            where.or([
              where('tenant', '>', after?.tenant ?? ''),
              where.and([where('tenant', '=', after?.tenant ?? ''), where('device', '>', after?.device ?? '')]),
            ]),
          ),
        )
        .groupBy(['tenant', 'device', 'type'])
        .orderBy('tenant')
        .orderBy('device')
        .limit(limit)
        .execute()
      return rows.map((row) => ({ ...row, since_ms: Number(row.since_ms), unseen_ms: row.unseen_ms === null ? null : Number(row.unseen_ms) }))
    },
    async known({ tenant, device, since_ms }) {
      const rows = await database
        .selectFrom('hub_repair_windows')
        .innerJoin('hub_verifications', 'hub_verifications.verification_id', 'hub_repair_windows.verification_id')
        .select('window_to_ms')
        .where('hub_verifications.tenant', '=', tenant)
        .where('hub_verifications.device', '=', device)
        .where('hub_verifications.state', '=', 'watching')
        .where('window_to_ms', '>', since_ms)
        .execute()
      const tried = await database
        .selectFrom('hub_remote_windows')
        .select('window_to_ms')
        .where('tenant', '=', tenant)
        .where('device', '=', device)
        .where('window_to_ms', '>', since_ms)
        .execute()
      return new Set([...rows, ...tried].map(({ window_to_ms }) => Number(window_to_ms)))
    },
  }
}
