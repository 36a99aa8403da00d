/**
 * Token bucket: `burst` tokens at most, refilled at `perSecond`. Taking never fails; it tells how long the taker must wait before it
 * may go on, which the byte guard turns into slower reading.
 */
import type { Clock, DurationMs } from '#kernel/clock.ts'

export interface TokenBucket {
  /** Takes `tokens` and returns the milliseconds to wait until the balance is not negative; 0 when there were enough. */
  take(tokens: number): DurationMs
  /** Changes rate and size; what is in it stays, up to the new size. */
  resize(size: BucketSize): void
}

export interface BucketSize {
  readonly perSecond: number
  readonly burst: number
}

export function createTokenBucket({ clock, ...size }: BucketSize & { readonly clock: Clock }): TokenBucket {
  let { perSecond, burst } = size
  let level = burst
  let atMs = clock.monotonicMs()
  return {
    take(tokens) {
      const nowMs = clock.monotonicMs()
      level = Math.min(burst, level + ((nowMs - atMs) * perSecond) / 1_000)
      atMs = nowMs
      level -= tokens
      return level >= 0 ? 0 : (-level * 1_000) / perSecond
    },
    resize(next) {
      ;({ perSecond, burst } = next)
    },
  }
}
