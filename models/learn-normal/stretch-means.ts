/**
 * Whether a unit has gone elsewhere for good: the means of its channels over a whole stretch (a day as a rule) against those of the stretches
 * before, each by how much such means step from one stretch to the next. A shift that is less than what a row varies by stands out in the mean
 * of many. What the learned normal explains is taken out before, so that a unit that only runs more or less does not count. Exponentially weighted
 * means as in a control chart (Roberts, Technometrics 1959).
 */
import type { AlertBudget } from './alert-threshold.ts'
import { PeakLevel, type PeakLevelState } from './peak-level.ts'

/** Parts of a stretch: the last ones are judged together at the end of each, so that a change need not wait for the end of a day. */
const PARTS = 4
/** Spreads that a row counts at most, so that an hour that is far off does not stand for the day. */
const ROW_MAX = 8
/** Part of a stretch of which a channel must be known. */
const KNOWN_MIN = 0.5
/** Part of its distance by which the usual mean follows a stretch. */
const FOLLOWS = 0.25
/** Step from stretch to stretch, in spreads of rows, that is expected before any is known, and for how many stretches it counts. */
const STEP_EXPECTED = 0.5
const STEPS_EXPECTED = 3
/** Part of what is known of the steps that stays with each further one. */
const STEPS_KEPT = 0.95
/** Square of a channel's distance that counts at most: a mean that never stepped would outweigh all others together. */
const SQUARE_MAX = 400
/** No level lies lower, in usual steps: weeks without weather say nothing of the first front. */
const LEVEL_MIN = 10
/** Spread of the logarithms of distances that is expected, and for how many stretches it counts. */
const [SPREAD_EXPECTED, SPREADS_EXPECTED] = [0.35, 6]
/** A unit that was away for so many stretches is looked at anew. */
const AWAY_MAX = 7

export interface StretchSettings {
  /** Rows of a stretch. */
  readonly blockRows: number
  readonly budget: AlertBudget
  /** What one quantity does by itself counts as well. */
  readonly isOddestCounted: boolean
}

export interface StretchScore {
  /** 1 = at the level; 0 before anything is known to compare with. */
  readonly score: number
  /** Part of each channel in it, in the order of the channels. */
  readonly shares: Float64Array
  readonly isAlarming: boolean
}

interface Part {
  readonly rows: number
  readonly sums: Float64Array
  readonly counts: Float64Array
}

export interface StretchMeansState {
  readonly parts: readonly Part[]
  readonly now: Part
  /** Parts since the last stretch that was learned from. */
  readonly ended: number
  readonly lastMs: number
  readonly isFlagged: boolean
  readonly usual: Float64Array | null
  readonly before: Float64Array | null
  readonly squares: Float64Array
  readonly steps: Float64Array
  readonly level: PeakLevelState
  readonly last: StretchScore
}

export class StretchMeans {
  /** Of each channel, the place of its quantity. */
  readonly #quantities: readonly number[]
  #parts: readonly Part[] = []
  #now: Part
  #ended = 0
  #lastMs = 0
  /** A part of the stretch that is not over yet lay above the level. */
  #isFlagged = false
  #usual: Float64Array | null = null
  /** The stretch before: it is learned a stretch later, so that what is judged is not compared with a part of itself. */
  #before: Float64Array | null = null
  #squares: Float64Array
  #steps: Float64Array
  #level = new PeakLevel()
  #last: StretchScore

  /** @param quantities what each channel measures */
  constructor(quantities: ReadonlyArray<string | number>) {
    const places = [...new Set(quantities)]
    this.#quantities = quantities.map((quantity) => places.indexOf(quantity))
    const none = (): Float64Array => new Float64Array(quantities.length)
    this.#now = { rows: 0, sums: none(), counts: none() }
    this.#squares = none()
    this.#steps = none()
    this.#last = { score: 0, shares: none(), isAlarming: false }
  }

