/**
 * What the score of a row is worth for this unit: a row is flagged where it lies above the unit's own level, which keeps the alert budget
 * (`usual-level.ts`). Of a score that says what is new, and so passes by itself while a fault stays, an alarm is what is that high
 * without a break for a quarter of a stretch; what lasts in several channels is told by their means (`stretch-means.ts`).
 */
import { type LevelSettings, UsualLevel, type UsualLevelState } from './usual-level.ts'

/** Rows in a row that must be that high to be a peak. */
const SUSTAINED = 3
/** Part of a stretch for which a score that passes by itself must be that high. */
const PASSING = 4

export interface UnitScoreSettings extends LevelSettings {
  /** The score says what is new. */
  readonly isPassing: boolean
}

export interface JudgedScore {
  /** 1 = flagged. */
  readonly score: number
  /** What lasts is beyond the alert budget, and the row is part of it. */
  readonly isAlarming: boolean
}

export interface UnitScoreState {
  readonly scores: readonly number[]
  readonly rows: UsualLevelState
  readonly lasting: UsualLevelState
}

export class UnitScore {
  /** Of the rows that tell what lasts. */
  #scores: number[] = []
  #rows = new UsualLevel()
  #lasting = new UsualLevel()

  /** @param score 1 = at the threshold of what was learned */
  take(score: number, settings: UnitScoreSettings): JudgedScore {
    const { blockRows, isPassing } = settings
    const kept = isPassing ? Math.max(SUSTAINED, Math.round(blockRows / PASSING)) : SUSTAINED
    this.#scores.push(score)
    while (this.#scores.length > kept) this.#scores.shift()
    const own = score / this.#rows.level(settings)
    // A single row that is far off is flagged, and says nothing of how high the unit goes.
    this.#rows.learn(Math.min(...this.#scores.slice(-SUSTAINED)), own >= 1, settings)
    if (!isPassing) return { score: own, isAlarming: false }
    const least = Math.min(...this.#scores)
    const lasting = least / this.#lasting.level(settings)
    this.#lasting.learn(least, lasting >= 1, settings)
    return { score: Math.max(own, lasting), isAlarming: lasting >= 1 && this.#lasting.isProven }
  }

  state(): UnitScoreState {
    return { scores: [...this.#scores], rows: this.#rows.state(), lasting: this.#lasting.state() }
  }

  static of(state: UnitScoreState): UnitScore {
    const score = new UnitScore()
    score.#scores = [...state.scores]
    score.#rows = UsualLevel.of(state.rows)
    score.#lasting = UsualLevel.of(state.lasting)
    return score
  }
}
