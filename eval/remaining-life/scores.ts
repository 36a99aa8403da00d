/**
 * Scores of forecasts of survival: concordance (who fails first was said to be likelier to), integrated Brier score over a follow-up that
 * nobody left early, and calibration of the chance of failure within a horizon.
 */

/** A forecast with what came of it; `failedDays` is undefined when the part lasted through the follow-up. */
export interface Forecast {
  /** Rows of different groups are not compared with each other. */
  readonly group: string
  readonly failsWithin: (days: number) => number
  readonly failedDays: number | undefined
}

/** Share of comparable pairs in the right order, ties as half; undefined without a pair. */
export function concordance(forecasts: readonly Forecast[], horizonDays: number): number | undefined {
  let pairs = 0
  let right = 0
  for (const rows of Map.groupBy(forecasts, ({ group }) => group).values()) {
    const risks = rows.map(({ failsWithin }) => failsWithin(horizonDays))
    rows.forEach(({ failedDays: first }, i) => {
      if (first === undefined) return
      rows.forEach(({ failedDays: second }, j) => {
        if (i === j || (second !== undefined && second <= first)) return
        pairs++
        const [a, b] = [risks[i] ?? 0, risks[j] ?? 0]
        right += a > b ? 1 : a === b ? 0.5 : 0
      })
    })
  }
  return pairs === 0 ? undefined : right / pairs
}

/** Mean over days of the mean squared difference between forecast and outcome; the follow-up is complete. */
export function integratedBrier(forecasts: readonly Forecast[], days: readonly number[]): number {
  const scores = days.map((day) => {
    const sum = forecasts.reduce(
      (total, { failsWithin, failedDays }) => total + (failsWithin(day) - Number(failedDays !== undefined && failedDays <= day)) ** 2,
      0,
    )
    return sum / forecasts.length
  })
  return scores.reduce((sum, score) => sum + score, 0) / scores.length
}

/** Failures forecast and seen within a horizon, and the mean over ten groups of equal size of how far the two are apart, as shares. */
export function calibration(
  forecasts: readonly Forecast[],
  days: number,
): { readonly expected: number; readonly seen: number; readonly error: number } {
  const rows = forecasts
    .map(({ failsWithin, failedDays }) => ({ chance: failsWithin(days), hasFailed: Number(failedDays !== undefined && failedDays <= days) }))
    .sort((a, b) => a.chance - b.chance)
  const sum = (part: typeof rows, pick: (row: (typeof rows)[number]) => number): number => part.reduce((total, row) => total + pick(row), 0)
  const bins = Array.from({ length: 10 }, (_, bin) => rows.slice(Math.floor((bin * rows.length) / 10), Math.floor(((bin + 1) * rows.length) / 10)))
  const error =
    bins.reduce((total, bin) => total + Math.abs(sum(bin, ({ chance }) => chance) - sum(bin, ({ hasFailed }) => hasFailed)), 0) / rows.length
  return { expected: sum(rows, ({ chance }) => chance), seen: sum(rows, ({ hasFailed }) => hasFailed), error }
}

/** Kaplan-Meier: chance of failure by day, from lives of which some were cut off. */
export function kaplanMeier(lives: ReadonlyArray<{ readonly days: number; readonly hasFailed: boolean }>): (days: number) => number {
  const sorted = lives.toSorted((a, b) => a.days - b.days || Number(b.hasFailed) - Number(a.hasFailed))
  const steps: Array<{ readonly days: number; readonly lasts: number }> = []
  let lasts = 1
  sorted.forEach(({ days, hasFailed }, index) => {
    if (!hasFailed) return
    lasts *= 1 - 1 / (sorted.length - index)
    steps.push({ days, lasts })
  })
  return (days) => 1 - (steps.findLast((step) => step.days <= days)?.lasts ?? 1)
}
