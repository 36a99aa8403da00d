/** Answers what boards ask of the pipeline's worker: when each device was heard last, and the residuals of a unit's windows. */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { DerivedRow, DerivedStore } from '../ingest/derived-store.ts'
import type { Heard, LatestValues } from '../ingest/latest.ts'
import type { Artefact } from '../models/artefact.ts'
import { type KeptWindow, type ResidualRow, residualHistory, thinResiduals } from '../models/residual-history.ts'
import type { Rpc } from './rpc.ts'
import { PIPELINE_CALLS } from './worker-settings.ts'

interface ResidualQuery {
  readonly tenant: string
  readonly device: string
  readonly type: string
  readonly from_ms: number
  readonly to_ms: number
  readonly feature?: string | undefined
  readonly maxPoints: number
}

export interface BoardQueries {
  /** Last receipt and firmware by device. */
  heard(tenant: string): Promise<ReadonlyMap<string, Heard>>
  /** Oldest first; empty where the type has no model. */
  residuals(query: ResidualQuery): Promise<readonly ResidualRow[]>
}

interface Parts {
  readonly latest: LatestValues
  readonly derived: DerivedStore
  readonly types: (type: string) => ApplianceType | undefined
  /** Artefact that judges the type now. */
  readonly artefactOf: (type: string) => Artefact | undefined
  readonly see: () => Promise<void>
}

/** Windows read at once, and of one unit in all: the oldest are left out above it. */
const PAGE_WINDOWS = 1_000
const UNIT_WINDOWS_MAX = 20_000

/** Worker's side. */
export function answerBoards(main: Pick<Rpc, 'handle'>, { latest, derived, types, artefactOf, see }: Parts): void {
  main.handle(PIPELINE_CALLS.heard, async (tenant: string) => latest.heardAt(tenant))
  main.handle(PIPELINE_CALLS.residuals, async (query: ResidualQuery) => {
    const [type, artefact] = [types(query.type), artefactOf(query.type)]
    if (type === undefined || artefact === undefined) return []
    await see()
    const windows = await windowsUntil(derived, query)
    return thinResiduals(residualHistory(artefact, type, { windows, fromMs: query.from_ms, feature: query.feature }), query.maxPoints)
  })
}

async function windowsUntil(derived: DerivedStore, { tenant, device, to_ms }: ResidualQuery): Promise<readonly KeptWindow[]> {
  const windows: KeptWindow[] = []
  let last: DerivedRow | undefined
  for (;;) {
    const after = last === undefined ? {} : { after: { from_ms: last.from_ms, key: last.key } }
    const page = await derived.rows({ tenant, device, kind: 'window', from_ms: 0, to_ms, ...after, limit: PAGE_WINDOWS })
    for (const row of page) windows.push({ from_ms: row.from_ms, to_ms: row.to_ms ?? row.from_ms, ...row.data } as unknown as KeptWindow)
    if (windows.length > UNIT_WINDOWS_MAX) windows.splice(0, windows.length - UNIT_WINDOWS_MAX)
    last = page.at(-1)
    if (last === undefined || page.length < PAGE_WINDOWS) return windows
  }
}

/** Main thread's side. */
export const askBoards = (pipeline: { call<Result>(name: string, argument: unknown): Promise<Result> }): BoardQueries => ({
  heard: (tenant) => pipeline.call(PIPELINE_CALLS.heard, tenant),
  residuals: (query) => pipeline.call(PIPELINE_CALLS.residuals, query),
})
