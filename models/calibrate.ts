/**
 * Turns the scores of a model into probabilities that mean what they say: softmax of the log scores over a temperature. The
 * temperature is fitted on units that training did not see (Guo et al. 2017, "On Calibration of Modern Neural Networks"); it never
 * changes which class is first.
 */

/** Keeps the logarithm finite where a model says 0. */
const SCORE_MIN = 1e-9

/** Calibrated probabilities of one row of scores; they sum to 1. */
export function calibrate(scores: ArrayLike<number>, temperature: number): number[] {
  const logits = Array.from(scores, (score) => Math.log(Math.max(score, SCORE_MIN)) / temperature)
  const largest = Math.max(...logits)
  const powers = logits.map((logit) => Math.exp(logit - largest))
  const sum = powers.reduce((total, power) => total + power, 0)
  return powers.map((power) => power / sum)
}

/** Temperature in [0.2, 8] with the least log loss of `labels` (class positions), by golden section; `weights` by row. */
export function fitTemperature(scores: ReadonlyArray<ArrayLike<number>>, labels: readonly number[], weights: readonly number[]): number {
  const loss = (logTemperature: number): number =>
    scores.reduce((total, row, index) => {
      const probability = calibrate(row, Math.exp(logTemperature))[labels[index] ?? 0] ?? 0
      return total - (weights[index] ?? 0) * Math.log(Math.max(probability, SCORE_MIN))
    }, 0)
  const ratio = (Math.sqrt(5) - 1) / 2
  let low = Math.log(0.2)
  let high = Math.log(8)
  while (high - low > 0.005) {
    const left = high - ratio * (high - low)
    const right = low + ratio * (high - low)
    if (loss(left) < loss(right)) high = right
    else low = left
  }
  return Number(Math.exp((low + high) / 2).toFixed(4))
}
