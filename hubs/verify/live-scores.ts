/**
 * How diagnoses did at the visits behind them, by type, model, fault and what brought the order. Denominators are visits: no-fault-found goes by
 * the code as given, precision and recall by the corrected cause and without codes that cannot be believed. A fault that nobody was
 * sent for is not seen here, so that recall is that among visits.
 */
import { type Kysely, sql } from 'kysely'
import type { LiveScore } from '#kernel/lineage.ts'
import type { HubTables } from '../hub-tables.ts'

/** Codes believed less than this are neither right nor wrong; training leaves the same ones out. */
const BELIEVED_MIN = 0.4

export interface LiveScoresQuery {
  readonly tenant: string
  readonly type?: string | undefined
  /** Time of the label, from inclusive, to exclusive. */
  readonly from_ms?: number | undefined
  readonly to_ms?: number | undefined
}

/** Visits that are alike. */
export interface VisitGroup {
  readonly type: string
  readonly model_version: string | null
  readonly origin: string
  readonly predicted: string | null
  readonly cause: string
  readonly corrected_cause: string | null
  readonly is_believed: boolean
  readonly count: number
}

/** Reads the groups of visits of a tenant. */
export async function liveScores(database: Kysely<HubTables>, { tenant, type, from_ms, to_ms }: LiveScoresQuery): Promise<readonly LiveScore[]> {
  // A call that no diagnosis foretold counts for the model that saw the unit last.
  const { rows } = await sql<Omit<VisitGroup, 'is_believed'> & { readonly believed: number }>`
    SELECT type, coalesce(model_version, (SELECT d.body ->> '$.versions.model' FROM hub_diagnoses d WHERE d.tenant = l.tenant AND d.device = l.device
        AND d.made_at_ms <= l.window_to_ms AND d.body <> '' ORDER BY d.made_at_ms DESC LIMIT 1)) AS model_version,
      coalesce(origin, 'unknown') AS origin, predicted, cause, corrected_cause,
      (corrected_cause IS NOT NULL OR coalesce(confidence, 1) >= ${BELIEVED_MIN}) AS believed, count(*) AS count
    FROM hub_labels l WHERE tenant = ${tenant} AND (type = ${type ?? null} OR ${type ?? null} IS NULL)
      AND labelled_at_ms >= ${from_ms ?? 0} AND labelled_at_ms < ${to_ms ?? Number.MAX_SAFE_INTEGER}
    GROUP BY 1, 2, 3, 4, 5, 6, 7`.execute(database)
  return foldScores(rows.map(({ believed, count, ...row }) => ({ ...row, is_believed: Number(believed) === 1, count: Number(count) })))
}

type Counts = { -readonly [Name in 'visits' | 'no_fault_found' | 'judged' | 'right' | 'had' | 'found']: number }

/** Folds groups of visits to scores, ordered by type, model, fault and origin. */
export function foldScores(groups: readonly VisitGroup[]): LiveScore[] {
  const rows = new Map<string, { readonly key: Pick<LiveScore, 'type' | 'model_version' | 'fault' | 'origin'>; readonly counts: Counts }>()
  const countsOf = ({ type, model_version, origin }: VisitGroup, fault: string | null): Counts => {
    const id = JSON.stringify([type, model_version, fault, origin])
    const known = rows.get(id)
    if (known !== undefined) return known.counts
    const counts = { visits: 0, no_fault_found: 0, judged: 0, right: 0, had: 0, found: 0 }
    rows.set(id, { key: { type, model_version, fault, origin }, counts })
    return counts
  }
  for (const group of groups) {
    const { predicted, cause, corrected_cause, is_believed, count } = group
    const truth = corrected_cause ?? cause
    const told = countsOf(group, predicted)
    told.visits += count
    if (cause === 'no_fault_found') told.no_fault_found += count
    if (!is_believed) continue
    told.judged += count
    if (truth === predicted) told.right += count
    if (truth === 'no_fault_found' || truth === 'other') continue
    const had = countsOf(group, truth)
    had.had += count
    if (truth === predicted) had.found += count
  }
  return [...rows]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([, { key, counts }]) => ({
      ...key,
      ...counts,
      no_fault_found_rate: share(counts.no_fault_found, counts.visits),
      // Where no fault was foretold there is nothing to be right about.
      precision: key.fault === null ? null : share(counts.right, counts.judged),
      recall: share(counts.found, counts.had),
    }))
}

const share = (part: number, whole: number): number | null => (whole === 0 ? null : part / whole)
