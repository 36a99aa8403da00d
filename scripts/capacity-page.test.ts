import { describe, expect, it } from 'vitest'
import { type Capacity, capacityPlot, capacityTables } from './capacity-page.ts'
import { chartSvg } from './line-chart.ts'

const stamp = { measured_on: '2026-01-02', machine: 'a machine' }
const tiers = { raw_bytes: 90e6, hourly_bytes: 8e6, daily_bytes: 2e6, hot_file_bytes: 5e6, raw_rows: 1_440_000, raw_files: 1 }
const point = { devices: 1_000, period_s: 60, measured_s: 60, messages_per_s: 16.7, cpu_seconds_per_s: 0.0213, rss_mb: 400, ingest_lag_ms: 0 }
const capacity: Capacity = {
  server: { ...stamp, points: [{ ...point, loop_delay_p99_ms: 0.4 }] },
  disk: { ...stamp, points: [{ devices: 1_000, period_s: 60, ...tiers }] },
  retention: { ...stamp, points: [30, 365].map((days) => ({ devices: 10, period_s: 60, days, ...tiers })) },
}

describe('the page of capacity', () => {
  it('gives a row for each measured point, with its machine and command, and no other', () => {
    const { server, disk, retention } = capacityTables(capacity)
    expect(server).toContain('| 1,000 | 60 s | 16.7 | 0.021 | 400 | 0.4 |')
    expect(server).toContain('Measured on 2026-01-02 by `node eval/load/capacity.ts` on a machine.')
    expect(disk).toContain('| 1,000 | 60 s | 1,440,000 | 90 | 8.00 | 2.00 | 100 | 69.44 | 5.00 |')
    expect(retention.split('\n').filter((line) => /^\| \d/.test(line))).toHaveLength(2)
  })
  it('draws a point for each measured value, and a legend for each series', () => {
    const svg = capacityPlot(capacity)
    // One point and one legend mark in each of the first three panels; three series of two points and three marks in the last.
    expect(svg.match(/<circle/g)).toHaveLength(3 * 2 + 3 * 2 + 3)
    expect(svg).toContain('prefers-color-scheme: dark')
  })
})

describe('a plot', () => {
  it('puts points where the axes say, on decades or from zero to a round number', () => {
    const series = [{ name: 'one & two', points: [{ x: 10, y: 1 }, { x: 1_000, y: 100 }] }] // biome-ignore format: two points
    const log = chartSvg([{ title: 't', xLabel: 'x', yLabel: 'y', scale: 'log', series }], 'd')
    expect(log).toContain('<path class="line s0" d="M70 268L430 40"/>')
    expect(log).toContain('one &amp; two')
    const linear = chartSvg([{ title: 't', xLabel: 'x', yLabel: 'y', scale: 'linear', series }], 'd')
    expect(linear).toContain('>1,000</text>')
    expect(linear).toContain('L430 40"/>')
  })
})
