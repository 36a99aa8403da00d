/** One figure of the benchmark with the floor that `--check` holds it against and the goal of the design; and what the rows share. */

export interface Figure {
  readonly name: string
  readonly value: number
  readonly unit: string
  /** Missed when the value lies beyond it; absent = reported only. */
  readonly floor?: { readonly min: number } | { readonly max: number }
  readonly goal?: number
}

export const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

/** The value below which so many per cent of the values lie, to a tenth. */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  return Number((sorted[Math.min(sorted.length - 1, Math.floor((sorted.length * part) / 100))] ?? Number.NaN).toFixed(1))
}

export function isMissed({ value, floor }: Figure): boolean {
  if (floor === undefined) return false
  return 'min' in floor ? !(value >= floor.min) : !(value <= floor.max)
}

export function printFigures(figures: readonly Figure[]): void {
  const digits = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toFixed(2))
  console.log(`\n${'figure'.padEnd(66)} ${'value'.padStart(10)} ${'floor'.padStart(10)} ${'goal'.padStart(8)}`)
  for (const figure of figures) {
    const { name, value, unit, floor, goal } = figure
    const bound = floor === undefined ? '' : 'min' in floor ? `>= ${digits(floor.min)}` : `<= ${digits(floor.max)}`
    const line = `${name.padEnd(66)} ${digits(value).padStart(10)} ${bound.padStart(10)} ${(goal === undefined ? '' : digits(goal)).padStart(8)} ${unit}`
    console.log(isMissed(figure) ? `${line}  MISSED` : line)
  }
}

/** Reads numbers of a platform's metrics by name; NaN where one is missing. */
export async function readMetrics(httpPort: number, names: readonly string[]): Promise<number[]> {
  const response = await fetch(`http://127.0.0.1:${httpPort}/metrics`)
  const text = await response.text()
  return names.map((name) => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN))
}
