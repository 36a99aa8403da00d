/**
 * Brings the use of units to the hubs: every quarter of an hour it takes some registered units in turn, asks the pipeline for the windows that were
 * stored since they were counted last, with the residuals of the last weeks where a task looks at them, and hands them over. Units that are
 * revoked are forgotten. A fleet larger than a look has its turn over several.
 */
import type { ApplianceType } from '#catalogue/appliance-type.ts'
import type { Clock } from '#kernel/clock.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { DeviceRecord, DeviceRegistry } from './broker/device-registry.ts'
import type { CareUse } from './hubs/care/care-desk.ts'
import type { CareWindow } from './hubs/care/care-use.ts'
import type { DerivedRow } from './ingest/derived-store.ts'
import { type RepeatedLook, repeatLook } from './repeated-look.ts'
import { askBoards } from './workers/board-queries.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'
import { toWindow } from './workers/stored-windows.ts'
import { askTruth } from './workers/truth-queries.ts'

export interface CareParts {
  readonly care: CareUse
  readonly registry: Pick<DeviceRegistry, 'list'>
  readonly types: { readonly find: (tenant: string, name: string) => ApplianceType | undefined }
  readonly pipeline: Pick<PipelineHost, 'call'>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'careLookMs' | 'careUnitsPerLook_MAX' | 'careWindowsPerUnit_MAX'>
}

/** Signs are looked for in this time before now. */
const SIGN_MS = 30 * 86_400_000
/** Above any number of kept windows: thinning would leave the ones farthest from normal. */
const POINTS_MAX = 1_000_000

/** Creates the look; it gives the units that it handed over. */
export function createCareJoin(parts: CareParts): RepeatedLook<number> {
  const { registry, clock, log, limits } = parts
  let after: string | undefined
  const look = async (isStopped: () => boolean): Promise<number> => {
    const units = registry.list({ limit: limits.careUnitsPerLook_MAX, ...(after === undefined ? {} : { after }) })
    let count = 0
    for (const unit of units) {
      if (isStopped()) return count
      after = `${unit.tenant}:${unit.device}`
      // One unit that cannot be read keeps no other waiting; its turn comes again.
      const isNoted = await lookAt(parts, unit).catch((cause: unknown) => {
        log.warn('the use of a unit could not be counted, it will be again', { device: unit.device, cause: String(cause) })
        return false
      })
      if (isNoted) count++
    }
    if (units.length < limits.careUnitsPerLook_MAX) after = undefined
    return count
  }
  return repeatLook({ look, everyMs: limits.careLookMs, failure: 'the use of units could not be counted, it will be again', clock, log })
}

async function lookAt(parts: CareParts, unit: DeviceRecord): Promise<boolean> {
  const { care, types, pipeline, clock, limits } = parts
  const { tenant, device } = unit
  const type = types.find(tenant, unit.type)
  if (type?.care === undefined) return false
  if (unit.revoked_at_ms !== null) {
    await care.end({ tenant, device })
    return false
  }
  const nowMs = clock.now()
  const countedTo = await care.countedTo({ tenant, device })
  const between = (from_ms: number, to_ms: number): Promise<readonly DerivedRow[]> =>
    askTruth(pipeline).rows({ tenant, device, kind: 'window', from_ms, to_ms, limit: limits.careWindowsPerUnit_MAX })
  const fresh = await between(countedTo, nowMs)
  // Signs are of now: a unit that is still being caught up with has none, else those that were counted before speak too.
  const counted = fresh.length < limits.careWindowsPerUnit_MAX && countedTo > nowMs - SIGN_MS ? await between(nowMs - SIGN_MS, countedTo) : []
  const rows = [...new Map([...counted, ...fresh].map((row) => [row.to_ms, row])).values()]
  const looksAtResiduals = rows.length > 0 && type.care.tasks.some(({ sign }) => sign?.as === 'z_score')
  const residuals = looksAtResiduals
    ? await askBoards(pipeline).residuals({ tenant, device, type: type.id, from_ms: nowMs - SIGN_MS, to_ms: nowMs, maxPoints: POINTS_MAX })
    : []
  const byWindow = Map.groupBy(residuals, ({ t }) => t)
  const windows = rows.flatMap((row) => windowOf(type, row, byWindow.get(row.to_ms ?? -1) ?? []))
  // Rows that hold no window of the recipe are read too; without their end the next look would read them again.
  const readTo_ms = Math.max(0, ...fresh.map(({ to_ms }) => to_ms ?? 0))
  await care.note({ tenant, device, type: type.id, windows, readTo_ms })
  return true
}

/** A window of the recipe that holds now; those of another have other features and count nothing. */
function windowOf(
  { id, recipe }: ApplianceType,
  row: DerivedRow,
  residuals: ReadonlyArray<{ readonly feature: string; readonly z_score: number }>,
): CareWindow[] {
  if (recipe === undefined || row.to_ms === null) return []
  const { from_ms, to_ms, readings, running, features, recipe_version } = toWindow(row, row.to_ms, id)
  if (recipe_version !== recipe.version) return []
  const known = recipe.features.map(({ name }, index) => [name, features[index] ?? Number.NaN] as const).filter(([, value]) => !Number.isNaN(value))
  const z_scores = Object.fromEntries(residuals.map(({ feature, z_score }) => [feature, z_score]))
  return [{ from_ms, to_ms, readings, running, features: Object.fromEntries(known), z_scores }]
}
