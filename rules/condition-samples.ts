/**
 * What a comparison over a span of time remembers: samples of a rate, sums of a mean or an exposure. Rings of numbers in plain arrays, thinned
 * to `SAMPLES_MAX` over their span, whatever the sample period; part of the memory of a condition, so plain data.
 */

/** Samples that a span keeps. */
export const SAMPLES_MAX = 32

/**
 * Change a minute since the youngest sample that is at least `spanMs` old; NaN when there is none. Looked for from the oldest on, since
 * `remember` leaves few that are so old.
 */
export function rateOf(samples: readonly number[], value: number, atMs: number, spanMs: number): number {
  let found = -1
  for (let index = 0; index < samples.length && atMs - (samples[index] ?? Number.NaN) >= spanMs; index += 2) found = index
  if (found < 0) return Number.NaN
  return ((value - (samples[found + 1] ?? Number.NaN)) * 60_000) / (atMs - (samples[found] ?? Number.NaN))
}

/** Empties the ring when its last sample is too old, or younger than now after a clock was set back. */
export function forgetOverGap(samples: number[], atMs: number, gapMs: number): void {
  const lastMs = samples[samples.length - 2]
  if (lastMs !== undefined && (atMs - lastMs > gapMs || atMs < lastMs)) samples.length = 0
}

/** Keeps the sample unless the last kept one is too near, and forgets what no later reading can need. */
export function remember(samples: number[], value: number, atMs: number, spanMs: number): void {
  const lastMs = samples[samples.length - 2]
  if (lastMs !== undefined && atMs - lastMs < spanMs / SAMPLES_MAX) return
  samples.push(atMs, value)
  while (samples.length > 2 && atMs - (samples[2] ?? atMs) >= spanMs) samples.splice(0, 2)
}

/** Before the ring of times and sums of a mean or exposure: the last time, value and sum, and nothing. */
const HEADER = 4

/** Takes a value into the sum of value times milliseconds: the value before counts until now. The sum begins anew over a gap. */
export function integrate(samples: number[], { value, atMs, spanMs, gapMs }: { value: number; atMs: number; spanMs: number; gapMs: number }): void {
  const lastMs = samples[0]
  if (lastMs === undefined || samples.length <= HEADER || atMs < lastMs || atMs - lastMs > gapMs) {
    samples.splice(0, samples.length, atMs, value, 0, 0, atMs, 0)
    return
  }
  const sum = (samples[2] ?? 0) + (samples[1] ?? 0) * (atMs - lastMs)
  samples[0] = atMs
  samples[1] = value
  samples[2] = sum
  if (atMs - (samples[samples.length - 2] ?? 0) >= spanMs / SAMPLES_MAX) samples.push(atMs, sum)
  while (samples.length > HEADER + 2 && atMs - (samples[HEADER + 2] ?? atMs) >= spanMs) samples.splice(HEADER, 2)
  const base = samples[HEADER + 1] ?? 0
  if (base === 0) return
  samples[2] = sum - base
  for (let index = HEADER + 1; index < samples.length; index += 2) samples[index] = (samples[index] ?? 0) - base
}

/** The mean over the span, NaN before one was seen; or value times minutes within the span. The begin lies at the nearest kept sample. */
export function integralOf(samples: readonly number[], spanMs: number, isMean: boolean): number {
  const [atMs = 0, , sum = 0] = samples
  const fromMs = samples[HEADER] ?? atMs
  if (!isMean) return sum / 60_000
  return atMs - fromMs >= spanMs ? sum / (atMs - fromMs) : Number.NaN
}
