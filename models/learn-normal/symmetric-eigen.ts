/** Eigenvalues and eigenvectors of a small symmetric matrix by Jacobi's rotations; a few dozen rows, deterministic. */

export interface Eigen {
  /** Descending. */
  readonly values: readonly number[]
  /** One eigenvector a row, in the order of the values. */
  readonly vectors: ReadonlyArray<readonly number[]>
}

const SWEEPS_MAX = 60

/** @param matrix symmetric, not changed */
export function symmetricEigen(matrix: ReadonlyArray<readonly number[]>): Eigen {
  const size = matrix.length
  const a = matrix.map((row) => [...row])
  const v = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0)))
  for (let sweep = 0; sweep < SWEEPS_MAX && !isDiagonal(a); sweep++) {
    for (let p = 0; p < size - 1; p++) for (let q = p + 1; q < size; q++) rotate(a, v, { p, q })
  }
  const order = a.map((row, index) => [row[index] ?? 0, index] as const).sort((one, other) => other[0] - one[0] || one[1] - other[1])
  return { values: order.map(([value]) => value), vectors: order.map(([, index]) => v.map((row) => row[index] ?? 0)) }
}

function isDiagonal(a: number[][]): boolean {
  let [off, on] = [0, 0]
  a.forEach((row, i) => {
    row.forEach((value, j) => {
      if (i === j) on += value * value
      else off += value * value
    })
  })
  return off <= 1e-24 * on
}

function rotate(a: number[][], v: number[][], { p, q }: { readonly p: number; readonly q: number }): void {
  const rowP = a[p] ?? []
  const rowQ = a[q] ?? []
  const apq = rowP[q] ?? 0
  if (apq === 0) return
  const theta = ((rowQ[q] ?? 0) - (rowP[p] ?? 0)) / (2 * apq)
  const t = Math.sign(theta || 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1))
  const c = 1 / Math.sqrt(t * t + 1)
  const s = t * c
  for (const row of a) turn(row, { p, q, c, s })
  for (let k = 0; k < a.length; k++) {
    const [x, y] = [rowP[k] ?? 0, rowQ[k] ?? 0]
    rowP[k] = c * x - s * y
    rowQ[k] = s * x + c * y
  }
  for (const row of v) turn(row, { p, q, c, s })
}

function turn(row: number[], { p, q, c, s }: { readonly p: number; readonly q: number; readonly c: number; readonly s: number }): void {
  const [x, y] = [row[p] ?? 0, row[q] ?? 0]
  row[p] = c * x - s * y
  row[q] = s * x + c * y
}
