/**
 * Brings the windows behind a repair to the hubs: every quarter of an hour it takes some of the units whose repair is not judged yet, asks
 * the pipeline for their residuals since the visit, one unit after the other, and hands each new window over as `residuals_measured`. The last
 * windows before the visit come first, once, since they say what has to recover, also where they came for something else before.
 * Windows that arrive late are found too, since each look asks from the visit on. Where no repair waits, a look is one query of an index.
 */
import type { Clock } from '#kernel/clock.ts'
import type { HubEvent } from '#kernel/hub-event.ts'
import type { Limits } from '#kernel/limits.ts'
import type { Log } from '#kernel/log.ts'
import type { MeasuredWindow } from '#kernel/measured-residuals.ts'
import { isSeenBefore, SEEN_MS, SEEN_WINDOWS_MAX } from './hubs/verify/before-repair.ts'
import type { RepairWatch, WatchedUnit } from './hubs/verify/repair-watch.ts'
import { repeatLook } from './repeated-look.ts'
import { askBoards, type BoardQueries } from './workers/board-queries.ts'
import type { PipelineHost } from './workers/pipeline-host.ts'

export interface VerifyJoin {
  start(): void
  /** Ends behind the unit in hand. */
  stop(): Promise<void>
  /** Looks at the next units now; gives how many windows behind repairs were handed over. */
  look(): Promise<number>
}

export interface VerifyParts {
  readonly watch: RepairWatch
  readonly pipeline: Pick<PipelineHost, 'call'>
  readonly apply: (events: readonly HubEvent[]) => Promise<void>
  readonly clock: Clock
  readonly log: Log
  readonly limits: Pick<Limits, 'verifyLookMs' | 'verifyUnitsPerLook_MAX' | 'verifyWindowsPerUnit_MAX'>
}

/** Above any number of kept windows: thinning would leave the ones farthest from normal, and judge repairs too hard. */
const POINTS_MAX = 1_000_000

/** Creates the watch; nothing is asked before `start` or `look`. */
export function createVerifyJoin(parts: VerifyParts): VerifyJoin {
  const { watch, clock, log, limits } = parts
  let after: WatchedUnit | undefined

  const look = async (isStopped: () => boolean): Promise<number> => {
    const units = await watch.watching({ after, limit: limits.verifyUnitsPerLook_MAX })
    let count = 0
    for (const unit of units) {
      if (isStopped()) return count
      // One unit that cannot be read keeps no other waiting; its turn comes again.
      after = unit
      count += await lookAt(parts, unit).catch((cause: unknown) => {
        log.warn('the windows behind a repair could not be read, they will be asked for again', { device: unit.device, cause: String(cause) })
        return 0
      })
    }
    if (units.length < limits.verifyUnitsPerLook_MAX) after = undefined
    return count
  }
  return repeatLook({ look, everyMs: limits.verifyLookMs, failure: 'repairs could not be looked at, they will be again', clock, log })
}

async function lookAt({ watch, pipeline, apply, clock, limits }: VerifyParts, unit: WatchedUnit): Promise<number> {
  const { tenant, device, type, since_ms, unseen_ms } = unit
  const from_ms = unseen_ms === null ? since_ms : Math.min(since_ms, unseen_ms - SEEN_MS)
  const rows = await askBoards(pipeline).residuals({ tenant, device, type, from_ms, to_ms: clock.now(), maxPoints: POINTS_MAX })
  const known = await watch.known(unit)
  const windows = windowsOf(unit, rows)
  const before = windows.filter((window) => unseen_ms !== null && isSeenBefore(unseen_ms, window)).slice(-SEEN_WINDOWS_MAX)
  const told = windows
    .filter(({ window_from_ms, window_to_ms }) => window_from_ms >= since_ms && !known.has(window_to_ms))
    .slice(0, limits.verifyWindowsPerUnit_MAX)
  const key = `residuals_measured:${tenant}:${device}`
  const events = [
    // Keys of the visit: what was handed over behind a remote step or an earlier repair is handed over again as what it showed before this one.
    ...before.map((window) => measured(`${key}:${window.window_to_ms}:before:${unseen_ms}`, window)),
    ...told.map((window) => measured(`${key}:${window.window_to_ms}`, window)),
  ]
  if (events.length > 0) await apply(events)
  return told.length
}

const measured = (key: string, window: MeasuredWindow): HubEvent => ({ kind: 'residuals_measured', key, window })

/** One record a window, oldest first. */
function windowsOf({ tenant, device, type }: WatchedUnit, rows: Awaited<ReturnType<BoardQueries['residuals']>>): MeasuredWindow[] {
  return [...Map.groupBy(rows, ({ t }) => t)]
    .sort(([a], [b]) => a - b)
    .map(([window_to_ms, group]) => ({
      ...{ tenant, device, type, window_to_ms },
      window_from_ms: Math.min(...group.map(({ from_ms }) => from_ms)),
      residuals: group.map(({ feature, observed, expected, z_score }) => ({ feature, observed, expected, z_score })),
    }))
}

interface Watch {
  start(): void
  stop(): Promise<void>
}

/** Watches that start and stop as one. */
export const together = (...watches: readonly Watch[]): Watch => ({
  start() {
    for (const watch of watches) watch.start()
  },
  async stop() {
    await Promise.all(watches.map((watch) => watch.stop()))
  },
})
