/**
 * Soak: millions of messages through the whole platform, as a process of its own with its default limits. The devices' clocks go on by a
 * minute a message from two weeks ago to now, so days pass: hot tables are archived, hours and days are made, windows close, models run.
 * The load comes in slices, between which all devices leave and come back; each slice gives a line of figures. At the end everything must
 * be stored once, and memory and latency must not have grown over the last three quarters. Flags: --messages (10 million), --rate (messages a
 * second, 15,000), --devices (500), --quick (200,000 messages), --check (exit 1 when a bound is missed). The last line is JSON.
 */
import { parseArgs } from 'node:util'
import { readMetrics } from './bench-figures.ts'
import { fitLine } from './line-fit.ts'
import { type LoadDevice, runLoad } from './mqtt-load.ts'
import { createDevices, folderBytes, type MendlineServer, startMendline } from './servers.ts'

const { values: flags } = parseArgs({
  options: {
    messages: { type: 'string', default: '10000000' },
    rate: { type: 'string', default: '15000' },
    devices: { type: 'string', default: '500' },
    quick: { type: 'boolean', default: false },
    check: { type: 'boolean', default: false },
  },
})
const messages = flags.quick ? 200_000 : Number(flags.messages)
const rate = Number(flags.rate)
/** At least eight slices, so that six lie behind the first quarter. */
const sliceMessages = Math.min(250_000, Math.ceil(messages / 8))
const PERIOD_MS = 60_000
const DAY_MS = 86_400_000
/** Devices whose readings are asked for one by one at the end. */
const COUNTED_DEVICES = 5
/** Growth over the last three quarters that counts as none, as a share of the mean: the lower bound of the line must not lie above. */
const GROWTH_MAX = { rss: 0.05, p99: 0.25 }

interface Slice {
  readonly messages: number
  readonly messages_per_s: number
  readonly puback_p50_ms: number
  readonly puback_p99_ms: number
  readonly cpu_seconds: number
  /** Mean of a sample a second. */
  readonly rss_mb: number
  readonly main_heap_mb: number
  readonly loop_delay_p99_ms: number
  readonly lag_bytes: number
  readonly lag_ms: number
  readonly data_mb: number
}

const server = await startMendline()
try {
  const report = await soak(server)
  console.log(JSON.stringify(report))
  if (report.missed.length > 0) console.error(`missed: ${report.missed.join('; ')}`)
  if (flags.check && report.missed.length > 0) process.exitCode = 1
} finally {
  await server.stop()
}

async function soak(server: MendlineServer) {
  const devices = await createDevices(server.httpPort ?? 0, Number(flags.devices), 'soak')
  // Devices do not come equally often: the one that is farthest must not reach times ahead of the platform's clock.
  const startMs = Date.now() - Math.ceil((1.3 * messages * PERIOD_MS) / devices.length)
  const oldestMs = Date.now() - 29 * DAY_MS
  if (startMs < oldestMs) throw new Error('so many messages of so few devices reach back further than max_age_days; give more --devices')
  const slices: Slice[] = []
  let firstSeq: readonly number[] = devices.map(() => 1)
  console.log(
    `soak: ${messages} messages at ${rate}/s of ${devices.length} devices, ${((messages / devices.length) * PERIOD_MS) / DAY_MS} days of device time`,
  )
  for (let sent = 0; sent < messages; ) {
    const wanted = Math.min(sliceMessages, messages - sent)
    const observedAtMs = (seq: number, device: number): number => startMs + seq * PERIOD_MS + device * 97
    const { slice, nextSeq } = await runSlice(server, { devices, firstSeq, observedAtMs, messages: wanted, sent })
    firstSeq = nextSeq
    sent += wanted
    slices.push(slice)
    if (slices.length === 1) console.log(Object.keys(slice).join('\t'))
    console.log(Object.values(slice).join('\t'))
  }
  return { ...(await accounts(server, devices, firstSeq)), ...growth(slices), slices: slices.length, ...sizes(slices) }
}

interface SliceLoad {
  readonly devices: readonly LoadDevice[]
  readonly firstSeq: readonly number[]
  readonly observedAtMs: (seq: number, device: number) => number
  readonly messages: number
  readonly sent: number
}

