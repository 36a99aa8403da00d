/**
 * Tells loops whose work stands in a table by instants of the wall clock that this clock was set back, measured against the monotonic one:
 * what was written under the wrong time would wait for as long as it was ahead.
 */
import type { Clock, DurationMs } from '#kernel/clock.ts'

/** Smaller steps are the drift that a time server mends. */
const STEP_MS_MIN = 1_000

/** Each call gives by how many milliseconds the clock was set back since the call before, 0 for not at all. */
export function watchClock(clock: Pick<Clock, 'now' | 'monotonicMs'>): () => DurationMs {
  let last: { readonly wallMs: number; readonly monotonicMs: number } | undefined
  return () => {
    const at = { wallMs: clock.now(), monotonicMs: clock.monotonicMs() }
    const setBackMs = last === undefined ? 0 : last.wallMs + (at.monotonicMs - last.monotonicMs) - at.wallMs
    last = at
    return setBackMs > STEP_MS_MIN ? Math.ceil(setBackMs) : 0
  }
}
