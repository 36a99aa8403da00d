/**
 * Runs the hostile list against a running broker beside a healthy device, and measures what the issue on the spine asks: the process
 * stays up, its memory grows by less than 64 MiB, and the healthy device sees no PUBACK above ten times its quiet p99 (at least 250 ms).
 * Memory is compared with a process that has just taken a valid backlog; it is read from /proc, so on Linux only.
 */
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { type HostileLogin, type HostileTarget, hostileCases, sendBacklog } from './hostile-cases.ts'

export interface HostileOptions {
  readonly mqttPort: number
  readonly healthy: HostileLogin
  readonly attacker: HostileLogin
  /** Well-behaved devices that send a backlog each before memory is first measured, so that growth is not the warming up of a fresh heap. */
  readonly backlog: readonly HostileLogin[]
  /** Process of the server, whose memory is measured. */
  readonly pid: number
  /** How long the server waits for a CONNECT; 10 s without it. */
  readonly connectDeadlineMs?: number
  /** Time of the quiet measurement; 3 s without it. */
  readonly quietMs?: number
}

export interface HostileOutcome {
  readonly name: string
  readonly outcome: string
  readonly expected: string
  readonly is_expected: boolean
  /** The healthy device's slowest PUBACK while this case ran. */
  readonly puback_max_ms: number
  /** Resident set after it against before all cases, MiB. */
  readonly rss_growth_mib: number
}

export interface HostileReport {
  readonly cases: readonly HostileOutcome[]
  readonly is_process_up: boolean
  readonly is_healthy_connected: boolean
  readonly quiet_p99_ms: number
  readonly attack_p99_ms: number
  readonly attack_max_ms: number
  /** Ten times the quiet p99, at least 250 ms. */
  readonly budget_ms: number
  readonly attack_pubacks_count: number
  /** Growth of the resident set over all cases, MiB; the largest seen after a case. NaN where it cannot be read. */
  readonly rss_growth_mib: number
}

const BUDGET_FLOOR_MS = 250

/** Runs all cases, one after the other; takes about three times the CONNECT deadline and 15 s more. */
export async function runHostileCases(options: HostileOptions): Promise<HostileReport> {
  const { mqttPort: port, healthy, attacker, backlog, pid, connectDeadlineMs = 10_000, quietMs = 3_000 } = options
  const target: HostileTarget = { port, attacker, victim: healthy.username, connectDeadlineMs }
  const device = await startHealthy(port, healthy)
  try {
    for (const device of [attacker, ...backlog]) await sendBacklog({ ...target, attacker: device })
    await pause(1_000)
    await device.take()
    await pause(quietMs)
    const quiet = (await device.take()).latenciesMs
    const rssBefore = rssMib(pid)
    let rssMax = rssBefore
    let attack: number[] = []
    let isHealthyConnected = true
    const cases: HostileOutcome[] = []
    for (const { name, expected, run } of hostileCases) {
      const outcome = await run(target)
      const { latenciesMs, isLost } = await device.take()
      attack = attack.concat(latenciesMs)
      isHealthyConnected &&= !isLost
      const rss = rssMib(pid)
      rssMax = Math.max(rssMax, rss)
      cases.push({
        name,
        outcome,
        expected,
        is_expected: outcome === expected,
        puback_max_ms: Math.max(0, ...latenciesMs),
        rss_growth_mib: rss - rssBefore,
      })
    }
    const quietP99 = quantile(quiet, 0.99)
    return {
      cases,
      is_process_up: isUp(pid),
      is_healthy_connected: isHealthyConnected,
      quiet_p99_ms: quietP99,
      attack_p99_ms: quantile(attack, 0.99),
      attack_max_ms: attack.reduce((max, each) => Math.max(max, each), 0),
      budget_ms: Math.max(BUDGET_FLOOR_MS, 10 * quietP99),
      attack_pubacks_count: attack.length,
      rss_growth_mib: rssMax - rssBefore,
    }
  } finally {
    await device.stop()
  }
}

export interface HealthyDevice {
  take(): Promise<{ latenciesMs: number[]; isLost: boolean }>
  stop(): Promise<unknown>
}

/** Starts the healthy device on a thread of its own. */
export async function startHealthy(port: number, login: HostileLogin): Promise<HealthyDevice> {
  const worker = new Worker(new URL('./hostile-healthy.ts', import.meta.url), { workerData: { port, login } })
  const failed = once(worker, 'error').then(([error]) => Promise.reject(error))
  failed.catch(() => {})
  const next = (): Promise<unknown> => Promise.race([once(worker, 'message').then(([message]) => message), failed])
  await next()
  return {
    take() {
      const answer = next() as Promise<{ latenciesMs: number[]; isLost: boolean }>
      worker.postMessage('take')
      return answer
    },
    stop: () => worker.terminate(),
  }
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** The value below which a share of the values lies. */
export function quantile(values: readonly number[], ratio: number): number {
  const sorted = [...values].sort((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * ratio))] ?? Number.NaN
}

/** Resident set of a process; NaN where it cannot be read. */
export function rssMib(pid: number): number {
  try {
    const [, kib] = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
    return kib === undefined ? Number.NaN : Number(kib) / 1024
  } catch {
    return Number.NaN
  }
}

/** Whether a process lives. */
export function isUp(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
