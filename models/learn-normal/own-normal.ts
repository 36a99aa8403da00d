/**
 * The own normal of one device: rows of its channels come one after the other; the first ones are learned, and each one behind them gets a
 * score, 1 = as far from the normal as the alert budget allows. One or two channels are judged by the detector of single signals,
 * more by the normal of all together. A slow drift of a channel (season, wear) becomes normal by and by; what is flagged teaches nothing.
 */
import { alertThreshold } from './alert-threshold.ts'
import { LEVEL_MIN, learnNormal, type NormalModel, type NormalRow, scoreNormal, unexplained } from './normal-model.ts'
import { SIGNAL_SETTINGS, SignalDetector, type SignalState } from './signal-detector.ts'
import { StretchMeans, type StretchMeansState } from './stretch-means.ts'
import { type JudgedScore, UnitScore, type UnitScoreState } from './unit-score.ts'

export interface OwnNormalSettings {
  /** Rows learned from. */
  readonly learnRows: number
  /** Readings behind which the rows so far are what is learned from; absent: `learnRows` rows. */
  readonly learnReadings?: number
  /** Alerts that 1,000 units may cause in a week. */
  readonly per1000UnitWeeks: number
  /** What each channel measures; those that measure the same move together with the weather. Absent: each another thing. */
  readonly quantities?: readonly string[]
}

export interface RowScore {
  readonly score: number
  /** In the order of the channels. */
  readonly shares: Float64Array
  /** What lasts is beyond the alert budget. */
  readonly isAlarming: boolean
}

/** Stretches of time that are as long as what was learned; the highest score of each says how high it goes by itself. */
const BLOCKS_LEARNED = 7
/** Spread of the logarithms of peaks that is expected before they are known; distances of single signals hardly differ. */
const PEAK_SPREAD = { together: 0.7, single: 0.25 }

/** Spreads that a channel counts at most: what hardly moved while it was learned would outweigh all others together. */
const FARTHEST = 8
/** Fewest rows that a normal is learned from, whatever the user names. */
const ROWS_MIN = 40
/** Rows kept while learning; of more, every second one is left out. */
export const ROWS_KEPT_MAX = 512
/** Channels up to which each is judged alone. */
export const SIGNALS_MAX = 2
/** Rows that a single signal remembers. */
const SIGNAL_MEMORY = 1_008
/**
 * Logarithm of the score above which no threshold of a single signal lies. A value that stays where it never was comes to 1.1 at most (its single
 * readings are soon known, the stretches are not), and a day or two of learning say little of the tail: without a bound the
 * detector would be silent whatever comes. `node eval/traces/traces.ts` has a control of it.
 */
const LEVEL_MAX = 1
/** Part of the distance by which the centre follows a channel with each unflagged row. */
const FOLLOWS = 0.004
/** Values and thresholds above it are of no use to anybody. */
const SCORE_MAX = 1_000

export interface OwnNormalState {
  readonly seen: number
  readonly readings: number
  readonly every: number
  readonly rows: ReadonlyArray<readonly [atMs: number, values: Float64Array]>
  readonly model?: NormalModel
  readonly drift: Float64Array
  readonly signals: readonly SignalState[]
  readonly levels: readonly number[]
  readonly signal_MAX: number
  readonly firstMs: number
  readonly lastMs: number
  /** Absent in what an earlier version saved. */
  readonly learnedRows?: number
  readonly judge?: UnitScoreState
  readonly stretches?: StretchMeansState
}

export class OwnNormal {
  readonly #settings: OwnNormalSettings
  readonly #channels: number
  #seen = 0
  #readings = 0
  #every = 1
  #rows: NormalRow[] = []
  #model: NormalModel | undefined
  #drift: Float64Array
  #signals: SignalDetector[]
  /** Scores of single signals while learning. */
  #levels: number[] = []
  #signal_MAX = 0
  #firstMs = 0
  #lastMs = 0
  #judge = new UnitScore()
  #learnedRows = 0
  /** Of several channels together. */
  #stretches: StretchMeans

  constructor(settings: OwnNormalSettings, channels: number) {
    this.#settings = settings
    this.#channels = channels
    this.#drift = new Float64Array(channels)
    this.#stretches = new StretchMeans(quantitiesOf(settings, channels))
    this.#signals = this.#isSingle ? Array.from({ length: channels }, () => new SignalDetector(this.#signalSettings())) : []
  }

