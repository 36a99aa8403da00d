/**
 * Least squares with a small ridge by the normal equations and Cholesky: a few dozen unknowns, any number of rows. For fitting the
 * reference in training; nothing at run time needs it.
 */
import { assert } from '#kernel/errors.ts'

/**
 * Coefficients that minimise the squared error of `y` by `x`, with `ridge` per row on every coefficient but the first (the constant).
 * @param rows all with the same length of `x`; at least one
 */
export function solveLeastSquares(rows: ReadonlyArray<{ readonly x: readonly number[]; readonly y: number }>, ridge: number): number[] {
  const size = rows[0]?.x.length ?? 0
  assert(size > 0, 'least squares needs rows with terms')
  const matrix = Array.from({ length: size }, () => new Float64Array(size))
  const right = new Float64Array(size)
  for (const { x, y } of rows) {
    for (let i = 0; i < size; i++) {
      const xi = x[i] ?? 0
      const row = matrix[i] ?? new Float64Array(size)
      right[i] = (right[i] ?? 0) + xi * y
      for (let j = 0; j <= i; j++) row[j] = (row[j] ?? 0) + xi * (x[j] ?? 0)
    }
  }
  for (let i = 1; i < size; i++) {
    const row = matrix[i] ?? new Float64Array(size)
    row[i] = (row[i] ?? 0) + ridge * rows.length
  }
  return solveCholesky(matrix, right)
}

/** Solves the symmetric positive definite system given by its lower triangle, in place. */
function solveCholesky(lower: Float64Array[], right: Float64Array): number[] {
  const size = right.length
  const get = (i: number, j: number): number => lower[i]?.[j] ?? 0
  const set = (i: number, j: number, value: number): void => {
    const row = lower[i]
    if (row !== undefined) row[j] = value
  }
  for (let j = 0; j < size; j++) {
    let diagonal = get(j, j)
    for (let k = 0; k < j; k++) diagonal -= get(j, k) ** 2
    assert(diagonal > 0, 'the ridge keeps the system solvable')
    set(j, j, Math.sqrt(diagonal))
    for (let i = j + 1; i < size; i++) {
      let value = get(i, j)
      for (let k = 0; k < j; k++) value -= get(i, k) * get(j, k)
      set(i, j, value / get(j, j))
    }
  }
  const result = [...right]
  for (let i = 0; i < size; i++) {
    for (let k = 0; k < i; k++) result[i] = (result[i] ?? 0) - get(i, k) * (result[k] ?? 0)
    result[i] = (result[i] ?? 0) / get(i, i)
  }
  for (let i = size - 1; i >= 0; i--) {
    for (let k = i + 1; k < size; k++) result[i] = (result[i] ?? 0) - get(k, i) * (result[k] ?? 0)
    result[i] = (result[i] ?? 0) / get(i, i)
  }
  return result
}
