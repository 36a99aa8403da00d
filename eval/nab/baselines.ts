/** Detectors that are printed beside ours: one that never speaks, one that throws dice, and the benchmark's windowed Gaussian. */
import { createRandom } from '#kernel/random.ts'

export const nullDetector = (values: Float64Array): Float64Array => new Float64Array(values.length)

export function randomDetector(values: Float64Array, seed: string): Float64Array {
  const random = createRandom(seed)
  return values.map(() => random.uniform())
}

const WINDOW = 6_400

/** One less the probability of a value at least as far out, of a normal distribution over the last 6,400 values. */
export function windowedGaussian(values: Float64Array): Float64Array {
  const scores = new Float64Array(values.length)
  const offset = values[0] ?? 0
  let [sum, squares] = [0, 0]
  values.forEach((value, row) => {
    const count = Math.min(row, WINDOW)
    const mean = sum / Math.max(1, count)
    const deviation = Math.sqrt(Math.max(0, squares / Math.max(1, count) - mean * mean)) || 1e-6
    if (row > 0) scores[row] = 1 - tail(Math.abs(value - offset - mean) / deviation)
    const gone = row >= WINDOW ? (values[row - WINDOW] ?? 0) - offset : 0
    sum += value - offset - gone
    squares += (value - offset) ** 2 - gone ** 2
  })
  return scores
}

/** Upper tail of the standard normal distribution, by its continued fraction beyond 2 and its series below. */
function tail(z: number): number {
  const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI)
  if (z > 2) {
    let fraction = z
    for (let term = 200; term >= 1; term--) fraction = z + term / fraction
    return density / fraction
  }
  let [sum, term] = [z, z]
  for (let n = 1; n < 60; n++) {
    term *= (z * z) / (2 * n + 1)
    sum += term
  }
  return 0.5 - density * sum
}
