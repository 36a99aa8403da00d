/** Front of demand signals: consent, what was told, the queue of those who follow it up, and what came of it. Each call is one transaction. */
import type { DemandConsent, DemandResult, DemandSignal, NewDemandConsent, NewDemandSignal } from '#kernel/demand-signal.ts'
import { limits } from '#kernel/limits.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { type Page, readCursor } from '../lists.ts'
import { foretellByOrder } from './demand-rules.ts'
import {
  answerDemand,
  type DemandKey,
  deleteDemandSignal,
  demandConsent,
  holding,
  type OfHousehold,
  putDemandConsent,
  putDemandSignal,
  showDemand,
  withdrawDemandConsent,
} from './demand-signals.ts'
import { openOrdersOf } from './household-orders.ts'

interface DemandQuery {
  readonly tenant: string
  /** Who reads: it stands in the log of each signal that is shown. */
  readonly reader: string
  readonly kind?: string | undefined
  readonly state?: string | undefined
  readonly owner?: string | undefined
  readonly outlet?: string | undefined
  /** `next` of the page before. */
  readonly after?: string | undefined
  readonly limit: number
}

export interface DemandDesk {
  /** The consent of a household that holds now. */
  demandConsent(of: OfHousehold): Promise<DemandConsent | undefined>
  /** @throws MendlineError MDL_HUBS_CONSENT_REQUIRED */
  putDemandConsent(of: OfHousehold, given: NewDemandConsent & { readonly actor: string }): Promise<DemandConsent>
  /** Takes the signals and their log with it. Whether there was one. */
  withdrawDemandConsent(of: OfHousehold): Promise<boolean>
  /** Signals of a household that hold now, by kind. */
  demandOf(of: OfHousehold, reader: string): Promise<readonly DemandSignal[]>
  /** @throws MendlineError MDL_HUBS_CONSENT_REQUIRED, MDL_API_INVALID */
  putDemandSignal(key: DemandKey, given: NewDemandSignal & { readonly actor: string }): Promise<DemandSignal>
  /** Whether there was one. */
  deleteDemandSignal(key: DemandKey): Promise<boolean>
  /** Those that hold now, oldest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  demandSignals(query: DemandQuery): Promise<Page<DemandSignal>>
  /** @throws MendlineError MDL_API_NOT_FOUND, MDL_API_CONFLICT */
  answerDemand(of: { readonly tenant: string; readonly id: string }, answer: DemandResult & { readonly actor: string }): Promise<DemandSignal>
}

export function createDemandDesk(inTransaction: <T>(action: (hub: HubTransaction) => Promise<T>) => Promise<T>): DemandDesk {
  return {
    demandConsent: (of) => inTransaction((hub) => demandConsent(hub, of)),
    putDemandConsent: (of, { actor, ...consent }) =>
      inTransaction(async (hub) => {
        const kept = await putDemandConsent(hub, of, { consent, actor })
        for (const order of await openOrdersOf(hub, of)) await foretellByOrder(hub, order)
        return kept
      }),
    withdrawDemandConsent: (of) => inTransaction((hub) => withdrawDemandConsent(hub, of)),
    demandOf: ({ tenant, household }, reader) =>
      inTransaction(async (hub) => showDemand(hub, await holding(hub, tenant).where('household', '=', household).orderBy('kind').execute(), reader)),
    putDemandSignal: (key, given) => inTransaction((hub) => putDemandSignal(hub, key, given)),
    deleteDemandSignal: (key) => inTransaction((hub) => deleteDemandSignal(hub, key)),
    demandSignals: (query) => inTransaction((hub) => queue(hub, query)),
    answerDemand: (of, answer) => inTransaction((hub) => answerDemand(hub, of, answer)),
  }
}

/** Pages by (told_at_ms, signal_id). */
async function queue(hub: HubTransaction, { tenant, reader, after, limit: wanted, ...filters }: DemandQuery): Promise<Page<DemandSignal>> {
  const limit = Math.min(wanted, limits.apiPage_MAX)
  let select = holding(hub, tenant)
  for (const column of ['kind', 'state', 'owner', 'outlet'] as const) {
    const value = filters[column]
    if (value !== undefined) select = select.where(column, '=', value)
  }
  if (after !== undefined) {
    const { time, id } = readCursor(after)
    select = select.where(({ and, eb, or }) => or([eb('told_at_ms', '>', time), and([eb('told_at_ms', '=', time), eb('signal_id', '>', id)])]))
  }
  const found = await select
    .orderBy('told_at_ms')
    .orderBy('signal_id')
    .limit(limit + 1)
    .execute()
  const rows = found.slice(0, limit)
  const last = found.length > limit ? rows.at(-1) : undefined
  return { items: await showDemand(hub, rows, reader), next: last === undefined ? null : JSON.stringify([last.told_at_ms, last.signal_id]) }
}
