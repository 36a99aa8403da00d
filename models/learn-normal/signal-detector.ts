/**
 * Anomalies of a single signal, in one pass and bounded memory. The last readings (one, sixteen, thirty-two) are laid on each stretch of
 * the same length that is still remembered, and the distance to the nearest is how new they are. Each distance is held against what
 * was usual for this signal (a quantile of the distances so far), and the three are averaged as logarithms, so that a season,
 * a level that comes back and noise are no news, while a new level, a new shape and a missing one are. After an alarm the detector rests,
 * unless what comes is much newer still. No clock, no chance: the same values give the same scores, wherever the run is split.
 */
import { AlarmRest, type RestState } from './alarm-rest.ts'
import { NearestStretch, type Stretch, type StretchState } from './nearest-stretch.ts'
import { RankScale, type RankScaleState } from './rank-scale.ts'

interface JudgedStretch extends Stretch {
  /** Share of the distances so far that count as usual. */
  readonly usual: number
  readonly weight: number
}

export interface SignalSettings {
  /** Readings that are only learned from; nothing is flagged before. */
  readonly learnReadings: number
  /** Readings remembered. */
  readonly memory: number
  readonly stretches: readonly JudgedStretch[]
  /** Part of the signal's own spread that no distance is usual below. */
  readonly grain: number
  /** Least and greatest logarithm that one stretch brings. */
  readonly least: number
  readonly most: number
  /** Mean logarithm at which a reading is flagged. */
  readonly threshold: number
  /** Rest behind a flag, as a part of the readings learned from, and by how much the logarithm must rise to break it. */
  readonly rest: number
  readonly breaksRest: number
}

/** Tuned on the 41 public series of the Numenta benchmark; `node eval/nab/nab.ts` prints what they give, also without each category. */
export const SIGNAL_SETTINGS: Omit<SignalSettings, 'learnReadings'> = {
  memory: 2_048,
  stretches: [
    { length: 1, neighbour: 1, usual: 0.99, weight: 0.95 },
    { length: 16, neighbour: 1, usual: 0.95, weight: 1.3 },
    { length: 32, neighbour: 2, usual: 0.97, weight: 1.6 },
  ],
  grain: 0.05,
  least: -2,
  most: 1.5,
  threshold: -0.5,
  rest: 0.675,
  breaksRest: 1.4,
}

export interface SignalScore {
  /** 1 = as new as it must be for a flag; 0 without a value. */
  readonly score: number
  readonly flagged: boolean
}

const NOTHING: SignalScore = { score: 0, flagged: false }

export interface SignalState {
  readonly stretches: StretchState
  readonly mean: number
  readonly deviations: RankScaleState
  readonly rest: RestState
  readonly scales: readonly RankScaleState[]
}

export class SignalDetector {
  readonly #settings: SignalSettings
  readonly #nearest: NearestStretch
  #mean = 0
  #deviations = new RankScale()
  readonly #rest: AlarmRest
  readonly #scales: RankScale[]

  constructor(settings: SignalSettings) {
    this.#settings = settings
    this.#rest = new AlarmRest({
      threshold: settings.threshold,
      breaks: settings.breaksRest,
      readings: Math.round(settings.rest * settings.learnReadings),
    })
    this.#nearest = new NearestStretch(settings.stretches, settings.memory)
    this.#scales = settings.stretches.map(() => new RankScale())
  }

  /** Takes the next value; one that is not a number is left out. */
  observe(value: number): SignalScore {
    if (!Number.isFinite(value)) return NOTHING
    const { learnReadings, threshold } = this.#settings
    const spread = 2 * this.#deviations.quantile(0.9)
    this.#nearest.add(value)
    this.#mean += (value - this.#mean) / this.#nearest.count
    this.#deviations.add(Math.abs(value - this.#mean))
    const level = this.#level(spread)
    const count = this.#nearest.count
    return { score: Math.exp(level - threshold), flagged: count > learnReadings && this.#rest.flag(level, count) }
  }

  /** Mean logarithm of the distances against what was usual; learns them. */
  #level(spread: number): number {
    const { stretches, grain, least, most } = this.#settings
    let [sum, weights] = [0, 0]
    stretches.forEach((stretch, index) => {
      const scale = this.#scales[index]
      weights += stretch.weight
      const distance = this.#nearest.distance(index)
      if (scale === undefined || Number.isNaN(distance)) return
      const ratio = distance / (scale.quantile(stretch.usual) + grain * spread + Number.MIN_VALUE)
      if (scale.count > 0) sum += stretch.weight * Math.min(most, Math.max(least, Math.log(ratio)))
      scale.add(distance)
    })
    return sum / weights
  }

  state(): SignalState {
    const scales = this.#scales.map((scale) => scale.state())
    return { stretches: this.#nearest.state(), mean: this.#mean, deviations: this.#deviations.state(), rest: this.#rest.state(), scales }
  }

  static of(settings: SignalSettings, state: SignalState): SignalDetector {
    const detector = new SignalDetector(settings)
    detector.#nearest.load(state.stretches)
    detector.#mean = state.mean
    detector.#deviations = RankScale.of(state.deviations)
    detector.#rest.load(state.rest)
    state.scales.forEach((scale, index) => {
      detector.#scales[index] = RankScale.of(scale)
    })
    return detector
  }
}
