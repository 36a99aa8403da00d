/** A straight line through measured points by least squares, with the bound that their scatter leaves for its slope. */

export interface LineFit {
  readonly slope: number
  /** Half of the interval in which the slope lies with 95 %, were the deviations independent of each other. */
  readonly bound: number
  readonly meanY: number
}

export interface Point {
  readonly x: number
  readonly y: number
}

/** Fits a line; the bound is infinite with fewer than three points, and the slope NaN with fewer than two different x. */
export function fitLine(points: readonly Point[]): LineFit {
  const count = points.length
  const meanX = points.reduce((sum, { x }) => sum + x, 0) / count
  const meanY = points.reduce((sum, { y }) => sum + y, 0) / count
  const spread = points.reduce((sum, { x }) => sum + (x - meanX) ** 2, 0)
  const slope = points.reduce((sum, { x, y }) => sum + (x - meanX) * (y - meanY), 0) / spread
  const residual = points.reduce((sum, { x, y }) => sum + (y - meanY - slope * (x - meanX)) ** 2, 0)
  const bound = count < 3 ? Number.POSITIVE_INFINITY : studentT(count - 2) * Math.sqrt(residual / (count - 2) / spread)
  return { slope, bound, meanY }
}

/** 97.5 % point of Student's t; the expansion of Cornish and Fisher, within 2 % from three degrees of freedom on. */
function studentT(degrees: number): number {
  const exact = [12.706, 4.303, 3.182, 2.776][degrees - 1]
  const z = 1.95996
  return exact ?? z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2)
}
