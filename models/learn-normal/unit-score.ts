/**
 * What the score of a row is worth for this unit. A row is flagged where it lies above the unit's own level, and it is an alarm where more than
 * half of a whole stretch (a seventh of what was learned from, a day as a rule) does: doors, defrosts, a cycle that is seldom run and an
 * outage are over sooner, a fault is not. Both levels keep the alert budget (`usual-level.ts`).
 */
import { type LevelSettings, UsualLevel, type UsualLevelState } from './usual-level.ts'

/** Rows in a row that must be that high to be a peak. */
const SUSTAINED = 3
/** Part of a stretch for which a score that passes by itself must be that high. */
const PASSING = 7

export interface UnitScoreSettings extends LevelSettings {
  /** The score says what is new and passes by itself while a fault stays; what is so high for a seventh of a stretch lasts. */
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
  readonly broad: readonly number[]
  readonly rows: UsualLevelState
  readonly lasting: UsualLevelState
}

export class UnitScore {
  #scores: number[] = []
  /** Of one stretch at most. */
  #broad: number[] = []
  #rows = new UsualLevel()
  #lasting = new UsualLevel()

  /** @param given 1 = at the threshold of what was learned; `broad` is the part of it that is not of the oddest channel alone */
  take({ score, broad }: { readonly score: number; readonly broad: number }, settings: UnitScoreSettings): JudgedScore {
    this.#scores.push(score)
    if (this.#scores.length > SUSTAINED) this.#scores.shift()
    this.#broad.push(broad)
    if (this.#broad.length > settings.blockRows) this.#broad.shift()
    const own = score / this.#rows.level(settings)
    // A single row that is far off is flagged, and says nothing of how high the unit goes.
    this.#rows.learn(Math.min(...this.#scores), own >= 1, settings)
    const middle = this.#middle(broad, settings)
    const lasting = middle / this.#lasting.level(settings)
    this.#lasting.learn(middle, lasting >= 1, settings)
    return { score: Math.max(own, lasting), isAlarming: lasting >= 1 && this.#lasting.isProven }
  }

  #middle(broad: number, { blockRows, isPassing }: UnitScoreSettings): number {
    if (isPassing) return Math.min(...this.#broad.slice(-Math.max(SUSTAINED, Math.round(blockRows / PASSING))))
    return this.#broad.length < blockRows ? 0 : Math.min(broad, median(this.#broad))
  }

  state(): UnitScoreState {
    return { scores: [...this.#scores], broad: [...this.#broad], rows: this.#rows.state(), lasting: this.#lasting.state() }
  }

  static of(state: UnitScoreState): UnitScore {
    const score = new UnitScore()
    score.#scores = [...state.scores]
    score.#broad = [...state.broad]
    score.#rows = UsualLevel.of(state.rows)
    score.#lasting = UsualLevel.of(state.lasting)
    return score
  }
}

function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[sorted.length >> 1] ?? 0
}
