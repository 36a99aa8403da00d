/** Where the value of a comparison stands in a reading: a column, or one less another, of an aggregate its mean or what is worst. */

export interface ValueSource {
  readonly column: number
  /** Column that is taken away, -1 for none. */
  readonly minus: number
  /** 1 sees the greatest of an aggregate (and takes the least away), -1 the least (and takes the greatest away), 0 the mean. */
  readonly extreme: number
  /** Column of the min of each, behind which lies that of the max; -1 for a channel without. */
  readonly minimum: number
  readonly minusMinimum: number
}

/** The value that is compared; NaN where the reading lacks a channel. */
export function differenceOf({ column, minus, extreme, minimum, minusMinimum }: ValueSource, numbers: Float64Array): number {
  const value = numbers[column] ?? Number.NaN
  const seen = extreme === 0 || minimum < 0 ? value : extremeOf(value, numbers, minimum, extreme)
  if (minus < 0) return seen
  const other = numbers[minus] ?? Number.NaN
  return seen - (extreme === 0 || minusMinimum < 0 ? other : extremeOf(other, numbers, minusMinimum, -extreme))
}

/** The greatest or least of the mean and the min and max, whichever of these there are; a device may have mixed them up. */
function extremeOf(mean: number, numbers: Float64Array, minimum: number, extreme: number): number {
  let found = mean
  if (minimum >= numbers.length) return found
  for (let bound = minimum; bound <= minimum + 1; bound++) {
    const value = numbers[bound] ?? Number.NaN
    if (extreme > 0 ? value > found : value < found) found = value
  }
  return found
}
