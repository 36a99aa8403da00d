/**
 * The mean of a bucket out of its sum. A sum of doubles depends on the order of addition in its last bits: readings that came in another
 * order, or that stand in files and not in the table, would show another last digit. Values of sensors are multiples of a power of ten,
 * so a sum that is rounded far below their step and far above that noise is the sum itself, in whatever order it was made.
 */

/** Digits of the greatest sum that count and extremes allow; doubles have nearly sixteen. */
const SUM_DIGITS = 13
/** The quotient of two doubles is shown without what division adds behind its fifteenth digit. */
const MEAN_DIGITS = 15

/** @returns the mean, the same for every order and every division of the values, and never outside their extremes */
export function meanOfSum({ sum, min, max, n }: { readonly sum: number; readonly min: number; readonly max: number; readonly n: number }): number {
  const bound = n * Math.max(Math.abs(min), Math.abs(max))
  if (bound === 0 || !Number.isFinite(sum) || !Number.isFinite(bound)) return sum / n
  const decimals = SUM_DIGITS - Math.ceil(Math.log10(bound))
  const whole = 10 ** Math.max(0, -decimals)
  const rounded = decimals > 100 ? sum : decimals >= 0 ? Number(sum.toFixed(decimals)) : Math.round(sum / whole) * whole
  const mean = Number((rounded / n).toPrecision(MEAN_DIGITS))
  // Adding zero turns a negative zero into zero.
  return Math.min(max, Math.max(min, mean)) + 0
}
