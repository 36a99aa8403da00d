/**
 * How high a score of a unit goes by itself. A few learned days say little of the weeks behind them: weather, habits and seldom uses move a sound
 * unit further than any row that was held out. So the highest score of each stretch of time is kept (`peak-level.ts`). What was flagged
 * counts once, when it is over: the same again is no news, and a unit that cannot be told from its own unrest is silent.
 */
import { PeakLevel, type PeakLevelState, type PeakSettings } from './peak-level.ts'

/** Quiet rows behind which what was flagged is over. */
export const CLEARS = 12
/** For so many peaks the spread counts that is expected of a unit of which nothing is known. */
const EXPECTED_PEAKS = 3

export type LevelSettings = Omit<PeakSettings, 'expectedPeaks'>

export interface UsualLevelState extends PeakLevelState {
  readonly peak: number
  readonly rows: number
  readonly quiet: number
}

export class UsualLevel {
  #peak = 0
  #rows = 0
  /** Rows since the last flagged one. */
  #quiet = CLEARS
  #peaks = new PeakLevel()

  /** Enough is known of the unit for an alarm. */
  get isProven(): boolean {
    return this.#peaks.isProven
  }

  /** Score at which a row is flagged; never below 1, the threshold of what was learned. */
  level(settings: LevelSettings): number {
    return Math.max(1, this.#peaks.level({ ...settings, expectedPeaks: EXPECTED_PEAKS }) ?? 1)
  }

  /** Takes the next score. @param isFlagged it lies above the level */
  learn(score: number, isFlagged: boolean, { blockRows }: LevelSettings): void {
    this.#peak = Math.max(this.#peak, score)
    this.#rows++
    this.#quiet = isFlagged ? 0 : this.#quiet + 1
    if (this.#rows < blockRows || this.#quiet < CLEARS) return
    this.#peaks.keep(this.#peak)
    this.#peak = 0
    this.#rows = 0
  }

  state(): UsualLevelState {
    return { peak: this.#peak, rows: this.#rows, quiet: this.#quiet, ...this.#peaks.state() }
  }

  static of(state: UsualLevelState): UsualLevel {
    const level = new UsualLevel()
    level.#peak = state.peak
    level.#rows = state.rows
    level.#quiet = state.quiet
    level.#peaks = PeakLevel.of(state)
    return level
  }
}
