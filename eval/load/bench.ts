/**
 * `npm run bench`: what an acknowledged and durable message costs, beside a bare Aedes that acknowledges at once and beside mosquitto,
 * interleaved in one run with the same client; then the size of things. Ratios are of one run; the machine's own speed cancels out.
 * `--quick` under a minute, `--check` exits 1 when a floor is missed, `--install` also times a clean clone's `npm ci`. One JSON line last.
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { holdConnections, type LoadDevice, READINGS_PER_MESSAGE, runLoad } from './mqtt-load.ts'
import { createDevices, folderBytes, RAISED_LIMITS, type RunningServer, startBareAedes, startMendline, startMosquitto } from './servers.ts'
import { startTelegrafPipeline } from './telegraf-pipeline.ts'

const isQuick = process.argv.includes('--quick')
const isCheck = process.argv.includes('--check')
const withInstall = process.argv.includes('--install')
const root = join(import.meta.dirname, '..', '..')

const RUNS = isQuick ? 1 : 5
const PIPELINED = { clients: 50, inFlight: 50, messages: isQuick ? 60_000 : 100_000 }
const ONE_BY_ONE = { clients: isQuick ? 200 : 1_000, inFlight: 1, messages: isQuick ? 20_000 : 50_000 }
const HELD_CONNECTIONS = isQuick ? 500 : 10_000
const HELD_FOR_MS = isQuick ? 5_000 : 70_000
/** Longest wait until what is acknowledged is stored. */
const STORED_WITHIN_MS = 60_000

/** Floors of `--check`. A ratio counts against the peer that it names, in messages per CPU-second of all its processes. */
const FLOORS = { readyMs_MAX: 2_000, heldRssMb_MAX: 350, cloneMb_MAX: 500 }
const RATIO_FLOORS = [
  { clients: PIPELINED.clients, peer: 'mosquitto + Telegraf + VictoriaMetrics', ratio_MIN: 5 },
  { clients: ONE_BY_ONE.clients, peer: 'mosquitto + Telegraf + VictoriaMetrics', ratio_MIN: 2 },
  { clients: PIPELINED.clients, peer: 'mosquitto', ratio_MIN: 0.4 },
] as const

interface Sample {
  readonly messagesPerS: number
  readonly messagesPerCpuS: number
  readonly p50Ms: number
  readonly p99Ms: number
  readonly clientCpuUs: number
}

interface Row extends Sample {
  readonly server: string
  readonly shape: string
}

const anonymous = (count: number): LoadDevice[] =>
  Array.from({ length: count }, (_, index) => ({ tenant: 'home', device: `bench-${index}`, secret: 'x' }))
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const ours: RunningServer = { ...(await startMendline(RAISED_LIMITS)), untilStored }
const servers: RunningServer[] = [ours, await startBareAedes()]
const pipeline = await startTelegrafPipeline()
if (typeof pipeline === 'string') console.log(`${pipeline}: the rows of mosquitto + Telegraf + VictoriaMetrics are skipped`)
else servers.push(pipeline)
const mosquitto = await startMosquitto()
if (mosquitto === undefined) console.log('mosquitto is not installed: its rows are skipped')
else servers.push(mosquitto)

const rows: Row[] = []
const stored = { seconds: 0, bytesPerReading: Number.NaN }
/** Messages that each server with a store was given. */
const given = new Map<string, number>()
try {
  const known = await createDevices(ours.httpPort ?? 0, Math.max(PIPELINED.clients, ONE_BY_ONE.clients), 'bench')
  for (const [shape, load] of [
    ['50 clients x 50 in flight', PIPELINED],
    [`${ONE_BY_ONE.clients} clients x 1 in flight`, ONE_BY_ONE],
  ] as const) {
    const samples = new Map<string, Sample[]>()
    // The first round warms up and does not count, unless it is the only one.
    for (let run = RUNS === 1 ? 1 : 0; run <= RUNS; run++) {
      for (const server of servers) {
        const devices = server === ours ? known.slice(0, load.clients) : anonymous(load.clients)
        const boot = 1 + rows.length * 100 + run
        const sample = await measure(server, { ...load, devices, boot })
        if (run > 0) samples.set(server.name, [...(samples.get(server.name) ?? []), sample])
      }
    }
    for (const [server, list] of samples) rows.push({ server, shape, ...medians(list) })
  }
  const { values, bytes } = await storedCounts()
  stored.bytesPerReading = bytes / values
} finally {
  for (const server of servers) await server.stop()
}

