/**
 * Root of three equations by Broyden's method: the inverse of the Jacobian is kept between calls, improved by each step, and made anew by
 * differences when a step does not help. Unknowns stay within bounds and move by a bounded step, so a bad start cannot run away.
 */

export interface Problem {
  readonly x: readonly [number, number, number]
  readonly low: readonly [number, number, number]
  readonly high: readonly [number, number, number]
  readonly step_MAX: readonly [number, number, number]
  /** Differences for the Jacobian. */
  readonly nudge: readonly [number, number, number]
  /** Residuals, which `evaluate` fills. */
  readonly f: Float64Array
  readonly evaluate: (x: Float64Array) => void
  readonly iterations_MAX: number
}

/** Sum of absolute residuals (shares of the rating) at which a solution is good. */
const TOLERANCE = 2e-4

export interface Root {
  /** Ends with `evaluate` at the best point that was found; gives the sum of absolute residuals there. */
  solve(problem: Problem): number
}

export function createRoot(): Root {
  const inverse = new Float64Array(9)
  const jacobian = new Float64Array(9)
  const x = new Float64Array(3)
  const best = new Float64Array(3)
  const before = new Float64Array(3)
  const move = new Float64Array(3)
  let isKnown = false
  const at = (values: Float64Array, index: number): number => values[index] ?? 0

  function renew({ f, evaluate, nudge }: Problem): void {
    before.set(f)
    for (let column = 0; column < 3; column++) {
      const kept = at(x, column)
      const by = nudge[column] ?? 0
      x[column] = kept + by
      evaluate(x)
      x[column] = kept
      for (let row = 0; row < 3; row++) jacobian[row * 3 + column] = (at(f, row) - at(before, row)) / by
    }
    f.set(before)
    invert(jacobian, inverse)
    isKnown = true
  }

  /** Good Broyden update of the inverse for the move that was made. */
  function improve(f: Float64Array): void {
    const y = [at(f, 0) - at(before, 0), at(f, 1) - at(before, 1), at(f, 2) - at(before, 2)] as const
    const by = [0, 0, 0]
    const row = [0, 0, 0]
    let divisor = 0
    for (let k = 0; k < 3; k++) {
      const hy = at(inverse, k * 3) * y[0] + at(inverse, k * 3 + 1) * y[1] + at(inverse, k * 3 + 2) * y[2]
      divisor += at(move, k) * hy
      by[k] = at(move, k) - hy
      row[k] = at(move, 0) * at(inverse, k) + at(move, 1) * at(inverse, 3 + k) + at(move, 2) * at(inverse, 6 + k)
    }
    if (Math.abs(divisor) < 1e-12) return
    for (let k = 0; k < 3; k++) for (let j = 0; j < 3; j++) inverse[k * 3 + j] = at(inverse, k * 3 + j) + ((by[k] ?? 0) * (row[j] ?? 0)) / divisor
  }

  return {
    solve(problem) {
      const { f, evaluate, low, high, step_MAX } = problem
      const size = (): number => Math.abs(at(f, 0)) + Math.abs(at(f, 1)) + Math.abs(at(f, 2))
      for (let k = 0; k < 3; k++) x[k] = Math.min(high[k] ?? 0, Math.max(low[k] ?? 0, problem.x[k] ?? 0))
      evaluate(x)
      let last = size()
      let least = last
      best.set(x)
      if (!isKnown) renew(problem)
      for (let iteration = 0; last > TOLERANCE && iteration < problem.iterations_MAX; iteration++) {
        let scale = 1
        for (let k = 0; k < 3; k++) {
          move[k] = -(at(inverse, k * 3) * at(f, 0) + at(inverse, k * 3 + 1) * at(f, 1) + at(inverse, k * 3 + 2) * at(f, 2))
          scale = Math.min(scale, (step_MAX[k] ?? 1) / Math.max(1e-12, Math.abs(at(move, k))))
        }
        before.set(f)
        for (let k = 0; k < 3; k++) {
          const next = Math.min(high[k] ?? 0, Math.max(low[k] ?? 0, at(x, k) + scale * at(move, k)))
          move[k] = next - at(x, k)
          x[k] = next
        }
        evaluate(x)
        const now = size()
        if (now < least) {
          least = now
          best.set(x)
        }
        if (now > 0.6 * last) renew(problem)
        else improve(f)
        last = now
      }
      if (least < last || !Number.isFinite(last)) {
        isKnown = Number.isFinite(last)
        evaluate(best)
      }
      return least
    },
  }
}

function invert(m: Float64Array, into: Float64Array): void {
  const at = (index: number): number => m[index] ?? 0
  const minor = (a: number, b: number, c: number, d: number): number => at(a) * at(d) - at(b) * at(c)
  const c0 = minor(4, 5, 7, 8)
  const c1 = minor(5, 3, 8, 6)
  const c2 = minor(3, 4, 6, 7)
  const determinant = at(0) * c0 + at(1) * c1 + at(2) * c2
  const by = Math.abs(determinant) < 1e-15 ? 0 : 1 / determinant
  into[0] = c0 * by
  into[1] = minor(2, 1, 8, 7) * by
  into[2] = minor(1, 2, 4, 5) * by
  into[3] = c1 * by
  into[4] = minor(0, 2, 6, 8) * by
  into[5] = minor(2, 0, 5, 3) * by
  into[6] = c2 * by
  into[7] = minor(1, 0, 7, 6) * by
  into[8] = minor(0, 1, 3, 4) * by
}
