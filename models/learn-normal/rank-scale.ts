/**
 * Quantiles of a stream of magnitudes in bounded memory: a histogram over octaves, each cut into sixteen, so that a quantile is right to
 * within 4.4 % whatever the unit. The same values in whatever order give the same quantile, and the state is plain data.
 */

const PER_OCTAVE = 16
/** From 2^-30 to 2^30 of the first magnitude that is not zero. */
const OCTAVES = 60
const BINS = PER_OCTAVE * OCTAVES
/** At so many the counts are halved: what was long ago weighs less and less. */
const COUNT_MAX = 16_384

export interface RankScaleState {
  readonly unit: number
  readonly zeros: number
  readonly count: number
  /** Pairs of bin and count. */
  readonly bins: readonly number[]
}

export class RankScale {
  #unit = 0
  #zeros = 0
  #count = 0
  #bins: Uint32Array | undefined

  get count(): number {
    return this.#count
  }

  /** Adds a magnitude, zero or above. */
  add(magnitude: number): void {
    this.#count++
    if (this.#count >= COUNT_MAX) this.#halve()
    if (magnitude <= 0) {
      this.#zeros++
      return
    }
    if (this.#bins === undefined) {
      this.#unit = magnitude
      this.#bins = new Uint32Array(BINS)
    }
    const bin = Math.floor(Math.log2(magnitude / this.#unit) * PER_OCTAVE) + BINS / 2
    const place = Math.min(BINS - 1, Math.max(0, bin))
    this.#bins[place] = (this.#bins[place] ?? 0) + 1
  }

  #halve(): void {
    this.#zeros >>= 1
    this.#count = this.#zeros
    this.#bins?.forEach((count, bin, bins) => {
      bins[bin] = count >> 1
      this.#count += count >> 1
    })
  }

  /** Magnitude that the share `share` of those added does not pass; 0 while there are none. */
  quantile(share: number): number {
    const bins = this.#bins
    let left = (1 - share) * this.#count
    if (bins === undefined) return 0
    for (let bin = BINS - 1; bin >= 0; bin--) {
      const here = bins[bin] ?? 0
      if (here === 0) continue
      if (here > left) return this.#unit * 2 ** ((bin + 1 - left / here - BINS / 2) / PER_OCTAVE)
      left -= here
    }
    return 0
  }

  state(): RankScaleState {
    const bins: number[] = []
    this.#bins?.forEach((count, bin) => {
      if (count > 0) bins.push(bin, count)
    })
    return { unit: this.#unit, zeros: this.#zeros, count: this.#count, bins }
  }

  static of({ unit, zeros, count, bins }: RankScaleState): RankScale {
    const scale = new RankScale()
    scale.#unit = unit
    scale.#zeros = zeros
    scale.#count = count
    if (bins.length > 0) scale.#bins = new Uint32Array(BINS)
    for (let index = 0; index < bins.length; index += 2) if (scale.#bins !== undefined) scale.#bins[bins[index] ?? 0] = bins[index + 1] ?? 0
    return scale
  }
}
