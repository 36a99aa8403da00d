/**
 * When a level becomes a flag: at the threshold, and then not again for a while, for what is told once need not be told each reading; only a
 * level that rises well above the one that was told breaks the rest.
 */

export interface RestSettings {
  readonly threshold: number
  /** How far the level must rise above the one told to be told in the rest. */
  readonly breaks: number
  /** Length of the rest. */
  readonly readings: number
}

export interface RestState {
  readonly until: number
  readonly told: number
}

export class AlarmRest {
  readonly #settings: RestSettings
  #until = -1
  #told = 0

  constructor(settings: RestSettings) {
    this.#settings = settings
  }

  /** Whether the level of reading number `count` is a flag. */
  flag(level: number, count: number): boolean {
    const { threshold, breaks, readings } = this.#settings
    if (count <= this.#until ? level <= this.#told + breaks : level < threshold) return false
    this.#until = count + readings
    this.#told = level
    return true
  }

  state(): RestState {
    return { until: this.#until, told: this.#told }
  }

  load({ until, told }: RestState): void {
    this.#until = until
    this.#told = told
  }
}