  get #isSingle(): boolean {
    return this.#channels <= SIGNALS_MAX
  }

  #signalSettings(): typeof SIGNAL_SETTINGS & { readonly learnReadings: number } {
    return { ...SIGNAL_SETTINGS, memory: SIGNAL_MEMORY, learnReadings: 0 }
  }

  /** Takes a row made of `readings` readings; undefined while learning or when too little of it is known. */
  take(row: NormalRow, readings: number): RowScore | undefined {
    if (this.#seen === 0) this.#firstMs = row.atMs
    this.#seen++
    this.#lastMs = row.atMs
    const score = this.#isSingle ? this.#takeSignals(row) : this.#takeTogether(row)
    this.#readings += readings
    return score
  }

  #isLearned(): boolean {
    const { learnRows, learnReadings } = this.#settings
    if (this.#seen < Math.max(ROWS_MIN, 3 * this.#channels)) return false
    return learnReadings === undefined ? this.#seen >= learnRows : this.#readings >= learnReadings
  }

  #budget(): { readonly per1000UnitWeeks: number; readonly stepMs: number } {
    return { per1000UnitWeeks: this.#settings.per1000UnitWeeks, stepMs: Math.max(1, (this.#lastMs - this.#firstMs) / Math.max(1, this.#seen - 1)) }
  }

  #takeTogether(row: NormalRow): RowScore | undefined {
    if (this.#model === undefined) {
      this.#learn(row)
      return undefined
    }
    const values = row.values.map((value, channel) => value - (this.#drift[channel] ?? 0))
    const { score, contributions } = scoreNormal(this.#model, { atMs: row.atMs, values }, FARTHEST)
    if (Number.isNaN(score)) return undefined
    const own = this.#againstItself(score, PEAK_SPREAD.together)
    const lasting = this.#stretches.take(
      { atMs: row.atMs, values: unexplained(this.#model, row, FARTHEST) },
      { blockRows: this.#blockRows(), budget: this.#budget(), isOddestCounted: Math.max(this.#model.t2_MAX, this.#model.q_MAX) <= LEVEL_MIN },
    )
    if (Math.max(own.score, lasting.score) < 1) this.#follow(this.#model, values)
    return lasting.score > own.score ? lasting : { ...own, isAlarming: lasting.isAlarming, shares: contributions }
  }

  #blockRows(): number {
    return Math.min(ROWS_KEPT_MAX, Math.ceil(this.#learnedRows / BLOCKS_LEARNED))
  }

  #againstItself(score: number, spread: number): JudgedScore {
    const settings = { blockRows: this.#blockRows(), isPassing: this.#isSingle, spread, budget: this.#budget() }
    const own = this.#judge.take(Math.min(SCORE_MAX, score), settings)
    return { ...own, score: Math.min(SCORE_MAX, own.score) }
  }

  #learn(row: NormalRow): void {
    if ((this.#seen - 1) % this.#every === 0) this.#rows.push(row)
    if (this.#rows.length > ROWS_KEPT_MAX) {
      this.#rows = this.#rows.filter((_, index) => index % 2 === 0)
      this.#every *= 2
    }
    if (!this.#isLearned()) return
    this.#model = learnNormal(this.#rows, this.#budget())
    this.#learnedRows = this.#seen
    this.#rows = []
  }

  #follow({ centre, scale }: NormalModel, values: Float64Array): void {
    values.forEach((value, channel) => {
      if (Number.isNaN(value)) return
      const spread = scale[channel] ?? 0
      const off = Math.max(-spread, Math.min(spread, value - (centre[channel] ?? 0)))
      this.#drift[channel] = (this.#drift[channel] ?? 0) + FOLLOWS * off
    })
  }

  #takeSignals({ values }: NormalRow): RowScore | undefined {
    const scores = Float64Array.from(this.#signals, (signal, channel) => signal.observe(values[channel] ?? Number.NaN).score)
    const score = Math.max(0, ...scores)
    const sum = scores.reduce((total, one) => total + one, 0)
    if (this.#signal_MAX === 0) {
      // The first half only fills the memory: to an empty one everything is new.
      if (this.#levels.length < ROWS_KEPT_MAX) this.#levels.push(score)
      else this.#levels = [...this.#levels.filter((_, index) => index % 2 === 0), score]
      if (!this.#isLearned()) return undefined
      const usual = this.#levels.slice(this.#levels.length >> 1)
      const level = alertThreshold(
        usual.map((one) => Math.log(Math.max(one, 1e-3))),
        this.#budget(),
      )
      this.#signal_MAX = Math.exp(Math.min(LEVEL_MAX, Math.max(0, level)))
      this.#levels = []
      this.#learnedRows = this.#seen
      return undefined
    }
    const own = this.#againstItself(score / this.#signal_MAX, PEAK_SPREAD.single)
    return { ...own, shares: scores.map((one) => (sum > 0 ? one / sum : 0)) }
  }

  state(): OwnNormalState {
    return {
      seen: this.#seen,
      readings: this.#readings,
      every: this.#every,
      rows: this.#rows.map(({ atMs, values }) => [atMs, values] as const),
      ...(this.#model === undefined ? {} : { model: this.#model }),
      drift: this.#drift.slice(),
      signals: this.#signals.map((signal) => signal.state()),
      levels: [...this.#levels],
      signal_MAX: this.#signal_MAX,
      firstMs: this.#firstMs,
      lastMs: this.#lastMs,
      learnedRows: this.#learnedRows,
      judge: this.#judge.state(),
      ...(this.#isSingle ? {} : { stretches: this.#stretches.state() }),
    }
  }

  static of(settings: OwnNormalSettings, channels: number, state: OwnNormalState): OwnNormal {
    const normal = new OwnNormal(settings, channels)
    normal.#seen = state.seen
    normal.#readings = state.readings
    normal.#every = state.every
    normal.#rows = state.rows.map(([atMs, values]) => ({ atMs, values }))
    normal.#model = state.model
    normal.#drift = Float64Array.from(state.drift)
    normal.#signals = state.signals.map((signal) => SignalDetector.of(normal.#signalSettings(), signal))
    normal.#levels = [...state.levels]
    normal.#signal_MAX = state.signal_MAX
    normal.#firstMs = state.firstMs
    normal.#lastMs = state.lastMs
    normal.#learnedRows = state.learnedRows ?? settings.learnRows
    if (state.judge !== undefined) normal.#judge = UnitScore.of(state.judge)
    if (state.stretches !== undefined) normal.#stretches = StretchMeans.of(quantitiesOf(settings, channels), state.stretches)
    return normal
  }
}

const quantitiesOf = ({ quantities }: OwnNormalSettings, channels: number): ReadonlyArray<string | number> =>
  quantities ?? Array.from({ length: channels }, (_, channel) => channel)
