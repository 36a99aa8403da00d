/**
 * Newton's method on the four balances of `physics-balance.ts`, damped and started from the last state of the same unit. It first solves
 * with the superheat that the valve controls to; when that asks for more travel than the valve has, it solves with the valve at its end.
 * It does not throw: a state says whether it converged.
 */
import { Balance, type CircuitConditions, type CircuitParameters, type CircuitState } from './physics-balance.ts'

const ITERATIONS_MAX = 40
const TOLERANCE = 1e-6

/** Solves the circuit for steady state, starting from `start` (the last state of the same unit) or from a guess. Cost: 5 to 20 µs. */
export class CircuitSolver {
  readonly #unknowns = new Float64Array(4)
  readonly #trial = new Float64Array(4)
  readonly #residuals = new Float64Array(4)
  readonly #shifted = new Float64Array(4)
  readonly #matrix = new Float64Array(20)

  solve(parameters: CircuitParameters, conditions: CircuitConditions, start: CircuitState | undefined): CircuitState {
    const { valve } = conditions
    if ('openingSteps' in valve) return this.#newton(new Balance(parameters, conditions, valve.openingSteps, undefined), start)
    const controlled = this.#newton(new Balance(parameters, conditions, undefined, valve.superheatK), start)
    if (controlled.converged && controlled.openingSteps >= valve.opening_MIN && controlled.openingSteps <= valve.opening_MAX) return controlled
    const held = controlled.openingSteps > valve.opening_MAX || Number.isNaN(controlled.openingSteps) ? valve.opening_MAX : valve.opening_MIN
    return this.#newton(new Balance(parameters, conditions, held, undefined), controlled.converged ? controlled : start)
  }

  #newton(balance: Balance, start: CircuitState | undefined): CircuitState {
    const x = this.#unknowns
    x[0] = start?.evaporatingC ?? balance.conditions.returnC - 17
    x[1] = start?.condensingC ?? balance.conditions.outdoorC + 12
    x[2] = start?.dryFraction ?? 0.1
    x[3] = start?.liquidFraction ?? 0.08
    balance.bound(x)
    let norm = balance.evaluate(x, this.#residuals)
    let iterations = 0
    while (norm > TOLERANCE && iterations < ITERATIONS_MAX) {
      iterations += 1
      const next = this.#descend(balance, norm)
      if (next >= norm * 0.9999) {
        norm = Math.min(norm, next)
        break
      }
      norm = next
    }
    balance.evaluate(x, this.#residuals)
    return balance.state(x, iterations, norm < 1e-3)
  }

  /** One damped step; gives the new norm and leaves the unknowns and residuals there. */
  #descend(balance: Balance, norm: number): number {
    const x = this.#unknowns
    const matrix = this.#matrix
    for (let column = 0; column < 4; column++) {
      this.#trial.set(x)
      const step = column < 2 ? 1e-3 : 1e-5
      this.#trial[column] = (x[column] ?? 0) + step
      balance.evaluate(this.#trial, this.#shifted)
      for (let row = 0; row < 4; row++) matrix[row * 5 + column] = ((this.#shifted[row] ?? 0) - (this.#residuals[row] ?? 0)) / step
    }
    for (let row = 0; row < 4; row++) matrix[row * 5 + 4] = -(this.#residuals[row] ?? 0)
    eliminate(matrix)
    let scale = 1
    for (let row = 0; row < 4; row++) {
      const bound = STEP_MAX[row] ?? 1
      const step = Math.abs(matrix[row * 5 + 4] ?? 0)
      if (step * scale > bound) scale = bound / step
    }
    let next = norm
    for (let halvings = 0; halvings < 6; halvings++) {
      for (let row = 0; row < 4; row++) this.#trial[row] = (x[row] ?? 0) + scale * (matrix[row * 5 + 4] ?? 0)
      balance.bound(this.#trial)
      next = balance.evaluate(this.#trial, this.#shifted)
      if (next < norm || halvings === 5) break
      scale *= 0.4
    }
    if (next < norm) {
      x.set(this.#trial)
      this.#residuals.set(this.#shifted)
    }
    return next
  }
}

/** Longest step of an iteration: K, K, fraction, fraction. */
const STEP_MAX = [4, 6, 0.12, 0.08]

/** Gauss-Jordan with pivots over a 4 x 5 matrix in rows; the solution stands in the last column. */
function eliminate(m: Float64Array): void {
  for (let column = 0; column < 4; column++) {
    let pivot = column
    for (let row = column + 1; row < 4; row++) {
      if (Math.abs(m[row * 5 + column] ?? 0) > Math.abs(m[pivot * 5 + column] ?? 0)) pivot = row
    }
    for (let k = column; k < 5 && pivot !== column; k++) {
      const kept = m[column * 5 + k] ?? 0
      m[column * 5 + k] = m[pivot * 5 + k] ?? 0
      m[pivot * 5 + k] = kept
    }
    const divisor = m[column * 5 + column] || 1e-12
    for (let row = 0; row < 4; row++) {
      if (row === column) continue
      const factor = (m[row * 5 + column] ?? 0) / divisor
      if (factor === 0) continue
      for (let k = column; k < 5; k++) m[row * 5 + k] = (m[row * 5 + k] ?? 0) - factor * (m[column * 5 + k] ?? 0)
    }
  }
  for (let row = 0; row < 4; row++) m[row * 5 + 4] = (m[row * 5 + 4] ?? 0) / (m[row * 5 + row] || 1e-12)
}
