/** Reads the series of the Numenta Anomaly Benchmark and their labelled windows from a folder. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { NabSeries } from './score.ts'

/** All series of the folder that have labels, in the order of their names. */
export function readNab(folder: string): readonly NabSeries[] {
  const labels = JSON.parse(readFileSync(join(folder, 'labels', 'combined_windows.json'), 'utf8')) as Record<
    string,
    ReadonlyArray<readonly [string, string]>
  >
  const series: NabSeries[] = []
  for (const category of readdirSync(join(folder, 'data')).sort()) {
    for (const file of readdirSync(join(folder, 'data', category)).sort()) {
      const name = `${category}/${file}`
      const limits = labels[name]
      if (limits !== undefined) series.push(readSeries(join(folder, 'data', name), { name, category, limits }))
    }
  }
  return series
}

function readSeries(
  path: string,
  { name, category, limits }: Pick<NabSeries, 'name' | 'category'> & { limits: ReadonlyArray<readonly [string, string]> },
): NabSeries {
  const lines = readFileSync(path, 'utf8')
    .split(/\r?\n/)
    .slice(1)
    .filter((line) => line !== '')
  const timesMs = Float64Array.from(lines, (line) => toMs(line.slice(0, line.indexOf(','))))
  const values = Float64Array.from(lines, (line) => Number(line.slice(line.indexOf(',') + 1)))
  const rowAt = (text: string): number => {
    const row = timesMs.indexOf(toMs(text))
    if (row < 0) throw new Error(`${name} has no row at ${text}, where a window has its edge`)
    return row
  }
  const windows = limits.map(([first, last]) => [rowAt(first), rowAt(last)] as const)
  return { name, category, timesMs, values, windows }
}

const toMs = (text: string): number => Date.parse(`${text.slice(0, 19).replace(' ', 'T')}Z`)
