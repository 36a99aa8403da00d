/** Front of help during visits: asking, taking, ending, the queue as an expert sees it, and figures. Each call is one transaction. */
import type { EndHelp, HelpFigures, HelpRequest, NewHelp, TakeHelp } from '#kernel/help.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { skillsOf } from '../orders/crews.ts'
import { askHelp, endHelp, findHelp, takeHelp, toHelp } from './help-requests.ts'
import type { HelpRow } from './help-tables.ts'

export interface HelpQuery {
  readonly tenant: string
  readonly kind?: string | undefined
  readonly state?: string | undefined
  readonly workOrderId?: string | undefined
  /** Only what this expert's skills cover. */
  readonly expert?: string | undefined
  readonly limit?: number | undefined
}

export interface HelpDesk {
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID */
  askHelp(tenant: string, workOrderId: string, given: NewHelp): Promise<HelpRequest>
  /** The gravest class first, then who has waited longest. */
  helpQueue(query: HelpQuery): Promise<HelpRequest[]>
  /** @throws MendlineError MDL_API_NOT_FOUND */
  helpRequest(tenant: string, id: string): Promise<HelpRequest>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT, MDL_API_INVALID, MDL_HUBS_ILLEGAL_MOVE */
  takeHelp(tenant: string, id: string, given: TakeHelp): Promise<HelpRequest>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  endHelp(tenant: string, id: string, given: EndHelp): Promise<HelpRequest>
  /** Of requests that were asked in the span. */
  helpFigures(query: { readonly tenant: string; readonly kind: string; readonly from_ms: number; readonly to_ms: number }): Promise<HelpFigures>
}

/** Requests read for one answer; those of the gravest class, and the oldest of them, are among them. */
const QUEUE_MAX = 1_000

export function createHelpDesk(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>): HelpDesk {
  const one = (act: (hub: HubTransaction) => Promise<HelpRow>): Promise<HelpRequest> => inTransaction(async (hub) => toHelp(await act(hub)))
  return {
    askHelp: (tenant, workOrderId, given) => one((hub) => askHelp(hub, { tenant, workOrderId, given })),
    helpRequest: (tenant, id) => one((hub) => findHelp(hub, tenant, id)),
    takeHelp: (tenant, id, given) => one((hub) => takeHelp(hub, { tenant, id, given })),
    endHelp: (tenant, id, given) => one((hub) => endHelp(hub, { tenant, id, given })),
    helpQueue: (query) => inTransaction((hub) => queue(hub, query)),
    helpFigures: (query) => inTransaction((hub) => figures(hub, query)),
  }
}

async function queue(hub: HubTransaction, { tenant, kind, state, workOrderId, expert, limit = 100 }: HelpQuery): Promise<HelpRequest[]> {
  let select = hub.database.selectFrom('hub_help_requests').selectAll().where('tenant', '=', tenant)
  if (kind !== undefined) select = select.where('kind', '=', kind)
  if (state !== undefined) select = select.where('state', '=', state)
  if (workOrderId !== undefined) select = select.where('work_order_id', '=', workOrderId)
  const rows = await select.orderBy('safety_class').orderBy('asked_at_ms').orderBy('request_id').limit(QUEUE_MAX).execute()
  const skills = expert === undefined ? undefined : ((await skillsOf(hub, tenant, expert)) ?? [])
  const fits = (request: HelpRequest): boolean =>
    expert === undefined || (request.kind === 'expert' && request.skills.every((skill) => skills?.includes(skill) === true))
  return rows.map(toHelp).filter(fits).slice(0, limit)
}

async function figures({ database }: HubTransaction, { tenant, kind, from_ms, to_ms }: Parameters<HelpDesk['helpFigures']>[0]): Promise<HelpFigures> {
  const rows = await database
    .selectFrom('hub_help_requests')
    .selectAll()
    .where('tenant', '=', tenant)
    .where('kind', '=', kind)
    .where('asked_at_ms', '>=', from_ms)
    .where('asked_at_ms', '<', to_ms)
    .execute()
  const waited = rows.flatMap(({ taken_at_ms, asked_at_ms }) => (taken_at_ms === null ? [] : [taken_at_ms - asked_at_ms]))
  const promised = rows.flatMap(({ promised_ms, asked_at_ms }) => (promised_ms === null ? [] : [promised_ms - asked_at_ms]))
  const kept = rows.filter((row) => row.state === 'done' && row.promised_ms !== null && row.broken_promise_ms !== row.promised_ms).length
  return {
    ...{ requests: rows.length, taken: waited.length, waiting: rows.filter(({ state }) => state === 'waiting').length },
    ...{ waited_p50_ms: quantile(waited, 0.5), waited_p90_ms: quantile(waited, 0.9), promised_p50_ms: quantile(promised, 0.5) },
    ...{ promises_kept: kept, promises_broken: rows.reduce((sum, row) => sum + row.promises_broken, 0) },
  }
}

function quantile(values: readonly number[], share: number): number | null {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? null
}
