/**
 * Where the alert budget lets the peak of a stretch lie, from mean and spread of the logarithms of the peaks that are known, wider while they
 * are few.
 */
import type { AlertBudget } from './alert-threshold.ts'

/** Peaks that must be known before anything may be an alarm. */
const PEAKS_MIN = 3
/** Peaks below it are all alike. */
const PEAK_MIN = 0.05
const WEEK_MS = 7 * 86_400_000

export interface PeakSettings {
  /** Rows of a stretch. */
  readonly blockRows: number
  readonly budget: AlertBudget
  /** Spread of the logarithms that is expected, and for how many peaks that counts. */
  readonly spread: number
  readonly expectedPeaks: number
}

export interface PeakLevelState {
  readonly count: number
  readonly mean: number
  readonly squares: number
}

export class PeakLevel {
  #count = 0
  #mean = 0
  #squares = 0

  /** Enough is known of the unit for an alarm. */
  get isProven(): boolean {
    return this.#count >= PEAKS_MIN
  }

  /** undefined before enough is known */
  level({ blockRows, spread, expectedPeaks, budget: { per1000UnitWeeks, stepMs } }: PeakSettings): number | undefined {
    if (!this.isProven) return undefined
    const freedom = expectedPeaks + this.#count - 1
    const own = Math.sqrt((expectedPeaks * spread ** 2 + this.#squares) / freedom)
    const share = Math.min(0.5, (per1000UnitWeeks / 1_000) * ((blockRows * stepMs) / WEEK_MS))
    const z = normalQuantile(share)
    // Of so few values the tail is longer than that of a normal distribution: the first term of Student's (Cornish and Fisher).
    const wide = (z + (z ** 3 + z) / (4 * freedom)) * Math.sqrt(1 + 1 / this.#count)
    return Math.exp(this.#mean + wide * own)
  }

  keep(peak: number): void {
    const value = Math.log(Math.max(PEAK_MIN, peak))
    this.#count++
    const off = value - this.#mean
    this.#mean += off / this.#count
    this.#squares += off * (value - this.#mean)
  }

  state(): PeakLevelState {
    return { count: this.#count, mean: this.#mean, squares: this.#squares }
  }

  static of({ count, mean, squares }: PeakLevelState): PeakLevel {
    const level = new PeakLevel()
    level.#count = count
    level.#mean = mean
    level.#squares = squares
    return level
  }
}

/** Where a share of a normal distribution lies above, in standard deviations; right to 0.0005 (Abramowitz and Stegun 26.2.23). @param share up to 0.5 */
function normalQuantile(share: number): number {
  const t = Math.sqrt(-2 * Math.log(share))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
}
