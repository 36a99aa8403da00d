/**
 * `npm run bench`: what an acknowledged and durable message costs, beside peers in the same run with the same client; then a calm fleet, a
 * storm of connects, overload, and the size of things. Ratios are of one run; the machine's own speed cancels out. `--quick` is short,
 * `--only throughput,calm,storm,overload,sizes` chooses rows, `--check` exits 1 when a floor is missed, `--install` also times a clean
 * clone's `npm ci`, `--overload-minutes N` sets the length of the overload, `--clients 1000` runs the one shape of throughput with so many
 * clients. One JSON line last.
 */
import { parseArgs } from 'node:util'
import { measureCalm } from './bench-calm.ts'
import { type Figure, isMissed, printFigures, readMetrics } from './bench-figures.ts'
import { measureOverload } from './bench-overload.ts'
import { measureSizes } from './bench-sizes.ts'
import { measureStorm } from './bench-storm.ts'
import { measureThroughput, printRows, type Row, ratioFigures, type Shape } from './bench-throughput.ts'
import { createDevices, RAISED_LIMITS, type RunningServer, startBareAedes, startMendline, startMosquitto } from './servers.ts'
import { startTelegrafPipeline } from './telegraf-pipeline.ts'

const { values: flags } = parseArgs({
  options: {
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
    install: { type: 'boolean', default: false },
    only: { type: 'string', default: 'throughput,calm,storm,overload,sizes' },
    'overload-minutes': { type: 'string' },
    clients: { type: 'string' },
  },
})
const isQuick = flags.quick
const chosen = new Set(flags.only.split(','))
const runs = isQuick ? 1 : 5
const PIPELINE = 'mosquitto + Telegraf + VictoriaMetrics'
const oneByOne = isQuick ? 200 : 1_000

/** Floors and goals of the design's table. */
const allShapes: readonly Shape[] = [
  {
    name: '50 clients x 50 in flight',
    clients: 50,
    inFlight: 50,
    messages: isQuick ? 60_000 : 100_000,
    bounds: { [PIPELINE]: { floor: 5, goal: 12 }, mosquitto: { floor: 0.4, goal: 1 } },
  },
  {
    name: `${oneByOne} clients x 1 in flight`,
    clients: oneByOne,
    inFlight: 1,
    messages: isQuick ? 20_000 : 50_000,
    bounds: { [PIPELINE]: { floor: 2, goal: 3 } },
  },
]
const shapes = flags.clients === undefined ? allShapes : allShapes.filter(({ clients }) => clients === Number(flags.clients))
if (shapes.length === 0) throw new Error(`--clients is one of ${allShapes.map(({ clients }) => clients).join(', ')}`)

let rows: Row[] = []
const figures: Figure[] = []
if (chosen.has('throughput') || chosen.has('calm')) await measureBesidePeers()
if (chosen.has('storm')) figures.push(...(await measureStorm(isQuick ? 1_000 : 5_000)))
if (chosen.has('overload'))
  figures.push(...(await measureOverload(flags['overload-minutes'] === undefined ? (isQuick ? 5 : 60) : Number(flags['overload-minutes']) * 60)))
if (chosen.has('sizes')) {
  const size = isQuick ? { connections: 500, holdMs: 5_000 } : { connections: 10_000, holdMs: 70_000 }
  figures.push(...(await measureSizes({ ...size, withInstall: flags.install })))
}
report()

async function measureBesidePeers(): Promise<void> {
  const ours = await startMendline(RAISED_LIMITS)
  const mosquitto = await startMosquitto()
  if (mosquitto === undefined) console.log('mosquitto is not installed: its rows are skipped')
  const servers: RunningServer[] = [ours, ...(mosquitto === undefined ? [] : [mosquitto])]
  try {
    const devices = await createDevices(ours.httpPort ?? 0, 1_000, 'bench')
    if (chosen.has('throughput')) {
      const pipeline = await startTelegrafPipeline()
      if (typeof pipeline === 'string') console.log(`${PIPELINE}: ${pipeline}; its rows are skipped`)
      else servers.push(pipeline)
      servers.push(await startBareAedes())
      const measured = await measureThroughput({ servers, ours, devices, shapes, runs })
      rows = measured.rows
      figures.push(...ratioFigures(rows, ours.name, shapes))
      const [values = Number.NaN, bytes = Number.NaN] = await readMetrics(ours.httpPort ?? 0, ['mendline_store_values', 'mendline_store_bytes'])
      figures.push({ name: 'stored while the clients run on the same processors', value: measured.readingsPerS, unit: 'readings/s' })
      figures.push({
        name: 'size of the small store that this made, with its log since the last checkpoint',
        value: bytes / values,
        unit: 'bytes a reading',
      })
    }
    if (chosen.has('calm')) figures.push(...(await measureCalm({ ours, mosquitto, devices, runs: isQuick ? 1 : 3, seconds: isQuick ? 5 : 20 })))
  } finally {
    for (const server of servers) await server.stop()
  }
}

function report(): void {
  if (rows.length > 0) {
    const raised = Object.entries(RAISED_LIMITS).map(([name, value]) => `${name} ${value}`)
    console.log(`\nMedians of ${runs} interleaved run(s); mendline with rights, dedup, quarantine, rules, DuckDB, and PUBACK after fdatasync;`)
    console.log(`its limits are raised for the load (${raised.join(', ')}), as a device of the benchmark stands for many.`)
    printRows(rows)
  }
  printFigures(figures)
  const missed = figures.filter(isMissed).map(({ name }) => name)
  console.log(JSON.stringify({ bench: 'load', quick: isQuick, missed, rows, figures }))
  if (flags.check && missed.length > 0) process.exitCode = 1
}
