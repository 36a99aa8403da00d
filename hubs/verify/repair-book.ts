/** Verified repair as the API reads it: lineage, labels, signs and the scores of diagnoses at the visits behind them. */
import type { Kysely } from 'kysely'
import type { Label, LiveScore, RepairSignRecord } from '#kernel/lineage.ts'
import type { HubTables, LabelRow } from '../hub-tables.ts'
import { createPager, type ListQuery, mapPage, type Page } from '../lists.ts'
import { createLineage, type LineageBook } from './lineage.ts'
import { type LiveScoresQuery, liveScores } from './live-scores.ts'
import type { RepairSignRow } from './verify-tables.ts'

export interface RepairBook extends LineageBook {
  /** Newest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  labels(query: Pick<ListQuery, 'tenant' | 'device' | 'fault' | 'after' | 'limit'>): Promise<Page<Label>>
  /** Newest first. @throws MendlineError MDL_API_INVALID for a cursor that is none */
  repairSigns(
    query: Pick<ListQuery, 'tenant' | 'device' | 'engineer' | 'after' | 'limit'> & { readonly sign?: string | undefined },
  ): Promise<Page<RepairSignRecord>>
  liveScores(query: LiveScoresQuery): Promise<readonly LiveScore[]>
}

/** Creates the reader over the hubs' tables. */
export function createRepairBook(database: Kysely<HubTables>): RepairBook {
  const page = createPager(database)
  return {
    ...createLineage(database),
    async labels(query) {
      const filters = { device: query.device, cause: query.fault }
      const rows = await page<LabelRow>('hub_labels', { time: 'labelled_at_ms', id: 'label_id' }, { query, filters })
      return mapPage(rows, ({ tenant: _tenant, reasons, ...row }) => ({ ...row, reasons: reasons === null ? [] : (JSON.parse(reasons) as string[]) }))
    },
    async repairSigns(query) {
      const filters = { device: query.device, sign: query.sign, engineer: query.engineer }
      const rows = await page<RepairSignRow>('hub_repair_signs', { time: 'raised_at_ms', id: 'sign_id' }, { query, filters })
      return mapPage(rows, ({ tenant: _tenant, body, ...row }) => {
        const { code, sensed, reason, reopens } = JSON.parse(body) as Pick<RepairSignRecord, 'code' | 'sensed' | 'reason' | 'reopens'>
        return { ...row, code, sensed, reason, reopens }
      })
    },
    liveScores: (query) => liveScores(database, query),
  }
}
