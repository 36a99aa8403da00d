/**
 * One run of chaos: the real server killed with SIGKILL every 1 to 3 s under load, then everything resent, then what was acknowledged is
 * compared with what the API gives back.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { createRandom } from '../../kernel/random.ts'
import { CrashDevice, powerOf } from './crash-device.ts'
import { type CrashServer, createDevices, freePort, type RawLine, readRaw, startCrashServer } from './crash-server.ts'

export interface ChaosOptions {
  /** Folder of the server's data. */
  readonly data: string
  readonly seed: string
  readonly devices: number
  /** New readings a second of each device. */
  readonly messagesPerS: number
  readonly kills_MIN: number
  readonly acknowledged_MIN: number
  readonly say: (line: string) => void
}

/** Field names are those of the printed JSON. */
export interface ChaosReport {
  readonly kills: number
  readonly devices: number
  readonly sent: number
  readonly acknowledged: number
  readonly stored: number
  readonly missing: number
  readonly twice: number
  readonly out_of_order: number
  readonly altered: number
  readonly first_puback_ms_max: number
  readonly first_puback_ms_p50: number
  readonly ready_ms_p50: number
  readonly restarts_without_puback: number
  readonly exit_code: number | null
  readonly seconds: number
  readonly seed: string
}

const STORED_WAIT_MS = 60_000

export async function runChaos({ data, seed, say, ...given }: ChaosOptions): Promise<ChaosReport> {
  const random = createRandom(seed)
  const options = { data, mqttPort: await freePort(), httpPort: await freePort() }
  let server: CrashServer = await startCrashServer(options)
  const names = Array.from({ length: given.devices }, (_, index) => `chaos-${index}`)
  const secrets = await createDevices(options.httpPort, names)

  /** Time of the start whose first PUBACK is still to come. */
  let waitingSinceMs: number | undefined
  const firstPubackMs: number[] = []
  const readyMs: number[] = []
  const onAcknowledged = (): void => {
    if (waitingSinceMs === undefined) return
    firstPubackMs.push(performance.now() - waitingSinceMs)
    waitingSinceMs = undefined
  }
  const { messagesPerS } = given
  const devices = names.map(
    (device) => new CrashDevice({ device, secret: secrets.get(device) ?? '', mqttPort: options.mqttPort, messagesPerS, onAcknowledged }),
  )
  for (const device of devices) device.run()

  const acknowledgedCount = (): number => devices.reduce((sum, device) => sum + device.acknowledged.size, 0)
  let kills = 0
  const began = performance.now()
  while (kills < given.kills_MIN || acknowledgedCount() < given.acknowledged_MIN) {
    await sleep(random.between(1_000, 3_000))
    await server.kill()
    kills++
    waitingSinceMs = performance.now()
    server = await startCrashServer(options)
    readyMs.push(performance.now() - server.startedMs)
    if (kills % 10 === 0) say(`${kills} kills, ${acknowledgedCount()} acknowledged, ${Math.round((performance.now() - began) / 1_000)} s`)
  }
  while (waitingSinceMs !== undefined && performance.now() - waitingSinceMs < 10_000) await sleep(20)

  for (const device of devices) device.pause()
  const acknowledged = acknowledgedCount()
  const sent = devices.reduce((sum, device) => sum + device.sent.length, 0)
  say(`resending all ${sent} messages`)
  await Promise.all(devices.map((device) => device.resendAll()))
  const rows = await storedRows(options.httpPort, sent)
  await Promise.all(devices.map((device) => device.end()))
  const exitCode = await server.stop()
  return {
    ...{ kills, devices: given.devices, sent, acknowledged, stored: rows.length },
    ...judge(devices, rows),
    first_puback_ms_max: Math.round(Math.max(...firstPubackMs)),
    first_puback_ms_p50: median(firstPubackMs),
    ready_ms_p50: median(readyMs),
    restarts_without_puback: kills - firstPubackMs.length,
    exit_code: exitCode,
    seconds: Math.round((performance.now() - began) / 1_000),
    seed,
  }
}

/** Whether nothing is missing, stored twice, out of order or altered, and the last stop was clean. */
export const isWhole = (report: ChaosReport): boolean =>
  report.missing + report.twice + report.out_of_order + report.altered + report.restarts_without_puback === 0 && report.exit_code === 0

/** Asks until the store shows as many readings as were sent, or the wait is over. */
async function storedRows(httpPort: number, sent: number): Promise<RawLine[]> {
  const startMs = performance.now()
  for (;;) {
    const found = await readRaw(httpPort)
    if (found.length >= sent || performance.now() - startMs > STORED_WAIT_MS) return found
    await sleep(500)
  }
}

type Verdict = Pick<ChaosReport, 'missing' | 'twice' | 'out_of_order' | 'altered'>

function judge(devices: readonly CrashDevice[], found: readonly RawLine[]): Verdict {
  const counts = { missing: 0, twice: 0, out_of_order: 0, altered: 0 }
  const byDevice = Map.groupBy(found, (row) => row.device)
  for (const device of devices) {
    const own = byDevice.get(device.name) ?? []
    const stored = new Set(own.map((row) => row.seq))
    for (const seq of device.acknowledged) if (!stored.has(seq)) counts.missing++
    counts.twice += own.length - stored.size
    for (const [index, row] of own.entries()) {
      const before = own[index - 1]
      // In order by number as the API promises, and by the device's clock as it was sent.
      if (before !== undefined && (before.seq > row.seq || before.observed_at_ms > row.observed_at_ms)) counts.out_of_order++
      if (row.boot !== 1 || row.observed_at_ms !== device.sent[row.seq - 1]?.ts || row.v.power_w !== powerOf(row.seq)) counts.altered++
    }
  }
  return counts
}

const median = (values: readonly number[]): number => Math.round(values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN)
