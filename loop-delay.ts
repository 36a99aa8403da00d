/**
 * How long the main thread keeps others waiting: the delay of its event loop, sampled all the time by perf_hooks. A PUBACK, a login and a
 * safety rule wait at least as long as what runs before them.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'

export interface LoopDelay {
  /** 99th percentile since the last call, beyond the sampling period itself. */
  p99Ms(): number
  stop(): void
}

/** Time between two samples; a delay shorter than it may fall between them. */
const SAMPLE_MS = 5

export function createLoopDelay(): LoopDelay {
  const histogram = monitorEventLoopDelay({ resolution: SAMPLE_MS })
  histogram.enable()
  return {
    p99Ms() {
      const p99Ms = histogram.percentile(99) / 1e6
      histogram.reset()
      return Math.max(0, p99Ms - SAMPLE_MS)
    },
    stop: () => void histogram.disable(),
  }
}
