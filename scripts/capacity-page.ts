/**
 * Tables and plot of docs/operating/capacity.md from eval/load/capacity.json, which `node eval/load/capacity.ts` measures. Nothing is
 * computed but sums and units; a point that was not measured is not shown.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { DiskPoint, RetentionPoint } from '../eval/load/capacity-disk.ts'
import type { ServerPoint } from '../eval/load/capacity-server.ts'
import { chartSvg, type Panel, type Series } from './line-chart.ts'

interface Measured<Point> {
  readonly measured_on: string
  readonly machine: string
  readonly points: readonly Point[]
}

/** What `node eval/load/capacity.ts` writes. */
export interface Capacity {
  readonly server: Measured<ServerPoint>
  readonly disk: Measured<DiskPoint>
  readonly retention: Measured<RetentionPoint>
}

const root = join(import.meta.dirname, '..')
const PAGE = 'docs/operating/capacity.md'
const PLOT = 'docs/images/capacity.svg'
const MB = 1e6
const COMMAND = '`node eval/load/capacity.ts`'

/** The page with its tables filled in, and the plot, by their paths. */
export function capacityDocuments(): ReadonlyArray<readonly [path: string, text: string]> {
  const capacity = JSON.parse(readFileSync(join(root, 'eval', 'load', 'capacity.json'), 'utf8')) as Capacity
  const page = readFileSync(join(root, PAGE), 'utf8')
  return [
    [PAGE, Object.entries(capacityTables(capacity)).reduce((text, [name, table]) => between(text, name, table), page)],
    [PLOT, capacityPlot(capacity)],
  ]
}

/** Markdown of each table by the name of its markers. */
export function capacityTables({ server, disk, retention }: Capacity): Record<'server' | 'disk' | 'retention', string> {
  return {
    server: table(
      ['devices', 'one message each', 'messages/s', 'processors busy', 'memory MB', 'main thread late, p99 ms'],
      server.points.map((point) => [
        point.devices.toLocaleString('en-US'),
        `${point.period_s} s`,
        point.messages_per_s.toFixed(1),
        point.cpu_seconds_per_s.toFixed(point.cpu_seconds_per_s < 0.1 ? 3 : 2),
        String(point.rss_mb),
        point.loop_delay_p99_ms.toFixed(1),
      ]),
      server,
    ),
    disk: table(
      ['devices', 'one message each', 'messages a day', 'raw MB', 'hours MB', 'days MB', 'all MB', 'bytes a message', 'hot file MB'],
      disk.points.map((point) => [
        point.devices.toLocaleString('en-US'),
        `${point.period_s} s`,
        point.raw_rows.toLocaleString('en-US'),
        mb(point.raw_bytes),
        mb(point.hourly_bytes),
        mb(point.daily_bytes),
        mb(allBytes(point)),
        (allBytes(point) / point.raw_rows).toFixed(2),
        mb(point.hot_file_bytes),
      ]),
      disk,
    ),
    retention: table(
      ['days', 'devices', 'raw MB', 'hours MB', 'days MB', 'all MB', 'files of raw readings'],
      retention.points.map((point) => [
        String(point.days),
        String(point.devices),
        mb(point.raw_bytes),
        mb(point.hourly_bytes),
        mb(point.daily_bytes),
        mb(allBytes(point)),
        String(point.raw_files),
      ]),
      retention,
    ),
  }
}

/** The plot of all measured points. */
export function capacityPlot({ server, disk, retention }: Capacity): string {
  const panels: readonly Panel[] = [
    {
      title: 'Processor',
      xLabel: 'devices',
      yLabel: 'processors busy',
      scale: 'log',
      series: byPeriod(server.points, ({ devices, cpu_seconds_per_s }) => ({ x: devices, y: cpu_seconds_per_s })),
    },
    {
      title: 'Memory',
      xLabel: 'devices',
      yLabel: 'resident memory, MB',
      scale: 'linear',
      series: byPeriod(server.points, ({ devices, rss_mb }) => ({ x: devices, y: rss_mb })),
    },
    {
      title: 'Disk, one day of readings',
      xLabel: 'devices',
      yLabel: 'MB a day, all tiers',
      scale: 'log',
      series: byPeriod(disk.points, (point) => ({ x: point.devices, y: allBytes(point) / MB })),
    },
    {
      title: `Disk over a year, ${retention.points[0]?.devices ?? 0} devices, a message a minute`,
      xLabel: 'days kept',
      yLabel: 'MB',
      scale: 'linear',
      series: [
        { name: 'raw', points: retention.points.map(({ days, raw_bytes }) => ({ x: days, y: raw_bytes / MB })) },
        { name: 'hours', points: retention.points.map(({ days, hourly_bytes }) => ({ x: days, y: hourly_bytes / MB })) },
        { name: 'local days', points: retention.points.map(({ days, daily_bytes }) => ({ x: days, y: daily_bytes / MB })) },
      ],
    },
  ]
  return chartSvg(panels, 'Processor time, memory and disk by devices, rate and days kept, as measured')
}

function byPeriod<Point extends { readonly period_s: number }>(
  points: readonly Point[],
  placed: (point: Point) => Series['points'][number],
): readonly Series[] {
  const periods = [...new Set(points.map(({ period_s }) => period_s))].sort((a, b) => b - a)
  return periods.map((period) => ({
    name: `a message each ${period} s`,
    points: points.filter(({ period_s }) => period_s === period).map(placed),
  }))
}

function table(head: readonly string[], rows: readonly (readonly string[])[], { measured_on, machine }: Measured<unknown>): string {
  const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---:')), ...rows.map(line), '', `Measured on ${measured_on} by ${COMMAND} on ${machine}.`].join('\n')
}

function between(text: string, name: string, table: string): string {
  const [begin, end] = [`<!-- ${name}: generated by scripts/generate-docs.ts: begin -->`, `<!-- ${name}: end -->`]
  const [before = '', rest] = text.split(begin)
  if (rest === undefined) throw new Error(`${PAGE} has no markers of ${name}`)
  return `${before}${begin}\n${table}\n${end}${rest.split(end)[1] ?? ''}`
}

const allBytes = (point: DiskPoint | RetentionPoint): number => point.raw_bytes + point.hourly_bytes + point.daily_bytes

const mb = (bytes: number): string => (bytes / MB).toFixed(bytes < 10 * MB ? 2 : 0)
