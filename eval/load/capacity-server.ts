/**
 * One fleet against the whole platform as a process, at the rate at which such a fleet sends: processor time, memory and lag. Each device
 * first brings a sparse history of six and a half hours (the windows of an air conditioner are six hours) and its clock is behind by a phase of
 * its own, so that windows close and models run in the measured minute as often as they would on any other.
 */
import { readMetrics } from './bench-figures.ts'
import { holdConnections, runLoad } from './mqtt-load.ts'
import { createDevices, type MendlineServer, startMendline } from './servers.ts'

/** What is measured of a fleet; written to capacity.json. */
export interface ServerPoint {
  readonly devices: number
  readonly period_s: number
  readonly measured_s: number
  readonly messages_per_s: number
  /** Processor time of all threads in a second of the measured time. */
  readonly cpu_seconds_per_s: number
  /** Largest resident memory of a sample a second, history and all. */
  readonly rss_mb: number
  readonly ingest_lag_ms: number
  readonly loop_delay_p99_ms: number
}

const WINDOW_MS = 6 * 3_600_000
const HISTORY_STEP_MS = 600_000
/** Messages of the history of a device: a window and half an hour more. */
const HISTORY = 40
/** Longer than the pause between two snapshots, so that what the history left to do is done. */
const SETTLE_MS = 70_000
const WAITS_MAX = 5

/** Measures a fleet at each of the periods in turn, with one server. */
export async function measureServer(devices: number, periodsS: readonly number[], measuredS: number): Promise<ServerPoint[]> {
  const server = await startMendline()
  try {
    const known = await createDevices(server.httpPort ?? 0, devices, 'fleet')
    const phaseMs = (device: number): number => Math.floor((device / devices) * WINDOW_MS)
    const beganMs = Date.now()
    const history = (seq: number, device: number): number => beganMs - phaseMs(device) - (HISTORY - seq + 1) * HISTORY_STEP_MS
    await runLoad({ port: server.mqttPort, devices: known, inFlight: 4, messages: devices * HISTORY, observedAtMs: history, rate: 5_000 })
    await untilStored(server, devices * HISTORY)
    const points: ServerPoint[] = []
    for (const [index, periodS] of periodsS.entries()) {
      const observedAtMs = (_seq: number, device: number): number => Date.now() - phaseMs(device)
      const load = { port: server.mqttPort, devices: known, periodMs: periodS * 1_000, boot: 2 + index, observedAtMs }
      const release = await holdConnections(load)
      await pause(measuredS < 10 ? 1_000 : SETTLE_MS)
      points.push({ devices, period_s: periodS, ...(await observe(server, measuredS)) })
      release()
    }
    return points
  } finally {
    await server.stop()
  }
}

/** A large fleet's history may take a busy machine longer than the bound of one wait. */
async function untilStored(server: MendlineServer, messages: number): Promise<void> {
  for (let attempt = 1; ; attempt++) {
    try {
      await server.untilStored?.(messages)
      return
    } catch (error) {
      if (attempt === WAITS_MAX) throw error
    }
  }
}

async function observe(server: MendlineServer, measuredS: number): Promise<Omit<ServerPoint, 'devices' | 'period_s'>> {
  const names = ['mendline_ingest_accepted', 'mendline_ingest_lag_ms', 'mendline_main_loop_delay_p99_ms']
  const ask = (): Promise<number[]> => readMetrics(server.httpPort ?? 0, names)
  const [before = Number.NaN] = await ask()
  const beganMs = performance.now()
  const cpuBefore = server.cpuSeconds()
  const rssMb: number[] = []
  while (performance.now() - beganMs < measuredS * 1_000) {
    await pause(1_000)
    rssMb.push(server.rssMb())
  }
  const seconds = (performance.now() - beganMs) / 1_000
  const cpuSeconds = server.cpuSeconds() - cpuBefore
  const [after = Number.NaN, lagMs = Number.NaN, loopMs = Number.NaN] = await ask()
  return {
    measured_s: round(seconds),
    messages_per_s: round((after - before) / seconds),
    cpu_seconds_per_s: Number((cpuSeconds / seconds).toFixed(4)),
    rss_mb: Math.round(Math.max(...rssMb)),
    ingest_lag_ms: lagMs,
    loop_delay_p99_ms: round(loopMs),
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

function round(value: number): number {
  return Number(value.toFixed(1))
}
