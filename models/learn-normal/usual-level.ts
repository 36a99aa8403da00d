/**
 * How high a score of a unit goes by itself. A few learned days say little of the weeks behind them: weather, habits and seldom uses move a sound
 * unit further than any row that was held out. So the highest score of each stretch of time is kept, and the level of a flag lies
 * where the alert budget lets such a peak lie, from mean and spread of their logarithms, wider while few are known. What was flagged
 * counts once, when it is over: the same again is no news, and a unit that cannot be told from its own unrest is silent.
 */
import type { AlertBudget } from './alert-threshold.ts'

/** Quiet rows behind which what was flagged is over. */
export const CLEARS = 12
/** Stretches of which the peak is known before anything may be an alarm. */
const PEAKS_MIN = 3
/** For so many peaks the spread counts that is expected of a unit of which nothing is known. */
const EXPECTED_PEAKS = 3
/** Scores below it are all alike. */
const SCORE_MIN = 0.05
const WEEK_MS = 7 * 86_400_000

export interface LevelSettings {
  /** Rows of a stretch. */
  readonly blockRows: number
  readonly budget: AlertBudget
  /** Spread of the logarithms of peaks that is expected. */
  readonly spread: number
}

export interface UsualLevelState {
  readonly peak: number
  readonly rows: number
  readonly quiet: number
  readonly count: number
  readonly mean: number
  readonly squares: number
}

export class UsualLevel {
  #peak = 0
  #rows = 0
  /** Rows since the last flagged one. */
  #quiet = CLEARS
  #count = 0
  #mean = 0
  #squares = 0

  /** Enough is known of the unit for an alarm. */
  get isProven(): boolean {
    return this.#count >= PEAKS_MIN
  }

  /** Score at which a row is flagged; never below 1, the threshold of what was learned. */
  level({ blockRows, spread, budget: { per1000UnitWeeks, stepMs } }: LevelSettings): number {
    if (!this.isProven) return 1
    const freedom = EXPECTED_PEAKS + this.#count - 1
    const own = Math.sqrt((EXPECTED_PEAKS * spread ** 2 + this.#squares) / freedom)
    const share = Math.min(0.5, (per1000UnitWeeks / 1_000) * ((blockRows * stepMs) / WEEK_MS))
    const z = normalQuantile(share)
    // Of so few values the tail is longer than that of a normal distribution: the first term of Student's (Cornish and Fisher).
    const wide = (z + (z ** 3 + z) / (4 * freedom)) * Math.sqrt(1 + 1 / this.#count)
    return Math.max(1, Math.exp(this.#mean + wide * own))
  }

  /** Takes the next score. @param isFlagged it lies above the level */
  learn(score: number, isFlagged: boolean, { blockRows }: LevelSettings): void {
    this.#peak = Math.max(this.#peak, score)
    this.#rows++
    this.#quiet = isFlagged ? 0 : this.#quiet + 1
    if (this.#rows >= blockRows && this.#quiet >= CLEARS) this.#keepPeak()
  }

  #keepPeak(): void {
    const value = Math.log(Math.max(SCORE_MIN, this.#peak))
    this.#count++
    const off = value - this.#mean
    this.#mean += off / this.#count
    this.#squares += off * (value - this.#mean)
    this.#peak = 0
    this.#rows = 0
  }

  state(): UsualLevelState {
    return { peak: this.#peak, rows: this.#rows, quiet: this.#quiet, count: this.#count, mean: this.#mean, squares: this.#squares }
  }

  static of(state: UsualLevelState): UsualLevel {
    const level = new UsualLevel()
    level.#peak = state.peak
    level.#rows = state.rows
    level.#quiet = state.quiet
    level.#count = state.count
    level.#mean = state.mean
    level.#squares = state.squares
    return level
  }
}

/** Where a share of a normal distribution lies above, in standard deviations; right to 0.0005 (Abramowitz and Stegun 26.2.23). @param share up to 0.5 */
function normalQuantile(share: number): number {
  const t = Math.sqrt(-2 * Math.log(share))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t * t) / (1 + 1.432788 * t + 0.189269 * t * t + 0.001308 * t ** 3)
}