  /** Takes the next row. @param values in spreads of what the learned normal does not explain; NaN = not known */
  take({ atMs, values }: { readonly atMs: number; readonly values: Float64Array }, settings: StretchSettings): StretchScore {
    const { blockRows, budget } = settings
    if (atMs - this.#lastMs > AWAY_MAX * blockRows * budget.stepMs) this.#begin(values.length)
    this.#lastMs = atMs
    const { sums, counts } = this.#now
    values.forEach((value, channel) => {
      if (Number.isNaN(value)) return
      sums[channel] = (sums[channel] ?? 0) + Math.max(-ROW_MAX, Math.min(ROW_MAX, value))
      counts[channel] = (counts[channel] ?? 0) + 1
    })
    this.#now = { ...this.#now, rows: this.#now.rows + 1 }
    if (this.#now.rows >= blockRows / PARTS) this.#endPart(settings)
    return this.#last
  }

  /** Forgets where the unit was, not how it steps. */
  #begin(channels: number): void {
    this.#parts = []
    this.#now = emptyPart(channels)
    this.#ended = 0
    this.#isFlagged = false
    this.#usual = null
    this.#before = null
    this.#last = { score: 0, shares: new Float64Array(channels), isAlarming: false }
  }

  #endPart(settings: StretchSettings): void {
    this.#parts = [...this.#parts, this.#now].slice(-PARTS)
    this.#now = emptyPart(this.#now.sums.length)
    this.#ended++
    if (this.#parts.length < PARTS) return
    const means = this.#means()
    const { distance, shares } = this.#distance(means, settings)
    const usual = this.#level.level({ ...settings, spread: SPREAD_EXPECTED, expectedPeaks: SPREADS_EXPECTED }) ?? 0
    const score = distance / Math.max(LEVEL_MIN, usual)
    this.#last = { score, shares, isAlarming: score >= 1 && this.#level.isProven }
    this.#isFlagged ||= score >= 1
    if (this.#ended < PARTS) return
    if (!this.#isFlagged) this.#learn(means, distance)
    this.#isFlagged = false
    this.#ended = 0
  }

  #means(): Float64Array {
    const rows = this.#parts.reduce((total, part) => total + part.rows, 0)
    return Float64Array.from(this.#quantities, (_, channel) => {
      const of = (pick: (part: Part) => Float64Array): number => this.#parts.reduce((total, part) => total + (pick(part)[channel] ?? 0), 0)
      const known = of(({ counts }) => counts)
      return known >= KNOWN_MIN * rows ? of(({ sums }) => sums) / known : Number.NaN
    })
  }

  /**
   * Distance of the second quantity, root mean square of its channels. One quantity alone that lies elsewhere is what people and the weather do
   * (a set point, a switch, the temperatures of a machine that rests); a fault moves another with it.
   */
  #distance(means: Float64Array, { isOddestCounted }: StretchSettings): { readonly distance: number; readonly shares: Float64Array } {
    const squares = means.map((mean, channel) => {
      const off = mean - (this.#usual?.[channel] ?? Number.NaN)
      return Number.isNaN(off) ? 0 : Math.min(SQUARE_MAX, (off * off) / this.#stepVariance(channel))
    })
    const channels = new Map<number, number[]>()
    this.#quantities.forEach((quantity, channel) => {
      if (!Number.isNaN(means[channel] ?? Number.NaN)) channels.set(quantity, [...(channels.get(quantity) ?? []), squares[channel] ?? 0])
    })
    const quantities = [...channels.values()].map(mean).sort((a, b) => b - a)
    const total = squares.reduce((sum, square) => sum + square, 0)
    return {
      distance: Math.sqrt(quantities[isOddestCounted ? 0 : 1] ?? 0),
      shares: squares.map((square) => (total > 0 ? square / total : 0)),
    }
  }

  #stepVariance(channel: number): number {
    return (STEPS_EXPECTED * STEP_EXPECTED ** 2 + (this.#squares[channel] ?? 0)) / (STEPS_EXPECTED + (this.#steps[channel] ?? 0))
  }

  #learn(means: Float64Array, distance: number): void {
    const usual = this.#usual
    if (usual !== null) {
      this.#level.keep(distance)
      means.forEach((value, channel) => {
        const step = value - (usual[channel] ?? Number.NaN)
        if (Number.isNaN(step)) return
        this.#squares[channel] = STEPS_KEPT * (this.#squares[channel] ?? 0) + step * step
        this.#steps[channel] = STEPS_KEPT * (this.#steps[channel] ?? 0) + 1
      })
    }
    this.#usual = usual === null ? means : (this.#before?.map((value, channel) => followed(usual[channel] ?? Number.NaN, value)) ?? usual)
    this.#before = usual === null ? null : means
  }

  state(): StretchMeansState {
    const copy = ({ rows, sums, counts }: Part): Part => ({ rows, sums: sums.slice(), counts: counts.slice() })
    return {
      parts: this.#parts.map(copy),
      now: copy(this.#now),
      ended: this.#ended,
      lastMs: this.#lastMs,
      isFlagged: this.#isFlagged,
      usual: this.#usual,
      before: this.#before,
      squares: this.#squares.slice(),
      steps: this.#steps.slice(),
      level: this.#level.state(),
      last: this.#last,
    }
  }

  static of(quantities: ReadonlyArray<string | number>, state: StretchMeansState): StretchMeans {
    const means = new StretchMeans(quantities)
    means.#parts = state.parts
    means.#now = { rows: state.now.rows, sums: state.now.sums.slice(), counts: state.now.counts.slice() }
    means.#ended = state.ended
    means.#lastMs = state.lastMs
    means.#isFlagged = state.isFlagged
    means.#usual = state.usual
    means.#before = state.before
    means.#squares = state.squares.slice()
    means.#steps = state.steps.slice()
    means.#level = PeakLevel.of(state.level)
    means.#last = state.last
    return means
  }
}

const emptyPart = (channels: number): Part => ({ rows: 0, sums: new Float64Array(channels), counts: new Float64Array(channels) })

/** What is not known of one of both is as the other says. */
function followed(usual: number, value: number): number {
  if (Number.isNaN(usual)) return value
  return Number.isNaN(value) ? usual : usual + FOLLOWS * (value - usual)
}

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length)
