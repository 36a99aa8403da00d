/** Answers what is asked of the pipeline's worker about the truth in time: latest values, derived rows, gaps. */
import type { DerivedRow, DerivedStore, GapQuery, RowQuery, StoredGap } from '../ingest/derived-store.ts'
import type { LatestValue, LatestValues } from '../ingest/latest.ts'
import type { Rpc } from './rpc.ts'
import { PIPELINE_CALLS } from './worker-settings.ts'

export interface TruthQueries {
  latest(device: { readonly tenant: string; readonly device: string }): Promise<readonly LatestValue[]>
  rows(query: RowQuery): Promise<readonly DerivedRow[]>
  gaps(query: GapQuery): Promise<ReadonlyArray<StoredGap & { readonly id: number }>>
}

/** Worker's side; `see` resolves when what was acknowledged before is stored. */
export function answerTruth(
  main: Pick<Rpc, 'handle'>,
  parts: { readonly latest: LatestValues; readonly derived: DerivedStore; readonly see: () => Promise<void> },
): void {
  const { latest, derived, see } = parts
  main.handle(PIPELINE_CALLS.latest, async ({ tenant, device }: Parameters<TruthQueries['latest']>[0]) => {
    await see()
    return latest.of(tenant, device)
  })
  main.handle(PIPELINE_CALLS.derivedRows, async (query: RowQuery) => {
    await see()
    return derived.rows(query)
  })
  main.handle(PIPELINE_CALLS.gaps, async (query: GapQuery) => {
    await see()
    return derived.gaps(query)
  })
}

/** Main thread's side. */
export const askTruth = (pipeline: { call<Result>(name: string, argument: unknown): Promise<Result> }): TruthQueries => ({
  latest: (device) => pipeline.call(PIPELINE_CALLS.latest, device),
  rows: (query) => pipeline.call(PIPELINE_CALLS.derivedRows, query),
  gaps: (query) => pipeline.call(PIPELINE_CALLS.gaps, query),
})
