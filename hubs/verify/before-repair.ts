/**
 * What a unit showed before a repair: the residuals of the diagnosis that led to the order, and those of the last windows before the visit. An
 * order that a person's report opened has no measured diagnosis, and one that waited is about a fault that has grown since, so whichever
 * shows the longer departure is what must recover. Of windows alone only what stands out of their noise counts.
 */
import type { Fault } from '#catalogue/appliance-type.ts'
import type { MeasuredResidual, MeasuredWindow } from '#kernel/measured-residuals.ts'
import type { HubTransaction } from '../hub-transaction.ts'
import { lengthOf, meanZ, signatureOf } from './assess-repair.ts'
import type { VerificationRow } from './verify-tables.ts'

/** Windows that ended so long before a visit still say what was wrong at it (chosen). */
export const SEEN_MS = 10 * 86_400_000
/** Last windows before a visit whose mean is taken. */
export const SEEN_WINDOWS_MAX = 5
/** Without a diagnosis one window says nothing of what stood. */
const SEEN_WINDOWS_MIN = 2
/** Mean departure of a feature, and of all of them together, that stands out without a diagnosis, in spreads. */
const SEEN_Z = 2
const SEEN_LENGTH_MIN = 3.5
/** Signs of the fault that a report names are what must recover where they make up this share of all that stands out. */
const NAMED_RATIO_MIN = 0.4

/** A window before the visit as it is kept with the verification. */
interface SeenWindow {
  readonly window_to_ms: number
  readonly residuals: readonly MeasuredResidual[]
}

export const seenOf = ({ seen }: Pick<VerificationRow, 'seen'>): SeenWindow[] => (seen === null ? [] : (JSON.parse(seen) as SeenWindow[]))

/** Whether a window lies before a visit and still belongs to it. */
export const isSeenBefore = (doneAtMs: number, { window_to_ms }: Pick<MeasuredWindow, 'window_to_ms'>): boolean =>
  window_to_ms <= doneAtMs && window_to_ms > doneAtMs - SEEN_MS

/** Windows of the unit that came for an earlier repair: before this visit they are what it showed. */
export async function seenAlready(hub: HubTransaction, unit: { tenant: string; device: string }, doneAtMs: number): Promise<string | null> {
  const rows = await hub.database
    .selectFrom('hub_repair_windows')
    .select(['window_to_ms', 'residuals'])
    // Two repairs of a unit that were watched at a time have the same windows.
    .distinct()
    .where('tenant', '=', unit.tenant)
    .where('device', '=', unit.device)
    .where('window_to_ms', '<=', doneAtMs)
    .where('window_to_ms', '>', doneAtMs - SEEN_MS)
    .orderBy('window_to_ms', 'desc')
    .limit(SEEN_WINDOWS_MAX)
    .execute()
  const seen = rows.map(({ window_to_ms, residuals }) => ({ window_to_ms, residuals: JSON.parse(residuals) as MeasuredResidual[] }))
  return seen.length === 0 ? null : JSON.stringify(seen.reverse())
}

/** Keeps a window of before the visit; the last ones stay. */
export async function keepSeen(hub: HubTransaction, row: VerificationRow, { window_to_ms, residuals }: MeasuredWindow): Promise<void> {
  const known = seenOf(row)
  if (known.some((one) => one.window_to_ms === window_to_ms)) return
  const all = [...known, { window_to_ms, residuals }].sort((a, b) => a.window_to_ms - b.window_to_ms).slice(-SEEN_WINDOWS_MAX)
  const seen = JSON.stringify(all)
  await hub.database.updateTable('hub_verifications').set({ seen }).where('verification_id', '=', row.verification_id).execute()
}

/** What a repair must bring back. */
export interface Departure {
  /** Empty where none was measured. */
  readonly before: readonly MeasuredResidual[]
  /** Fault whose signs count; undefined where what was measured is not what the order names. */
  readonly fault: Fault | undefined
}

/** The departure of a visit, for the fault of its order. */
export function departureBefore(row: Pick<VerificationRow, 'before' | 'seen'>, fault: Fault | undefined): Departure {
  const diagnosed = JSON.parse(row.before) as MeasuredResidual[]
  const seen = seenOf(row)
  if (seen.length === 0) return { before: diagnosed, fault }
  const mean = meanOf(seen)
  if (diagnosed.length > 0) return { before: lengthOf(signatureOf(mean, fault)) > lengthOf(signatureOf(diagnosed, fault)) ? mean : diagnosed, fault }
  const length = lengthOf(standingOf(mean))
  if (seen.length < SEEN_WINDOWS_MIN || length < SEEN_LENGTH_MIN) return { before: [], fault }
  // A person's report may name another fault than the one that the windows show.
  return { before: mean, fault: lengthOf(signatureOf(mean, fault)) >= NAMED_RATIO_MIN * length ? fault : undefined }
}

const standingOf = (mean: readonly MeasuredResidual[]): Array<readonly [string, number]> =>
  mean.flatMap(({ feature, z_score }) => (z_score !== null && Math.abs(z_score) >= SEEN_Z ? [[feature, z_score] as const] : []))

function meanOf(seen: readonly SeenWindow[]): MeasuredResidual[] {
  const windows = seen.map(({ residuals }) => residuals)
  const scores = meanZ(windows)
  const last = new Map(windows.flat().map((residual) => [residual.feature, residual]))
  return [...last.values()].map((residual) => ({ ...residual, z_score: scores.get(residual.feature) ?? null }))
}
