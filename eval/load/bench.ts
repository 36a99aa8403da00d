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
import { createDevices, folderBytes, type RunningServer, startBareAedes, startMendline, startMosquitto } from './servers.ts'

const isQuick = process.argv.includes('--quick')
const isCheck = process.argv.includes('--check')
const withInstall = process.argv.includes('--install')
const root = join(import.meta.dirname, '..', '..')

const RUNS = isQuick ? 1 : 5
const PIPELINED = { clients: 50, inFlight: 50, messages: isQuick ? 20_000 : 100_000 }
const ONE_BY_ONE = { clients: isQuick ? 200 : 1_000, inFlight: 1, messages: isQuick ? 10_000 : 50_000 }
const HELD_CONNECTIONS = isQuick ? 500 : 10_000

interface Sample {
  readonly messagesPerS: number
  readonly messagesPerCpuS: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Row extends Sample {
  readonly server: string
  readonly shape: string
}

const anonymous = (count: number): LoadDevice[] =>
  Array.from({ length: count }, (_, index) => ({ tenant: 'home', device: `bench-${index}`, secret: 'x' }))
const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN

const ours = await startMendline()
const servers: RunningServer[] = [ours, await startBareAedes()]
const mosquitto = await startMosquitto()
if (mosquitto === undefined) console.log('mosquitto is not installed: its rows are skipped')
else servers.push(mosquitto)

const rows: Row[] = []
let stored = { readings: 0, seconds: 0, values: 0, bytes: 0 }
try {
  const known = await createDevices(ours.httpPort ?? 0, Math.max(PIPELINED.clients, ONE_BY_ONE.clients), 'bench')
  for (const [shape, load] of [
    ['50 clients x 50 in flight', PIPELINED],
    [`${ONE_BY_ONE.clients} clients x 1 in flight`, ONE_BY_ONE],
  ] as const) {
    const samples = new Map<string, Sample[]>()
    for (let run = 0; run <= RUNS; run++) {
      for (const server of servers) {
        const devices = server === ours ? known.slice(0, load.clients) : anonymous(load.clients)
        const boot = 1 + rows.length * 100 + run
        const sample = await measure(server, { ...load, devices, boot })
        if (run > 0 || RUNS === 1) samples.set(server.name, [...(samples.get(server.name) ?? []), sample])
      }
    }
    for (const [server, list] of samples) rows.push({ server, shape, ...medians(list) })
  }
  const counts = await storedCounts()
  stored = { ...stored, values: counts.values, bytes: counts.bytes }
} finally {
  for (const server of servers) await server.stop()
}

const sizes = await measureSizes()
report()

async function measure(
  server: RunningServer,
  load: { devices: readonly LoadDevice[]; inFlight: number; messages: number; boot: number },
): Promise<Sample> {
  const cpuBefore = server.cpuSeconds()
  const startedMs = performance.now()
  const result = await runLoad({ port: server.mqttPort, ...load })
  if (server === ours) {
    await untilStored()
    stored = {
      ...stored,
      readings: stored.readings + load.messages * READINGS_PER_MESSAGE,
      seconds: stored.seconds + (performance.now() - startedMs) / 1000,
    }
  }
  return {
    messagesPerS: result.messagesPerS,
    messagesPerCpuS: result.acknowledged / Math.max(server.cpuSeconds() - cpuBefore, 0.01),
    p50Ms: result.p50Ms,
    p99Ms: result.p99Ms,
  }
}

/** A query sees what is acknowledged, so its answer says that the pipeline has stored everything. */
async function untilStored(): Promise<void> {
  for (let previous = -1; ; ) {
    const { readings } = await storedCounts()
    if (readings === previous) return
    previous = readings
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
  return { messagesPerS: of('messagesPerS'), messagesPerCpuS: of('messagesPerCpuS'), p50Ms: of('p50Ms'), p99Ms: of('p99Ms') }
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
  await new Promise((resolve) => setTimeout(resolve, isQuick ? 5_000 : 70_000))
  const rssMb = server.rssMb()
  const heldMessages = release()
  await server.stop()
  return {
    start_to_ready_ms: median(starts),
    held_connections: HELD_CONNECTIONS,
    held_messages: heldMessages,
    held_rss_mb: rssMb,
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
  console.log(`\nMedians of ${RUNS} interleaved run(s); mendline with rights, dedup, quarantine, rules, DuckDB, and PUBACK after fdatasync.`)
  console.log('shape                      server        messages/s  per CPU-second   PUBACK p50   p99')
  for (const row of rows) {
    console.log(
      `${row.shape.padEnd(26)} ${row.server.padEnd(12)} ${Math.round(row.messagesPerS).toString().padStart(11)} ${Math.round(row.messagesPerCpuS).toString().padStart(15)} ${row.p50Ms.toFixed(1).padStart(9)} ms ${row.p99Ms.toFixed(1).padStart(5)} ms`,
    )
  }
  const ratios: Record<string, number> = {}
  for (const row of rows.filter((candidate) => candidate.server === 'mendline')) {
    for (const peer of rows.filter((candidate) => candidate.shape === row.shape && candidate.server !== 'mendline')) {
      const ratio = row.messagesPerCpuS / peer.messagesPerCpuS
      ratios[`${row.shape} vs ${peer.server}`] = ratio
      console.log(`per CPU-second against ${peer.server}, ${row.shape}: ${ratio.toFixed(2)}x`)
    }
  }
  const readingsPerS = stored.readings / stored.seconds
  const bytesPerReading = stored.bytes / stored.values
  console.log(
    `stored: ${Math.round(readingsPerS)} readings/s while the clients run on the same two cores, ${bytesPerReading.toFixed(2)} bytes a reading`,
  )
  for (const [name, value] of Object.entries(sizes)) console.log(`${name}: ${value.toFixed(0)}`)
  const floors = [
    Number.isFinite(readingsPerS) && readingsPerS > 0,
    rows.every((row) => row.messagesPerS > 0),
    (sizes.start_to_ready_ms ?? 0) < 2_000,
  ]
  console.log(
    JSON.stringify({ bench: 'load', quick: isQuick, rows, ratios, readings_per_s: readingsPerS, bytes_per_reading: bytesPerReading, ...sizes }),
  )
  if (isCheck && floors.includes(false)) process.exitCode = 1
}