async function runSlice(server: MendlineServer, { sent, ...load }: SliceLoad): Promise<{ slice: Slice; nextSeq: readonly number[] }> {
  const rssMb: number[] = []
  const sampler = setInterval(() => rssMb.push(server.rssMb()), 1_000)
  const cpuBefore = server.cpuSeconds()
  const onConnected = (): void => void readMetrics(server.httpPort ?? 0, [])
  const result = await runLoad({ ...load, port: server.mqttPort, inFlight: 100, rate, onConnected })
  const names = [
    'mendline_main_loop_delay_p99_ms',
    'mendline_process_nodejs_heap_size_used_bytes',
    'mendline_ingest_lag_bytes',
    'mendline_ingest_lag_ms',
  ]
  const [loopMs = Number.NaN, heapBytes = Number.NaN, lagBytes = Number.NaN, lagMs = Number.NaN] = await readMetrics(server.httpPort ?? 0, names)
  clearInterval(sampler)
  rssMb.push(server.rssMb())
  const slice: Slice = {
    messages: sent + load.messages,
    messages_per_s: Math.round(result.messagesPerS),
    puback_p50_ms: round(result.p50Ms),
    puback_p99_ms: round(result.p99Ms),
    cpu_seconds: round(server.cpuSeconds() - cpuBefore),
    rss_mb: round(rssMb.reduce((sum, mb) => sum + mb, 0) / rssMb.length),
    main_heap_mb: round(heapBytes / 2 ** 20),
    loop_delay_p99_ms: round(loopMs),
    lag_bytes: lagBytes,
    lag_ms: lagMs,
    data_mb: round(folderBytes(server.dataDir) / 2 ** 20),
  }
  return { slice, nextSeq: result.nextSeq }
}

/** Everything stored once, by the platform's own books and by what the API gives of some devices. */
async function accounts(server: MendlineServer, devices: readonly LoadDevice[], nextSeq: readonly number[]) {
  await server.untilStored?.(messages)
  const of = ['quarantined', 'duplicates', 'conflicts', 'unaccounted_count'].map((name) => `mendline_writer_${name}`)
  const tables = [
    'mendline_pipeline_diagnoses_total',
    'mendline_store_maintenance_archived_steps_total',
    'mendline_store_maintenance_merged_steps_total',
  ]
  const books = await readMetrics(server.httpPort ?? 0, [...of, 'mendline_audit_untaken', 'mendline_audit_unaccounted', 'mendline_audit_unstored'])
  // A counter of a step that was never made is absent.
  const [diagnoses = 0, archived = 0, merged = 0] = (await readMetrics(server.httpPort ?? 0, tables)).map((count) => count || 0)
  const isCounted = await Promise.all(devices.slice(0, COUNTED_DEVICES).map((device, index) => isWhole(server, device, (nextSeq[index] ?? 0) - 1)))
  return {
    bench: 'soak',
    messages,
    rate,
    devices: devices.length,
    not_in_the_books: books.reduce((sum, count) => sum + Math.abs(count), 0),
    devices_counted: isCounted.length,
    devices_whole: isCounted.filter((isWhole) => isWhole).length,
    diagnoses,
    archived_steps: archived,
    merged_steps: merged,
  }
}

/** Whether the API gives each message of a device once, in order. */
async function isWhole(server: MendlineServer, { device }: LoadDevice, count: number): Promise<boolean> {
  const url = `http://127.0.0.1:${server.httpPort}/api/v1/readings/raw?device=${device}`
  const text = await (await fetch(url, { headers: { authorization: 'Bearer dev' } })).text()
  const records = text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as { seq: number })
  return records.length === count && records.every(({ seq }, index) => seq === index + 1)
}

/** Lines through the slices behind the first quarter. */
function growth(slices: readonly Slice[]) {
  const first = slices.slice(0, Math.floor(slices.length / 4))
  const rest = slices.slice(first.length)
  const millions = (rest.length * sliceMessages) / 1e6
  const missed: string[] = []
  const line = (name: 'rss_mb' | 'puback_p99_ms', allowed: number): Record<string, number> => {
    const fit = fitLine(rest.map((slice) => ({ x: slice.messages / 1e6, y: slice[name] })))
    if ((fit.slope - fit.bound) * millions > allowed * fit.meanY) missed.push(`${name} grows by ${round(fit.slope)} a million messages`)
    return {
      [`${name}_first_quarter`]: round(first.reduce((sum, slice) => sum + slice[name], 0) / first.length),
      [`${name}_mean_after`]: round(fit.meanY),
      [`${name}_growth_per_million`]: round(fit.slope),
      [`${name}_growth_bound`]: round(fit.bound),
    }
  }
  const fitted = { ...line('rss_mb', GROWTH_MAX.rss), ...line('puback_p99_ms', GROWTH_MAX.p99) }
  return { ...fitted, missed }
}

function sizes(slices: readonly Slice[]) {
  const cpuSeconds = slices.reduce((sum, slice) => sum + slice.cpu_seconds, 0)
  return {
    rss_mb_max: Math.max(...slices.map(({ rss_mb }) => rss_mb)),
    puback_p99_ms_max: Math.max(...slices.map(({ puback_p99_ms }) => puback_p99_ms)),
    lag_ms_max: Math.max(...slices.map(({ lag_ms }) => lag_ms)),
    messages_per_cpu_second: Math.round(messages / cpuSeconds),
    data_mb: slices.at(-1)?.data_mb ?? Number.NaN,
  }
}

function round(value: number): number {
  return Number(value.toFixed(value > 100 ? 0 : 2))
}