const sizes = await measureSizes()
report()

async function measure(
  server: RunningServer,
  load: { devices: readonly LoadDevice[]; inFlight: number; messages: number; boot: number },
): Promise<Sample> {
  let cpuBefore = 0
  let startedMs = 0
  const onConnected = (): void => {
    cpuBefore = server.cpuSeconds()
    startedMs = performance.now()
  }
  const result = await runLoad({ port: server.mqttPort, ...load, onConnected })
  if (server.untilStored !== undefined) {
    const messages = (given.get(server.name) ?? 0) + load.messages
    given.set(server.name, messages)
    await server.untilStored(messages)
    if (server === ours) stored.seconds += (performance.now() - startedMs) / 1000
  }
  return {
    messagesPerS: result.messagesPerS,
    messagesPerCpuS: result.acknowledged / Math.max(server.cpuSeconds() - cpuBefore, 0.01),
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
    clientCpuUs: (result.clientCpuSeconds * 1e6) / result.acknowledged,
  }
}

/** A query sees what is acknowledged, so its answer says that the pipeline has stored everything. */
async function untilStored(messages: number): Promise<void> {
  const deadlineMs = performance.now() + STORED_WITHIN_MS
  for (;;) {
    const answer = await fetch(`http://127.0.0.1:${ours.httpPort}/api/v1/quarantine?limit=1`, { headers: { authorization: 'Bearer dev' } })
    await answer.arrayBuffer()
    const { readings } = await storedCounts()
    if (readings === messages) return
    if (performance.now() > deadlineMs) throw new Error(`${messages} messages are acknowledged and ${readings} are stored`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

async function storedCounts(): Promise<{ readings: number; values: number; bytes: number }> {
  const response = await fetch(`http://127.0.0.1:${ours.httpPort}/metrics`)
  const text = await response.text()
  const read = (name: string): number => Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? Number.NaN)
  return { readings: read('mendline_store_readings'), values: read('mendline_store_values'), bytes: read('mendline_store_bytes') }
}

function medians(samples: readonly Sample[]): Sample {
  const of = (field: keyof Sample): number => median(samples.map((sample) => sample[field]))
  return {
    messagesPerS: of('messagesPerS'),
    messagesPerCpuS: of('messagesPerCpuS'),
    p50Ms: of('p50Ms'),
    p99Ms: of('p99Ms'),
    clientCpuUs: of('clientCpuUs'),
  }
}

async function measureSizes(): Promise<Record<string, number>> {
  const starts: number[] = []
  for (let run = 0; run < 3; run++) {
    const server = await startMendline()
    starts.push(server.startMs)
    await server.stop()
  }
  const server = await startMendline()
  const devices = await createDevices(server.httpPort ?? 0, HELD_CONNECTIONS, 'held')
  const release = await holdConnections({ port: server.mqttPort, devices, periodMs: 60_000 })
  const cpuBefore = server.cpuSeconds()
  await new Promise((resolve) => setTimeout(resolve, HELD_FOR_MS))
  const rssMb = server.rssMb()
  const heldCpuS = server.cpuSeconds() - cpuBefore
  const heldMessages = release()
  await server.stop()
  return {
    start_to_ready_ms: median(starts),
    held_connections: HELD_CONNECTIONS,
    held_messages: heldMessages,
    held_rss_mb: rssMb,
    held_cpu_percent: (heldCpuS / HELD_FOR_MS) * 100_000,
    ...(withInstall ? measureInstall() : {}),
  }
}

function measureInstall(): Record<string, number> {
  const folder = mkdtempSync(join(tmpdir(), 'mendline-clone-'))
  try {
    spawnSync('git', ['clone', '--quiet', root, folder])
    const startedMs = performance.now()
    const result = spawnSync('npm', ['ci', '--loglevel=error'], { cwd: folder, stdio: 'ignore' })
    if (result.status !== 0) throw new Error('npm ci failed in a clean clone')
    return { install_s: (performance.now() - startedMs) / 1000, clone_with_packages_mb: folderBytes(folder) / 1e6 }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

function report(): void {
  const raised = Object.entries(RAISED_LIMITS).map(([name, value]) => `${name} ${value}`)
  console.log(`\nMedians of ${RUNS} interleaved run(s); mendline with rights, dedup, quarantine, rules, DuckDB, and PUBACK after fdatasync;`)
  console.log(`its limits are raised for the load (${raised.join(', ')}), as a device of the benchmark stands for many.`)
  console.log('shape                      server                                   messages/s  per CPU-second   PUBACK p50         p99   client CPU')
  for (const row of rows) {
    const { messagesPerS, messagesPerCpuS, p50Ms, p99Ms, clientCpuUs } = row
    const speeds = `${Math.round(messagesPerS).toString().padStart(11)} ${Math.round(messagesPerCpuS).toString().padStart(15)}`
    const waits = `${p50Ms.toFixed(1).padStart(9)} ms ${p99Ms.toFixed(1).padStart(8)} ms ${clientCpuUs.toFixed(1).padStart(9)} us`
    console.log(`${row.shape.padEnd(26)} ${row.server.padEnd(39)} ${speeds} ${waits}`)
  }
  const ratios = ratiosOf(rows)
  for (const [name, ratio] of Object.entries(ratios)) console.log(`per CPU-second, ${name}: ${ratio.toFixed(2)}x`)
  const readingsPerS = ((given.get(ours.name) ?? 0) * READINGS_PER_MESSAGE) / stored.seconds
  console.log(
    `stored: ${Math.round(readingsPerS)} readings/s while the clients run on the same processors, ${stored.bytesPerReading.toFixed(2)} bytes a reading`,
  )
  for (const [name, value] of Object.entries(sizes)) console.log(`${name}: ${value.toFixed(0)}`)
  const missed = missedFloors(ratios)
  for (const floor of missed) console.log(`MISSED: ${floor}`)
  const figures = { ratios, readings_per_s: readingsPerS, bytes_per_reading: stored.bytesPerReading, ...sizes }
  console.log(JSON.stringify({ bench: 'load', quick: isQuick, missed, rows, ...figures }))
  if (isCheck && missed.length > 0) process.exitCode = 1
}

function ratiosOf(all: readonly Row[]): Record<string, number> {
  const ratios: Record<string, number> = {}
  for (const row of all.filter(({ server }) => server === ours.name)) {
    for (const peer of all.filter(({ shape, server }) => shape === row.shape && server !== ours.name)) {
      ratios[`${row.shape} vs ${peer.server}`] = row.messagesPerCpuS / peer.messagesPerCpuS
    }
  }
  return ratios
}

function missedFloors(ratios: Readonly<Record<string, number>>): string[] {
  const missed = RATIO_FLOORS.flatMap(({ clients, peer, ratio_MIN: least }) => {
    const found = Object.entries(ratios).find(([name]) => name.startsWith(`${clients} clients`) && name.endsWith(` vs ${peer}`))
    return found === undefined || found[1] >= least ? [] : [`${found[0]} is ${found[1].toFixed(2)}x, at least ${least}x`]
  })
  const bounds = { start_to_ready_ms: FLOORS.readyMs_MAX, held_rss_mb: FLOORS.heldRssMb_MAX, clone_with_packages_mb: FLOORS.cloneMb_MAX }
  for (const [name, most] of Object.entries(bounds)) {
    const value = sizes[name]
    if (value !== undefined && !(value <= most)) missed.push(`${name} is ${value.toFixed(0)}, at most ${most}`)
  }
  return missed
}
